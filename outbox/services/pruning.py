"""Pruning the outbox by age: an event goes with all that came of it, when all of that has ended.

Events whose deliveries wait, whose banner is shown, or that an app still needs (`register_retention_hold`) stay whole.
So does the newest of the log, whose place tells the next one's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import connection, transaction

from core.registry import Registry
from core.retention import STEP, Key, Step
from outbox.choices import UNENDED, BannerState
from outbox.models import Attempt, Banner, Delivery, Event
from outbox.selectors import log_end

# Of these ids of events, those that an app still needs, such as the mails of an open incident.
Hold = Callable[[Sequence[int]], set[int]]
holds: Registry[Hold] = Registry("retention hold on events")


def register_retention_hold(app: str, hold: Hold) -> None:
    """Raises ValueError for an app that has registered one."""
    holds.add(app, hold)


def prune_events(before: datetime, after: Key) -> Step:
    """Deletes old events with their deliveries, attempts and banners, among the next STEP behind an id."""
    with transaction.atomic():
        behind = Event.objects.filter(pk__gt=after).order_by("pk")
        rows = list(behind.values_list("pk", "position", "created_at")[:STEP])
        old = {pk: position for pk, position, created_at in rows if created_at < before}
        newest = log_end()
        prunable = {pk for pk, position in old.items() if position is not None and position < newest}
        # Locked, so that what a person sends again meanwhile either stays or was gone before.
        deliveries = list(
            Delivery.objects.select_for_update()
            .filter(event_id__in=prunable)
            .order_by("pk")
            .values_list("pk", "event_id", "state")
        )
        prunable -= {event_id for _pk, event_id, state in deliveries if state in UNENDED}
        open_banners = Banner.objects.filter(delivery__event_id__in=prunable, state=BannerState.OPEN)
        prunable -= set(open_banners.values_list("delivery__event_id", flat=True))
        for hold in holds.values():
            prunable -= hold(sorted(prunable)) if prunable else set()
        _delete(prunable, [pk for pk, event_id, _state in deliveries if event_id in prunable])
        _mark_log(max((old[pk] or 0 for pk in prunable), default=0))
    is_end = len(rows) < STEP or not old
    return Step(len(prunable), None if is_end else rows[-1][0])


def _delete(events: set[int], deliveries: list[int]) -> None:
    for model, column, ids in (
        (Attempt, "delivery_id", deliveries),
        (Banner, "delivery_id", deliveries),
        (Delivery, "id", deliveries),
        (Event, "id", list(events)),
    ):
        with connection.cursor() as cursor:
            # Plain SQL, because Django would first look for rows that refer to these.
            cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE {column} = ANY(%s)", [ids])  # noqa: S608


def _mark_log(position: int) -> None:
    """Notes how far the log was pruned, for readers whose cursor lies before it."""
    if not position:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_logmark (id, pruned_to) VALUES (1, %s)"
            " ON CONFLICT (id) DO UPDATE SET pruned_to = greatest(outbox_logmark.pruned_to, EXCLUDED.pruned_to)",
            [position],
        )
