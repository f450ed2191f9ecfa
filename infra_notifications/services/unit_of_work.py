"""The unit of work of charging: signals change the incidents of many charge points, which are written set-based.

Whoever changes incidents holds the charge points' state rows, so that two batches never decide about the same charge
point at once. Locks are always taken in this order: states, notifications, groups.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.db import connection

from core.sql import Col, Rows, array_literal, columns, insert_rows, pipelined, sent, take_ids, update_rows
from core.unit_of_work import UnitOfWork
from infra_notifications.choices import Case, CloseReason, Connectivity, IntervalSource
from infra_notifications.event_kinds import CASE_KINDS, RECOVERED
from infra_notifications.models import ChargePointState, Incident
from infra_notifications.rules import lifecycle
from infra_notifications.rules.lifecycle import CaseHistory, IncidentState, Signal
from infra_notifications.rules.memory import PointMemory, read_memory, stored_memory
from infra_notifications.rules.point_history import PointHistory
from infra_notifications.services.context import context_of
from infra_notifications.services.decisions import decide_closings, decide_openings, max_age, reconsider_too_old
from infra_notifications.services.notifying import notify_due
from infra_notifications.services.payloads import incident_at, points_of
from outbox.contract import NewEvent
from outbox.services import publish

_COLUMNS = columns(
    Incident,
    "opened_at",
    "opened_received_at",
    "closed_at",
    "closed_received_at",
    "close_reason",
    "device_clock",
    "faults",
    "repeats",
    "last_raised_at",
    "ends_at",
    "silent_since",
    "said",
    "rule_id",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MEMORY = columns(ChargePointState, "memory")
# The same names as an `IncidentState` has.
_NAMES = tuple(column.name for column in _COLUMNS)
_FIELDS = ", ".join(f"i.{name}" for name in _NAMES)


# The columns of a state row that seldom change.
FACTS = (
    "connectivity",
    "ocpp_version",
    "source_id",
    "other_source_id",
    "disconnected_at",
    "clock_error_s",
    "is_stamped",
    "learnt_interval_s",
    "learnt_silence_s",
    "interval_source",
)
Facts = tuple[Any, ...]
_CLOCK_ERROR = 1 + FACTS.index("clock_error_s")
_DEFAULTS = {
    "connectivity": Connectivity.NEVER.value,
    "ocpp_version": "",
    "is_stamped": False,
    "interval_source": IntervalSource.DEFAULT.value,
}
_NO_FACTS: Facts = tuple(map(_DEFAULTS.get, FACTS))


class StoredState(msgspec.Struct, frozen=True, gc=False):
    """A charge point's locked state row; `heard` is when it was heard last, in microseconds, and the facts then."""

    memory: str
    pace: str
    status: str
    heard: tuple[Any, ...]

    @property
    def last_seen(self) -> datetime | None:
        return _EPOCH + timedelta(microseconds=self.heard[0]) if self.heard[0] is not None else None

    @property
    def facts(self) -> Facts:
        return self.heard[1:]

    @property
    def clock_error_s(self) -> int | None:
        error_s: int | None = self.heard[_CLOCK_ERROR]
        return error_s


class PointState(msgspec.Struct, gc=False):
    """What messages make of a charge point beside its life: `said` is the present status and when it was said."""

    stored: StoredState
    memory: PointMemory
    memory_changed: bool = False
    said: tuple[str, datetime] | None = None


# Locks the state rows in the order of their key, and reads them. A number is read in a tenth of the time of a date.
_LOCK_STATES = (
    "SELECT charge_point_id, memory, pace, status, (date_part('epoch', last_seen) * 1000000)::bigint,"  # noqa: S608
    f" {', '.join(FACTS)} FROM infra_notifications_chargepointstate"
    " WHERE charge_point_id = ANY(%s::bigint[]) ORDER BY charge_point_id FOR UPDATE"
)
_OPEN = (
    f"SELECT i.charge_point_id, i.id, i.case, {_FIELDS} FROM infra_notifications_incident i"  # noqa: S608
    " WHERE i.charge_point_id = ANY(%s::bigint[]) AND i.closed_at IS NULL"
)


_DELETED = StoredState("", "", "", (None, *_NO_FACTS))


def _read_state(pk: int, case: str, *values: Any) -> IncidentState:
    """A row (id, case, *_COLUMNS) as the rules see it."""
    state = IncidentState(id=pk, case=Case(case), **dict(zip(_NAMES, values, strict=True)))
    state.faults = set(state.faults)
    return state


def _values(state: IncidentState) -> tuple[Any, ...]:
    changed = {"faults": json.dumps(sorted(state.faults)), "said": state.said[:500]}
    return tuple(changed[name] if name in changed else getattr(state, name) for name in _NAMES)


class IncidentStore(UnitOfWork):
    """The incidents of some charge points during one transaction: read once, changed by signals, written once."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self._stored: dict[int, StoredState] = {}
        # Of those charge points of which more was said or asked than that they live; when they were heard.
        self.states: dict[int, PointState] = {}
        self.heard: dict[int, datetime] = {}
        self._points: dict[int, PointHistory] = {}
        self._news_since = now - max_age()
        self._asked: tuple[Rows, Rows] | None = None

    def ask(self, charge_point_ids: Iterable[int], *, locked: bool = False) -> None:
        """Locks the states of charge points, unless the caller has, and asks for them and their open incidents."""
        ids = array_literal(charge_point_ids)
        # Each row is looked up, never the whole table read: what a batch touches is in memory.
        sent("SET LOCAL random_page_cost = 1.1")
        self._asked = list if locked else sent(_LOCK_STATES, [ids]), sent(_OPEN, [ids])

    def load(self, charge_point_ids: Iterable[int], *, raising: Iterable[int] = (), locked: bool = False) -> None:
        """Asks for the states and open incidents of charge points, and takes them.

        `raising` are those at which something is raised: of these the last closed incidents are read too.
        """
        with pipelined():
            self.ask(charge_point_ids, locked=locked)
            self.take(raising=raising)

    def take(self, *, raising: Iterable[int] = ()) -> None:
        """Takes what was asked for."""
        if self._asked is None:
            return
        (states, opened), self._asked = self._asked, None
        self._stored |= {row[0]: StoredState(row[1], row[2], row[3], row[4:]) for row in states()}
        for row in opened():
            self.history(row[0], Case(row[2])).open = _read_state(*row[1:])
        if raising := list(raising):
            self._read_last_closed(raising)

    def _read_last_closed(self, ids: list[int]) -> None:
        """The last closed incident of each case, to recognise late copies; asked only when something is raised."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT ON (i.charge_point_id, i.case) i.charge_point_id, i.id, i.case, {_FIELDS}"  # noqa: S608
                " FROM infra_notifications_incident i WHERE i.charge_point_id = ANY(%s) AND i.closed_at IS NOT NULL"
                " ORDER BY i.charge_point_id, i.case, i.id DESC",
                [ids],
            )
            for row in cursor.fetchall():
                self.history(row[0], Case(row[2])).last_closed = _read_state(*row[1:])

    def history(self, charge_point_id: int, case: Case) -> CaseHistory:
        return self._point(charge_point_id).of(case)

    def _point(self, charge_point_id: int) -> PointHistory:
        point = self._points.get(charge_point_id)
        if point is None:
            state = self._known(charge_point_id)
            point = PointHistory(state.memory.raised, state.memory.cleared) if state is not None else PointHistory()
            self._points[charge_point_id] = point
        return point

    def open_incidents(self, charge_point_id: int) -> list[IncidentState]:
        return self._point(charge_point_id).open_incidents

    def is_open(self, charge_point_id: int, case: Case) -> bool:
        point = self._points.get(charge_point_id)
        return point is not None and point.is_open(case)

    def has_open(self, charge_point_id: int) -> bool:
        return charge_point_id in self._points and bool(self._points[charge_point_id].open_incidents)

    def is_faulty(self, charge_point_id: int) -> bool:
        """Whether an incident is open there that is no silence."""
        return any(incident.case != Case.UNAVAILABLE for incident in self.open_incidents(charge_point_id))

    def change(self, charge_point_id: int, signal: Signal) -> str:
        """Applies one signal and returns the step it made."""
        if (state := self._known(charge_point_id)) is not None:
            state.memory_changed = True
        return self._point(charge_point_id).apply(signal, news_since=self._news_since)

    def changes(self, charge_point_id: int, signal: Signal) -> list[tuple[Case, str]]:
        """What a signal did at a charge point, by case."""
        if signal.every_case:
            return self.end_everywhere(charge_point_id, signal)
        return [(signal.case, self.change(charge_point_id, signal))]

    def end_everywhere(self, charge_point_id: int, signal: Signal) -> list[tuple[Case, str]]:
        """Applies a clear of every case and returns the steps it made, by case."""
        if (state := self._known(charge_point_id)) is not None:
            state.memory_changed = True
        return self._point(charge_point_id).end_everywhere(signal)

    def close(self, charge_point_id: int, incident: IncidentState, reason: CloseReason) -> None:
        """Ends an open incident without a signal, now."""
        history = self.history(charge_point_id, incident.case)
        lifecycle.close(incident, self.now, self.now, reason)
        history.touch(incident)
        history.last_closed, history.open = incident, None

    def _known(self, charge_point_id: int) -> PointState | None:
        """A charge point whose row was read; None for one whose incidents alone are in question."""
        return self.state_of(charge_point_id) if charge_point_id in self._stored else None

    def stored_of(self, charge_point_id: int) -> StoredState:
        """What the locked row said; an empty one for a charge point that has just been deleted."""
        return self._stored.setdefault(charge_point_id, _DELETED)

    def state_of(self, charge_point_id: int) -> PointState:
        """What is said of a charge point, beginning with what its locked row said."""
        state = self.states.get(charge_point_id)
        if state is None:
            stored = self.stored_of(charge_point_id)
            state = self.states[charge_point_id] = PointState(stored, read_memory(stored.memory))
        return state

    def last_seen_of(self, charge_point_id: int) -> datetime | None:
        """When a charge point was heard last, this batch included."""
        return self.heard.get(charge_point_id) or self.stored_of(charge_point_id).last_seen

    def new_memory_of(self, charge_point_id: int) -> str:
        """What is remembered of a charge point, for whoever writes its state row: then `flush` does not. Empty where
        that stays."""
        state = self.states.get(charge_point_id)
        if state is None or not state.memory_changed:
            return ""
        state.memory_changed = False
        memory = state.memory
        for case in [*memory.raised]:
            if not self.is_open(charge_point_id, Case(case)):
                del memory.raised[case]
        if not all(memory.cleared.values()):
            memory.cleared = {case: faults for case, faults in memory.cleared.items() if faults}
        return stored_memory(memory)

    def flush(self) -> None:
        """Writes what changed, tells whoever is to be told now, and schedules the rest."""
        changed = [pk for pk, state in self.states.items() if state.memory_changed]
        rows = [(pk, self.new_memory_of(pk)) for pk in changed]
        update_rows("infra_notifications_chargepointstate", Col("charge_point_id", "bigint"), _MEMORY, rows)
        histories = ((cp, history) for cp, point in self._points.items() for history in point.cases.values())
        touched = [(cp, state) for cp, history in histories for state in history.touched]
        if not touched:
            return
        was_new = [(cp, state) for cp, state in touched if state.id is None]
        known = [(cp, state) for cp, state in touched if state.id is not None]
        # Closed ones first: the unique index allows one open incident per case.
        update_rows(
            "infra_notifications_incident",
            Col("id", "bigint"),
            _COLUMNS,
            [(s.id, *_values(s)) for _cp, s in known],
        )
        for (_cp, state), new_id in zip(was_new, take_ids("infra_notifications_incident", len(was_new)), strict=True):
            state.id = new_id
        insert_rows(
            "infra_notifications_incident",
            (*columns(Incident, "id", "charge_point_id", "case"), *_COLUMNS),
            [(s.id, cp, s.case.value, *_values(s)) for cp, s in was_new],
        )
        self._publish(was_new, [(cp, s) for cp, s in touched if s.closed_now])
        self._notify(was_new, known)

    def _notify(self, was_new: Sequence[tuple[int, IncidentState]], known: Sequence[tuple[int, IncidentState]]) -> None:
        """Decides who is told of what opened or ended, and tells what is to be told now."""
        if not (was_new or any(state.closed_now or state.freshened for _cp, state in known)):
            return
        concerned = {cp for cp, _ in (*was_new, *known)}
        context = context_of(
            concerned,
            self.now,
            opened=[(cp, state.case) for cp, state in was_new],
            incidents=[state.id for _cp, state in known if state.id is not None],
        )
        opened = [(cp, state) for cp, state in was_new if cp in context.members]
        told = [(cp, state) for cp, state in known if state.id in context.notified]
        if not (opened or told):
            return
        decide_openings(opened=opened, context=context, now=self.now)
        decide_closings(closed=[(cp, state) for cp, state in told if state.closed_now], context=context, now=self.now)
        reconsider_too_old(incidents=[state for _cp, state in told if state.freshened], now=self.now)
        ids = [state.id for _cp, state in (*opened, *told) if state.id is not None]
        notify_due(now=self.now, incident_ids=ids, context=context)

    def _publish(self, opened: Sequence[tuple[int, IncidentState]], ended: Sequence[tuple[int, IncidentState]]) -> None:
        """Tells the outbox of each incident that opened or ended; webhooks and the event log listen to these."""
        points = points_of({cp for cp, _ in (*opened, *ended)})
        changes = [(cp, state, "opened", CASE_KINDS[state.case], state.opened_at) for cp, state in opened]
        changes += [(cp, state, "closed", RECOVERED, state.closed_at or self.now) for cp, state in ended]
        events = [
            NewEvent(
                kind=kind,
                subject=f"charge_point:{cp}",
                payload=incident_at(*points[cp], state),
                dedup_key=f"incident:{state.id}:{change}",
                occurred_at=at,
            )
            for cp, state, change, kind, at in changes
        ]
        publish(events=events, now=self.now)
