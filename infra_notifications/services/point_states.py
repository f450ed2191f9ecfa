"""What a batch's messages show of their charge points beside incidents: life, pace, clock and status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from core.device_clock import Clock, Moment, judge
from core.sql import Col, columns, update_rows
from infra_notifications.choices import Case, Connectivity, IntervalSource
from infra_notifications.ingest import Observation, OcppMessage
from infra_notifications.models import ChargePointState
from infra_notifications.rules.stations import boot_interval_of
from infra_notifications.services.directory import Point
from infra_notifications.services.unit_of_work import FACTS, Facts, IncidentStore, PointState

# What comes too late moves no deadline.
_LIFE = columns(
    ChargePointState, "last_seen", "silent_at", computed={"silent_at": "coalesce(x.silent_at, t.silent_at)"}
)
_MEMORY = columns(ChargePointState, "memory")
_FACTS = columns(
    ChargePointState,
    *FACTS,
    "status",
    "status_at",
    computed={"status_at": "coalesce(x.status_at, t.status_at)"},
)

Learnt = tuple[int | None, int | None, str]


class PointStates:
    """The state rows of a batch's charge points, which the store has locked: changed by messages, written once."""

    def __init__(self, store: IncidentStore, points: Iterable[Point]) -> None:
        self._store, self._now = store, store.now
        self._by_hand = {point.id: point.interval_s for point in points}
        self._default_s = settings.CHARGING_EXPECTED_INTERVAL_S
        # Of each that was heard the last receipt with its source, and the protocol of what was read last.
        self._heard: dict[int, tuple[datetime, int | None]] = {}
        self._protocols: dict[int, str] = {}
        self._statuses: dict[int, tuple[str, datetime]] = {}
        self._deadlines: dict[tuple[datetime, int], datetime] = {}

    # ---- life and pace ----------------------------------------------------------------------------------------

    def hear(
        self, points: Sequence[Point], received: datetime, message: OcppMessage, source: int | None
    ) -> Iterator[int]:
        """Notes that these live, and who said so; yields those whose silence a message received then ends."""
        is_heartbeat = message.action.strip().lower() == "heartbeat"
        boot_s, protocol = boot_interval_of(message.action, message.payload), message.protocol.lower()[:12]
        heard, protocols, default_s, store = self._heard, self._protocols, self._default_s, self._store
        for point in points:
            pk = point.id
            state = store.state_of(pk)
            pace, last_seen = state.memory.pace, state.last_seen
            if boot_s and boot_s != pace.boot_s:
                pace.boot_s = boot_s
                state.pace_changed = True
            if pace.hear(last_seen, received, heartbeat=is_heartbeat, default_s=default_s):
                state.pace_changed = True
            if last_seen is None or received > last_seen:
                state.last_seen = received
            if pk not in heard or received > heard[pk][0]:
                heard[pk] = received, source
            protocols[pk] = protocol
            if store.is_open(pk, Case.UNAVAILABLE):
                _interval_s, silence_s, _source = self._learnt(state)
                if self._deadline(pk, received, silence_s) > self._now:
                    yield pk

    def _learnt(self, state: PointState) -> Learnt:
        """The interval and silence that were learnt, in seconds, and from what; what was not learnt may be by now."""
        *_facts, interval_s, silence_s, source = state.facts
        pace = state.memory.pace
        if not state.pace_changed and (silence_s is not None or not pace.is_watched(self._now)):
            return interval_s, silence_s, source
        allowed = pace.allowed(self._now, self._default_s)
        is_learnt = allowed.source != IntervalSource.DEFAULT
        return (allowed.interval_s, allowed.silence_s, allowed.source.value) if is_learnt else _NOTHING

    def _deadline(self, point_id: int, seen: datetime, learnt_s: int | None) -> datetime:
        silence_s = self._by_hand.get(point_id) or learnt_s or self._default_s
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
        first = self._store.state_of(points[0].id)
        moment = judge(stamp, received, first.memory.mark(first.clock_error_s), queued=apart)
        for point in () if apart else points:
            state = self._store.state_of(point.id)
            if state.memory.note_clock(moment, received, state.clock_error_s):
                state.memory_changed = True
        if moment.clock in (Clock.WRONG, Clock.RIGHT):
            for point in station:
                self._store.state_of(point.id).clock_error_s = moment.error_s
        if moment.error_s is None and observation.sent_at is not None and observation.occurred_at is not None:
            occurred = judge(observation.occurred_at, received)
            return occurred if occurred.device_clock else moment
        return moment

    def note_status(self, points: Sequence[Point], observation: Observation, order: datetime, moment: Moment) -> None:
        """The status received last is the present one, whatever its timestamp, unless the sender says that it was
        queued. One that says Faulted and opened nothing that is still open is a late copy."""
        for point in points:
            if observation.faulted and not self._store.is_faulty(point.id):
                continue
            state = self._store.state_of(point.id)
            if state.memory.status_order is None or order >= state.memory.status_order:
                state.memory.status_order = order
                state.memory_changed = True
                self._statuses[point.id] = (observation.status[:30], moment.at)

    # ---- writing ----------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Writes every row that was heard: in one statement those that were only heard, in another what else is new."""
        lives: list[tuple[Any, ...]] = []
        changes: list[tuple[Any, ...]] = []
        for pk in sorted(self._heard):
            state = self._store.state_of(pk)
            facts, silent_at = self._facts(pk, state)
            status, status_at = self._statuses.get(pk, (state.status, None))
            if status == state.status:
                status_at = None
            is_changed = status_at is not None or state.memory_changed or state.pace_changed or facts != state.facts
            if is_changed:
                shared = (state.last_seen, silent_at, *facts, status, status_at)
                changes.append((pk, self._store.memory_of(pk), shared))
            elif state.last_seen != state.seen_before:
                lives.append((pk, state.last_seen, silent_at))
        update_rows("infra_notifications_chargepointstate", _KEY, _LIFE, lives)
        update_rows("infra_notifications_chargepointstate", _KEY, _MEMORY, changes, shared=(*_LIFE, *_FACTS))

    def _facts(self, pk: int, state: PointState) -> tuple[Facts, datetime | None]:
        """What a row says now beside its memory and status; and its new deadline, None where that stays.

        Only a later message moves it, and one that came too late wakes nobody. What was received after its station's
        connection closed shows that it is back; a connection that was opened with no word of its version leaves what
        was known.
        """
        (seen, source), before = self._heard[pk], state.seen_before
        connectivity, version, source_id, other_id, disconnected_at, *_rest = state.facts
        learnt, silent_at = self._learnt(state), None
        is_back = disconnected_at is None or seen >= disconnected_at
        if before is None or seen > before:
            deadline = self._deadline(pk, seen, learnt[1])
            if deadline > self._now or connectivity != Connectivity.SILENT:
                silent_at, connectivity = deadline, Connectivity.ONLINE.value if is_back else connectivity
        if is_back and connectivity == Connectivity.OFFLINE and disconnected_at is not None:
            connectivity = Connectivity.ONLINE.value
        if source is not None and source != source_id and (before is None or seen >= before):
            source_id, other_id = source, source_id if source_id is not None else other_id
        disconnected_at, version = None if is_back else disconnected_at, self._protocols[pk] or version
        return (connectivity, version, source_id, other_id, disconnected_at, state.clock_error_s, *learnt), silent_at


_KEY = Col("charge_point_id", "bigint")
_NOTHING: Learnt = (None, None, IntervalSource.DEFAULT.value)
