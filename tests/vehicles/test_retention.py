"""How long vehicles keep things: by age, and never what still holds or could be told once more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from core.retention import prune_old
from outbox.models import Event
from outbox.services.publishing import number_events
from tests import clock
from tests.factories.vehicles import DriverFactory, NotificationFactory, VehicleFactory
from vehicles.catalogue import TYPES
from vehicles.event_kinds import CREATED
from vehicles.models import (
    ChargingSession,
    CostStatement,
    Driver,
    DriverNotification,
    Fact,
    NotificationStep,
    Payout,
    Referral,
    Reimbursement,
    TelemetrySample,
    Vehicle,
)

NOW = clock.NOW
OLD, YOUNG = NOW - timedelta(days=91), NOW - timedelta(days=89)
ONCE = next(name for name, entry in TYPES.items() if entry.once)
pytestmark = pytest.mark.django_db


def notification(**values: Any) -> DriverNotification:
    found: DriverNotification = NotificationFactory(
        **{"created_at": OLD, "ended_at": OLD, "state": "resolved"} | values
    )
    NotificationStep.objects.create(notification=found, at=OLD, kind="told")
    return found


@pytest.mark.parametrize(
    ("values", "stays"),
    [
        ({}, False),
        ({"state": "expired"}, False),
        ({"ended_at": YOUNG}, True),
        ({"state": "open", "ended_at": None}, True),
        ({"state": "dismissed", "ended_at": None}, True),
        # Told once for all: remembered, unless what it was about is settled.
        ({"type": ONCE, "subject": "contract:1"}, True),
        ({"type": "ManagedSessionStart", "subject": "session:1"}, False),
    ],
)
def test_notification_goes_after_it_ended_with_its_steps(values: dict[str, Any], stays: bool) -> None:
    notification(**values)
    prune_old(now=NOW)
    assert (DriverNotification.objects.count(), NotificationStep.objects.count()) == ((1, 1) if stays else (0, 0))


def test_facts_go_by_the_day_they_came() -> None:
    for number, at in enumerate((OLD, YOUNG)):
        Fact.objects.create(
            type="driver", subject="driver:1", occurred_at=OLD, received_at=at, digest=f"{number}".encode()
        )
    assert prune_old(now=NOW)["vehicles fact"] == 1
    assert Fact.objects.get().received_at == YOUNG


def sample(vehicle: Vehicle, days: float) -> None:
    TelemetrySample.objects.create(vehicle=vehicle, at=NOW - timedelta(days=days), charge_state="charging")


def test_telemetry_of_a_session_that_goes_on_stays() -> None:
    busy, idle = VehicleFactory(), VehicleFactory()
    for vehicle in (busy, idle):
        sample(vehicle, 100)
        sample(vehicle, 95)
        sample(vehicle, 1)
    ChargingSession.objects.create(external_id="s", vehicle=busy, started_at=NOW - timedelta(days=96))
    prune_old(now=NOW)
    kept = TelemetrySample.objects.order_by("vehicle", "at").values_list("vehicle", "at")
    assert list(kept) == [
        (busy.pk, NOW - timedelta(days=95)),
        (busy.pk, NOW - timedelta(days=1)),
        (idle.pk, NOW - timedelta(days=1)),
    ]


@pytest.mark.parametrize(
    ("values", "stays"),
    [
        ({"settled": True, "ended_at": OLD}, False),
        ({"settled": True, "ended_at": YOUNG}, True),
        ({"settled": False, "ended_at": OLD}, True),
        ({"withdrawn": True}, False),
        ({}, True),
    ],
)
def test_session_goes_when_nothing_more_is_told_of_it(values: dict[str, Any], stays: bool) -> None:
    session = ChargingSession.objects.create(external_id="s", vehicle=VehicleFactory(), **values)
    ChargingSession.objects.filter(pk=session.pk).update(created_at=OLD)
    prune_old(now=NOW)
    assert ChargingSession.objects.exists() is stays


def test_money_goes_when_it_is_settled(settings: Settings) -> None:
    money: tuple[type[Payout | Reimbursement | CostStatement], ...] = (Payout, Reimbursement, CostStatement)
    for model in money:
        for key, is_settled in (("done", True), ("open", False)):
            model._default_manager.create(external_id=key, settled=is_settled)
        model._default_manager.update(created_at=OLD)
    for key, flags in (("done", (True, True)), ("open", (True, False))):
        Referral.objects.create(external_id=key, settled_for_referrer=flags[0], settled_for_invitee=flags[1])
    Referral.objects.update(created_at=OLD)
    settings.RETENTION_HISTORY_DAYS = 0
    assert prune_old(now=NOW) == {}
    settings.RETENTION_HISTORY_DAYS = 90
    prune_old(now=NOW)
    for each in (*money, Referral):
        assert set(each._default_manager.values_list("external_id", flat=True)) == {"open"}


def test_drivers_and_their_vehicles_stay() -> None:
    VehicleFactory(driver=DriverFactory())
    for model in (Driver, Vehicle):
        model._default_manager.update(created_at=OLD)
    prune_old(now=NOW)
    assert (Driver.objects.count(), Vehicle.objects.count()) == (1, 1)


def test_event_that_told_of_what_still_holds_stays() -> None:
    living, ended = notification(state="open", ended_at=None), notification(ended_at=YOUNG)
    for number, told in enumerate((living, ended)):
        Event.objects.create(
            kind=CREATED,
            subject="driver:1",
            dedup_key=f"told:{number}",
            payload={"id": told.pk},
            occurred_at=OLD,
            created_at=OLD,
        )
    Event.objects.create(kind="x", subject="y", dedup_key="young", payload={}, occurred_at=NOW, created_at=NOW)
    number_events()
    prune_old(now=NOW)
    assert set(Event.objects.values_list("dedup_key", flat=True)) == {"told:0", "young"}
