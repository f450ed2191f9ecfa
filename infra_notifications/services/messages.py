"""Takes messages in: many at once, a fixed number of statements however many there are.

A batch is one transaction: a 2xx is given only after its commit. For every message: whose is it, what does it say,
which rule does it meet, what does that do to an incident, and the sign of life that any message is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from core.device_clock import Moment, span_text
from core.ingest import Intake, Submission
from core.sql import Rows, pipelined
from core.text import identity
from infra_notifications.choices import Effect, MessageVerdict
from infra_notifications.ingest import Observation, OcppMessage
from infra_notifications.rules.calm import Calm
from infra_notifications.rules.fault_names import at_connector
from infra_notifications.rules.findings import finding_of
from infra_notifications.rules.lifecycle import IncidentChange
from infra_notifications.rules.matching import Reading, effect_of
from infra_notifications.rules.oddities import contradiction, too_early_to_end
from infra_notifications.rules.places import part_about
from infra_notifications.rules.signals import last_seen_signal, signals_of
from infra_notifications.rules.stations import firmware_of
from infra_notifications.services.directory import Directory, Point
from infra_notifications.services.late_retries import LATE_RETRY, LateStatus, late_retries
from infra_notifications.services.message_reading import MessageReading
from infra_notifications.services.point_states import PointStates
from infra_notifications.services.records import (
    amend_message_rows,
    write_boot_facts,
    write_message_rows,
    write_unmapped,
)
from infra_notifications.services.repetitions import STATES
from infra_notifications.services.sources import Heard, source_of, take_and_count
from infra_notifications.services.told_closings import ToldClosings
from infra_notifications.services.transactions import ENDS, Spoken, place_ends
from infra_notifications.services.unit_of_work import IncidentStore, PointState
from infra_notifications.services.unknown_senders import UnknownSender, shown, too_long, write_unknown

IS_KEPT = "It is kept in the list of unknown charge points; adopt it there."
PART_IS_KEPT = "What was said of it is kept in the list of unknown charge points; adopt it there."


def take_messages(
    *, submissions: Sequence[Submission[OcppMessage]], now: datetime, heard: Heard | None = None
) -> list[Intake]:
    """Takes the OCPP messages of several requests in one transaction; an Intake for each, in order."""
    return take_and_count(submissions, _MessageSteps, heard=heard, now=now)


# So much older than what its device said since is only what waited in its queue.
QUEUED_FOR = timedelta(minutes=5)
_NOBODY: Counter[int] = Counter()
# Where a stored message says what came of it.
_OUTCOME = slice(5, 8)


class _MessageSteps(MessageReading):
    """Finds whom the messages are about, and what they do to incidents; writes what follows."""

    def resolve(self, rows: list[int]) -> None:
        every = range(len(self.messages))
        for row in every:
            self.read_row(row)
        self.directory = Directory({key for key in self.evse_keys if key}, {name for name in self.stations if name})
        for row in every:
            sender = self._locate(row)
            if not self.incoming.errors[row]:
                self._admit(row, sender)

    def _admit(self, row: int, sender: str) -> None:
        """Rejects what is about nobody whom we know, `sender` or connectors of a station, and warns of such parts; what
        it says is kept."""
        strange = {} if sender else self._strange(row)
        if not (sender or strange):
            return
        fate = too_long(self.evse_keys[row], self.stations[row])
        named = sender or f"station {shown(self.messages[row].station)}, connector {', '.join(map(str, strange))}"
        if not sender and sum(strange.values()) < len(self.observations[row]):
            self.warn(row, f"Unknown {named}. {fate or PART_IS_KEPT}")
            return
        if not fate:
            for evse in strange or self._evses_of(row):
                self._note_unknown(row, evse)
        self.incoming.reject(row, f"Unknown {named}. {fate or IS_KEPT}")
        self.heard.strangers[self.incoming.keys[row]] += 1

    def _strange(self, row: int) -> Counter[int]:
        """The connectors without a charge point that a message of a known station speaks of, and how often."""
        evse = self.evses[row]
        other = [o.evse for o in self.observations[row] if o.evse and o.evse != evse]
        if not other:
            return _NOBODY
        found = Counter(other)
        return Counter(
            {
                evse: count
                for evse, count in found.items()
                if not (self.evse_keys[row] or self.directory.at(self.stations[row], evse))
            }
        )

    def _evses_of(self, row: int) -> set[int | None]:
        """The connectors that a message of an unknown sender speaks of; None is the sender as a whole."""
        evse = self.evses[row]
        if evse is not None or self.evse_keys[row]:
            return {evse}
        return {observation.evse or None for observation in self.observations[row]} or {None}

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
            message, said = self.messages[row], self.said(row)
            if self.evses[row] is None and not self.evse_keys[row]:
                message = replace(message, payload=part_about(evse, message.action, message.payload))
                said = [each for each in said if (each.evse or None) == (evse or None)]
            sender.hear(message, said, self.received[row], (self.now, row), self.kinds[row])
        return sender

    def _locate(self, row: int) -> str:
        """Finds whom the message is about and whose life it proves; returns the name of a sender that is unknown."""
        message, evse = self.messages[row], self.evses[row]
        if self.evse_keys[row]:
            point = self.directory.by_evse.get(self.evse_keys[row])
            if point is None:
                self.alive[row] = self.directory.by_station.get(self.stations[row], ())
                return f"charge point {shown(message.charge_point)}"
            self.targets[row], self.alive[row] = [point], self.directory.family(point)
            self.warn(row, contradiction(self.stations[row], evse, point.station_key, point.connector))
            return ""
        station = self.stations[row]
        self.targets[row] = self.directory.at(station, evse)
        self.alive[row] = self.directory.by_station.get(station, ())
        if self.targets[row]:
            return ""
        return f"station {shown(message.station)}" + (f", connector {evse}" if evse else "")

    def _note_unknown(self, row: int, evse: int | None) -> None:
        rows = self.unknown[self.evse_keys[row], self.stations[row], evse]
        if row not in rows[-1:]:
            rows.append(row)

    # ---- deciding ---------------------------------------------------------------------------------------------

    def _apply(self, rows: list[int], rejected: list[int]) -> None:
        # By receipt; stable, so that messages of one moment stay in the order in which they came.
        rows = sorted(rows, key=self.received.__getitem__)
        self.told = ToldClosings(self, rows)
        self._place_ends(rows)
        self.tellers = {row: self.teller(row) for row in rows}
        self._write_boot_facts(rows)
        readings = dict(zip(rows, self.match(rows), strict=True))
        raising = {
            point.id
            for row, read in readings.items()
            for observation, reading in read
            if reading.rule is not None and effect_of(reading.rule, observation) == Effect.RAISE
            for point in self._concerned(row, observation)
        }
        raising |= {point.id for points in self.told.points.values() for point in points}
        with pipelined():
            self._change(rows, rejected, readings, raising)

    def _change(
        self,
        rows: list[int],
        rejected: list[int],
        readings: dict[int, list[tuple[Observation, Reading]]],
        raising: Collection[int],
    ) -> None:
        """Until the commit nobody else decides about these charge points."""
        store = IncidentStore(self.now)
        store.ask([point.id for point in self.directory.points])
        early, late = self._by_weight(rows, readings)
        stored = self.stored(early)
        store.take(raising=raising)
        states = PointStates(store)
        for row in self._late_retries(rows, store):
            self.incoming.warn(row, LATE_RETRY)
            readings[row] = []
            self.calm.pop(row, None)
        self.told.lock(store)
        ids = write_message_rows(stored)
        for row in sorted((*rows, *rejected), key=self.received.__getitem__):
            self._note_last_seen(row, store, states)
            self.told.hear(row)
            read: Iterable[tuple[Observation, Reading]] = readings.get(row, ())
            if (calm := self.calm.get(row)) is not None:
                read = () if self._settle(row, calm, states) else [(self.said(row)[0], calm.reading)]
            for observation, reading in read:
                self._interpret(row, observation, reading, store, states)
        states.write()
        self.told.write()
        write_unmapped(self.unmapped, self.now)
        store.flush()
        for finding, incidents in self.ignored:
            finding["ignored"] = [incident.id for incident in incidents]
        write_message_rows(self.stored(late))
        self._amend_messages(early, stored, ids)

    def _late_retries(self, rows: Sequence[int], store: IncidentStore) -> set[int]:
        """The rows that repeat what is superseded: what is not older than all that its devices told was not said
        before."""
        asked = []
        for row in rows:
            message = self.messages[row]
            if message.action not in STATES or message.id or message.received_at:
                continue
            moment = self.occurred(row)
            for point in self.targets[row] if moment else ():
                newest = store.state_of(point.id).memory.clock_newest
                if newest is not None and moment is not None and newest > moment:
                    asked.append(LateStatus(row, self.tellers[row], message.payload, moment))
                    break
        return late_retries(asked)

    def _place_ends(self, rows: Sequence[int]) -> None:
        """Finds the connectors of transactions that a fault ended, where nobody names them."""
        ends = [row for row in rows if self.messages[row].action in ENDS and self.observations[row]]
        unsaid = [row for row in ends if self.evses[row] is None]
        asking = {row for row in unsaid if len(self.targets[row]) > 1 or self.targets[row][0].connector is None}
        spoken = (Spoken(row, self.alive[row], self.messages[row], self.evses[row]) for row in rows if asking)
        for row, evse in place_ends(spoken, asking).items():
            self.evses[row] = evse
            if not self.evse_keys[row]:
                self.targets[row] = self.directory.at(self.stations[row], evse)

    def _settle(self, row: int, calm: Calm, states: PointStates) -> bool:
        """Takes a status that all is well, as `_interpret` would, where nothing is open that it could end and the clock
        is right; else says False."""
        seen, received = self.seen[row], self.received[row]
        points = self.directory.at(self.stations[row], seen.shape.observations[0].evse) if seen else ()
        if seen is None or self.evse_keys[row] or not points or points[0].connector is None:
            return False
        if not states.settle(points, self.alive[row], seen, received, calm.clears):
            return False
        if calm.rule is not None:
            self.findings[row] = calm.found_at(len(points))
        return True

    def _concerned(self, row: int, observation: Observation) -> Sequence[Point]:
        """The charge points that one finding of a message is about; a named charge point wins over its numbers, but
        where they are of several."""
        if self.evse_keys[row]:
            named, evse = self.targets[row], observation.evse
            if evse in (None, 0, named[0].connector) or len({each.evse for each in self.observations[row]}) == 1:
                return named
            # Of one that is not known, what is wrong is not lost.
            is_told = observation.alarming or named[0].connector is None
            return self.directory.at(named[0].station_key, evse) or (named if is_told else ())
        evse = observation.evse if observation.evse is not None else self.evses[row]
        return self.directory.at(self.stations[row], evse)

    def _placed(self, row: int, observation: Observation, points: Sequence[Point]) -> Observation:
        """The same with the connector in the name of its fault where the charge point does not tell it."""
        number = observation.evse if observation.evse is not None else self.evses[row]
        if not number or points[0].connector is not None:
            return observation
        return replace(observation, fault=at_connector(observation.fault, number))

    def _note_last_seen(self, row: int, store: IncidentStore, states: PointStates) -> None:
        """Any message of a station proves life, at the time when it was received, for all its charge points."""
        received, key, message = self.received[row], self.incoming.keys[row], self.messages[row]
        if not states.proves_life(self.alive[row], message, self.kinds[row]):
            return
        self.heard.feed(key, self.alive[row])
        for point_id in states.hear(self.alive[row], received, message, source_of(key)):
            store.change(point_id, last_seen_signal(received))

    def _note_queued(self, row: int, observation: Observation, state: PointState) -> None:
        """OCPP 1.6 keeps messages of transactions while a station is offline and marks none of them: one from before
        what its device, whose clock is right, said meanwhile had waited."""
        if self.messages[row].action not in ENDS or state.stored.clock_error_s is not None:
            return
        stamp, newest = observation.occurred_at, state.memory.clock_newest
        if stamp and newest and stamp + QUEUED_FOR < newest <= self.received[row]:
            self.queued[row] = True

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
            if not self.evse_keys[row]:
                self._note_unknown(row, observation.evse)
            if observation.alarming:
                nobodys: dict[str, Any] = {"rule": None, "said": reading.said, "n": 0, "steps": []}
                self.findings[row].add(MessageVerdict.UNMAPPED, nobodys)
            return
        observation = self._placed(row, observation, points)
        self._note_queued(row, observation, store.state_of(points[0].id))
        moment = self._moment_of(row, observation, points, states)
        effect = effect_of(rule, observation) if rule else Effect.INFO
        signals = signals_of(observation, reading, effect, moment, self.received[row], self.queued[row])
        changes = [
            (point.id, *change) for point in points for signal in signals for change in store.changes(point.id, signal)
        ]
        # What ends a state, by its value or in words, says no more what it is instead.
        if observation.status or (observation.is_state and (observation.over or effect == Effect.CLEAR)):
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
        finding = finding_of(rule, effect, reading.said, len(points), steps - {IncidentChange.NOTHING})
        findings = self.findings[row]
        if effect == Effect.RAISE:
            findings.add(MessageVerdict.RAISED, finding)
        elif steps & {IncidentChange.CLOSED, IncidentChange.EASED}:
            findings.add(MessageVerdict.CLEARED, finding)
        elif ignored:
            self.ignored.append((finding, ignored))
            self.warn(row, too_early_to_end(self.messages[row].received_at))
            findings.add(MessageVerdict.IGNORED, finding)
        elif rule is not None:
            findings.add(MessageVerdict.INFO, finding)
        elif observation.alarming:
            findings.add(MessageVerdict.UNMAPPED, finding)
        if reading.is_unmapped and observation.alarming:
            self.unmapped.append((observation, self.messages[row], points))

    # ---- writing ----------------------------------------------------------------------------------------------

    def _by_weight(
        self, rows: Sequence[int], readings: Mapping[int, Sequence[tuple[Observation, Reading]]]
    ) -> tuple[list[int], list[int]]:
        """Messages that say nothing of note, which need not wait for what they do; and those of stations of which one
        does, all together, so that they are stored in their order."""
        notable = {
            self.tellers[row]
            for row in rows
            if any(reading.rule is not None or observation.alarming for observation, reading in readings[row])
            or (row in self.calm and self.calm[row].rule is not None)
        }
        early = [row for row in rows if self.tellers[row] not in notable] if notable else [*rows]
        return early, [row for row in rows if self.tellers[row] in notable] if notable else []

    def _amend_messages(self, rows: Sequence[int], stored: Sequence[tuple[Any, ...]], ids: Rows) -> None:
        """Adds to stored messages what came of them since: what they ended, and what had to be warned of."""
        changed = {
            index: outcome
            for index, (row, before) in enumerate(zip(rows, stored, strict=True))
            if (row in self.findings or row in self.incoming.warnings)
            and (outcome := self.outcome(row)) != before[_OUTCOME]
        }
        if changed:
            pks = [pk for (pk,) in ids()]
            amend_message_rows([(pks[index], *outcome) for index, outcome in changed.items()])

    def _write_boot_facts(self, rows: Sequence[int]) -> None:
        latest: dict[int, tuple[Any, ...]] = {}
        for row in rows:
            facts = firmware_of(self.messages[row].action, self.messages[row].payload)
            if facts:
                values = (facts.get("vendor"), facts.get("model"), facts.get("firmware"))
                latest |= {point.id: (point.id, *values) for point in self.alive[row]}
        write_boot_facts(latest)
