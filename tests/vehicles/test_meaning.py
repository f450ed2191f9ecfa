"""What a notification says is true: of power, of sessions, of readiness, of money, of what is gone."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import ApiClient
from tests.vehicles.cases import NEXT_MONTH, payout, plugged, renault, smart
from tests.vehicles.helpers import (
    CAR,
    DRIVER,
    HOME,
    Json,
    account,
    at,
    car,
    contract,
    driver,
    events,
    fact,
    held,
    linked,
    notes,
    only,
    people,
    service,
    shown,
    states,
    sweep,
    take,
    telemetry,
)
from vehicles.models import ChargingSession

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


def test_a_service_that_is_waited_for_is_no_cause() -> None:
    waiting = service("requested", at(days=-3))
    no_power(*renault(waiting), car(at(days=-5), capabilities=["geoLocation", "startStopCharging"]))
    assert {"RenaultWaitingForServiceActivation", "ReceivedNoPower"} <= shown()


def test_a_cause_of_an_unwanted_category_holds_back_nothing() -> None:
    take(driver(at(days=-6), preferences={"setting": False}))
    no_power(linked("BMW"), car(at(days=-5), geolocation_enabled=False))
    assert held() == {"GeoLocationDisabled": "preference"}
    assert "ReceivedNoPower" in shown()


def test_what_is_critical_passes_an_unwanted_category() -> None:
    take(driver(at(days=-6), preferences={"connection": False}), *renault())
    take(account(auth_state="invalid_credentials"))
    assert {"InvalidCredentials", "InvalidCredentialsBanner"} <= shown()


# ---- readiness ------------------------------------------------------------------------------------------------------

READY = {"RenaultReadyForPairingEmail", "RenaultReadyForPairingBanner", "ReadyForPairing"}


@pytest.mark.parametrize("before", ["none", "ended", "rejected", "requested"])
def test_a_service_that_came_to_run_makes_a_renault_ready(before: str) -> None:
    take(*renault(service(before, at(days=-2))))
    take(service("active", expires_at=at(days=300).isoformat()))
    assert shown() >= READY


def test_a_renault_heard_of_is_not_told_to_pair_for_a_prolonged_service() -> None:
    take(*renault(service("none", at(days=-2)), fact("pairing", at(days=-5), vehicle=CAR, step="completed")))
    take(service("active"))
    assert not READY & shown()


def test_a_completed_enrolment_makes_an_audi_ready() -> None:
    take(linked("Audi", user_role="primary", enrollment="started"))
    take(car(enrollment="completed"))
    assert "ReadyForPairing" in shown()


def test_an_audi_without_a_user_is_not_ready() -> None:
    take(linked("Audi", user_role="none", enrollment="started"))
    take(car(enrollment="completed"))
    assert "ReadyForPairing" not in shown()


def test_a_pairing_of_an_audi_begun_and_left_is_not_complete() -> None:
    take(linked("Audi", user_role="primary"), fact("pairing", at(hours=-73), vehicle=CAR, step="started"))
    sweep(at())
    assert "AudiPairingNotComplete" in shown()


# ---- money ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["4.50", "5", "12.50", None])
@pytest.mark.parametrize("state", ["due", "sent", "paid"])
def test_every_payout_is_told_from_due_on(state: str, amount: str | None) -> None:
    said = payout(state) | {"data": {"state": state, "currency": "EUR"} | ({"amount": amount} if amount else {})}
    take(said)
    assert "PayoutReceipt" in shown()


def test_a_payout_is_told_once() -> None:
    take(payout("due"))
    take(payout("sent"))
    assert len(events(name="PayoutReceipt")) == 1


def statement(**data: Any) -> Json:
    values: Json = {"provider": "Elexent", "period": f"{at():%Y-%m}"} | data
    return fact("cost_statement", at(), statement="c-1", driver=DRIVER, **values)


def test_an_overview_asked_for_and_one_that_is_here_are_two_texts() -> None:
    take(statement(requested=True))
    asked = only("ElexentChargingCostsOverview")
    take(statement(issued=True), now=at(minutes=5))
    found = notes("ElexentChargingCostsOverview")
    assert len(found) == 2
    assert found[-1].body != asked.body


@pytest.mark.parametrize("said", [{}, {"issued": False, "requested": False}])
def test_an_overview_that_is_not_issued_is_not_here_when_its_month_is_over(said: Json) -> None:
    take(statement(**said))
    sweep(NEXT_MONTH)
    assert ("ElexentChargingCostsOverview" in shown()) is (not said)


def test_the_days_that_are_left_are_told() -> None:
    take(*renault(service("active", at(days=-3), expires_at=at(days=9).isoformat())))
    sweep(at())
    assert only("ZeInteractiveExpiresSoon").facts["days"] == 9


# ---- told again -----------------------------------------------------------------------------------------------------


def test_privacy_switched_on_again_is_told_again() -> None:
    take(linked("Audi", user_role="primary"), car(at(hours=-9), privacy_mode=True), now=at(hours=-9))
    take(telemetry(at(hours=-5)), now=at(hours=-5))
    assert "AudiRemoteAccessDisabled" not in shown()
    take(car(at(), privacy_mode=True))
    assert "AudiRemoteAccessDisabled" in shown()


def test_a_position_switched_off_again_is_told_again() -> None:
    take(
        linked("BMW"),
        car(at(hours=-9), geolocation_enabled=False, capabilities={"geoLocation": "blocked"}),
        now=at(hours=-9),
    )
    take(car(at(hours=-5), capabilities={"geoLocation": "available"}), now=at(hours=-5))
    assert "GeoLocationDisabled" not in shown()
    take(car(at(), geolocation_enabled=False))
    assert "GeoLocationDisabled" in shown()


def test_revoked_access_is_a_lost_connection() -> None:
    take(*renault())
    take(account(auth_state="revoked"))
    assert {"InvalidCredentials", "InvalidCredentialsBanner"} <= shown()


@pytest.mark.parametrize(("model", "told"), [("ID.3", True), ("ID. Buzz", True), ("e-Golf", False), ("Passat", False)])
def test_only_an_id_model_is_a_volkswagen_id(model: str, told: bool) -> None:
    take(linked("Volkswagen", model=model, capabilities={"geoLocation": "blocked"}))
    take(car(capabilities={"geoLocation": "available"}))
    assert ("VolkswagenIdGeolocationCapabilitiesAvailable" in shown()) is told


# ---- what is gone ---------------------------------------------------------------------------------------------------

GONE = {
    "car": (car(at(minutes=30), removed=True), "vehicle_removed"),
    "account": (account(at(minutes=30), linked=False), "account_unlinked"),
}


@pytest.mark.parametrize(("gone", "reason"), GONE.values(), ids=GONE)
def test_what_is_removed_ends_its_sessions_and_alarms(gone: Json, reason: str) -> None:
    take(account(at(days=-6), auth_state="ok"), *smart())
    take(linked("Tesla"), plugged(-1, power_kw=0))
    sweep(at())
    assert "ReceivedNoPower" in shown()
    take(gone, now=at(minutes=30))
    row = ChargingSession.objects.get()
    assert (row.ended_at, row.end_reason) == (at(hours=-1), reason)
    assert not {"ReceivedNoPower", "ManagedSessionStart"} & shown()


def test_a_removed_place_ends_what_is_said_of_its_contracts() -> None:
    take(contract("valid", at(days=-5)))
    take(contract("invalid"))
    assert "InvalidUtilityContract" in shown()
    take(fact("charging_location", at(minutes=5), location=HOME, removed=True), now=at(minutes=5))
    assert states("InvalidUtilityContract") == ["resolved"]


AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LAST_DAY = at(days=3).astimezone(AMSTERDAM).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.mark.parametrize(
    "spelling",
    [
        f"{LAST_DAY:%Y-%m-%d}",
        f"{LAST_DAY:%Y%m%d}",
        LAST_DAY.astimezone(UTC).isoformat(),
        int(LAST_DAY.timestamp()),
        1000 * int(LAST_DAY.timestamp()),
    ],
)
def test_the_last_day_of_a_contract_is_the_day_where_it_is_supplied(api: ApiClient, spelling: Any) -> None:
    api.post("/vehicles/facts", fact("charging_location", at(), location=HOME, time_zone="Europe/Amsterdam"))
    api.post("/vehicles/facts", contract("valid", at(days=-1), valid_to=spelling))
    sweep(LAST_DAY + timedelta(hours=23, minutes=30))
    assert states("ReconnectUtilityContract") == []
    sweep(LAST_DAY + timedelta(hours=25, minutes=30))
    assert states("ReconnectUtilityContract") != []


def test_a_service_runs_through_its_last_day_and_is_announced_by_it(api: ApiClient) -> None:
    take(driver(at(days=-7), time_zone="Europe/Amsterdam"), linked("Renault"))
    api.post("/vehicles/facts", service("active", at(days=-5), expires_at=f"{LAST_DAY:%Y-%m-%d}"))
    sweep(LAST_DAY - timedelta(hours=12))
    told = [note for note in notes("ZeInteractiveExpiresSoon") if note.state != "resolved"]
    assert [(note.facts["days"], note.facts["date"]) for note in told] == [(1, f"{LAST_DAY:%Y-%m-%d}")]
    sweep(LAST_DAY + timedelta(hours=23))
    assert "ZeInteractiveToBeActivated" not in shown()
    sweep(LAST_DAY + timedelta(hours=25))
    assert "ZeInteractiveToBeActivated" in shown()


@pytest.mark.parametrize("brand", ["BMW", "BMW_I", "bmw i"])
@pytest.mark.parametrize("after", [["charge"], {"geoLocation": "missing"}, {"geoLocation": "blocked"}])
def test_a_position_that_is_withdrawn_is_told_of_a_bmw_by_any_of_its_names(brand: str, after: Any) -> None:
    take(linked(brand, capabilities=["geoLocation", "charge"]))
    take(car(capabilities=after))
    assert "GeoLocationDisabled" in shown()
