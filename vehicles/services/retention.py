"""What vehicles need of the outbox for longer than the outbox would keep it."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.models import Event
from vehicles.choices import LIVE
from vehicles.event_kinds import CREATED
from vehicles.models import DriverNotification


def events_of_living(ids: Sequence[int]) -> set[int]:
    """Of these events of the outbox, those of notifications which still hold."""
    notifications = dict(Event.objects.filter(pk__in=ids, kind=CREATED).values_list("pk", "payload__id"))
    living = DriverNotification.objects.filter(pk__in=set(notifications.values()), state__in=LIVE)
    living_ids = set(living.values_list("pk", flat=True))
    return {pk for pk, notification_id in notifications.items() if notification_id in living_ids}
