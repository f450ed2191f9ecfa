"""Reads of the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Lower

from outbox.choices import WAITING, Channel, DeliveryState
from outbox.models import Address, Attempt, Delivery, Event


def deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.select_related("event")


def deliveries_of_list(list_key: str) -> QuerySet[Delivery]:
    return deliveries().filter(list_key=list_key)


def deliveries_of_events(event_ids: Iterable[int]) -> QuerySet[Delivery]:
    return deliveries().filter(event_id__in=list(event_ids)).order_by("id")


def attempts_of(delivery: Delivery) -> QuerySet[Attempt]:
    return Attempt.objects.filter(delivery_id=delivery.pk)


def log_after(position: int, *, kind: str, limit: int) -> QuerySet[Event]:
    """Events behind a place in the log, in its order; `kind` may be a topic such as `trip.*`."""
    kind = kind.replace("\x00", "\ufffd")  # which PostgreSQL would not even compare
    found = Event.objects.filter(position__gt=position)
    if kind.endswith(".*"):
        found = found.filter(kind__startswith=kind[:-1])
    elif kind and kind != "*":
        found = found.filter(kind=kind)
    return found.order_by("position")[:limit]


def oldest_due(now: datetime) -> datetime | None:
    """When the oldest waiting delivery became due."""
    waiting = Delivery.objects.filter(state__in=WAITING, next_attempt_at__lte=now).order_by("next_attempt_at")
    return waiting.values_list("next_attempt_at", flat=True).first()


def refused_addresses(addresses: Iterable[str]) -> dict[str, Address]:
    """The addresses among these that their server refuses or that are blocked, by lower-case address."""
    lowered = [address.lower() for address in addresses]
    found = Address.objects.alias(lowered=Lower("address")).filter(
        Q(failing_since__isnull=False) | ~Q(blocked_reason=""), channel=Channel.EMAIL, lowered__in=lowered
    )
    return {row.address.lower(): row for row in found}


def last_delivered(list_keys: Iterable[str]) -> dict[str, datetime]:
    """When the newest delivery of each mailing list arrived."""
    rows = (
        Delivery.objects.filter(list_key__in=list(list_keys), state=DeliveryState.DELIVERED)
        .values_list("list_key")
        .annotate(newest=Max("settled_at"))
    )
    return {key: newest for key, newest in rows if newest is not None}


def open_counts() -> dict[str, int]:
    """How many deliveries wait, are being sent, or failed, by state."""
    states = (*WAITING, DeliveryState.SENDING, DeliveryState.FAILED)
    rows = Delivery.objects.filter(state__in=states).values_list("state").annotate(n=Count("pk"))
    return dict(rows)
