"""Pushes are proven: what the app's backend reports of each, and what waits because no backend listens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from core.sql import columns, insert_rows, update_rows
from outbox.subscriptions.matching import is_listened_to
from vehicles.choices import DriverChannel, NotificationState, PushState, StepKind
from vehicles.event_kinds import CREATED
from vehicles.models import DriverNotification, NotificationStep
from vehicles.rules.words import PUSH_STATE

_ID, *_PUSH = columns(DriverNotification, "id", "push_state", "push_at", "push_reason", "state", "read_at")
_STEP = columns(NotificationStep, "notification_id", "at", "kind", "reason", "detail")
AT_ONCE = 1_000


@dataclass(frozen=True)
class PushReport:
    """`notification` is the `id` in the event's data; `state` delivered, failed or opened."""

    notification: int
    state: str
    at: datetime
    reason: str = ""


def take_reports(reports: Sequence[PushReport]) -> list[str]:
    """What the backend says of pushes, in any order: for each what is wrong with it, or "". Opened is the last word,
    else the newest counts; who opened a push has seen the notification."""
    with transaction.atomic():
        ids = {report.notification for report in reports}
        found = DriverNotification.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
        notifications = {row.pk: row for row in found.only("pk", "ways", "state", "push_state", "push_at", "read_at")}
        errors, steps = [], []
        for report in reports:
            note, state = notifications.get(report.notification), PUSH_STATE.read(report.state)
            errors.append(_problem(report, note, state))
            if note is not None and state is not None and not errors[-1] and _apply(note, PushState(state), report):
                steps.append((note.pk, report.at, StepKind(state).value, "", report.reason[:120]))
        rows = [(n.pk, n.push_state, n.push_at, n.push_reason, n.state, n.read_at) for n in notifications.values()]
        update_rows("vehicles_drivernotification", _ID, _PUSH, rows)
        insert_rows("vehicles_notificationstep", _STEP, steps)
    return errors


def _problem(report: PushReport, note: DriverNotification | None, state: str | None) -> str:
    if note is None:
        return f"There is no notification {report.notification}."
    if state is None:
        return f"`state`: one of {', '.join(PushState.values)}, not “{report.state[:40]}”."
    return "" if DriverChannel.PUSH in note.ways else "This notification goes by no push."


def _apply(note: DriverNotification, state: PushState, report: PushReport) -> bool:
    """Says whether it was news."""
    is_older = note.push_at is not None and report.at < note.push_at
    if note.push_state == PushState.OPENED or (is_older and state != PushState.OPENED):
        return False
    if (note.push_state, note.push_at) == (state, report.at):
        return False
    note.push_state, note.push_at, note.push_reason = state, report.at, report.reason[:200]
    if state == PushState.OPENED and note.state == NotificationState.OPEN:
        note.state, note.read_at = NotificationState.READ, report.at
    return True


def tell_the_unheard(*, now: datetime) -> int:
    """Once a webhook takes pushes, those who waited for one are looked at; returns how many."""
    if not DriverNotification.objects.filter(reason="no_listener", state=NotificationState.SUPPRESSED).exists():
        return 0
    if not is_listened_to(CREATED):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vehicles_driver SET due_at = %s WHERE id IN (SELECT d.id FROM vehicles_driver d WHERE"
            " (d.due_at IS NULL OR d.due_at > %s) AND EXISTS (SELECT 1 FROM vehicles_drivernotification n"
            " WHERE n.driver_id = d.id AND n.reason = 'no_listener' AND n.state = 'suppressed')"
            " ORDER BY d.id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)",
            [now, now, AT_ONCE],
        )
        return int(cursor.rowcount)
