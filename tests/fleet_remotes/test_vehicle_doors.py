"""Vehicles at their doors, API and files: what is odd beside the VIN is read, or warned of, and loses nothing else."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_remotes.models import Fleet, FleetVehicle
from fleet_remotes.services.imports import read_vehicles
from fleet_remotes.services.vehicles import SIDE_FIELDS
from tests.conftest import ApiClient
from tests.factories.fleet_remotes import FleetFactory

pytestmark = pytest.mark.django_db
VIN = "VR3UHZKXZPT500001"
VEHICLE = {"vin": VIN, "fleet": "F-100", "brand": "peugeot"}
TECHNICAL = ("Expected", "`$", "got `", "Object ", "`str`", "`int")


@pytest.fixture(autouse=True)
def _fleet() -> None:
    FleetFactory(key="F-100")


@pytest.mark.parametrize(
    ("field", "value", "kept", "said"),
    [
        ("capabilities", {"door": {"supported": True}, "horn": False}, ["door"], ""),
        ("capabilities", {"onboardCapabilities": {"remote": {"Doors": {"supported": "yes"}}}}, ["door"], ""),
        ("capabilities", {"door": True, "fly": True}, ["door"], "fly is none of"),
        ("capabilities", {"door": "perhaps", "horn": 1}, ["horn"], "door is none of"),
        ("capabilities", {"fly": True}, ["lights"], "fly is none of"),
        ("capabilities", ["door", {"name": "horn"}, None], ["door"], "is none of"),
        ("capabilities", ["fly"], ["lights"], "fly is none of"),
        ("capabilities", {"door": False}, [], ""),
        ("capabilities", [], [], ""),
        ("capabilities", 7, ["lights"], "left out"),
        ("capabilities", None, None, ""),
        ("tags", "Pool; north", ["north", "pool"], ""),
        ("tags", ["a", 7, ["b"], "x" * 41], ["7", "a"], "is no tag"),
        ("tags", {"a": 1}, ["old"], "left out"),
        ("plate", "K" * 21, "K-OLD", "at most 20 characters"),
        ("plate", ["K-1"], "K-1", "was read as"),
        ("wakeup_budget", "many", 30, "left out"),
        ("wakeup_budget", -1, 30, "at least 0"),
        ("wakeup_budget", "40", 40, "was read as"),
        ("is_stolen", "perhaps", True, "left out"),
        ("is_stolen", None, True, "left out"),
        ("battery_level", "empty", 50, "left out"),
        ("privacy", {"state": "Full"}, "Full", "was read as"),
        ("privacy", {"state": "?"}, "Geolocation", "is none of"),
        ("battery_level", 0.55, 55, "share of one"),
        ("battery_level", 0, 0, ""),
        ("battery_level", [{"type": "Electric", "level": 64}], 64, "was read as"),
        ("is_stolen", {"state": False}, False, "was read as"),
        ("is_stolen", {}, True, "left out"),
    ],
)
def test_a_side_value_is_read_or_warned_of(api: ApiClient, field: str, value: Any, kept: Any, said: str) -> None:
    before = {"capabilities": ["lights"], "tags": ["old"], "plate": "K-OLD", "wakeup_budget": 30, "is_stolen": True}
    api.put("/remotes/vehicles", VEHICLE | before | {"battery_level": 50, "privacy": "Geolocation"})
    answer = api.put("/remotes/vehicles", VEHICLE | {field: value, "name": "Pool 7"}).json()
    assert (answer["accepted"], answer["rejected"]) == (1, [])
    found = api.get(f"/remotes/vehicles/{VIN}").json()
    assert (found[field], found["name"]) == (kept, "Pool 7")
    assert said in str(answer["warnings"]) if said else answer["warnings"] == []
    assert not [word for word in TECHNICAL if word in str(answer)]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("licence_plate", "`licence_plate` was read as `plate`."),
        ("registration_number", "`registration_number` was read as `plate`."),
        ("plateNumber", "`plateNumber` was read as `plate`."),
        ("vehicleId", "`vehicleId` was read as `vehicle_id`."),
        ("plat", "is `plate` meant?"),
        ("facts_at", "nobody reads a field of this name"),
    ],
)
def test_a_field_of_another_name_is_read_or_named_with_the_nearest(api: ApiClient, field: str, said: str) -> None:
    answer = api.put("/remotes/vehicles", VEHICLE | {field: "X-1"}).json()
    assert answer["accepted"] == 1
    assert said in str(answer["warnings"])
    found = api.get(f"/remotes/vehicles/{VIN}").json()
    assert ("X-1" in (found["plate"], found["vehicle_id"])) == ("was read as" in said)


def test_a_vehicle_as_the_vendor_writes_it_is_read(api: ApiClient) -> None:
    record = {
        "privacy": {"state": "Full"},
        "stolen": {"state": True},
        "energies": [{"type": "Fuel", "level": 20}, {"type": "Electric", "level": 0.55}],
        "onboardCapabilities": {"remote": {"Doors": {"supported": True}}},
    }
    answer = api.put("/remotes/vehicles", {"vehicles": [VEHICLE | record]}).json()
    assert (answer["accepted"], answer["rejected"]) == (1, [])
    assert "It was in `vehicles`." in str(answer["warnings"])
    found = api.get(f"/remotes/vehicles/{VIN}").json()
    assert (found["privacy"], found["is_stolen"], found["battery_level"]) == ("Full", True, 55)
    assert found["capabilities"] == ["door"]
    small = {"battery": {"voltage": 12.4, "current": 0}, "energies": [{"type": "Electric", "level": 61.5}]}
    answer = api.put("/remotes/vehicles", VEHICLE | small).json()
    assert "nobody reads" not in str(answer["warnings"])
    assert api.get(f"/remotes/vehicles/{VIN}").json()["battery_level"] == 62


def test_a_slip_in_a_fleet_moves_no_vehicle_and_makes_no_fleet(api: ApiClient) -> None:
    api.put("/remotes/vehicles", VEHICLE)
    slip = {"fleet": "F-1O0"}
    (rejected,) = api.put("/remotes/vehicles", VEHICLE | slip).json()["rejected"]
    assert "is “F-100” meant?" in rejected["error"]
    refused = api.post("/remotes/callbacks", {"slug": "north"} | slip)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/fleet")
    assert "is “F-100” meant?" in refused.json()["detail"]
    ((line, sentence),) = read_vehicles(f"vin,fleet,brand\n{VIN},F-1O0,ds".encode()).errors
    assert (line, "is “F-100” meant?" in sentence) == (2, True)
    assert list(Fleet.objects.values_list("key", flat=True)) == ["F-100"]
    assert FleetVehicle.objects.get().fleet.key == "F-100"
    said_so = [VEHICLE | {"vin": VIN[:-1] + "2", "fleet": "New"}, VEHICLE | {"fleet": "New", "new_fleet": "yes"}]
    assert api.put("/remotes/vehicles", said_so).json()["accepted"] == 2
    assert api.post("/remotes/callbacks", {"slug": "north", "fleet": "Newer", "new_fleet": True}).status_code == 201
    assert not read_vehicles(f"vin,fleet,brand,new fleet\n{VIN},Newest,ds,yes".encode()).errors


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=200)
)
ANY = st.recursive(
    JUNK, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from([*SIDE_FIELDS, "colour", "plat"]), ANY, max_size=6))
def test_no_side_value_loses_a_vehicle_at_any_door(api: ApiClient, beside: dict[str, Any]) -> None:
    answer = api.put("/remotes/vehicles", VEHICLE | beside)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1), answer.content
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow([*VEHICLE, *beside])
    writer.writerow([*VEHICLE.values(), *(str(value).replace("\0", "") for value in beside.values())])
    file = read_vehicles(table.getvalue().encode("utf-8", "replace"))
    assert (len(file.rows), file.errors) == (1, [])
    said = f"{answer.json()['warnings']}{file.warnings}"
    assert not [word for word in TECHNICAL if word in said and word not in str(beside)]
