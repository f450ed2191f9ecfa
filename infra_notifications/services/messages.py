"""Takes messages in: many at once, a fixed number of statements however many there are.

A batch is one transaction: a 2xx is given only after its commit. For every message: whose is it, what does it say,
which rule does it meet, what does that do to an incident, and the sign of life that any message is.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from core.device_clock import Moment, judge, span_text
from core.ingest import BatchSteps, Incoming, Intake, Submission
from core.receipts import Receipt, digest_of_json
from core.sql import storable
from core.text import IdentityKeys, composed, identity
from infra_notifications.choices import Effect, MessageVerdict
from infra_notifications.ingest import Observation, OcppMessage, observe, parse_time
from infra_notifications.rules.action_names import CALL
from infra_notifications.rules.actions import missing_fields
from infra_notifications.rules.frames import HeardMessage
from infra_notifications.rules.lifecycle import IncidentChange, IncidentState
from infra_notifications.rules.matching import Reading, effect_of
from infra_notifications.rules.signals import last_seen_signal, signals_of
from infra_notifications.rules.spelling import PROTOCOLS, is_exact, read_wire
from infra_notifications.rules.stations import firmware_of, is_offline
from infra_notifications.rules.vocabulary import evse_of, whole
from infra_notifications.services.directory import Directory, Point
from infra_notifications.services.mapping import rule_book
from infra_notifications.services.point_states import PointStates
from infra_notifications.services.records import (
    amend_message_rows,
    write_boot_facts,
    write_message_rows,
    write_unmapped,
)
from infra_notifications.services.repetitions import (
    NO_RECEIPT,
    STATES,
    TOLD_ANEW,
    Teller,
    Told,
    repeats_within,
    told_anew,
)
from infra_notifications.services.sources import Heard, source_of, take_and_count
from infra_notifications.services.transactions import ENDS, Spoken, place_ends
from infra_notifications.services.unit_of_work import IncidentStore
from infra_notifications.services.unknown_senders import UnknownSender, too_long, write_unknown

_VERDICT_RANK = {verdict: rank for rank, verdict in enumerate(MessageVerdict.values)}


def take_messages(
    *, submissions: Sequence[Submission[OcppMessage]], now: datetime, heard: Heard | None = None
) -> list[Intake]:
    """Takes the OCPP messages of several requests in one transaction; an Intake for each, in order."""
    return take_and_count(submissions, _MessageSteps, heard=heard, now=now)


class _MessageSteps(BatchSteps[OcppMessage]):
    """Columns beside the messages: when and by whom they were sent, what they say of whom, what came of it.

    `targets` are the charge points that a message is about, `alive` all those of its station. `heard` collects
    what is counted of each source.
    """

    endpoint = "charging/messages"
    ids_restart = True

    def __init__(self, heard: Heard, incoming: Incoming[OcppMessage]) -> None:
        super().__init__(incoming)
        self.heard = heard
        self.messages, count = incoming.items, len(incoming.items)
        self.received = [self.now] * count
        # What each message is: a call, or the result or error that answers one of this action.
        self.kinds = [CALL] * count
        # Whether it is spelt as OCPP spells it, with all that OCPP requires.
        self.are_exact = [False] * count
        self.evse_keys, self.stations = [""] * count, [""] * count
        self.keys = IdentityKeys()
        self.evses: list[int | None] = [None] * count
        self.observations: list[list[Observation]] = [[]] * count
        self.statuses: dict[tuple[str, bytes], list[Observation]] = {}
        self.targets: list[Sequence[Point]] = [()] * count
        self.alive: list[Sequence[Point]] = [()] * count
        self.verdicts: list[str] = [MessageVerdict.SEEN.value] * count
        self.queued = [False] * count
        self.findings: list[list[dict[str, Any]]] = [[] for _message in self.messages]
        self.ignored: list[tuple[dict[str, Any], list[IncidentState]]] = []
        self.unknown: dict[tuple[str, str, int | None], list[int]] = defaultdict(list)
        self.unmapped: list[tuple[Observation, OcppMessage, Sequence[Point]]] = []

    def read(self) -> None:
        """Reads what is not spelt as OCPP spells it; most messages are and cost a look."""
        for row, message in enumerate(self.messages):
            if isinstance(message, HeardMessage) and message.kind != CALL:
                self.kinds[row] = message.kind
                continue
            if is_exact(message.protocol, message.action, message.payload):
                self.are_exact[row] = True
                continue
            if not message.action.strip():
                continue
            if row in self.incoming.refused:
                continue
            wire = read_wire(message.protocol, message.action, message.payload)
            if wire.problem:
                self.incoming.reject(row, wire.problem)
                continue
            self.kinds[row] = wire.kind
            self.messages[row] = replace(message, protocol=wire.protocol, action=wire.action, payload=wire.payload)
            for note in wire.notes:
                self.incoming.warn(row, note)

    def check(self, item: OcppMessage) -> str:
        if not item.action.strip() or len(item.action) > 60:
            return "`action` must be the name of an OCPP action, e.g. StatusNotification."
        if not self.keys[item.charge_point] and not self.keys[item.station]:
            return "Name the sender: `charge_point` (its EVSE id), or `station` (its OCPP identity)."
        return ""

    def sender(self, row: int) -> str:
        return self.targets[row][0].station_key or self.evse_keys[row]

    def digest(self, row: int) -> str:
        """Not of when a forwarder received it: that differs where it stamps what it repeats."""
        message = self.messages[row]
        return digest_of_json([message.protocol, message.action, message.payload, self.evse_keys[row], self.evses[row]])

    def receipt(self, row: int, external_id: str) -> Receipt:
        receipt, payload = super().receipt(row, external_id), self.messages[row].payload
        window = repeats_within(external_id, payload, is_life_only=not self.observations[row])
        if window is None:
            return receipt
        return dataclasses.replace(receipt, said_at=self.received[row], repeats_until=self.received[row] + window)

    def told_anew(self, duplicates: set[int]) -> set[int]:
        anew = told_anew(
            Told(
                row,
                self._teller(row),
                self.messages[row].payload,
                self.received[row],
                row in duplicates,
                self.messages[row].received_at is not None,
            )
            for row in self.incoming.good
            if self.messages[row].action in STATES and self.observations[row]
        )
        for row in anew:
            self.incoming.warn(row, TOLD_ANEW)
        return anew

    def _teller(self, row: int) -> Teller:
        """Whose message it is stored as: one charge point's, or its whole station's."""
        targets = self.targets[row]
        return (targets[0].id, "") if len(targets) == 1 else (None, targets[0].station)

    # ---- reading ----------------------------------------------------------------------------------------------

    def resolve(self, rows: list[int]) -> None:
        every = range(len(self.messages))
        for row in every:
            self._read(row)
        self.directory = Directory({key for key in self.evse_keys if key}, {name for name in self.stations if name})
        for row in every:
            sender = self._locate(row)
            if sender and not self.incoming.errors[row]:
                fate = too_long(self.evse_keys[row], self.stations[row])
                if not fate:
                    self._note_unknown(row, self.evses[row])
                    fate = "It is kept in the list of unknown charge points; adopt it there."
                self.incoming.reject(row, f"Unknown {sender}. {fate}")
                self.heard.strangers[self.incoming.keys[row]] += 1

    def apply(self, rows: list[int]) -> None:
        # What is rejected proves life too.
        alive = [row for row, error in enumerate(self.incoming.errors) if error and self.alive[row]]
        if rows or alive:
            self._apply(rows, alive)
        senders = [self._sender(group, evse) for (_key, _name, evse), group in self.unknown.items()]
        self.heard.drop(write_unknown(senders, self.now))

    def _sender(self, rows: Sequence[int], evse: int | None) -> UnknownSender:
        """What the messages of one unknown identity say."""
        last = rows[-1]
        source, name = source_of(self.incoming.keys[last]), identity(self.messages[last].station or "")
        sender = UnknownSender(self.evse_keys[last], name, evse, source, self.received[last])
        for row in rows:
            sender.hear(self.messages[row], self.observations[row], self.received[row], (self.now, row))
        return sender

    def _read(self, row: int) -> None:
        """Reads who speaks when, also where nothing else can be taken, and what a request says."""
        message = self.messages[row]
        # The forwarder's clock is believed like a device's: never beyond ours, and not before it was set. How long it
        # may have kept a message has no limit, because it says so.
        if message.received_at:
            forwarded = judge(parse_time(message.received_at), self.now, longest_queue=None)
            if not forwarded.device_clock:
                self.incoming.warn(row, NO_RECEIPT)
            self.received[row] = forwarded.at
        self.queued[row] = is_offline(message.payload)
        self.evse_keys[row], self.stations[row] = self.keys[message.charge_point], self.keys[message.station]
        evse = evse_of(message.payload)
        self.evses[row] = evse if evse is not None else whole(message.connector)
        if self.kinds[row] == CALL and not self.incoming.errors[row]:
            if self.are_exact[row] and message.action == "StatusNotification":
                self.observations[row] = self._status(message)
                return
            self.observations[row] = observe(message.protocol.lower(), message.action, message.payload)
            if not self.are_exact[row]:
                self._note_missing(row)

    def _status(self, message: OcppMessage) -> list[Observation]:
        """What a status says; most of a batch say the same of another moment."""
        said = {**message.payload}
        moment = parse_time(said.pop("timestamp", None))
        key = message.protocol, msgspec.json.encode(said)
        observations = self.statuses.get(key)
        if observations is None:
            observations = self.statuses[key] = observe(message.protocol.lower(), message.action, said)
        return [replace(each, occurred_at=moment) for each in observations] if moment else observations

    def _note_missing(self, row: int) -> None:
        """Rejects a request without its required fields, unless what it says can be understood without them."""
        message = self.messages[row]
        version = PROTOCOLS.get(message.protocol, "")
        missing = missing_fields(message.action, version, message.payload)
        if not missing:
            return
        lacks = f"{message.action} lacks {', '.join(f'`{name}`' for name in missing)}, which OCPP requires"
        if any(o.status or o.codes or o.component for o in self.observations[row]) or firmware_of(
            message.action, message.payload
        ):
            self.incoming.warn(row, f"{lacks}; what it says was taken.")
        else:
            self.incoming.reject(row, f"{lacks}.")

    def _locate(self, row: int) -> str:
        """Finds whom the message is about and whose life it proves; returns the name of a sender that is unknown."""
        message, evse = self.messages[row], self.evses[row]
        if self.evse_keys[row]:
            point = self.directory.by_evse.get(self.evse_keys[row])
            if point is None:
                self.alive[row] = self.directory.by_station.get(self.stations[row], [])
                return f"charge point {message.charge_point}"
            self.targets[row], self.alive[row] = [point], self.directory.family(point)
            return ""
        station = self.stations[row]
        self.targets[row] = self.directory.at(station, evse)
        self.alive[row] = self.directory.by_station.get(station, [])
        if isinstance(message, HeardMessage) and not message.from_station:
            self.alive[row] = ()
        if self.targets[row]:
            return ""
        return f"station {composed(message.station or '')}" + (f", connector {evse}" if evse else "")

    def _note_unknown(self, row: int, evse: int | None) -> None:
        self.unknown[self.evse_keys[row], self.stations[row], evse].append(row)

    # ---- deciding ---------------------------------------------------------------------------------------------

    def _apply(self, rows: list[int], rejected: list[int]) -> None:
        # By receipt; stable, so that messages of one moment stay in the order in which they came.
        rows = sorted(rows, key=self.received.__getitem__)
        self._place_ends(rows)
        self._write_boot_facts(rows)
        readings = dict(zip(rows, self._match(rows), strict=True))
        raising = {
            point.id
            for row, read in readings.items()
            for observation, reading in read
            if reading.rule is not None and effect_of(reading.rule, observation) == Effect.RAISE
            for point in self._concerned(row, observation)
        }
        # Until the commit nobody else decides about these; what needs no lock is done before.
        early, late = self._by_weight(rows, readings)
        written = self._write_messages(early)
        store = IncidentStore(self.now)
        store.load([point.id for point in self.directory.points], raising=raising)
        states = PointStates(store, self.directory.points)
        for row in sorted((*rows, *rejected), key=self.received.__getitem__):
            self._note_last_seen(row, store, states)
            for observation, reading in readings.get(row, ()):
                self._interpret(row, observation, reading, store, states)
        states.write()
        write_unmapped(self.unmapped, self.now)
        store.flush()
        for finding, incidents in self.ignored:
            finding["ignored"] = [incident.id for incident in incidents]
        self._write_messages(late)
        self._amend_messages(written)

    def _place_ends(self, rows: Sequence[int]) -> None:
        """Finds the connectors of transactions that a fault ended, where nobody names them."""
        ends = [row for row in rows if self.messages[row].action in ENDS and self.observations[row]]
        asking = {row for row in ends if self.evses[row] is None and len(self.targets[row]) > 1}
        spoken = (Spoken(row, self.alive[row], self.messages[row], self.evses[row]) for row in rows if asking)
        for row, evse in place_ends(spoken, asking).items():
            self.evses[row], self.targets[row] = evse, self.directory.at(self.stations[row], evse)

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
        return self.directory.at(self.stations[row], evse)

    def _note_last_seen(self, row: int, store: IncidentStore, states: PointStates) -> None:
        """Any message proves life, at the time when it was received, for all charge points of its station."""
        received, key = self.received[row], self.incoming.keys[row]
        self.heard.feed(key, self.alive[row])
        for point_id in states.hear(self.alive[row], received, self.messages[row], source_of(key)):
            store.change(point_id, last_seen_signal(received))

    def _moment_of(self, row: int, observation: Observation, points: Sequence[Point], states: PointStates) -> Moment:
        moment = states.judge(observation, self.received[row], points, self.alive[row], queued=self.queued[row])
        if moment.error_s is not None:
            wrong = span_text(moment.error_s)
            self.incoming.warn(row, f"The device's clock is wrong by {wrong}; the time of receipt counts.")
        return moment

    def _interpret(
        self, row: int, observation: Observation, reading: Reading, store: IncidentStore, states: PointStates
    ) -> None:
        rule = reading.rule
        points = self._concerned(row, observation)
        if not points:
            self._note_unknown(row, observation.evse)
            return
        moment = self._moment_of(row, observation, points, states)
        effect = effect_of(rule, observation) if rule else Effect.INFO
        signals = signals_of(observation, reading, effect, moment, self.received[row], self.queued[row])
        changes = [
            (point.id, *change) for point in points for signal in signals for change in store.changes(point.id, signal)
        ]
        if observation.status or (observation.over and observation.is_state):
            order = moment.at if self.queued[row] and moment.device_clock else self.received[row]
            states.note_status(points, observation, order, moment)
        steps = {step for _point, _case, step in changes}
        if rule is None and not observation.alarming and not steps - {IncidentChange.NOTHING}:
            return  # most messages, by far
        ignored = [
            incident
            for point_id, case, step in changes
            if step == IncidentChange.LATE and effect != Effect.RAISE
            for incident in (store.history(point_id, case).open,)
            if incident is not None
        ]
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
        elif ignored:
            self.ignored.append((finding, ignored))
            self._note_finding(row, MessageVerdict.IGNORED, finding)
        elif rule is not None:
            self._note_finding(row, MessageVerdict.INFO, finding)
        elif observation.alarming:
            self._note_finding(row, MessageVerdict.UNMAPPED, finding)
        if reading.is_unmapped and observation.alarming:
            self.unmapped.append((observation, self.messages[row], points))

    def _note_finding(self, row: int, verdict: str, finding: dict[str, Any]) -> None:
        self.findings[row].append(finding)
        if _VERDICT_RANK[verdict] > _VERDICT_RANK[self.verdicts[row]]:
            self.verdicts[row] = verdict

    # ---- writing ----------------------------------------------------------------------------------------------

    def _by_weight(
        self, rows: Sequence[int], readings: Mapping[int, Sequence[tuple[Observation, Reading]]]
    ) -> tuple[list[int], list[int]]:
        """Messages that say nothing of note, which need not wait for what they do; and those of stations of which one
        does, all together, so that they are stored in their order."""
        notable = {
            self._teller(row)
            for row in rows
            if any(reading.rule is not None or observation.alarming for observation, reading in readings[row])
        }
        early = [row for row in rows if self._teller(row) not in notable] if notable else [*rows]
        return early, [row for row in rows if self._teller(row) in notable] if notable else []

    def _write_messages(self, rows: Sequence[int]) -> list[tuple[int, int, int]]:
        """Stores messages; returns for each its id, its row, and of how many warnings it tells."""
        written = []
        for row in rows:
            message, findings, warnings = self.messages[row], self.findings[row], self.incoming.warnings.get(row)
            occurred = next((o.occurred_at for o in self.observations[row] if o.occurred_at), None)
            written.append(
                (
                    *self._teller(row),
                    message.protocol.lower()[:12],
                    message.action,
                    storable(message.payload),
                    self.verdicts[row],
                    storable(findings) if findings else None,
                    storable(warnings) if warnings else None,
                    occurred,
                    self.received[row],
                )
            )
        ids = write_message_rows(written)
        return [(pk, row, len(self.incoming.warnings.get(row, ()))) for pk, row in zip(ids, rows, strict=True)]

    def _amend_messages(self, written: Sequence[tuple[int, int, int]]) -> None:
        """Adds to stored messages what came of them since: what they ended, and what had to be warned of."""
        changed = []
        for pk, row, count in written:
            findings, warnings = self.findings[row], self.incoming.warnings.get(row, ())
            if findings or len(warnings) != count:
                said = [storable(each) if each else None for each in (findings, warnings)]
                changed.append((pk, self.verdicts[row], *said))
        amend_message_rows(changed)

    def _write_boot_facts(self, rows: Sequence[int]) -> None:
        latest: dict[int, tuple[Any, ...]] = {}
        for row in rows:
            facts = firmware_of(self.messages[row].action, self.messages[row].payload)
            if facts:
                values = (facts.get("vendor"), facts.get("model"), facts.get("firmware"))
                latest |= {point.id: (point.id, *values) for point in self.alive[row]}
        write_boot_facts(latest)
