"""Takes messages in: many at once, a fixed number of statements however many there are.

A batch is one transaction: a 2xx is given only after its commit. For every message: whose is it, what does it say,
which rule does it meet, what does that do to an incident, and the sign of life that any message is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from core.ingest import BatchSteps, Incoming, Intake, Submission, take
from core.receipts import Receipt
from core.sql import Col, columns, storable, update_rows
from infra_notifications.choices import Case, Connectivity, Effect, MessageVerdict
from infra_notifications.ingest import (
    Observation,
    OcppMessage,
    evse_of,
    firmware_of,
    has_moment,
    observe,
    parse_time,
    whole,
)
from infra_notifications.models import ChargePoint, ChargePointState
from infra_notifications.rules.lifecycle import (
    IncidentChange,
    Moment,
    Signal,
    believable,
    last_seen_signal,
)
from infra_notifications.rules.matching import Reading, effect_of
from infra_notifications.services.directory import Directory, Point
from infra_notifications.services.mapping import rule_book
from infra_notifications.services.records import write_message_rows, write_unknown_rows, write_unmapped
from infra_notifications.services.sources import count_sources, note_fed, source_of
from infra_notifications.services.unit_of_work import IncidentStore

_WAKES = (
    "(t.last_seen IS NULL OR x.last_seen > t.last_seen) AND (x.connectivity = 'online' OR t.connectivity <> 'silent')"
)
_FEEDS = "x.source_id IS NOT NULL AND (t.last_seen IS NULL OR x.last_seen >= t.last_seen)"
_STATE = columns(
    ChargePointState,
    "last_seen",
    "silent_at",
    "connectivity",
    "status",
    "status_at",
    "ocpp_version",
    "source_id",
    "other_source_id",
    computed={
        "last_seen": "greatest(t.last_seen, x.last_seen)",
        "silent_at": f"CASE WHEN {_WAKES} THEN x.silent_at ELSE t.silent_at END",
        "connectivity": f"CASE WHEN {_WAKES} THEN 'online' ELSE t.connectivity END",
        "status": "coalesce(x.status, t.status)",
        "status_at": "CASE WHEN x.status <> t.status THEN x.status_at ELSE t.status_at END",
        "source_id": f"CASE WHEN {_FEEDS} THEN x.source_id ELSE t.source_id END",
        "other_source_id": f"CASE WHEN {_FEEDS} AND x.source_id <> t.source_id"
        " THEN t.source_id ELSE t.other_source_id END",
    },
)
# Counters of messages restart when a station boots or connects anew. What has such an id and no moment of its own is
# the same message only for so long: later the same words are said again. What only proves life may be taken twice.
UNIQUE_ID = 16
REPEATS_WITHIN, LIFE_REPEATS_WITHIN = timedelta(hours=1), timedelta(minutes=1)
_VERDICT_RANK = {verdict: rank for rank, verdict in enumerate(MessageVerdict.values)}


def take_messages(*, submissions: Sequence[Submission[OcppMessage]], now: datetime) -> list[Intake]:
    """Takes the OCPP messages of several requests in one transaction; an Intake for each, in order."""
    fed: dict[int, set[str]] = {}
    intakes = take(submissions, partial(_MessageSteps, fed), now=now)
    count_sources(submissions=submissions, intakes=intakes, fed=fed, now=now)
    return intakes


class _MessageSteps(BatchSteps[OcppMessage]):
    """Columns beside the messages: when and by whom they were sent, what they say of whom, what came of it.

    `targets` are the charge points that a message is about, `alive` all those of its station. `fed` collects the
    stations whose life each source proved.
    """

    endpoint = "charging/messages"
    ids_restart = True

    def __init__(self, fed: dict[int, set[str]], incoming: Incoming[OcppMessage]) -> None:
        super().__init__(incoming)
        self.fed = fed
        self.messages, count = incoming.items, len(incoming.items)
        self.received = [self.now] * count
        self.evse_keys = [""] * count
        self.evses: list[int | None] = [None] * count
        self.observations: list[list[Observation]] = [[]] * count
        self.targets: list[Sequence[Point]] = [()] * count
        self.alive: list[Sequence[Point]] = [()] * count
        self.verdicts: list[str] = [MessageVerdict.SEEN.value] * count
        self.findings: list[list[dict[str, Any]]] = [[] for _message in self.messages]
        self.unknown: dict[tuple[str, str, int | None], list[int]] = defaultdict(list)
        self.unmapped: list[tuple[Observation, OcppMessage]] = []
        self.statuses: dict[int, tuple[str, datetime]] = {}
        self.seen: dict[int, datetime] = {}
        self.protocols: dict[int, str] = {}
        self.sources: dict[int, int | None] = {}

    def check(self, item: OcppMessage) -> str:
        return _problem(item)

    def sender(self, row: int) -> str:
        return self.targets[row][0].station or self.evse_keys[row]

    def content(self, row: int) -> Any:
        """Not when a forwarder received it: that differs where it stamps what it repeats."""
        message = self.messages[row]
        return [message.protocol, message.action, message.payload, self.evse_keys[row], self.evses[row]]

    def receipt(self, row: int, external_id: str) -> Receipt:
        receipt, payload = super().receipt(row, external_id), self.messages[row].payload
        if len(external_id) >= UNIQUE_ID or has_moment(payload):
            return receipt
        window = REPEATS_WITHIN if self.observations[row] else LIFE_REPEATS_WITHIN
        return replace(receipt, said_at=self.received[row], repeats_until=self.received[row] + window)

    # ---- reading ----------------------------------------------------------------------------------------------

    def resolve(self, rows: list[int]) -> None:
        for row in rows:
            self._read(row)
        self.directory = Directory(
            {key for key in self.evse_keys if key},
            {station for row in rows if (station := self.messages[row].station)},
        )
        for row in rows:
            if sender := self._locate(row):
                self._note_unknown(row, self.evses[row])
                self.incoming.reject(
                    row, f"Unknown {sender}. It is kept in the list of unknown charge points; adopt it there."
                )

    def apply(self, rows: list[int]) -> None:
        ids = sorted({point.id for row in rows for point in (*self.targets[row], *self.alive[row])})
        if ids:
            self._apply(rows, ids)
        write_unknown_rows(
            [
                (key, station, evse, len(group), _sample(self.messages[group[-1]]), self.now, self.now)
                for (key, station, evse), group in self.unknown.items()
            ]
        )

    def _read(self, row: int) -> None:
        message = self.messages[row]
        # The forwarder's clock is believed like a device's: never beyond ours, and not before it was set.
        self.received[row] = believable(parse_time(message.received_at), self.now).at
        self.observations[row] = observe(message.protocol.lower(), message.action, message.payload)
        self.evse_keys[row] = (message.charge_point or "").strip().upper()
        evse = evse_of(message.payload)
        self.evses[row] = evse if evse is not None else whole(message.connector)

    def _locate(self, row: int) -> str:
        """Finds whom the message is about and whose life it proves; returns the name of a sender that is unknown."""
        message, evse = self.messages[row], self.evses[row]
        if self.evse_keys[row]:
            point = self.directory.by_evse.get(self.evse_keys[row])
            if point is None:
                return f"charge point {message.charge_point}"
            self.targets[row], self.alive[row] = [point], self.directory.family(point)
            return ""
        station = message.station or ""
        self.targets[row] = self.directory.at(station, evse)
        self.alive[row] = self.directory.by_station.get(station, [])
        return "" if self.targets[row] else f"station {station}" + (f", connector {evse}" if evse else "")

    def _note_unknown(self, row: int, evse: int | None) -> None:
        # Cut as it is stored, because two that are stored alike are one.
        self.unknown[self.evse_keys[row][:48], (self.messages[row].station or "")[:48], evse].append(row)

    # ---- deciding ---------------------------------------------------------------------------------------------

    def _apply(self, rows: Sequence[int], ids: list[int]) -> None:
        self._write_boot_facts(rows)
        readings = self._match(rows)
        raising = {
            point.id
            for row, read in zip(rows, readings, strict=True)
            for observation, reading in read
            if reading.rule is not None and effect_of(reading.rule, observation) == Effect.RAISE
            for point in self._concerned(row, observation)
        }
        # Until the commit nobody else decides about these; what needs no lock is done before.
        store = IncidentStore(self.now)
        store.load(ids, raising=raising)
        intervals = {point.id: point.interval_s for point in self.directory.points}
        for row, read in zip(rows, readings, strict=True):
            self._note_last_seen(row, store, intervals)
            for observation, reading in read:
                self._interpret(row, observation, reading, store)
        self._write_states(intervals)
        self._write_messages(rows)
        write_unmapped(self.unmapped, self.now)
        store.flush()

    def _match(self, rows: Sequence[int]) -> list[list[tuple[Observation, Reading]]]:
        """Each observation with what the rules make of it; a point's known vendor counts where rules ask for it."""
        book, readings = rule_book(), []
        for row in rows:
            observations = self.observations[row]
            if book.asks_for_vendor and (known := self.targets[row][0].vendor):
                observations = [replace(each, vendor=f"{each.vendor} {known}".strip()) for each in observations]
            readings.append([(observation, book.read(observation)) for observation in observations])
        return readings

    def _concerned(self, row: int, observation: Observation) -> Sequence[Point]:
        """The charge points that one finding of a message is about; a named charge point wins over its numbers."""
        if self.evse_keys[row]:
            return self.targets[row]
        evse = observation.evse if observation.evse is not None else self.evses[row]
        return self.directory.at(self.messages[row].station or "", evse)

    def _note_last_seen(self, row: int, store: IncidentStore, intervals: dict[int, int]) -> None:
        """Any message proves life, at the time when it was received, for all charge points of its station."""
        received, protocol = self.received[row], self.messages[row].protocol.lower()[:12]
        key = self.incoming.keys[row]
        note_fed(self.fed, key, (point.station or point.evse_key for point in self.alive[row]))
        for point in self.alive[row]:
            known = self.seen.get(point.id)
            if known is None or received > known:
                self.seen[point.id] = received
                self.sources[point.id] = source_of(key)
            self.protocols[point.id] = protocol
            if store.is_open(point.id, Case.UNAVAILABLE) and (
                received + timedelta(seconds=intervals[point.id]) > self.now
            ):
                store.change(point.id, last_seen_signal(received))

    def _interpret(self, row: int, observation: Observation, reading: Reading, store: IncidentStore) -> None:
        rule = reading.rule
        points = self._concerned(row, observation)
        if not points:
            self._note_unknown(row, observation.evse)
            return
        moment = believable(observation.occurred_at, self.received[row])
        if observation.status:
            for point in points:
                self.statuses[point.id] = (observation.status[:30], moment.at)
        effect = effect_of(rule, observation) if rule else Effect.INFO
        signals = _signals_of(observation, reading, effect, moment, self.received[row])
        # A clear concerns nobody where nothing is open.
        steps = {
            store.change(point.id, signal)
            for signal in signals
            for point in points
            if signal.raised or store.is_open(point.id, signal.case)
        }
        finding: dict[str, Any] = {
            "rule": rule.id if rule else None,
            "said": reading.said,
            "n": len(points),
            "steps": sorted(steps - {IncidentChange.NOTHING}),
        }
        if rule is not None:
            finding |= {"name": rule.name, "effect": effect.value, "case": rule.case}
        if effect == Effect.RAISE:
            self._note_finding(row, MessageVerdict.RAISED, finding)
        elif steps & {IncidentChange.CLOSED, IncidentChange.EASED}:
            self._note_finding(row, MessageVerdict.CLEARED, finding)
        elif rule is not None:
            self._note_finding(row, MessageVerdict.INFO, finding)
        elif observation.alarming:
            self._note_finding(row, MessageVerdict.UNMAPPED, finding)
        if reading.is_unmapped and observation.alarming:
            self.unmapped.append((observation, self.messages[row]))

    def _note_finding(self, row: int, verdict: str, finding: dict[str, Any]) -> None:
        self.findings[row].append(finding)
        if _VERDICT_RANK[verdict] > _VERDICT_RANK[self.verdicts[row]]:
            self.verdicts[row] = verdict

    # ---- writing ----------------------------------------------------------------------------------------------

    def _write_states(self, intervals: dict[int, int]) -> None:
        """Every sender's row: only a later message moves `last_seen`, and one that came too late wakes nobody."""
        rows = []
        for pk, seen in sorted(self.seen.items()):
            deadline = seen + timedelta(seconds=intervals[pk])
            life = Connectivity.ONLINE.value if deadline > self.now else Connectivity.SILENT.value
            status, status_at = self.statuses.get(pk, (None, None))
            source = self.sources[pk]
            rows.append((pk, seen, deadline, life, status, status_at, self.protocols[pk], source, source))
        update_rows("infra_notifications_chargepointstate", Col("charge_point_id", "bigint"), _STATE, rows)

    def _write_messages(self, rows: Sequence[int]) -> None:
        written = []
        for row in rows:
            message, targets, findings = self.messages[row], self.targets[row], self.findings[row]
            single = targets[0] if len(targets) == 1 else None
            occurred = next((o.occurred_at for o in self.observations[row] if o.occurred_at), None)
            written.append(
                (
                    single.id if single else None,
                    "" if single else targets[0].station,
                    message.protocol.lower()[:12],
                    message.action,
                    storable(message.payload),
                    self.verdicts[row],
                    storable(findings) if findings else None,
                    occurred,
                    self.received[row],
                )
            )
        write_message_rows(written)

    def _write_boot_facts(self, rows: Sequence[int]) -> None:
        """What a station says of itself when it boots is truer than what was once imported.

        Charge points are locked before their states, as an import does, and in the order of their keys.
        """
        latest: dict[int, tuple[Any, ...]] = {}
        for row in rows:
            facts = firmware_of(self.messages[row].action, self.messages[row].payload)
            if facts:
                values = (facts.get("vendor"), facts.get("model"), facts.get("firmware"))
                latest |= {point.id: (point.id, *values) for point in self.alive[row]}
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


def _signals_of(
    observation: Observation, reading: Reading, effect: Effect, moment: Moment, received_at: datetime
) -> list[Signal]:
    """What a rule makes of an observation.

    A fault that says itself that it is over ends in whichever case it was counted: its clear need not repeat the
    code that raised it, and the rules may have changed meanwhile.
    """
    if effect == Effect.INFO and not observation.over:
        return []
    rule = reading.rule
    cases = [Case(rule.case)] if rule and rule.case and not observation.over else list(Case)
    rule_id, momentary_s = (rule.id, rule.momentary_s) if rule else (None, None)
    raised = effect == Effect.RAISE
    return [
        Signal(case, raised, observation.fault, moment, received_at, reading.said, rule_id, momentary_s)
        for case in cases
    ]


def _sample(message: OcppMessage) -> str:
    return storable({"protocol": message.protocol, "action": message.action, "payload": message.payload})


def _problem(message: OcppMessage) -> str:
    if not message.action.strip() or len(message.action) > 60:
        return "`action` must be the name of an OCPP action, e.g. StatusNotification."
    if not (message.charge_point or "").strip() and not (message.station or "").strip():
        return "Name the sender: `charge_point` (its EVSE id), or `station` (its OCPP identity)."
    if message.payload is not None and not isinstance(message.payload, dict):
        return "`payload` must be the OCPP payload, an object."
    return ""
