"""Where cars stand, by what platforms say; Smartcar's webhooks of version 2.0, and its bodies in other shapes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vehicles.test_platforms import enode_vehicle, make, moment, send, signal, state
from vehicles.ingest.platforms.base import flag
from vehicles.ingest.platforms.base import moment as moment_in
from vehicles.models import ChargingLocation, Driver, TelemetrySample, Vehicle
from vehicles.rules.places import WITHIN_M, distance_m, place_at

HOME, NEAR, FAR = (52.09063, 5.12142), (52.09110, 5.12200), (52.3702, 4.8952)


def home(driver: str = "u-1", name: str = "home", at: tuple[float, float] = HOME) -> None:
    owner, _new = Driver.objects.get_or_create(external_id=driver)
    ChargingLocation.objects.create(external_id=name, driver=owner, latitude=at[0], longitude=at[1])


def where(at: tuple[float, float]) -> dict[str, float]:
    return {"latitude": at[0], "longitude": at[1]}


def smartcar(at: tuple[float, float]) -> Any:
    precise = signal("location-preciselocation", None)
    precise["body"] = where(at) | {"heading": 90, "locationType": "PARKED"}
    return state(signal("charge-ischarging", True), precise)


def enode(at: tuple[float, float]) -> Any:
    return [enode_vehicle(charge={"isPluggedIn": True, "batteryLevel": 50}, location=where(at) | {"id": None})]


@pytest.mark.django_db
@pytest.mark.parametrize(("platform", "body"), [("smartcar", smartcar), ("enode", enode)])
@pytest.mark.parametrize(("at", "expected"), [(NEAR, "home"), (FAR, "")])
def test_a_car_stands_at_the_place_that_is_near(
    platform: str, body: Any, at: tuple[float, float], expected: str
) -> None:
    make(platform)
    home()
    home("u-2", "a neighbours", NEAR)
    send(platform, body(at))
    assert TelemetrySample.objects.get().location == expected


@given(
    st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
    st.dictionaries(st.text(min_size=1, max_size=3), st.tuples(st.floats(-90, 90), st.floats(-180, 180)), max_size=4),
)
def test_the_nearest_place_within_reach_is_found(
    at: tuple[float, float], places: dict[str, tuple[float, float]]
) -> None:
    found = place_at(at, places)
    nearest = min((distance_m(at, place) for place in places.values()), default=WITHIN_M + 1)
    assert (found != "") == (nearest <= WITHIN_M)
    assert not found or distance_m(at, places[found]) == nearest
    assert place_at(at, places | {"here": at}) in {"here"} | {name for name, place in places.items() if place == at} | {
        name for name, place in places.items() if distance_m(at, place) == 0
    }


def test_distances_are_those_of_the_map() -> None:
    assert distance_m(HOME, FAR) == pytest.approx(34_700, rel=0.02)  # Utrecht to Amsterdam
    assert distance_m((0, 179.9995), (0, -179.9995)) == pytest.approx(111, rel=0.01)


def scheduled(name: str = "schedule", **answers: Any) -> dict[str, Any]:
    data = [
        {
            "path": f"/{path}",
            "code": code,
            "body": body,
            "headers": {"sc-data-age": moment(0), "sc-unit-system": "metric"},
        }
        for path, (code, body) in answers.items()
    ]
    car = {"vehicleId": "3cd7", "requestId": "r", "timestamp": moment(60), "data": data}
    return {"version": "2.0", "webhookId": "w", "eventName": name, "mode": "live", "payload": {"vehicles": [car]}}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["schedule", "scheduled", "dynamic"])
def test_smartcars_scheduled_webhook_is_telemetry(name: str) -> None:
    make("smartcar")
    body = scheduled(
        name,
        battery=(200, {"percentRemaining": 0.87, "range": 220}),
        charge=(200, {"isPluggedIn": True, "state": "NOT_CHARGING"}),
        location=(403, {"type": "permission_error"}),
        vin=(200, {"vin": "VF1AG000000000001"}),
        odometer=(200, {"distance": 104.3}),
    )
    assert send("smartcar", body).json()["notes"] == []
    sample = TelemetrySample.objects.get()
    assert (sample.soc, sample.charge_state, sample.at.isoformat()) == (87, "stopped", moment(0).replace("Z", "+00:00"))
    assert Vehicle.objects.get().vin == "VF1AG000000000001"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("CHARGING_STARTED", "charging"), ("CHARGING_STOPPED", "stopped"), ("CHARGING_COMPLETED", "complete")],
)
def test_smartcars_event_of_a_car_is_its_charge_state(kind: str, expected: str) -> None:
    make("smartcar")
    event = {"eventId": "e", "vehicleId": "3cd7", "eventType": kind, "eventTime": moment(0)}
    send("smartcar", {"version": "2.0", "eventName": "eventBased", "mode": "live", "payload": event})
    assert TelemetrySample.objects.get().charge_state == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    "payload", [None, {}, {"vehicles": 7}, {"vehicles": [{"data": "x"}]}, {"eventType": "PAINTED"}]
)
@pytest.mark.parametrize("name", ["schedule", "eventBased"])
def test_an_odd_body_of_version_2_breaks_nothing(name: str, payload: Any) -> None:
    make("smartcar")
    assert send("smartcar", {"eventName": name, "payload": payload}).status_code == 200
    assert TelemetrySample.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["value", "percentage", "percentRemaining"])
@pytest.mark.parametrize("unit", [{}, {"unit": "percent"}])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_signal_says_one_thing_by_whatever_name(name: str, unit: Any, wrapped: bool) -> None:
    make("smartcar")
    signals = [signal("tractionbattery-stateofcharge", 0), signal("charge-ischarging", True)]
    signals[0]["body"] = {name: 75} | unit
    if wrapped:
        signals = [{"id": "s", "type": "signal", "meta": one.pop("meta"), "attributes": one} for one in signals]
    assert send("smartcar", state(*signals)).json()["notes"] == []
    sample = TelemetrySample.objects.get()
    assert (sample.soc, sample.charge_state) == (75, "charging")


@pytest.mark.django_db
def test_signals_that_have_no_code_are_noted() -> None:
    make("smartcar")
    assert "code" in " ".join(send("smartcar", state({"body": {"value": 1}})).json()["notes"])


@pytest.mark.parametrize(
    "spelling",
    [
        "2026-11-21T05:40:00Z",
        "2026-11-21T06:40:00+01:00",
        "2026-11-21 05:40:00",
        "2026/11/21 05:40:00",
        "Sat, 21 Nov 2026 05:40:00 GMT",
        1_795_239_600,
        1_795_239_600_000,
        "1795239600000",
    ],
)
def test_a_platforms_moment_is_read_in_the_spellings_of_facts(spelling: Any) -> None:
    assert moment_in(spelling) == "2026-11-21T05:40:00+00:00"


@pytest.mark.parametrize("spelling", ["30.11.2026 16:00", "2026-11-30T24:00:00Z", "", None, True, {}, "soon", -1])
def test_what_is_no_moment_is_none(spelling: Any) -> None:
    assert moment_in(spelling) is None


@pytest.mark.parametrize(("spelling", "truth"), [(1, True), ("0", False), (" True", True), ("off", False), ("x", None)])
def test_a_platforms_truth_is_read_in_the_spellings_of_facts(spelling: Any, truth: bool | None) -> None:
    assert flag(spelling) is truth
