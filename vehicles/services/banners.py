"""Drivers' banners, which the outbox keeps (`outbox.services.banners`): whom they are for, and what ends them.

A notification says what its banner says. Whoever is asked, this app's API or the outbox's, both change together.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db.models import QuerySet

from outbox.choices import Channel
from outbox.contract import Recipient
from outbox.models import Banner, Event
from vehicles.event_kinds import CREATED
from vehicles.models import DriverNotification, NotificationStep

AUDIENCE = "driver:"


def audience_of(driver_key: str) -> str:
    return f"{AUDIENCE}{driver_key}"


def banner_recipient(driver_key: str, language: str) -> Recipient:
    """A driver's app as a receiver of banners."""
    return Recipient(audience_of(driver_key), Channel.BANNER, language=language, destination="banner:vehicles")


def events_that_notified(notification_ids: Collection[int]) -> QuerySet[NotificationStep, int | None]:
    """The ids of the events by which drivers were notified."""
    steps = NotificationStep.objects.filter(notification_id__in=notification_ids, event_id__isnull=False)
    return steps.values_list("event_id", flat=True)


def banners_of(notification: DriverNotification) -> list[int]:
    """The ids of the banners that show a notification or showed it."""
    event_ids = events_that_notified([notification.pk])
    return list(Banner.objects.filter(delivery__event_id__in=list(event_ids)).values_list("pk", flat=True))


def notifications_of_events(event_ids: Sequence[int]) -> list[DriverNotification]:
    """The notifications of these events of the outbox; a sample has none."""
    notification_ids = Event.objects.filter(pk__in=event_ids, kind=CREATED).values_list("payload__id", flat=True)
    return list(DriverNotification.objects.filter(pk__in=list(notification_ids)).order_by("pk"))
