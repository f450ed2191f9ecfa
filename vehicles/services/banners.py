"""Banners as deliveries of the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from outbox.choices import Channel, DeliveryState, Reason
from outbox.contract import Recipient
from outbox.models import Delivery


def banner_recipient(driver_key: str, language: str) -> Recipient:
    """A driver's app as a receiver of banners."""
    return Recipient(f"driver:{driver_key}", Channel.BANNER, language=language, destination="banner:vehicles")


def hand_over(*, event_ids: Iterable[int], now: datetime) -> None:
    """Marks the banners of these events as delivered, in the transaction that published them.

    A banner is not carried anywhere: the app asks for it (`GET /vehicles/drivers/{id}/notifications`), and what becomes
    of it is the state of its DriverNotification. The dispatcher has no transport for it, so it would wait for ever.
    """
    waiting = Delivery.objects.filter(event_id__in=list(event_ids), channel=Channel.BANNER, state=DeliveryState.PENDING)
    waiting.update(state=DeliveryState.DELIVERED, reason=Reason.ACCEPTED, next_attempt_at=None, settled_at=now)
