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
from infra_notifications.rules.pace import Allowance
from infra_notifications.rules.stations import boot_interval_of
from infra_notifications.services.directory import Point
from infra_notifications.services.unit_of_work import IncidentStore, PointState

_WAKES = (
    "(t.last_seen IS NULL OR x.last_seen > t.last_seen) AND (x.connectivity = 'online' OR t.connectivity <> 'silent')"
)
# Something was received after its station's connection closed.
_IS_BACK = "x.last_seen >= t.disconnected_at"
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
    "clock_error_s",
    "learnt_interval_s",
    "learnt_silence_s",
    "interval_source",
    "memory",
    "disconnected_at",
    computed={
        "last_seen": "greatest(t.last_seen, x.last_seen)",
        "silent_at": f"CASE WHEN {_WAKES} THEN x.silent_at ELSE t.silent_at END",
        "connectivity": f"CASE WHEN x.last_seen < t.disconnected_at THEN t.connectivity WHEN {_WAKES}"
        f" OR ({_IS_BACK} AND t.connectivity = 'offline') THEN 'online' ELSE t.connectivity END",
        "status": "coalesce(x.status, t.status)",
        "source_id": f"CASE WHEN {_FEEDS} THEN x.source_id ELSE t.source_id END",
        "other_source_id": f"CASE WHEN {_FEEDS} AND x.source_id <> t.source_id"
        " THEN t.source_id ELSE t.other_source_id END",
        # A connection that was opened with no word of its version leaves what was known.
        "ocpp_version": "coalesce(nullif(x.ocpp_version, ''), t.ocpp_version)",
        "disconnected_at": f"CASE WHEN {_IS_BACK} THEN NULL ELSE t.disconnected_at END",
        "status_at": "CASE WHEN x.status <> t.status THEN x.status_at ELSE t.status_at END",
    },
)


class PointStates:
    """The state rows of a batch's charge points, which the store has locked: changed by messages, written once."""

    def __init__(self, store: IncidentStore, points: Iterable[Point]) -> None:
        self._store, self._now = store, store.now
        self._by_hand = {point.id: point.interval_s for point in points}
        self._default_s = settings.CHARGING_EXPECTED_INTERVAL_S
        self._statuses: dict[int, tuple[str, datetime]] = {}
        self._seen: dict[int, datetime] = {}
        self._protocols: dict[int, str] = {}
        self._sources: dict[int, int | None] = {}

    # ---- life and pace ----------------------------------------------------------------------------------------

    def hear(
        self, points: Sequence[Point], received: datetime, message: OcppMessage, source: int | None
    ) -> Iterator[int]:
        """Notes that these live, and who said so; yields those whose silence a message received then ends."""
        is_heartbeat = message.action.strip().lower() == "heartbeat"
        boot_s, protocol = boot_interval_of(message.action, message.payload), message.protocol.lower()[:12]
        for point in points:
            state = self._store.state_of(point.id)
            pace = state.memory.pace
            pace.boot_s = boot_s or pace.boot_s
            pace.hear(state.last_seen, received, heartbeat=is_heartbeat, default_s=self._default_s)
            state.last_seen = received if state.last_seen is None else max(state.last_seen, received)
            known = self._seen.get(point.id)
            if known is None or received > known:
                self._seen[point.id], self._sources[point.id] = received, source
            self._protocols[point.id] = protocol
            if self._store.is_open(point.id, Case.UNAVAILABLE) and (
                self._deadline(point.id, received, self._allowance(state)) > self._now
            ):
                yield point.id

    def _allowance(self, state: PointState) -> Allowance:
        return state.memory.pace.allowed(self._now, self._default_s)

    def _deadline(self, point_id: int, seen: datetime, learnt: Allowance) -> datetime:
        return seen + timedelta(seconds=self._by_hand.get(point_id) or learnt.silence_s)

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
            state.memory.note_clock(moment, received, state.clock_error_s)
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
        status = observation.status
        for point in points:
            if observation.faulted and not self._store.is_faulty(point.id):
                continue
            memory = self._store.state_of(point.id).memory
            if memory.status_order is None or order >= memory.status_order:
                memory.status_order = order
                self._statuses[point.id] = (status[:30], moment.at)

    # ---- writing ----------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Every sender's row: only a later message moves `last_seen`, and one that came too late wakes nobody."""
        rows = [self._row(pk, seen) for pk, seen in sorted(self._seen.items())]
        update_rows("infra_notifications_chargepointstate", Col("charge_point_id", "bigint"), _STATE, rows)

    def _row(self, pk: int, seen: datetime) -> tuple[Any, ...]:
        state = self._store.state_of(pk)
        learnt = self._allowance(state)
        deadline = self._deadline(pk, seen, learnt)
        life = Connectivity.ONLINE if deadline > self._now else Connectivity.SILENT
        status, status_at = self._statuses.get(pk, (None, None))
        is_learnt = learnt.source != IntervalSource.DEFAULT
        return (
            pk,
            seen,
            deadline,
            life.value,
            status,
            status_at,
            self._protocols[pk],
            self._sources[pk],
            self._sources[pk],
            state.clock_error_s,
            learnt.interval_s if is_learnt else None,
            learnt.silence_s if is_learnt else None,
            learnt.source.value,
            self._store.memory_of(pk),
            None,
        )
