"""Where a vehicle stands, by brand (A1.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.vehicles.helpers import CAR, Json, account, at, car, fact, linked, people, service, sweep, take, telemetry
from vehicles.models import Vehicle

pytestmark = pytest.mark.django_db


def connected(brand: str) -> list[Json]:
    return [
        account(at(days=-6), brand=brand),
        linked(brand),
        fact("connect_session", at(days=-5), account="account-7", vehicle=CAR, finished=True),
    ]


def pairing(step: str, **since: float) -> Json:
    return fact("pairing", at(**since), vehicle=CAR, step=step)


def listed(value: bool, **since: float) -> Json:
    return fact("vehicle_listing", at(**since), vehicle=CAR, listed=value)


ACTIVE = [pairing("completed", days=-4), telemetry(at(hours=-1))]
RUNNING = service("active", at(days=-5), expires_at=at(days=300).isoformat())

WAYS: list[tuple[str, str, list[Json], str, str]] = [
    ("a linked car", "Tesla", [], "linked", ""),
    ("removed", "Tesla", [car(removed=True)], "not_connected", ""),
    ("unlinked account", "Tesla", [account(linked=False)], "not_connected", ""),
    ("told to be ready", "Tesla", [pairing("ready")], "ready_for_pairing", ""),
    ("begun", "Tesla", [pairing("started", hours=-1)], "pairing", ""),
    ("begun long ago", "Tesla", [pairing("started", days=-4)], "pairing_incomplete", "pairing_stale"),
    ("failed", "Tesla", [pairing("failed")], "pairing_incomplete", "pairing_stale"),
    ("paired", "Tesla", [pairing("completed", hours=-1)], "paired", ""),
    ("paired and never heard of", "Tesla", [pairing("completed", hours=-25)], "check_activation", ""),
    ("paired and heard of", "Tesla", ACTIVE, "active", ""),
    ("confirmed", "Tesla", [pairing("completed", days=-2), car(activation_confirmed=True)], "active", ""),
    ("credentials", "Tesla", [*ACTIVE, account(auth_state="invalid_credentials")], "lost", "invalid_credentials"),
    ("not found", "Tesla", [*ACTIVE, listed(False, hours=-2), listed(False)], "lost", "not_found"),
    ("absent once", "Tesla", [*ACTIVE, listed(False)], "active", ""),
    ("silent", "Tesla", [pairing("completed", days=-4), telemetry(at(days=-1))], "lost", "not_reachable"),
    ("no service", "Renault", [], "action_required", "service_to_be_activated"),
    ("requested", "Renault", [service("requested")], "waiting_oem", "service_requested"),
    ("refused", "Renault", [service("rejected")], "blocked", "service_rejected"),
    ("service runs", "Renault", [RUNNING], "ready_for_pairing", ""),
    ("service ended", "Renault", [RUNNING, *ACTIVE, service("ended")], "lost", "service_expired"),
    (
        "revoked",
        "Renault",
        [RUNNING, *ACTIVE, car(at(days=-3), link_status="active"), car(link_status="missing")],
        "lost",
        "access_revoked",
    ),
    ("no user", "Audi", [car(user_role="none")], "action_required", "not_a_user"),
    (
        "enrolment begun",
        "Audi",
        [car(user_role="primary", enrollment="started")],
        "action_required",
        "enrollment_started",
    ),
    ("enrolled", "Audi", [car(user_role="primary", enrollment="completed")], "ready_for_pairing", ""),
    ("private", "Audi", [*ACTIVE, car(privacy_mode=True)], "lost", "privacy_mode"),
    ("position off", "BMW", [car(geolocation_enabled=False)], "action_required", "geolocation"),
    ("position off in a Mini", "MINI", [car(geolocation_enabled=False)], "action_required", "geolocation"),
    ("position on", "BMW", [car(geolocation_enabled=True)], "linked", ""),
    ("no position yet", "Volkswagen", [car(capabilities={"geoLocation": "blocked"})], "waiting_oem", "geolocation"),
    ("position there", "Volkswagen ID", [car(capabilities={"geoLocation": "available"})], "linked", ""),
]


@pytest.mark.parametrize(("brand", "facts", "state", "reason"), [way[1:] for way in WAYS], ids=[way[0] for way in WAYS])
def test_where_a_vehicle_stands(brand: str, facts: list[Json], state: str, reason: str) -> None:
    people()
    take(*connected(brand), *facts)
    found = Vehicle.objects.get()
    assert (found.pairing_state, found.pairing_reason) == (state, reason)


def test_a_car_that_nobody_connected_is_not_connected() -> None:
    take(fact("vehicle", vehicle=CAR, brand="Tesla"), fact("vehicle", vehicle=CAR, driver="driver-7"))
    assert Vehicle.objects.get().pairing_state == "not_connected"


@pytest.mark.parametrize(
    ("facts", "moment", "before", "after"),
    [
        ([pairing("started")], at(hours=72), "pairing", "pairing_incomplete"),
        ([pairing("completed")], at(hours=24), "paired", "check_activation"),
        (ACTIVE, at(hours=23), "active", "lost"),
    ],
)
def test_time_alone_moves_a_vehicle(facts: list[Json], moment: datetime, before: str, after: str) -> None:
    def state() -> Any:
        return Vehicle.objects.get().pairing_state

    people()
    take(*connected("Tesla"), *facts)
    assert state() == before
    assert sweep(at(seconds=1)) == 0
    sweep(moment)
    assert state() == after
