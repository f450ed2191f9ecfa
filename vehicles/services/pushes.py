"""Pushes are proven: what the app's backend reports of each, and what waits because no backend listens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from django.db import connection
from msgspec import Meta

from core.device_clock import judge, span_text
from core.ingest import BatchSteps, Intake, Submission, take
from core.sql import columns, insert_rows, update_rows
from outbox.subscriptions.matching import audience_of
from vehicles.choices import DriverChannel, NotificationState, PushState, StepKind
from vehicles.event_kinds import CREATED
from vehicles.ingest.base import Moment
from vehicles.models import DriverNotification, NotificationStep
from vehicles.rules.words import PUSH_STATE

_ID, *_PUSH = columns(DriverNotification, "id", "push_state", "push_at", "push_reason", "state", "read_at")
_STEP = columns(NotificationStep, "notification_id", "at", "kind", "reason", "detail")
AT_ONCE = 1_000


class PushReport(msgspec.Struct, kw_only=True):
    """What became of a push: `notification` is the `id` in the event's data; without `at` it is now."""

    notification: Annotated[int, Meta(ge=1, le=(1 << 63) - 1)]
    state: Annotated[str, Meta(examples=list(PushState.values))]
    at: Moment | None = None
    reason: str | None = None


def take_reports(*, submissions: Sequence[Submission[PushReport]], now: datetime) -> list[Intake]:
    """What the backend says of pushes, in any order. Opened is the last word, else the newest counts; who opened a push
    has seen the notification."""
    return take(submissions, _ReportSteps, now=now)


class _ReportSteps(BatchSteps[PushReport]):
    endpoint = "vehicles/push-reports"

    def check(self, item: PushReport) -> str:
        if PUSH_STATE.read(item.state) is not None:
            return ""
        return f"`state`: one of {', '.join(PushState.values)}, not “{item.state[:40]}”."

    def resolve(self, rows: list[int]) -> None:
        items = self.incoming.items
        found = DriverNotification.objects.select_for_update(no_key=True).filter(
            pk__in={items[row].notification for row in rows}
        )
        found = found.order_by("pk").only("pk", "ways", "state", "told_at", "push_state", "push_at", "read_at")
        self.notes = {note.pk: note for note in found}
        for row in rows:
            note = self.notes.get(items[row].notification)
            if note is None:
                self.incoming.reject(row, f"There is no notification {items[row].notification}.")
            elif DriverChannel.PUSH not in note.ways:
                self.incoming.reject(row, f"Notification {note.pk} goes by no push.")
            elif note.told_at is None:
                self.incoming.reject(row, f"Notification {note.pk} was never told: no push of it can have been sent.")

    def apply(self, rows: list[int]) -> None:
        steps, changed = [], {}
        for row in rows:
            report = self.incoming.items[row]
            note, moment = self.notes[report.notification], judge(report.at, self.now, longest_queue=None)
            if moment.error_s is not None:
                self.incoming.warn(row, f"`at` is wrong by {span_text(moment.error_s)}; the time of receipt counts.")
            state, reason = PushState(str(PUSH_STATE.read(report.state))), report.reason or ""
            if _apply(note, state, moment.at, reason):
                changed[note.pk] = note
                steps.append((note.pk, moment.at, StepKind(state).value, "", reason[:120]))
        rows_of = [(n.pk, n.push_state, n.push_at, n.push_reason, n.state, n.read_at) for n in changed.values()]
        update_rows("vehicles_drivernotification", _ID, _PUSH, rows_of)
        insert_rows("vehicles_notificationstep", _STEP, steps)


def _apply(note: DriverNotification, state: PushState, at: datetime, reason: str) -> bool:
    """Says whether it was news."""
    is_older = note.push_at is not None and at < note.push_at
    if note.push_state == PushState.OPENED or (is_older and state != PushState.OPENED):
        return False
    if (note.push_state, note.push_at) == (state, at):
        return False
    note.push_state, note.push_at, note.push_reason = state, at, reason[:200]
    if state == PushState.OPENED and note.state == NotificationState.OPEN:
        note.state, note.read_at = NotificationState.READ, at
    return True


def tell_the_unheard(*, now: datetime) -> int:
    """Once others listen than before, the drivers of what waits for that are looked at; returns how many."""
    audience = audience_of(CREATED)
    if not audience.listeners:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH d AS (SELECT id FROM vehicles_driver WHERE id IN (SELECT driver_id FROM vehicles_drivernotification"
            " WHERE reason = 'no_listener' AND state = 'suppressed'"
            " AND (unheard_by < %(stamp)s OR unheard_by > %(stamp)s) LIMIT %(at_once)s)"
            " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED),"
            " asked AS (UPDATE vehicles_drivernotification SET unheard_by = %(stamp)s"
            " WHERE driver_id IN (SELECT id FROM d) AND reason = 'no_listener')"
            " UPDATE vehicles_driver SET due_at = LEAST(due_at, %(now)s) WHERE id IN (SELECT id FROM d)",
            {"stamp": audience.stamp, "at_once": AT_ONCE, "now": now},
        )
        return int(cursor.rowcount)
