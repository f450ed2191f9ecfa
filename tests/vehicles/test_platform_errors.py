"""Errors and odd values of platforms: what concerns a whole connection is told, what cannot be read is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.pieces import REPAIRED
from tests.vehicles.test_platforms import Json, enode_vehicle, error, make, send, signal, state
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
    told = DriverNotification.objects.filter(type="InvalidCredentials", state__in=("open", "suppressed"))
    assert told.exists()
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
    assert answer.json()["facts"] == 2, answer.content


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
