"""What a notification says is true: of power, of sessions, of readiness, of money, of what is gone."""

from __future__ import annotations

import pytest

from tests.vehicles.cases import plugged, renault, service, smart
from tests.vehicles.helpers import (
    CAR,
    Json,
    account,
    at,
    car,
    driver,
    fact,
    held,
    linked,
    people,
    shown,
    sweep,
    take,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_driver(db: None) -> None:
    people()


# ---- power ----------------------------------------------------------------------------------------------------------

START = fact("charging_command", at(hours=-1), vehicle=CAR, command="start")
POWERED = {
    "full by its battery": [plugged(-0.5, power_kw=0, soc=100)],
    "complete after a command": [START, plugged(-0.5, power_kw=0, soc=80, charge_state="complete")],
    "complete and full": [START, plugged(-0.5, power_kw=0, soc=100, charge_state="complete")],
    "rising": [plugged(-0.9, power_kw=0, soc=54), plugged(-0.6, power_kw=0, soc=63), plugged(-0.1, power_kw=0, soc=70)],
}


@pytest.mark.parametrize("samples", POWERED.values(), ids=POWERED)
def test_a_full_car_and_a_rising_charge_lack_no_power(samples: list[Json]) -> None:
    take(*smart())
    take(*samples)
    sweep(at())
    assert "ReceivedNoPower" not in shown()


def test_a_charge_that_rises_no_more_lacks_power() -> None:
    take(*smart())
    take(plugged(-0.9, power_kw=0, soc=54), plugged(-0.6, power_kw=0, soc=63), plugged(-0.3, power_kw=0, soc=63))
    sweep(at())
    assert "ReceivedNoPower" in shown()


# ---- causes ---------------------------------------------------------------------------------------------------------


def no_power(*before: Json) -> None:
    take(*before)
    take(plugged(-1, power_kw=0), now=at(hours=-1))
    sweep(at())


def test_a_service_that_still_runs_is_no_cause() -> None:
    running = service("active", at(days=-3), expires_at=at(days=25).isoformat())
    no_power(*renault(running), car(at(days=-5), capabilities=["geoLocation", "startStopCharging"]))
    assert {"ZeInteractiveExpiresSoon", "ReceivedNoPower"} <= shown()


def test_a_cause_of_an_unwanted_category_holds_back_nothing() -> None:
    take(driver(at(days=-6), preferences={"setting": False}))
    no_power(linked("BMW"), car(at(days=-5), geolocation_enabled=False))
    assert held() == {"GeoLocationDisabled": "preference"}
    assert "ReceivedNoPower" in shown()


def test_what_is_critical_passes_an_unwanted_category() -> None:
    take(driver(at(days=-6), preferences={"connection": False}), *renault())
    take(account(auth_state="invalid_credentials"))
    assert {"InvalidCredentials", "InvalidCredentialsBanner"} <= shown()
