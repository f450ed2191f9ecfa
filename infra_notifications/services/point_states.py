"""What a batch's messages show of their charge points beside incidents: life, pace, clock and status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

import msgspec
from django.conf import settings

from core.device_clock import TOLERANCE, Clock, Moment, judge
from core.sql import Col, columns, update_rows
from infra_notifications.choices import Case, Connectivity, IntervalSource
from infra_notifications.ingest import OPERATIVE, Observation, OcppMessage
from infra_notifications.models import ChargePointState
from infra_notifications.rules.fault_names import BESIDE, STATUS, WHOLE_STATION, covers
from infra_notifications.rules.frames import ORDER, HeardMessage, is_said_by_csms, told_interval
from infra_notifications.rules.lifecycle import note_end
from infra_notifications.rules.pace import Pace, read_pace, stored_pace
from infra_notifications.rules.shapes import Seen
from infra_notifications.rules.vocabulary import VALUES
from infra_notifications.services.directory import Point
from infra_notifications.services.unit_of_work import FACTS, Facts, IncidentStore, StoredState

# What comes too late moves no deadline.
_LIFE = columns(
    ChargePointState, "last_seen", "silent_at", computed={"silent_at": "coalesce(x.silent_at, t.silent_at)"}
)
# Empty for what stays.
_MEMORY = columns(
    ChargePointState,
    "memory",
    "pace",
    computed={
        "memory": "coalesce(nullif(x.memory, ''), t.memory)",
        "pace": "coalesce(nullif(x.pace, ''), t.pace)",
    },
)
_FACTS = columns(
    ChargePointState,
    *FACTS,
    "status",
    "status_at",
    computed={"status_at": "coalesce(x.status_at, t.status_at)"},
)

UNAVAILABLE, FAULTED = "Unavailable", "Faulted"
Learnt = tuple[int | None, int | None, str]


class _Kin(msgspec.Struct, gc=False):
    """Charge points of one station that were always heard together: what one of them learns all know.

    `heard_at` is the last receipt, from `source`; `protocol` is that of what was read last.
    """

    stored: StoredState
    pace: Pace
    interval_s: int | None
    seen_before: datetime | None
    last_seen: datetime | None
    clock_error_s: int | None
    is_stamped: bool
    members: list[int]
    pace_changed: bool = False
    heard_at: datetime | None = None
    source: int | None = None
    protocol: str = ""

    def is_of(self, stored: StoredState, interval_s: int | None) -> bool:
        """Whether a charge point is one of these, as far as its stored row says."""
        known = self.stored
        return stored.heard == known.heard and stored.pace == known.pace and interval_s == self.interval_s


class PointStates:
    """The state rows of a batch's charge points, which the store has locked: changed by messages, written once."""

    def __init__(self, store: IncidentStore) -> None:
        self._store, self._now = store, store.now
        self._default_s = settings.CHARGING_EXPECTED_INTERVAL_S
        self._families: dict[int, list[_Kin]] = {}
        self._deadlines: dict[tuple[datetime, int], datetime] = {}

    # ---- life and pace ----------------------------------------------------------------------------------------

    def hear(
        self, points: Sequence[Point], received: datetime, message: OcppMessage, source: int | None
    ) -> Sequence[int]:
        """Notes that these live, and who said so; returns those whose silence a message received then ends."""
        ended: Sequence[int] = ()
        store, protocol = self._store, message.protocol.lower()[:12]
        is_heartbeat = message.action.strip().lower() == "heartbeat"
        is_stamped = message.received_at is not None and received != self._now
        self.learn(points, message)
        for kin in self._family(points):
            pace, last_seen = kin.pace, kin.last_seen
            if pace.hear(last_seen, received, heartbeat=is_heartbeat, default_s=self._default_s):
                kin.pace_changed = True
            if last_seen is None or received > last_seen:
                kin.last_seen, kin.is_stamped = received, is_stamped
                for pk in kin.members:
                    store.heard[pk] = received
            if kin.heard_at is None or received > kin.heard_at:
                kin.heard_at, kin.source = received, source
            kin.protocol = protocol
            silent = [pk for pk in kin.members if store.is_open(pk, Case.UNAVAILABLE)]
            if silent and self._deadline(kin, received, self._learnt(kin)) > self._now:
                ended = [*ended, *silent]
        return ended

    def last_heard(self, points: Sequence[Point]) -> list[tuple[datetime, bool]]:
        """When charge points of one station were heard last, this batch included, and whether by another clock than
        ours."""
        return [(kin.last_seen, kin.is_stamped) for kin in self._family(points) if kin.last_seen is not None]

    def learn(self, points: Sequence[Point], message: OcppMessage) -> None:
        """Notes how often their CSMS wants to hear of these, where it says so."""
        if (told_s := told_interval(message)) is not None:
            for kin in self._family(points):
                kin.pace_changed = kin.pace.tell(told_s) or kin.pace_changed

    def proves_life(self, points: Sequence[Point], message: OcppMessage, kind: str) -> bool:
        """Whether a message of this kind shows that these live; one that does not may change what else is known."""
        if isinstance(message, HeardMessage) and not message.proves_life:
            self._family(points)
            return False
        is_of_csms = is_said_by_csms(message, kind)
        if is_of_csms and kind != ORDER:
            self.learn(points, message)
        return not is_of_csms

    def _family(self, points: Sequence[Point]) -> list[_Kin]:
        """Charge points that are always heard together, those that are alike as one."""
        if not points:
            return []
        family = self._families.get(points[0].id)
        if family is None:
            family = self._families[points[0].id] = []
            for point in points:
                stored, by_hand = self._store.stored_of(point.id), point.interval_s
                for kin in family:
                    if kin.is_of(stored, by_hand):
                        kin.members.append(point.id)
                        break
                else:
                    seen, error_s = stored.last_seen, stored.clock_error_s
                    is_stamped: bool = stored.heard[1 + _STAMPED]
                    family.append(
                        _Kin(stored, read_pace(stored.pace), by_hand, seen, seen, error_s, is_stamped, [point.id])
                    )
        return family

    def _learnt(self, kin: _Kin) -> Learnt:
        """The interval and silence that were learnt, in seconds, and from what; what was not learnt may be by now."""
        learnt: Learnt = kin.stored.heard[1 + _LEARNT :]
        if not kin.pace_changed and (learnt[1] is not None or not kin.pace.is_watched(self._now)):
            return learnt
        allowed = kin.pace.allowed(self._now, self._default_s)
        is_learnt = allowed.source != IntervalSource.DEFAULT
        return (allowed.interval_s, allowed.silence_s, allowed.source.value) if is_learnt else _NOTHING

    def _deadline(self, kin: _Kin, seen: datetime, learnt: Learnt) -> datetime:
        silence_s = kin.interval_s or learnt[1] or self._default_s
        deadline = self._deadlines.get((seen, silence_s))
        if deadline is None:
            deadline = self._deadlines[seen, silence_s] = seen + timedelta(seconds=silence_s)
        return deadline

    # ---- clock and status -------------------------------------------------------------------------------------

    def judge(
        self,
        observation: Observation,
        received: datetime,
        points: Sequence[Point],
        station: Sequence[Point],
        *,
        queued: bool,
    ) -> Moment:
        """When something happened, judged by what the device said before of these charge points.

        What this shows of the clock is remembered, and flagged or no longer flagged at its whole station. What comes in
        a queue of its own, and a status of the station as a whole, which may be older than its connectors', is no proof
        that a clock fell back.
        """
        stamp = observation.sent_at or observation.occurred_at
        if stamp is None:
            return Moment(received, False)
        # Security events are kept until they are delivered (OCPP 2.0.1 A04).
        queued = queued or observation.action.lower() == "securityeventnotification"
        apart = queued or (observation.evse == 0 and not observation.component)
        first, kin = self._store.state_of(points[0].id), self._family(station)
        error_s = kin[0].clock_error_s if kin else first.stored.clock_error_s
        moment = judge(stamp, received, first.memory.mark(error_s), queued=apart)
        for point in () if apart else points:
            state = self._store.state_of(point.id)
            if state.memory.note_clock(moment, received, error_s):
                state.memory_changed = True
        if moment.clock in (Clock.WRONG, Clock.RIGHT):
            for one in kin:
                one.clock_error_s = moment.error_s
        if moment.error_s is None and observation.sent_at is not None and observation.occurred_at is not None:
            occurred = judge(observation.occurred_at, received)
            return occurred if occurred.device_clock else moment
        return moment

    def settle(
        self, points: Sequence[Point], station: Sequence[Point], seen: Seen, received: datetime, clears: Sequence[str]
    ) -> bool:
        """Takes a status that all is well with these charge points; says False, and takes nothing, where an incident is
        open or the clock has to be judged. Does what `judge`, the signals' `note_end` and `note_status` do then."""
        store, at, kin = self._store, received, self._family(station)
        for stamp in (seen.sent_at, seen.occurred_at):
            if stamp is not None and not -TOLERANCE <= stamp - received <= TOLERANCE:
                return False
        if any(store.has_open(point.id) for point in points) or not kin:
            return False
        if seen.occurred_at is not None:
            at = min(seen.occurred_at, received)
        said, error_s = min(seen.sent_at or at, received), kin[0].clock_error_s
        for point in points:
            state = store.state_of(point.id)
            memory = state.memory
            if seen.occurred_at is not None and memory.note_right(said, received, error_s):
                state.memory_changed = True
            if clears:
                cleared = memory.cleared.setdefault("", {})
                for fault in clears:
                    note_end(fault, received, cleared)
                state.memory_changed = True
            if memory.status_order is None or received >= memory.status_order:
                memory.status_order, state.memory_changed = received, True
                state.said = seen.shape.calm[:30], at
        if seen.occurred_at is not None:
            for one in kin:
                one.clock_error_s = None
        return True

    def note_status(self, points: Sequence[Point], observation: Observation, order: datetime, moment: Moment) -> None:
        """The status received last is the present one, whatever its timestamp, unless the sender says that it was
        queued. One that says Faulted and opened nothing that is still open is a late copy. Of a connector's own status
        `_hides` says what must not take its place."""
        for point in points:
            is_faulty, state = self._store.is_faulty(point.id), self._store.state_of(point.id)
            shown = state.said[0] if state.said else state.stored.status
            if (observation.faulted and not is_faulty) or _hides(observation, shown, is_faulty=is_faulty):
                continue
            if is_faulty and shown == FAULTED and not observation.faulted and self._is_of_another(point, observation):
                continue
            if state.memory.status_order is None or order >= state.memory.status_order:
                state.memory.status_order = order
                state.memory_changed = True
                state.said = observation.status[:30], moment.at

    def _is_of_another(self, point: Point, observation: Observation) -> bool:
        """Whether the fault of another connector, or of the EVSE of a connector, is open there; that of the station as
        a whole is shown at the station."""
        faults = (fault for incident in self._store.open_incidents(point.id) for fault in incident.faults)
        told = (fault for fault in faults if fault.startswith(STATUS) and BESIDE not in fault)
        return any(not (covers(observation.fault, fault) or fault.startswith(WHOLE_STATION)) for fault in told)

    # ---- writing ----------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Writes every row that was heard: in one statement those that were only heard, in another what else is new."""
        lives: list[tuple[Any, ...]] = []
        changes: list[tuple[Any, ...]] = []
        states = self._store.states
        for kin in (kin for family in self._families.values() for kin in family):
            facts, silent_at = self._facts(kin)
            is_new = kin.pace_changed or facts != kin.stored.facts
            pace, is_later = stored_pace(kin.pace) if kin.pace_changed else "", kin.last_seen != kin.seen_before
            for pk in kin.members:
                state = states.get(pk)
                if is_new or (state is not None and (state.memory_changed or state.said)):
                    shared = (kin.last_seen, silent_at, *facts, *self._status(pk))
                    changes.append((pk, self._store.new_memory_of(pk), pace, shared))
                elif is_later:
                    lives.append((pk, kin.last_seen, silent_at))
        update_rows("infra_notifications_chargepointstate", _KEY, _LIFE, sorted(lives))
        changes.sort(key=itemgetter(0))
        update_rows("infra_notifications_chargepointstate", _KEY, _MEMORY, changes, shared=(*_LIFE, *_FACTS))

    def _status(self, pk: int) -> tuple[str, datetime | None]:
        """The status of a charge point, and since when; None where that stays."""
        before, state = self._store.stored_of(pk).status, self._store.states.get(pk)
        status, since = state.said if state is not None and state.said else (before, None)
        return status, since if status != before else None

    def _facts(self, kin: _Kin) -> tuple[Facts, datetime | None]:
        """What rows say now beside memory and status; and their new deadline, None where that stays.

        Only a later message moves it, and one that came too late wakes nobody. What was received after its station's
        connection closed shows that it is back; a connection that was opened with no word of its version leaves what
        was known.
        """
        connectivity, version, source_id, other_id, disconnected_at, *_rest = kin.stored.facts
        learnt, silent_at, before = self._learnt(kin), None, kin.seen_before
        known = kin.clock_error_s, kin.is_stamped
        if kin.heard_at is None:
            if kin.pace_changed and before is not None and connectivity != Connectivity.SILENT:
                silent_at = self._deadline(kin, before, learnt)
            return (connectivity, version, source_id, other_id, disconnected_at, *known, *learnt), silent_at
        seen, source = kin.heard_at, kin.source
        is_back = disconnected_at is None or seen >= disconnected_at
        is_later = before is None or seen > before
        if is_later:
            deadline = self._deadline(kin, seen, learnt)
            if deadline <= self._now and connectivity != Connectivity.SILENT:
                # It was passed on late, as the next may be: that is awaited from now on.
                deadline = self._deadline(kin, self._now, learnt)
            if deadline > self._now or connectivity != Connectivity.SILENT:
                silent_at, connectivity = deadline, Connectivity.ONLINE.value if is_back else connectivity
        if is_back and connectivity == Connectivity.OFFLINE and disconnected_at is not None:
            connectivity = Connectivity.ONLINE.value
        if source is not None and source != source_id and (is_later or seen == before):
            source_id, other_id = source, source_id if source_id is not None else other_id
        disconnected_at, version = None if is_back else disconnected_at, kin.protocol or version
        return (connectivity, version, source_id, other_id, disconnected_at, *known, *learnt), silent_at


def _hides(observation: Observation, shown: str, *, is_faulty: bool) -> bool:
    """Whether a status says less than the one that is shown: a word that is no status than the fault that is open, and
    the station as a whole than a connector that is faulty or in use."""
    is_stations = observation.fault.startswith(WHOLE_STATION)
    if is_faulty and shown == FAULTED and not observation.faulted:
        return is_stations or bool(observation.status and observation.status not in VALUES["status"])
    return is_stations and observation.status.lower() in OPERATIVE and shown not in ("", UNAVAILABLE, FAULTED)


_KEY = Col("charge_point_id", "bigint")
_NOTHING: Learnt = (None, None, IntervalSource.DEFAULT.value)
# Where what was learnt stands among the facts.
_LEARNT = FACTS.index("learnt_interval_s")
_STAMPED = FACTS.index("is_stamped")
