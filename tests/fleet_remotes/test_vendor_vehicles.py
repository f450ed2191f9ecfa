"""Vehicles as the vendor has them: its list and their state, and what the outcomes of commands teach."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from fleet_remotes.choices import Kind
from fleet_remotes.ingest.vehicles import VehicleRecord, read_capabilities, read_state, read_vehicle
from fleet_remotes.models import Fleet, FleetVehicle
from fleet_remotes.selectors import awake_until, snapshots_of
from fleet_remotes.services.vendor_vehicles import read_all, read_vehicle_now
from tests.factories.fleet_remotes import FleetFactory, FleetVehicleFactory, with_callback
from tests.fleet_remotes.conftest import Running
from tests.fleet_remotes.helpers import at, failed, notify, success
from tests.infra_notifications.pages import text_of

VIN = "VR3UHZKXZPT500001"


# ---- records as they are written ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "brand", "model"),
    [
        ({"_embedded": {"extension": {"branding": {"brand": "Peugeot", "label": "e-208"}}}}, "peugeot", "e-208"),
        ({"brand": "Citroen"}, "citroen", ""),
        ({"brand": "DS"}, "ds", ""),
        ({"brand": "OPEL"}, "opel", ""),
        ({"brand": "VX"}, "vauxhall", ""),
        ({}, "peugeot", ""),
        ({"vin": "VR7BCZKXCLE000001"}, "citroen", ""),
        ({"vin": "vr1urzkx000000001"}, "ds", ""),
        ({"vin": "VXKUHZKX000000001"}, "opel", ""),
        ({"brand": "Lada", "vin": "XTA00000000000001"}, "", ""),
    ],
)
def test_a_vehicle_of_the_list_is_read(record: dict[str, Any], brand: str, model: str) -> None:
    vin = record.get("vin", VIN)
    assert read_vehicle({"id": "v1", "vin": VIN} | record) == VehicleRecord(vin.upper(), "v1", brand, model)


@pytest.mark.parametrize("record", [None, {}, {"vin": VIN}, {"id": "v1"}, [], {"id": "x" * 129, "vin": VIN}])
def test_what_is_no_vehicle_is_none(record: Any) -> None:
    assert read_vehicle(record) is None


@pytest.mark.parametrize(
    ("remote", "can"),
    [
        ({"door": {"supported": True}, "horn": {"supported": False}}, ["door"]),
        ({"wakeup": {"supported": True}, "wakeUp": {"supported": "true"}}, ["wakeup"]),
        ({"preconditioning": {"supported": True, "parameters": {"immediate": True}}}, ["preconditioning"]),
        ({"lights": True, "navigation": False}, ["lights"]),
        ({"flying": {"supported": True}}, []),
        ({}, []),
    ],
)
def test_capabilities_are_read(remote: Any, can: list[str]) -> None:
    assert read_capabilities({"_embedded": {"extension": {"onboardCapabilities": {"remote": remote}}}}) == can
    assert read_capabilities({}) is None


@pytest.mark.parametrize(
    ("status", "privacy", "level", "stolen", "used"),
    [
        # The document's own form, and what its clients recorded.
        ({"privacy": {"state": "None"}, "energies": [{"type": "Electric", "level": 60.0}]}, "None", 60, False, False),
        ({"privacy": {"state": "Geolocation"}, "ignition": {"type": "StartUp"}}, "Geolocation", None, False, True),
        ({"privacy": {"state": "Full"}, "ignition": {"type": "Stop"}}, "Full", None, False, False),
        ({"privacy": {"state": "Total"}, "ignition": {"type": "Start"}}, "Full", None, False, True),
        ({"privacy": {"state": None}, "energies": []}, None, None, False, False),
        (
            {"privacy": "geolocation", "energies": {"type": "Electric", "level": "41.5"}},
            "Geolocation",
            42,
            False,
            False,
        ),
        ({"energy": [{"type": "Fuel", "level": 37}, {"type": "Electric", "level": 0}]}, None, 0, False, False),
        ({"energies": [{"type": "Fuel", "level": 37.5}]}, None, None, False, False),
        ({"energies": [{"type": "Electric", "subType": "ElectricEnergy", "level": 100}]}, None, 100, False, False),
        ({"energies": [{"type": "Electric", "level": 255}]}, None, None, False, False),
        ({"energies": [{"type": "Electric", "level": None}]}, None, None, False, False),
        ({"energies": [{"subType": "electric", "level": 12.4}]}, None, 12, False, False),
        ({"stolen": {"state": True, "id": "x"}}, None, None, True, False),
        ({"stolen": {"state": False}}, None, None, False, False),
        ({"stolen": None}, None, None, False, False),
        ({"stolen": {"state": "Stolen"}}, None, None, True, False),
        ({"ignition": "On", "energies": {"electric": {"level": 55}}}, None, 55, False, True),
        ({"energy": [{"type": "Electric", "battery": {"soc": 64}}]}, None, 64, False, False),
        ({"privacy": {"state": "Sometimes"}, "ignition": {"type": "Cranking"}}, None, None, False, False),
    ],
)
def test_states_are_read(
    status: dict[str, Any], privacy: str | None, level: int | None, stolen: bool, used: bool
) -> None:
    state = read_state(status | {"updatedAt": "2026-01-05T08:00:00Z"}, at(0))
    assert (state.privacy, state.battery_level, state.is_stolen, state.is_in_use) == (privacy, level, stolen, used)
    assert state.at.isoformat() == "2026-01-05T08:00:00+00:00"


# ---- the vendor's list --------------------------------------------------------------------------------------------


@pytest.fixture
def listed(db: None, vendor: Running) -> Running:
    """A fleet of 70 vehicles at the vendor: more than one page."""
    vendor.vendor.vins = {f"v{n:02d}": f"VR7TEST{n:010d}" for n in range(70)}
    FleetFactory(key="F")
    return vendor


def test_the_vendors_vehicles_become_ours_and_what_a_person_set_stays(listed: Running) -> None:
    FleetVehicleFactory(fleet=Fleet.objects.get(), vin="VR7TEST0000000003", vehicle_id="", model="ë-C4", plate="K-SB 3")
    listed.vendor.states["v03"] = {"privacy": {"state": "Full"}, "stolen": {"state": True}}
    reading = read_all(now=at(0))
    assert (reading.fleets, reading.vehicles, reading.states, reading.problem) == (1, 70, 70, "")
    known = FleetVehicle.objects.get(vin="VR7TEST0000000003")
    assert (known.vehicle_id, known.model, known.plate, known.name != "") == ("v03", "ë-C4", "K-SB 3", True)
    assert (known.brand, known.privacy, known.is_stolen) == ("citroen", "Full", True)
    made = FleetVehicle.objects.get(vin="VR7TEST0000000004")
    assert made.battery_level is not None
    assert set(made.capabilities or ()) >= {"door", "wakeup"}
    assert read_all(now=at(60)).states == 0  # they are young


def test_a_vendor_that_asks_for_a_pause_is_left_alone(listed: Running) -> None:
    listed.simulator.busy = 1
    assert "HTTP 429" in read_all(now=at(0)).problem
    assert not FleetVehicle.objects.exists()


def test_a_vehicle_in_use_is_awake(listed: Running) -> None:
    vehicle = FleetVehicleFactory(fleet=Fleet.objects.get(), vehicle_id="v01")
    listed.vendor.states["v01"] = {"ignition": {"type": "StartUp"}, "updatedAt": at(0).isoformat()}
    read_vehicle_now(vehicle=vehicle, now=at(10))
    assert awake_until([vehicle], at(10)) == {vehicle.pk: at(180)}


@pytest.mark.django_db
def test_operators_ask_about_one_and_administrators_have_the_list_read(
    listed: Running, operator: Client, administrator: Client, settings: Settings
) -> None:
    vehicle = FleetVehicleFactory(fleet=Fleet.objects.get(), vehicle_id="v01")
    page = reverse("fleet_remotes:vehicle_read", args=[vehicle.pk])
    assert "This is what the vendor knows now." in text_of(operator.post(page, follow=True))
    assert operator.post(reverse("fleet_remotes:vehicles_read")).status_code == 403
    assert "is being read" in text_of(administrator.post(reverse("fleet_remotes:vehicles_read"), follow=True))
    settings.REMOTES_CLIENT_ID = ""
    assert "is missing" in text_of(operator.post(page, follow=True))


# ---- what outcomes teach ------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "parameters", "cause", "before", "after"),
    [
        (Kind.STOLEN, {"stolen": True}, "", {}, {"is_stolen": True}),
        (Kind.STOLEN, {"stolen": False}, "", {"is_stolen": True}, {"is_stolen": False}),
        (Kind.STOLEN, {"trackingPeriod": {"running": 5, "shutdown": 60}}, "", {"is_stolen": True}, {"is_stolen": True}),
        (Kind.STOLEN, {"stolen": True}, "GeneralError", {}, {"is_stolen": False}),
        (Kind.DOOR, {"state": "Locked"}, "NotPossibleDueToVehicleStolenState", {}, {"is_stolen": True}),
        (Kind.DOOR, {"state": "Locked"}, "NotPossibleDueToVehiclePrivacyLevel", {}, {"privacy_refused_at": at(60)}),
        (Kind.DOOR, {"state": "Locked"}, "VehicleBatteryChargeTooLow", {}, {"battery_refused_at": at(60)}),
        (
            Kind.LIGHTS,
            {"on": True},
            "",
            {"privacy_refused_at": at(0), "battery_refused_at": at(0)},
            {"privacy_refused_at": None, "battery_refused_at": None},
        ),
    ],
)
def test_outcomes_teach(
    kind: Kind, parameters: dict[str, Any], cause: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    action, callback = with_callback(since=at(0), kind=kind, parameters=parameters)
    FleetVehicle.objects.update(**before)
    notify(callback, failed(action, cause) if cause else success(action))
    vehicle = FleetVehicle.objects.get()
    assert {name: getattr(vehicle, name) for name in after} == after


def test_what_was_taught_is_checked_until_the_vendor_says_how_it_is(listed: Running) -> None:
    vehicle = FleetVehicleFactory(fleet=Fleet.objects.get(), vehicle_id="v01")
    FleetVehicle.objects.update(privacy_refused_at=at(0), battery_refused_at=at(0))
    vehicle.refresh_from_db()
    before = snapshots_of([vehicle], at(1))[vehicle.pk]
    assert (before.is_refused_for_privacy, before.is_refused_for_battery) == (True, True)
    read_vehicle_now(vehicle=vehicle, now=at(0) + timedelta(hours=1))
    vehicle.refresh_from_db()
    after = snapshots_of([vehicle], at(1))[vehicle.pk]
    assert (after.is_refused_for_privacy, after.is_refused_for_battery) == (False, False)
