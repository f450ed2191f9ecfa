"""Fleet remotes for machines: vehicles, callbacks, commands, as the public contract has them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from fleet_remotes.choices import State
from fleet_remotes.models import Callback, Fleet, FleetVehicle, RemoteAction, RemoteNotification, WakeUpUse
from fleet_remotes.services.binding import bind_vehicles
from tests.conftest import ApiClient
from tests.factories.fleet_remotes import (
    CallbackFactory,
    FleetFactory,
    FleetVehicleFactory,
    RemoteActionFactory,
    with_callback,
)
from tests.fleet_remotes.helpers import at, notify, post_callback, success, waking, woken

pytestmark = pytest.mark.django_db
VIN = "VR3UHZKXZPT500001"
VEHICLE = {"vin": VIN, "fleet": "F-1", "brand": "peugeot"}


@pytest.fixture(autouse=True)
def _set_up(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"
    FleetFactory(key="F-1")


@pytest.fixture
def vehicle() -> FleetVehicle:
    found: FleetVehicle = FleetVehicleFactory(vin=VIN)
    CallbackFactory(fleet=found.fleet)
    return found


# ---- vehicles -----------------------------------------------------------------------------------------------------


def test_a_vehicle_is_made_with_its_fleet_and_changed_where_something_is_given(api: ApiClient) -> None:
    assert api.put("/remotes/vehicles", VEHICLE | {"fleet": "F-2", "new_fleet": True}).json() == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": [],
        "warnings": [],
    }
    more = {
        "vehicle_id": "v1",
        "plate": "K-SB 1",
        "capabilities": ["Door", "horn"],
        "privacy": "Geolocation",
        "battery_level": 41,
        "is_stolen": True,
        "wakeup_budget": 30,
        "tags": ["Pool ", "pool"],
    }
    api.put("/remotes/vehicles", VEHICLE | {"fleet": "F-2"} | more)
    api.put("/remotes/vehicles", VEHICLE | {"vin": VIN.lower(), "name": "Pool 1", "battery_level": None})
    found = api.get(f"/remotes/vehicles/{VIN.lower()}").json()
    assert found["fleet"] == "F-1"
    assert {key: found[key] for key in more} == more | {
        "capabilities": ["door", "horn"],
        "tags": ["pool"],
        "battery_level": None,
    }
    assert (found["name"], FleetVehicle.objects.count(), Fleet.objects.count()) == ("Pool 1", 1, 2)
    assert found["wakeups"] == {
        "used": 0,
        "budget": 30,
        "left": 30,
        "refused": False,
        "at_month_end": 0,
        "used_up_on": None,
    }
    assert found["awake_until"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vin": "SHORT"}, "vin: A VIN has"),
        ({"vin": "VR3 UHZ KXZ PT5 00"}, "vin: A VIN has"),
        ({"brand": "lada"}, "brand: must be one of citroen, ds, peugeot, opel, vauxhall"),
        ({"fleet": " "}, "fleet: must not be blank"),
        ({"fleet": ""}, "fleet: must be text that is not empty"),
        ({"fleet": "F-1O"}, "fleet: There is no fleet “F-1O”; is “F-1” meant?"),
        ({"fleet": "Z"}, "fleet: There is no fleet “Z”; a new one is made where new_fleet says yes."),
    ],
)
def test_the_good_vehicles_of_a_batch_are_taken_and_the_bad_ones_named(
    api: ApiClient, change: dict[str, Any], said: str
) -> None:
    answer = api.put("/remotes/vehicles", [VEHICLE | change, VEHICLE])
    assert answer.status_code == 202
    (rejected,) = answer.json()["rejected"]
    assert (answer.json()["accepted"], rejected["index"]) == (1, 0)
    assert rejected["error"].startswith(said)


@pytest.mark.parametrize(
    ("change", "kept", "said"),
    [
        ({"capabilities": ["door", "fly"]}, {"capabilities": ["door"]}, "capabilities: fly is none of"),
        ({"capabilities": "RemoteDoorsState; remote:horn:write"}, {"capabilities": ["door", "horn"]}, ""),
        ({"capabilities": ["RemoteState"]}, {"capabilities": ["wakeup"]}, ""),
        ({"privacy": "Sometimes"}, {"privacy": ""}, "privacy: “Sometimes” is none of None, Geolocation, Full"),
        ({"privacy": "geolocation"}, {"privacy": "Geolocation"}, ""),
        ({"privacy": "FULL"}, {"privacy": "Full"}, ""),
        ({"battery_level": 101}, {"battery_level": None}, "battery_level: 101"),
        ({"battery_level": 60.0}, {"battery_level": 60}, ""),
        ({"battery_level": "60.4"}, {"battery_level": 60}, ""),
    ],
)
def test_a_bad_side_value_is_warned_of_and_loses_nothing_else(
    api: ApiClient, change: dict[str, Any], kept: dict[str, Any], said: str
) -> None:
    answer = api.put("/remotes/vehicles", VEHICLE | change).json()
    assert (answer["accepted"], answer["rejected"]) == (1, [])
    assert [warning for warning in answer["warnings"] if said and said in str(warning)] or not said
    found = api.get(f"/remotes/vehicles/{VIN}").json()
    assert {name: found[name] for name in kept} == kept


@pytest.mark.parametrize("brand", ["Citroën", "CITROEN", "ds", "Opel", "vauxhall", "VX", "clientsB2CPeugeot"])
def test_brands_are_understood_as_people_write_them(api: ApiClient, brand: str) -> None:
    assert api.put("/remotes/vehicles", VEHICLE | {"brand": brand}).json()["accepted"] == 1


def test_statements_of_an_upsert_do_not_grow(api: ApiClient) -> None:
    counts = []
    for count in (1, 500):
        rows = [VEHICLE | {"vin": f"VR3UHZKX{n:09d}", "tags": ["a"]} for n in range(count)]
        with CaptureQueriesContext(connection) as captured:
            api.put("/remotes/vehicles", rows)
        counts.append(len(captured))
    assert counts[0] >= counts[1]


def test_a_vehicle_that_is_made_later_is_bound_to_what_came_before(api: ApiClient) -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, success(action) | {"vin": VIN, "remoteActionId": "of-another-tool"})
    assert RemoteNotification.objects.get().vehicle is None
    api.put("/remotes/vehicles", VEHICLE | {"fleet": action.fleet.key})
    found = RemoteNotification.objects.get()
    assert found.vehicle is not None
    assert (found.vehicle.vin, found.flags) == (VIN, ["bound_later"])


def test_wake_ups_of_a_vehicle_that_is_made_later_count_once(api: ApiClient) -> None:
    action, callback = with_callback(since=at(0))
    foreign = {"vin": VIN, "remoteActionId": "of-another-tool"}
    notify(
        callback, waking(action) | foreign, *(one | {"vin": VIN} for one in woken(action, 3)), success(action) | foreign
    )
    assert not WakeUpUse.objects.exists()
    for _ in range(2):
        api.put("/remotes/vehicles", VEHICLE | {"fleet": action.fleet.key})
    assert WakeUpUse.objects.get().used == 2


def test_a_vehicle_that_was_added_in_the_administration_is_bound_by_the_next_round() -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, waking(action) | {"vin": VIN, "remoteActionId": "of-another-tool"})
    FleetVehicleFactory(vin=VIN)  # of another fleet
    assert bind_vehicles(now=at(70)) == 0
    FleetVehicle.objects.filter(vin=VIN).update(fleet=action.fleet)
    assert bind_vehicles(now=at(60) + timedelta(hours=74)) == 0  # nothing is expected to be bound by then
    assert bind_vehicles(now=at(70)) == 1
    assert WakeUpUse.objects.get().vehicle.vin == VIN


def test_vehicles_are_listed_by_magic_search(api: ApiClient) -> None:
    FleetVehicleFactory(plate="K-SB 208", battery_level=9)
    FleetVehicleFactory(battery_level=90)
    found = api.get("/remotes/vehicles?q=battery:<20").json()
    assert [row["plate"] for row in found["items"]] == ["K-SB 208"]
    assert api.get("/remotes/vehicles?q=batery:<20").status_code == 422
    assert api.get("/remotes/vehicles/NOBODY0000000").status_code == 404


# ---- callbacks ----------------------------------------------------------------------------------------------------


def test_a_callback_is_made_and_takes_what_its_header_proves(api: ApiClient) -> None:
    given = {"slug": "north", "fleet": "F-1", "header": {"name": "Authorization", "value": "Bearer 0123456789abcdef"}}
    answer = api.post("/remotes/callbacks", given)
    assert answer.status_code == 201
    assert answer.json()["path"] == "/api/v1/remotes/callbacks/north"
    assert "0123456789abcdef" not in answer.content.decode()
    assert post_callback(Callback.objects.get(), {}, value="Bearer 0123456789abcdef").status_code == 200
    assert api.get("/remotes/callbacks").json()["items"][0]["slug"] == "north"


def test_a_value_that_is_made_up_is_shown_once(api: ApiClient) -> None:
    made = api.post("/remotes/callbacks", {"slug": "north", "fleet": "F-1", "header": {"name": "X-Token"}}).json()
    assert len(made["header"]["value"]) >= 32
    assert "value" not in api.get("/remotes/callbacks").json()["items"][0]["header"]
    assert post_callback(Callback.objects.get(), {}, value=made["header"]["value"]).status_code == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"slug": ""}, "/slug"),
        ({"slug": "a/b"}, "/slug"),
        ({"slug": "ä"}, "/slug"),
        ({"fleet": ""}, "/fleet"),
        ({"fleet": "f-l"}, "/fleet"),
        ({"header": {"name": "", "value": "0123456789abcdef"}}, "/header_name"),
        ({"header": {"name": "Two Words", "value": "0123456789abcdef"}}, "/header_name"),
        ({"header": {"name": "Cookie", "value": "0123456789abcdef"}}, "/header_name"),
        ({"header": {"name": "X", "value": "short"}}, "/header_value"),
        ({"header": {"name": "X", "value": "0123456789\nabcdef"}}, "/header_value"),
        ({"silent_after_s": 1}, "/silent_after_s"),
        ({"callback_id": "x" * 129}, "/callback_id"),
    ],
)
def test_a_callback_that_cannot_work_is_refused(api: ApiClient, change: dict[str, Any], pointer: str) -> None:
    answer = api.post("/remotes/callbacks", {"slug": "north", "fleet": "F-1"} | change)
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not Callback.objects.exists()


def test_a_slug_is_taken_once(api: ApiClient) -> None:
    api.post("/remotes/callbacks", {"slug": "north", "fleet": "F-1"})
    again = {"slug": "North", "fleet": "F-2", "new_fleet": True}
    assert api.post("/remotes/callbacks", again).status_code == 409


# ---- commands -----------------------------------------------------------------------------------------------------


def order(api: ApiClient, **more: Any) -> Any:
    return api.post("/remotes/actions", {"vin": VIN, "type": "lights", "parameters": {"on": True}} | more)


def test_a_command_is_queued_and_has_a_timeline(api: ApiClient, vehicle: FleetVehicle) -> None:
    answer = order(api, reason="parking garage")
    assert answer.status_code == 202
    made = answer.json()
    assert (made["state"], made["vin"], made["type"], made["is_final"]) == ("queued", VIN, "lights", False)
    assert made["requested_by"].startswith("API: ")
    found = api.get(f"/remotes/actions/{made['id']}").json()
    assert found["timeline"][0]["what"] == "Ordered"
    assert found["expected_next"] == ["Sent"]
    assert "confirmation" not in made


def test_a_dangerous_command_is_sent_after_a_second_confirmation(api: ApiClient, vehicle: FleetVehicle) -> None:
    unlock = {"type": "door", "parameters": {"state": "Unlocked"}}
    answer = order(api, **unlock)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/reason")
    made = order(api, **unlock, reason="locked out").json()
    assert made["state"] == "draft"
    confirmed = api.post(f"/remotes/actions/{made['id']}/confirm", {"code": made["confirmation"]["code"]})
    assert (confirmed.status_code, confirmed.json()["state"]) == (202, "queued")
    again = api.post(f"/remotes/actions/{made['id']}/confirm", {"code": made["confirmation"]["code"]})
    assert again.status_code == 409


def test_a_wrong_code_is_a_conflict_and_ends_the_draft(api: ApiClient, vehicle: FleetVehicle) -> None:
    made = order(api, type="immobilization", parameters={"activate": True}, reason="unpaid").json()
    assert api.post(f"/remotes/actions/{made['id']}/confirm", {"code": "x"}).status_code == 409
    assert RemoteAction.objects.get().state == State.CANCELLED


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"vin": "VR3NOBODY0000000"}, "/vin"),
        ({"vin": "\x00"}, "/vin"),
        ({"type": "fly"}, "/type"),
        ({"parameters": {"on": "perhaps"}}, "/parameters/on"),
        ({"parameters": None}, "/parameters/on"),
        ({"parameters": []}, "/parameters"),
    ],
)
def test_a_command_that_cannot_be_is_refused_with_the_place(
    api: ApiClient, vehicle: FleetVehicle, change: dict[str, Any], pointer: str
) -> None:
    answer = order(api, **change)
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_check_that_refuses_is_a_conflict_that_says_what_to_do(api: ApiClient, vehicle: FleetVehicle) -> None:
    FleetVehicle.objects.update(privacy="Full")
    answer = order(api)
    assert answer.status_code == 409
    assert answer.json()["errors"] == [{"pointer": "/vin", "detail": "PrivacyOn"}]
    assert "Ask the driver" in answer.json()["detail"]
    assert order(api).status_code == 409


def test_what_is_not_yet_sent_is_cancelled(api: ApiClient, vehicle: FleetVehicle) -> None:
    made = order(api).json()
    for _ in range(2):
        answer = api.post(f"/remotes/actions/{made['id']}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    sent = RemoteActionFactory(vehicle=vehicle)
    assert api.post(f"/remotes/actions/{sent.pk}/cancel").status_code == 409
    assert api.post("/remotes/actions/0/cancel").status_code == 404


def test_actions_are_listed_by_magic_search_in_a_fixed_number_of_statements(api: ApiClient) -> None:
    counts = []
    for _ in range(2):
        RemoteActionFactory.create_batch(3, state=State.FAILED, cause="DoorsOpen")
        RemoteActionFactory(state=State.SUCCEEDED)
        with CaptureQueriesContext(connection) as captured:
            items = api.get("/remotes/actions?q=state:trouble cause:doors").json()["items"]
        counts.append(len(captured))
    assert len(items) == 6
    assert items[0]["explanation"] == "A door is open."
    assert counts[1] <= counts[0] <= 3


def test_the_vendors_words_are_passed_on(api: ApiClient) -> None:
    action = RemoteActionFactory(
        state=State.REJECTED, http_status=403, error_code="40399", error_text="no", error_uuid="u-1"
    )
    found = api.get(f"/remotes/actions/{action.pk}").json()
    assert found["error"] == {"status": 403, "code": "40399", "message": "no", "uuid": "u-1"}
    assert "HTTP 403" in found["explanation"]


@pytest.mark.parametrize("more", [{}, {"rotate": False}, {"batch_window_s": 5}])
def test_a_header_value_without_rotation_is_no_silent_word(api: ApiClient, more: dict[str, Any]) -> None:
    callback = CallbackFactory()
    answer = api.put(
        f"/remotes/callbacks/{callback.slug}/registration", {"header_value": "Bearer new-0123456789"} | more
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/header_value")
