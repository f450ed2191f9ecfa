"""Plans maintenance windows and ends them. Everything here is audited.

A window acts by itself: whoever decides about a notification asks which windows cover its charge point at that moment
(`services/context.py`). What waits for its end is due when it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditlog.models import LogEntry
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.lists import BulkRun
from core.refusal import Refused
from infra_notifications.choices import WindowState
from infra_notifications.models import ChargePoint, MaintenanceTarget, MaintenanceWindow, NotificationGroup

LONGEST = timedelta(days=366)
# A form takes a while to fill in: "now" may lie this far behind.
SLACK = timedelta(minutes=15)


@dataclass(frozen=True)
class Targets:
    """What a window is to cover: charge points and groups by id, locations by name and city ("" for any city)."""

    charge_points: Sequence[int] = ()
    groups: Sequence[int] = ()
    locations: Sequence[tuple[str, str]] = ()

    def __bool__(self) -> bool:
        return bool(self.charge_points or self.groups or self.locations)


def plan_maintenance(
    *,
    reason: str,
    starts_at: datetime | None = None,
    ends_at: datetime,
    targets: Targets,
    author: str,
    now: datetime,
) -> MaintenanceWindow:
    """Plans a window, or begins it at once without `starts_at`. Raises Refused with a pointer to each field."""
    starts = beginning(starts_at=starts_at, ends_at=ends_at, now=now)
    if not targets:
        raise Refused(_("Name what is worked at: charge points, locations or groups."), field="targets")
    with transaction.atomic():
        window = MaintenanceWindow.objects.create(
            reason=_clean_reason(reason), starts_at=starts, ends_at=ends_at, author=author[:150]
        )
        _cover(window, targets)
    return window


def beginning(*, starts_at: datetime | None, ends_at: datetime, now: datetime) -> datetime:
    """When a window with these times begins. Raises Refused with a pointer to each field."""
    starts = starts_at or now
    if starts < now - SLACK:
        raise Refused(_("The beginning is over; leave it empty to begin at once."), field="starts_at")
    # A maintenance that "begins now" holds for what comes in from now on, not for what was told a minute ago.
    starts = max(starts, now)
    _check_end(starts, ends_at, now)
    return starts


def _cover(window: MaintenanceWindow, targets: Targets) -> None:
    rows = [MaintenanceTarget(window=window, charge_point_id=pk) for pk in sorted(set(targets.charge_points))]
    rows += [MaintenanceTarget(window=window, group_id=pk) for pk in sorted(set(targets.groups))]
    rows += [
        MaintenanceTarget(window=window, location=name, city=city) for name, city in sorted(set(targets.locations))
    ]
    MaintenanceTarget.objects.bulk_create(rows, batch_size=5_000)
    LogEntry.objects.log_create(window, action=LogEntry.Action.UPDATE, changes={"targets": ["", _in_words(targets)]})


def cover_chunk(run: BulkRun) -> list[int]:
    """Charge points selected in a list: their first chunk plans the window, which the job keeps for the others."""
    given = run.arguments
    found = list(ChargePoint.objects.filter(pk__in=run.ids).values_list("pk", flat=True))
    targets = Targets(charge_points=found)
    if "window" not in given:
        window = plan_maintenance(
            reason=given["reason"],
            starts_at=datetime.fromisoformat(given["starts_at"]) if given["starts_at"] else None,
            ends_at=datetime.fromisoformat(given["ends_at"]),
            targets=targets,
            author=run.by.get_username(),
            now=run.now,
        )
        given["window"] = window.pk
        return found
    planned = MaintenanceWindow.objects.select_for_update().filter(pk=given["window"]).first()
    if planned is None or planned.state_at(run.now) == WindowState.OVER:
        raise Refused(_("This maintenance is over."))
    _cover(planned, targets)
    return found


def _in_words(targets: Targets) -> str:
    """What a window covers, for the audit log."""
    names = [name if not city else f"{name}, {city}" for name, city in targets.locations]
    names += NotificationGroup.objects.filter(pk__in=targets.groups).values_list("name", flat=True)
    if targets.charge_points:
        n = len(targets.charge_points)
        names.append(ngettext("%(n)d charge point", "%(n)d charge points", n) % {"n": n})
    return "; ".join(names)


def _clean_reason(reason: str) -> str:
    clean = " ".join(reason.split())
    if not clean or len(clean) > 200:
        raise Refused(_("Say in at most 200 characters what is done; it is shown as the reason."), field="reason")
    return clean


def _check_end(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    if ends_at <= max(starts_at, now):
        raise Refused(_("The end must lie after the beginning and in the future."), field="ends_at")
    if ends_at - starts_at > LONGEST:
        raise Refused(_("A maintenance lasts at most a year."), field="ends_at")


def change_maintenance(
    *, window: MaintenanceWindow, reason: str, starts_at: datetime | None, ends_at: datetime, now: datetime
) -> None:
    """Changes a window that is not over; the beginning only of one that has not begun. Raises Refused."""
    with transaction.atomic():
        locked = MaintenanceWindow.objects.select_for_update().get(pk=window.pk)
        if now >= locked.ends_at:
            raise Refused(_("This maintenance is over."))
        if now < locked.starts_at:
            locked.starts_at = max(starts_at or now, now)
        _check_end(locked.starts_at, ends_at, now)
        is_earlier = ends_at < locked.ends_at
        locked.reason, locked.ends_at = _clean_reason(reason), ends_at
        locked.save()
        if is_earlier:
            ask_again(windows=[locked.pk], at=ends_at)


def end_maintenance(*, window: MaintenanceWindow, now: datetime) -> bool:
    """Ends a running window now: what is still broken is told. Says whether it was running."""
    with transaction.atomic():
        locked = MaintenanceWindow.objects.select_for_update().get(pk=window.pk)
        if not locked.starts_at <= now < locked.ends_at:
            return False
        locked.ends_at = now
        locked.save(update_fields=["ends_at"])
        ask_again(windows=[locked.pk], at=now)
    return True


def cancel_maintenance(*, window: MaintenanceWindow, now: datetime) -> bool:
    """Takes back a window that has not begun; says whether it could."""
    with transaction.atomic():
        locked = MaintenanceWindow.objects.select_for_update().filter(pk=window.pk, starts_at__gt=now).first()
        if locked is not None:
            locked.delete()
    return locked is not None


_COVERED = """
SELECT t.charge_point_id FROM infra_notifications_maintenancetarget t
WHERE t.window_id = ANY(%(windows)s) AND t.charge_point_id IS NOT NULL
UNION SELECT m.charge_point_id FROM infra_notifications_maintenancetarget t
JOIN infra_notifications_groupmembership m ON m.group_id = t.group_id WHERE t.window_id = ANY(%(windows)s)
UNION SELECT c.id FROM infra_notifications_maintenancetarget t JOIN infra_notifications_chargepoint c
ON c.location = t.location AND (t.city = '' OR c.city = t.city)
WHERE t.window_id = ANY(%(windows)s) AND t.location <> ''"""


_ASK_AGAIN = f"""
WITH held AS (
  SELECT n.id FROM infra_notifications_notice n JOIN infra_notifications_incident i ON i.id = n.incident_id
  WHERE n.state = 'waiting' AND n.reason = 'maintenance' AND n.due_at > %(at)s AND i.charge_point_id IN ({_COVERED})
  ORDER BY n.id FOR UPDATE OF n
)
UPDATE infra_notifications_notice n SET due_at = %(at)s FROM held WHERE n.id = held.id"""  # noqa: S608 - our own text


def count_covered(window: MaintenanceWindow) -> int:
    """How many charge points a window covers now."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({_COVERED}) AS covered", {"windows": [window.pk]})  # noqa: S608
        return int(cursor.fetchone()[0])


def ask_again(*, windows: Iterable[int], at: datetime) -> None:
    """What waits for the end of these windows is decided again at this moment, because they end earlier.

    Nobody who holds decisions waits for a window, so waiting for decisions here cannot dead-lock. What a message
    writes meanwhile by the old end is asked again within the hour (rules.decisions.MAINTENANCE_RECHECK).
    """
    with connection.cursor() as cursor:
        cursor.execute(_ASK_AGAIN, {"windows": list(windows), "at": at})
