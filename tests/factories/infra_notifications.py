"""Charge points, groups, incidents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone

from infra_notifications.choices import Case, Connectivity
from infra_notifications.models import (
    ChargePoint,
    ChargePointState,
    GroupAddress,
    GroupMembership,
    Incident,
    NotificationGroup,
)
from tests.clock import DAY, NOW


class ChargePointFactory(factory.django.DjangoModelFactory[ChargePoint]):
    class Meta:
        model = ChargePoint
        skip_postgeneration_save = True

    evse_id = factory.Sequence(lambda n: f"DE*TST*E{n:05d}*1")
    station = factory.Sequence(lambda n: f"TST-{n:05d}")
    connector = 1
    name = factory.Sequence(lambda n: f"Deck {n}")
    location = "Parkhaus Süd"
    city = "Köln"

    @factory.post_generation
    def state(self: Any, create: bool, extracted: dict[str, Any] | None, **kwargs: Any) -> None:
        ChargePointState.objects.create(charge_point=self, **(extracted or {}))


class NotificationGroupFactory(factory.django.DjangoModelFactory[NotificationGroup]):
    class Meta:
        model = NotificationGroup
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Group {n}")

    @factory.post_generation
    def emails(self: Any, create: bool, extracted: list[str] | None, **kwargs: Any) -> None:
        for address in ["ops@example.org"] if extracted is None else extracted:
            GroupAddress.objects.create(group=self, address=address)
        # They stood on the list before anything happened.
        GroupAddress.objects.filter(group=self).update(added_at=NOW - DAY)

    @factory.post_generation
    def members(self: Any, create: bool, extracted: list[ChargePoint] | None, **kwargs: Any) -> None:
        for point in extracted or ():
            GroupMembership.objects.create(group=self, charge_point=point)


class IncidentFactory(factory.django.DjangoModelFactory[Incident]):
    class Meta:
        model = Incident

    charge_point = factory.SubFactory(ChargePointFactory)
    case = Case.FUSE_TRIPPED
    opened_at = factory.LazyFunction(timezone.now)
    opened_received_at = factory.LazyAttribute(lambda o: o.opened_at)
    last_raised_at = factory.LazyAttribute(lambda o: o.opened_at)
    faults = factory.LazyFunction(lambda: ["status"])


def online(**kwargs: Any) -> ChargePoint:
    """A charge point that just sent something."""
    now = timezone.now()
    point: ChargePoint = ChargePointFactory(
        state={"last_seen": now, "connectivity": Connectivity.ONLINE, "silent_at": now + timedelta(hours=1)},
        **kwargs,
    )
    return point
