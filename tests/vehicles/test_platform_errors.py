"""Errors and odd values of platforms: what concerns a whole connection is told, what cannot be read is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from core.pieces import REPAIRED
from tests.vehicles.helpers import judge
from tests.vehicles.test_platforms import Json, enode_vehicle, error, make, moment, send, signal, state
from vehicles.ingest.platforms.base import TEST
from vehicles.models import DriverNotification, OemAccount, TelemetrySample, Vehicle, VehicleSource

pytestmark = pytest.mark.django_db


def broad(kind: str, code: str | None, *, asks: bool, signals: list[str], word: str = "ERROR") -> Json:
    body = error(kind, code, word)
    resolution = {"type": "REAUTHENTICATE" if asks else None}
    body["data"]["errors"][0] |= {"resolution": resolution, "signals": signals}
    return body


@pytest.mark.parametrize(
    ("kind", "code", "asks", "auth"),
    [
        ("PERMISSION", None, True, "invalid_credentials"),
        ("PERMISSION", None, False, "revoked"),
        ("AUTHENTICATION", None, True, "invalid_credentials"),
        ("AUTHENTICATION", "TOKEN_EXPIRED", False, "invalid_credentials"),
        ("WHATEVER_COMES", None, True, "invalid_credentials"),
    ],
)
def test_an_error_of_the_whole_connection_is_told(kind: str, code: str | None, asks: bool, auth: str) -> None:
    make("smartcar")
    assert send("smartcar", broad(kind, code, asks=asks, signals=[])).status_code == 200
    assert OemAccount.objects.get().auth_state == auth
    assert "InvalidCredentials" in told()
    assert not VehicleSource.objects.get().notes


@pytest.mark.parametrize(("kind", "noted"), [("PERMISSION", False), ("COMPATIBILITY", False), ("WHATEVER_COMES", True)])
def test_an_error_of_some_signals_concerns_no_connection(kind: str, noted: bool) -> None:
    make("smartcar")
    send("smartcar", broad(kind, None, asks=True, signals=["location-preciselocation"]))
    assert not OemAccount.objects.exclude(auth_state="").exists()
    assert bool(VehicleSource.objects.get().notes) == noted


def test_a_virtual_key_that_is_missing_is_named() -> None:
    make("smartcar")
    send("smartcar", error("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED"))
    assert "virtual key" in str(VehicleSource.objects.get().notes)


@pytest.mark.parametrize("value", [180, -1, "full", {"percent": 5}])
def test_a_state_of_charge_that_is_none_is_left_out_and_named(value: object) -> None:
    make("smartcar")
    send("smartcar", state(signal("tractionbattery-stateofcharge", value), signal("charge-ischarging", True)))
    assert TelemetrySample.objects.get().soc is None
    assert "state of charge" in str(VehicleSource.objects.get().notes)


@pytest.mark.parametrize(
    ("platform", "body"),
    [
        ("smartcar", error("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED") | {"meta": {"mode": "TEST"}}),
        ("smartcar", state(signal("charge-ischarging", True)) | {"meta": {"mode": "test", "deliveryId": "1"}}),
        ("smartcar", {"version": "2.0", "eventName": "schedule", "mode": "test", "payload": {"vehicles": [{}]}}),
        ("enode", [{"event": "enode:webhook:test"}]),
    ],
)
def test_a_test_event_is_acknowledged_and_shown_and_changes_nothing(platform: str, body: Any) -> None:
    make(platform)
    answer = send(platform, body)
    assert (answer.status_code, answer.json()["facts"]) == (200, 0)
    assert list(VehicleSource.objects.get().notes) == [TEST]
    assert not Vehicle.objects.exists()
    assert not DriverNotification.objects.exists()


def test_an_error_that_says_nothing_and_a_number_that_is_none_are_shown() -> None:
    make("smartcar")
    send("smartcar", error("", "") | {"data": {"error": "Unauthorized"}})
    odd = state(signal("charge-ischarging", True), signal("x", float("inf")))
    send("smartcar", json.dumps(odd).encode())
    assert list(VehicleSource.objects.get().notes) == ["An error of a vehicle does not say what it is.", REPAIRED]
    assert TelemetrySample.objects.get().charge_state == "charging"


def test_power_alone_is_telemetry() -> None:
    make("smartcar")
    answer = send("smartcar", state(signal("charge-wattage", 7.4, unit="kilowatts")))
    assert answer.json()["facts"] == 3, answer.content


@pytest.mark.parametrize(("level", "rate"), [("66%", "7,3"), (" 66 % ", "7.3"), ("66,0", 7.3), (66, "7,30")])
def test_a_number_as_people_write_it_is_one(level: Any, rate: Any) -> None:
    make("enode")
    send("enode", [enode_vehicle(charge={"isPluggedIn": True, "batteryLevel": level, "chargeRate": rate})])
    sample = TelemetrySample.objects.get()
    assert (sample.soc, sample.power_kw) == (66, 7.3)


def test_a_challenge_that_is_none_is_named_as_such() -> None:
    make("smartcar")
    (note,) = send("smartcar", {"eventType": "VERIFY", "data": {"challenge": "a b"}}).json()["notes"]
    assert "challenge is missing or is no short text" in note
    assert "not known" not in note


# What concerns a car or its account, by Smartcar's page of errors.
OF_A_CAR = [
    *(("CONNECTED_SERVICES_ACCOUNT", code) for code in ("AUTHENTICATION_FAILED", "ACCOUNT_ISSUE", "PERMISSION")),
    *(("CONNECTED_SERVICES_ACCOUNT", code) for code in ("SUBSCRIPTION", "VEHICLE_MISSING", "NO_VEHICLES")),
    *(("VEHICLE_STATE", code) for code in ("REMOTE_ACCESS_DISABLED", "ASLEEP", "UNREACHABLE")),
]


@pytest.mark.parametrize(("kind", "code"), OF_A_CAR)
def test_an_error_may_be_the_first_that_is_heard_of_a_car_and_its_driver(kind: str, code: str) -> None:
    make("smartcar")
    assert send("smartcar", error(kind, code)).json()["notes"] == []
    car = Vehicle.objects.select_related("driver").get()
    assert (car.brand.lower(), car.driver and car.driver.external_id) == ("renault", "u-1")


def told() -> set[str]:
    judge(timezone.now())
    return set(DriverNotification.objects.filter(ended_at=None).values_list("type", flat=True))


def test_a_renault_without_its_subscription_asks_for_it_and_with_it_is_ready() -> None:
    make("smartcar")
    send("smartcar", error("CONNECTED_SERVICES_ACCOUNT", "SUBSCRIPTION"))
    assert "ZeInteractiveToBeActivated" in told()
    resolved = error("CONNECTED_SERVICES_ACCOUNT", "SUBSCRIPTION", "RESOLVED")
    resolved["meta"] = resolved["meta"] | {"deliveredAt": moment(120)}
    send("smartcar", resolved)
    assert "RenaultReadyForPairingEmail" in told()
    assert "ZeInteractiveToBeActivated" not in told()


@pytest.mark.parametrize("code", ["VEHICLE_MISSING", "NO_VEHICLES"])
def test_a_car_that_the_platform_knows_to_be_gone_is_not_found_at_once(code: str) -> None:
    make("smartcar")
    send("smartcar", error("CONNECTED_SERVICES_ACCOUNT", code))
    assert "CarNotFound" in told()
    resolved = error("CONNECTED_SERVICES_ACCOUNT", code, "RESOLVED")
    resolved["meta"] = resolved["meta"] | {"deliveredAt": moment(120)}
    send("smartcar", resolved)
    assert "CarNotFound" not in told()


def test_a_car_that_is_connected_again_under_its_old_id_is_back() -> None:
    make("enode")
    send("enode", [enode_vehicle("user:vehicle:discovered")])
    gone = {"event": "user:vehicle:deleted", "createdAt": moment(90), "user": {"id": "u-1"}, "vehicle": {"id": "c-1"}}
    send("enode", [gone])
    assert Vehicle.objects.get().removed
    back = enode_vehicle("user:vehicle:discovered", {"isPluggedIn": True, "isCharging": True, "batteryLevel": 40})
    send("enode", [back | {"createdAt": moment(120)}])
    assert not Vehicle.objects.get().removed


# ---- Enode: whose credentials ----------------------------------------------------------------------------------------


def invalidated(vendor: str | None) -> Json:
    body: Json = {"event": "user:credentials:invalidated", "createdAt": moment(100), "user": {"id": "u-1"}}
    return body | ({"vendor": vendor} if vendor else {})


def device(kind: str, vendor: str, *, reached: bool = True, at: int = 200) -> Json:
    name = {"hem-system": "hemSystem"}.get(kind, kind)
    about = {"id": "d-1", "vendor": vendor, "isReachable": reached}
    return {"event": f"user:{kind}:updated", "createdAt": moment(at), "user": {"id": "u-1"}, name: about}


@pytest.mark.parametrize("vendor", ["EASEE", None])
@pytest.mark.parametrize("has_other_car", [True, False])
def test_credentials_of_what_is_no_car_alarm_nobody(vendor: str | None, has_other_car: bool) -> None:
    source = make("enode")
    if has_other_car:
        send("enode", [enode_vehicle()])
    send("enode", [invalidated(vendor)])
    assert not OemAccount.objects.exclude(external_id="u-1/RENAULT").exists()
    assert not DriverNotification.objects.filter(type="InvalidCredentials").exists()
    source.refresh_from_db()
    assert any("Credentials" in note for note in source.notes)


@pytest.mark.parametrize("kind", ["charger", "battery", "hvac", "inverter", "meter", "hem-system"])
def test_any_device_that_is_reached_ends_it(kind: str) -> None:
    make("enode")
    send("enode", [enode_vehicle(vendor="TESLA"), invalidated("TESLA")])
    assert OemAccount.objects.get().auth_state == "invalid_credentials"
    for body in (device(kind, "TESLA", reached=False), device(kind, "EASEE"), device(kind, "TESLA", at=50)):
        send("enode", [body])
        assert OemAccount.objects.get().auth_state == "invalid_credentials"
    send("enode", [device(kind, "TESLA")])
    assert OemAccount.objects.get().auth_state == "ok"
    assert DriverNotification.objects.get(type="InvalidCredentials").state == "resolved"


def test_a_car_of_no_manufacturer_has_no_account() -> None:
    make("enode")
    send("enode", [enode_vehicle(vendor=None)])
    assert not OemAccount.objects.exists()
