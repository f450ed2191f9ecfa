"""Applies stored callbacks, many bodies at once: a fixed number of statements, however many notifications there are.

A burst of 5,000 is one transaction. Whatever is in a body is kept: as a notification that was applied or with the
reason why not, as a duplicate that is counted, or as something unreadable.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection

from core.sql import storable
from fleet_remotes.catalogue.words import kind_of_name
from fleet_remotes.choices import Flag, Verdict
from fleet_remotes.ingest.notifications import Event, believed_date, read_body
from fleet_remotes.models import Callback, CallbackMessage, FleetVehicle, RemoteAction
from fleet_remotes.services.bulk_writes import (
    bump_duplicates,
    count_on_callbacks,
    known_digests,
    mark_applied,
    write_notifications,
)
from fleet_remotes.services.unit_of_work import ActionUnitOfWork, changing_actions
from fleet_remotes.services.wakeups import first_heard, wakeup_in

log = structlog.get_logger("signalbox.remotes")
# Bodies of one transaction, and fewer when one of them is refused; 6 MiB hold some 20,000 notifications.
BODIES_TOGETHER, MOST_BYTES = (500, 25, 1), 6 * 1024 * 1024


@dataclass(slots=True)
class _ReceivedEvent:
    """One notification on its way through."""

    message: CallbackMessage
    position: int
    event: Event
    fleet_id: int | None
    repeats: int = 0
    action: RemoteAction | None = None
    vehicle_id: int | None = None
    verdict: Verdict = Verdict.UNREADABLE
    reason: str = ""

    @property
    def key(self) -> tuple[int, str]:
        return self.message.callback_id, self.event.digest

    def row(self) -> tuple[Any, ...]:
        """The columns of `write_notifications`."""
        event, message = self.event, self.message
        action_id = self.action.pk if self.action is not None and self.verdict != Verdict.VIN_MISMATCH else None
        return (
            message.pk,
            self.position,
            message.callback_id,
            event.digest,
            action_id,
            self.vehicle_id,
            event.remote_action_id,
            event.vin,
            event.remote_type,
            event.type,
            event.status,
            event.cause,
            event.feedback,
            event.event_date,
            message.received_at,
            self.verdict.value,
            self.reason[:200],
            storable(event.flags),
            self.repeats,
            storable(event.raw),
        )


def apply_waiting(*, now: datetime) -> int:
    """Applies the oldest stored bodies; returns how many. 0: nothing is left.

    When the database refuses something, fewer are tried together, and a body that cannot be applied even alone is set
    aside, so that it holds up no other.
    """
    for most in BODIES_TOGETHER:
        try:
            return _apply(now, most=most)
        except (InterfaceError, OperationalError):  # the database is away: no fault of the body
            raise
        except DatabaseError as error:
            refusal = error
            log.error("callbacks could not be applied together", bodies=most, error=str(error).strip())
    with changing_actions():
        problem = f"It could not be applied: {refusal}"[:300]
        mark_applied([(message.pk, now, 0, 0, problem) for message in _waiting(1)])
    return 1


def _apply(now: datetime, *, most: int) -> int:
    with changing_actions():
        messages = _waiting(most)
        if messages:
            _Applying(messages, now).run()
    return len(messages)


def _waiting(most: int) -> list[CallbackMessage]:
    """The oldest bodies that wait, as many as fit into one transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, callback_id, body, received_at FROM ("
            "  SELECT id, callback_id, body, received_at, sum(length(body)) OVER (ORDER BY id) AS bytes FROM ("
            "    SELECT * FROM fleet_remotes_callbackmessage WHERE applied_at IS NULL ORDER BY id LIMIT %s) oldest"
            ") sized WHERE bytes - length(body) < %s ORDER BY id",
            [most, MOST_BYTES],
        )
        return [
            CallbackMessage(id=pk, callback_id=callback_id, body=bytes(body), received_at=received_at)
            for pk, callback_id, body, received_at in cursor.fetchall()
        ]


class _Applying:
    def __init__(self, messages: Sequence[CallbackMessage], now: datetime) -> None:
        self.messages, self.now = messages, now
        self.duplicates: Counter[int] = Counter()

    def run(self) -> None:
        callbacks = Callback.objects.filter(pk__in={message.callback_id for message in self.messages})
        fleets = dict(callbacks.values_list("pk", "fleet_id"))
        incoming = [
            _ReceivedEvent(message, position, event, fleets.get(message.callback_id))
            for message in self.messages
            for position, event in enumerate(read_body(bytes(message.body)))
        ]
        self.counts = Counter(item.message.pk for item in incoming)
        fresh = self._without_duplicates(incoming)
        self._find_vehicles(fresh)
        work = self._find_actions(fresh)
        for item in fresh:
            if item.event.problem:
                item.reason = item.event.problem
                continue
            item.verdict, item.reason = judge(item.event, item.action, item.message.received_at, work)
            if item.action is not None and item.verdict != Verdict.VIN_MISMATCH:
                item.vehicle_id = item.action.vehicle_id
        self._note_wakeups(fresh, work)
        write_notifications([item.row() for item in fresh])
        work.flush()
        self._finish()

    def _note_wakeups(self, fresh: Sequence[_ReceivedEvent], work: ActionUnitOfWork) -> None:
        """What is said of wake-ups, also of those that other tools ordered."""
        foreign = []
        for item in fresh:
            if item.vehicle_id is not None and item.verdict != Verdict.VIN_MISMATCH:
                news = wakeup_in(item.event, item.vehicle_id, item.message.received_at)
                if item.action is None:
                    foreign.append(news)
                else:
                    work.note_wakeup(item.action, news)
        work.wakeups += first_heard(foreign)

    def _without_duplicates(self, incoming: Sequence[_ReceivedEvent]) -> list[_ReceivedEvent]:
        """The first of each; the vendor repeats itself, and the others are counted on it."""
        ids = known_digests([item.key for item in incoming])
        first: dict[tuple[int, str], _ReceivedEvent] = {}
        stored: Counter[int] = Counter()
        for item in incoming:
            if item.key in ids:
                stored[ids[item.key]] += 1
            elif item.key in first:
                first[item.key].repeats += 1
            else:
                first[item.key] = item
                continue
            self.duplicates[item.message.pk] += 1
        bump_duplicates(stored)
        return list(first.values())

    def _find_vehicles(self, fresh: Sequence[_ReceivedEvent]) -> None:
        vins = {item.event.vin for item in fresh if item.event.vin}
        rows = FleetVehicle.objects.filter(vin__in=vins).values_list("vin", "pk", "fleet_id") if vins else ()
        vehicles = {vin: (pk, fleet_id) for vin, pk, fleet_id in rows}
        for item in fresh:
            if item.event.vin:
                pk, fleet_id = vehicles.get(item.event.vin, (None, None))
                # A callback speaks for its own fleet alone.
                item.vehicle_id = pk if fleet_id == item.fleet_id else None
                if item.vehicle_id is None:
                    item.event.flags.append(Flag.UNKNOWN_VIN)

    def _find_actions(self, fresh: Sequence[_ReceivedEvent]) -> ActionUnitOfWork:
        ids = {item.event.remote_action_id for item in fresh if item.event.remote_action_id}
        rows = RemoteAction.objects.filter(remote_action_id__in=ids).values_list("fleet_id", "remote_action_id", "pk")
        by_id = {(fleet_id, remote_id): pk for fleet_id, remote_id, pk in rows} if ids else {}
        work = ActionUnitOfWork(self.now)
        work.load(by_id.values())
        for item in fresh:
            pk = by_id.get((item.fleet_id or 0, item.event.remote_action_id))
            item.action = work.actions.get(pk) if pk is not None else None
        return work

    def _finish(self) -> None:
        mark_applied([(m.pk, self.now, self.counts[m.pk], self.duplicates[m.pk], "") for m in self.messages])
        of_callback: dict[int, list[CallbackMessage]] = defaultdict(list)
        for message in self.messages:
            of_callback[message.callback_id].append(message)
        count_on_callbacks(
            [
                (
                    pk,
                    len(messages),
                    sum(self.counts[m.pk] for m in messages),
                    sum(self.duplicates[m.pk] for m in messages),
                    max(m.received_at for m in messages),
                )
                for pk, messages in sorted(of_callback.items())
            ]
        )


def judge(
    event: Event, action: RemoteAction | None, received_at: datetime, work: ActionUnitOfWork
) -> tuple[Verdict, str]:
    """Applies one notification to its action; returns the verdict and, where it needs one, the reason."""
    _at, flag = believed_date(event.event_date, received_at)
    if flag:
        event.flags.append(flag)
    report = event.report(received_at)
    if report is None:
        return Verdict.UNKNOWN_VALUE, f"{event.type} / {event.status}"
    if action is None:
        return Verdict.UNKNOWN_ACTION, ""
    if event.vin and event.vin != action.vehicle.vin:
        return Verdict.VIN_MISMATCH, action.vehicle.vin
    if event.remote_type and kind_of_name(event.remote_type) != action.kind:
        event.flags.append(Flag.TYPE_MISMATCH)
    return work.report(action, report), ""
