"""Takes messages in: many at once, a fixed number of statements however many there are.

A batch is one transaction: a 2xx is given only after its commit. For every message: whose is it, what does it say,
which rule does it meet, what does that do to an incident, and the sign of life that any message is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.sql import Col, update_rows
from infra_notifications import rules
from infra_notifications.choices import Case, Connectivity, Effect, MessageVerdict
from infra_notifications.ingest import Observation, OcppMessage, evse_of, firmware_of, observe, parse_time, whole
from infra_notifications.models import ChargePoint
from infra_notifications.rules import Moment, Reading, RuleBook, Signal, Step
from infra_notifications.services.incidents import IncidentBook, lock_states
from infra_notifications.services.intake import (
    Directory,
    Intake,
    Point,
    Submission,
    id_problem,
    or_once_more,
    without_duplicates,
)
from infra_notifications.services.mapping import rule_book
from infra_notifications.services.records import (
    storable,
    write_message_rows,
    write_unknown_rows,
    write_unmapped,
)

_WAKES = (
    "(t.last_seen IS NULL OR x.last_seen > t.last_seen) AND (x.connectivity = 'online' OR t.connectivity <> 'silent')"
)
_STATE = (
    Col("last_seen", "timestamptz", "greatest(t.last_seen, x.last_seen)"),
    Col("silent_at", "timestamptz", f"CASE WHEN {_WAKES} THEN x.silent_at ELSE t.silent_at END"),
    Col("connectivity", "text", f"CASE WHEN {_WAKES} THEN 'online' ELSE t.connectivity END"),
    Col("status", "text", "coalesce(x.status, t.status)"),
    Col("status_at", "timestamptz", "CASE WHEN x.status <> t.status THEN x.status_at ELSE t.status_at END"),
    Col("ocpp_version", "text"),
)
_VERDICT_RANK = {verdict: rank for rank, verdict in enumerate(MessageVerdict.values)}


@dataclass
class _Incoming:
    """An OCPP message on its way through."""

    submission: int
    index: int
    message: OcppMessage
    received_at: datetime
    evse_key: str
    evse: int | None
    observations: list[Observation]
    targets: list[Point] = field(default_factory=list)
    alive: list[Point] = field(default_factory=list)
    verdict: str = MessageVerdict.LIFE
    findings: list[dict[str, Any]] = field(default_factory=list)

    def found(self, verdict: str, finding: dict[str, Any]) -> None:
        self.findings.append(finding)
        if _VERDICT_RANK[verdict] > _VERDICT_RANK[self.verdict]:
            self.verdict = verdict


def take_messages(*, submissions: Sequence[Submission], now: datetime) -> list[Intake]:
    """Takes the OCPP messages of several requests in one transaction; an Intake for each, in order."""
    return or_once_more(lambda: _take(submissions, now))


def _take(submissions: Sequence[Submission], now: datetime) -> list[Intake]:
    taking = _Taking(submissions, now)
    with transaction.atomic():
        taking.run()
    return taking.intakes


class _Taking:
    def __init__(self, submissions: Sequence[Submission], now: datetime) -> None:
        self.submissions, self.now = submissions, now
        self.intakes = [Intake() for _ in submissions]
        self.incoming: list[_Incoming] = []
        self.unknown: dict[tuple[str, str, int | None], list[_Incoming]] = defaultdict(list)
        self.unmapped: list[tuple[Observation, OcppMessage]] = []
        self.statuses: dict[int, tuple[str, datetime]] = {}
        self.seen: dict[int, datetime] = {}
        self.protocols: dict[int, str] = {}

    # ---- reading ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        for number, submission in enumerate(self.submissions):
            for index, message in submission.items:
                self._read(number, index, message)
        self.directory = Directory(
            {i.evse_key for i in self.incoming if i.evse_key},
            {i.message.station for i in self.incoming if i.message.station},
        )
        known = [incoming for incoming in self.incoming if self._locate(incoming)]
        fresh = without_duplicates(
            self.submissions,
            self.intakes,
            known,
            place=lambda incoming: incoming.submission,
            external_id=lambda incoming: incoming.message.id,
            now=self.now,
        )
        ids = sorted({p.id for i in fresh for p in (*i.targets, *i.alive)})
        if ids:
            self._apply(fresh, ids)
        write_unknown_rows(
            [
                (key, station, evse, len(group), _sample(group[-1].message), self.now, self.now)
                for (key, station, evse), group in self.unknown.items()
            ]
        )

    def _read(self, number: int, index: int, message: OcppMessage) -> None:
        problem = _problem(message)
        if problem:
            self.intakes[number].rejected.append((index, problem))
            return
        # The forwarder's clock is believed like a device's: never beyond ours, and not before it was set.
        received = rules.believable(parse_time(message.received_at), self.now).at
        protocol = message.protocol.lower()
        observations = observe(protocol, message.action, message.payload)
        evse = evse_of(message.payload)
        self.incoming.append(
            _Incoming(
                number,
                index,
                message,
                received,
                (message.charge_point or "").strip().upper(),
                evse if evse is not None else whole(message.connector),
                observations,
            )
        )

    def _locate(self, incoming: _Incoming) -> bool:
        """Finds whom the message is about and whose life it proves; notes the unknown."""
        message = incoming.message
        if incoming.evse_key:
            point = self.directory.by_evse.get(incoming.evse_key)
            if point is not None:
                incoming.targets, incoming.alive = [point], self.directory.family(point)
                return True
            sender = f"charge point {message.charge_point}"
        else:
            station = message.station or ""
            incoming.targets = self.directory.at(station, incoming.evse)
            incoming.alive = self.directory.by_station.get(station, [])
            if incoming.targets:
                return True
            sender = f"station {station}" + (f", connector {incoming.evse}" if incoming.evse else "")
        self._note_unknown(incoming, incoming.evse)
        self.intakes[incoming.submission].rejected.append(
            (
                incoming.index,
                f"Unknown {sender}. It is kept in the list of unknown charge points; adopt it there.",
            )
        )
        return False

    def _note_unknown(self, incoming: _Incoming, evse: int | None) -> None:
        # Cut as it is stored, because two that are stored alike are one.
        self.unknown[incoming.evse_key[:48], (incoming.message.station or "")[:48], evse].append(incoming)

    # ---- deciding ---------------------------------------------------------------------------------------------

    def _apply(self, fresh: Sequence[_Incoming], ids: list[int]) -> None:
        self._write_boot_facts(fresh)
        book_of_rules = rule_book()
        matched = [_read_by(book_of_rules, incoming) for incoming in fresh]
        raising = {
            point.id
            for incoming, readings in zip(fresh, matched, strict=True)
            for observation, reading in readings
            if reading.rule is not None and rules.effect_of(reading.rule, observation) == Effect.RAISE
            for point in self._concerned(incoming, observation)
        }
        # Until the commit nobody else decides about these; what needs no lock is done before.
        lock_states(ids)
        book = IncidentBook(ids, raising=raising, now=self.now)
        intervals = {point.id: point.interval_s for point in self.directory.points}
        for incoming, readings in zip(fresh, matched, strict=True):
            self._note_life(incoming, book, intervals)
            for observation, reading in readings:
                self._interpret(incoming, observation, reading, book)
        self._write_states(intervals)
        self._write_messages(fresh)
        write_unmapped(self.unmapped, self.now)
        book.write()

    def _concerned(self, incoming: _Incoming, observation: Observation) -> list[Point]:
        """The charge points that one finding of a message is about; a named charge point wins over its numbers."""
        if incoming.evse_key:
            return incoming.targets
        evse = observation.evse if observation.evse is not None else incoming.evse
        return self.directory.at(incoming.message.station or "", evse)

    def _note_life(self, incoming: _Incoming, book: IncidentBook, intervals: dict[int, int]) -> None:
        """Any message proves life, at the time when it was received, for all charge points of its station."""
        received, protocol = incoming.received_at, incoming.message.protocol.lower()[:12]
        for point in incoming.alive:
            known = self.seen.get(point.id)
            if known is None or received > known:
                self.seen[point.id] = received
            self.protocols[point.id] = protocol
            if book.is_open(point.id, Case.UNAVAILABLE) and (
                received + timedelta(seconds=intervals[point.id]) > self.now
            ):
                book.apply(point.id, rules.life_signal(received))

    def _interpret(self, incoming: _Incoming, observation: Observation, reading: Reading, book: IncidentBook) -> None:
        rule, said = reading.rule, reading.said
        points = self._concerned(incoming, observation)
        if not points:
            self._note_unknown(incoming, observation.evse)
            return
        moment = rules.believable(observation.occurred_at, incoming.received_at)
        if observation.status:
            for point in points:
                self.statuses[point.id] = (observation.status[:30], moment.at)
        finding: dict[str, Any] = {
            "rule": rule.id if rule else None,
            "said": said,
            "n": len(points),
        }
        effect = rules.effect_of(rule, observation) if rule else Effect.INFO
        steps = self._signal(points, observation, reading, effect, moment, incoming.received_at, book)
        finding["steps"] = sorted(steps - {Step.NOTHING})
        if rule is not None:
            finding |= {"name": rule.name, "effect": effect.value, "case": rule.case}
        if effect == Effect.RAISE:
            incoming.found(MessageVerdict.RAISED, finding)
        elif steps & {Step.CLOSED, Step.EASED}:
            incoming.found(MessageVerdict.CLEARED, finding)
        elif rule is not None:
            incoming.found(MessageVerdict.INFO, finding)
        elif observation.alarming:
            incoming.found(MessageVerdict.UNMAPPED, finding)
            self.unmapped.append((observation, incoming.message))

    @staticmethod
    def _signal(
        points: Sequence[Point],
        observation: Observation,
        reading: Reading,
        effect: Effect,
        moment: Moment,
        received_at: datetime,
        book: IncidentBook,
    ) -> set[str]:
        """Applies what a rule makes of an observation to each charge point concerned; returns the steps made.

        A fault that says itself that it is over ends in whichever case it was counted: its clear need not repeat the
        code that raised it, and the rules may have changed meanwhile.
        """
        if effect == Effect.INFO and not observation.over:
            return set()
        rule, steps = reading.rule, set()
        raised = effect == Effect.RAISE
        for case in (Case(rule.case),) if rule and rule.case and not observation.over else tuple(Case):
            concerned = points if raised else [point for point in points if book.is_open(point.id, case)]
            if not concerned:
                continue
            signal = Signal(
                case,
                raised,
                observation.fault,
                moment,
                received_at,
                reading.said,
                rule.id if rule else None,
                rule.momentary_s if rule else None,
            )
            steps |= {book.apply(point.id, signal) for point in concerned}
        return steps

    # ---- writing ----------------------------------------------------------------------------------------------

    def _write_states(self, intervals: dict[int, int]) -> None:
        """Every sender's row: only a later message moves `last_seen`, and one that came too late wakes nobody."""
        rows = []
        for pk, seen in sorted(self.seen.items()):
            deadline = seen + timedelta(seconds=intervals[pk])
            life = Connectivity.ONLINE.value if deadline > self.now else Connectivity.SILENT.value
            status, status_at = self.statuses.get(pk, (None, None))
            rows.append((pk, seen, deadline, life, status, status_at, self.protocols[pk]))
        update_rows("infra_notifications_chargepointstate", Col("charge_point_id", "bigint"), _STATE, rows)

    def _write_messages(self, fresh: Sequence[_Incoming]) -> None:
        rows = []
        for incoming in fresh:
            single = incoming.targets[0] if len(incoming.targets) == 1 else None
            station = "" if single else incoming.targets[0].station
            occurred = next((o.occurred_at for o in incoming.observations if o.occurred_at), None)
            rows.append(
                (
                    single.id if single else None,
                    station,
                    incoming.message.protocol.lower()[:12],
                    incoming.message.action,
                    storable(incoming.message.payload),
                    incoming.verdict,
                    storable(incoming.findings) if incoming.findings else None,
                    occurred,
                    incoming.received_at,
                )
            )
        write_message_rows(rows)

    def _write_boot_facts(self, fresh: Sequence[_Incoming]) -> None:
        """What a station says of itself when it boots is truer than what was once imported.

        Charge points are locked before their states, as an import does, and in the order of their keys.
        """
        rows = []
        for incoming in fresh:
            facts = firmware_of(incoming.message.action, incoming.message.payload)
            if facts:
                rows += [(p.id, facts.get("vendor"), facts.get("model"), facts.get("firmware")) for p in incoming.alive]
        latest = {row[0]: row for row in rows}
        if not latest:
            return
        list(ChargePoint.objects.select_for_update(no_key=True).filter(pk__in=latest).order_by("pk").values_list("pk"))
        update_rows(
            "infra_notifications_chargepoint",
            Col("id", "bigint"),
            tuple(Col(name, "text", f"coalesce(x.{name}, t.{name})") for name in ("vendor", "model", "firmware")),
            [latest[pk] for pk in sorted(latest)],
            "AND (t.vendor, t.model, t.firmware) IS DISTINCT FROM"
            " (coalesce(x.vendor, t.vendor), coalesce(x.model, t.model), coalesce(x.firmware, t.firmware))",
        )


def _read_by(book: RuleBook, incoming: _Incoming) -> list[tuple[Observation, Reading]]:
    """Each observation with what the rules make of it; a charge point's known vendor counts where rules ask for it."""
    found = incoming.observations
    if book.asks_for_vendor and (known := incoming.targets[0].vendor):
        found = [replace(one, vendor=f"{one.vendor} {known}".strip()) for one in found]
    return [(observation, book.read(observation)) for observation in found]


def _sample(message: OcppMessage) -> str:
    return storable({"protocol": message.protocol, "action": message.action, "payload": message.payload})


def _problem(message: OcppMessage) -> str:
    if not message.action.strip() or len(message.action) > 60:
        return "`action` must be the name of an OCPP action, e.g. StatusNotification."
    if not (message.charge_point or "").strip() and not (message.station or "").strip():
        return "Name the sender: `charge_point` (its EVSE id), or `station` (its OCPP identity)."
    names = (message.action, message.protocol, message.charge_point or "", message.station or "")
    if any("\x00" in given for given in names):
        return "Names must not hold NUL characters."
    if message.payload is not None and not isinstance(message.payload, dict):
        return "`payload` must be the OCPP payload, an object."
    return id_problem(message.id)
