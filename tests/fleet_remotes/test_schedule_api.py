"""Schedules by API: made, read, changed, paused, deleted; sent in the name of the key, as long as it may send."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from core.models import ApiKey
from fleet_remotes.ingest.commands import read_command
from fleet_remotes.models import CommandBatch, CommandSchedule, FleetVehicle, RemoteAction
from fleet_remotes.services import schedules
from tests.conftest import ApiClient
from tests.factories.console import UserFactory
from tests.factories.fleet_remotes import CallbackFactory, FleetVehicleFactory
from tests.infra_notifications.pages import text_of

PATH = "/remotes/schedules"


@pytest.fixture(autouse=True)
def _set_up(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"


@pytest.fixture
def vehicle(db: None) -> FleetVehicle:
    found: FleetVehicle = FleetVehicleFactory()
    CallbackFactory(fleet=found.fleet)
    return found


def given(vehicle: FleetVehicle, **more: Any) -> dict[str, Any]:
    body = {"name": "Mornings", "type": "RemotePreconditioning", "parameters": {"immediate": True}}
    return body | {"vins": [vehicle.vin], "days": "weekdays", "at": "6:30", "time_zone": "Europe/Berlin"} | more


def made(api: ApiClient, vehicle: FleetVehicle, **more: Any) -> Any:
    answer = api.post(PATH, given(vehicle, **more))
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_one_is_made_read_changed_paused_and_deleted(api: ApiClient, vehicle: FleetVehicle) -> None:
    one = made(api, vehicle)
    said = {name: one[name] for name in ("type", "vins", "days", "at", "active", "created_by")}
    assert said == {
        "type": "preconditioning",
        "vins": [vehicle.vin],
        "days": ["Mon", "Tue", "Wed", "Thu", "Fri"],
        "at": "06:30",
        "active": True,
        "created_by": f"API: {ApiKey.objects.get().name}",
    }
    path = f"{PATH}/{one['id']}"
    assert api.get(path).json() == one
    assert api.get(f"{PATH}?q=type:RemotePreconditioning").json()["items"] == [one]
    assert api.get(f"{PATH}?q=active:no").json()["items"] == []
    changed = api.patch(path, {"days": ["Samedi", "sun"], "at": "PT7H"}).json()
    assert (changed["days"], changed["at"], changed["name"]) == (["Sat", "Sun"], "07:00", "Mornings")
    paused = api.patch(path, {"active": False}).json()
    assert (paused["active"], paused["next_at"]) == (False, None)
    assert api.patch(path, {"name": "Weekends"}).json()["active"] is False
    assert api.patch(path, {"active": True}).json()["next_at"]
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_one_text_stands_for_a_list_and_case_counts_nowhere(api: ApiClient, vehicle: FleetVehicle) -> None:
    loose = {"vins": vehicle.vin.lower(), "days": "lundi, MARDI", "at": "6h30", "time_zone": " europe/paris"}
    one = made(api, vehicle, **loose)
    said = (one["vins"], one["days"], one["at"], one["time_zone"])
    assert said == ([vehicle.vin], ["Mon", "Tue"], "06:30", "Europe/Paris")
    assert api.patch(f"{PATH}/{one['id']}", {"days": "daily"}).json()["days"][6] == "Sun"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"days": ["Mon", "Someday"]}, "/days/1"),
        ({"days": []}, "/days"),
        ({"days": ["Mon", 5]}, "/days/1"),
        ({"at": "25:00"}, "/at"),
        ({"at": "soon"}, "/at"),
        ({"time_zone": "Mars/Base"}, "/time_zone"),
        ({"vins": ["VF3NOBODY"]}, "/vins/0"),
        ({"vins": []}, "/vehicles"),
        ({"name": " "}, "/name"),
        ({"type": "fly"}, "/type"),
        ({"type": "door", "parameters": {"state": "Unlocked"}}, "/type"),
        ({"parameters": {"immediate": "perhaps"}}, "/parameters/airConditioning/immediate"),
        ({"every": 5}, "/every"),
    ],
)
def test_what_is_wrong_is_pointed_to(
    api: ApiClient, vehicle: FleetVehicle, change: dict[str, Any], pointer: str
) -> None:
    one = made(api, vehicle)
    for answer in (api.post(PATH, given(vehicle, **change)), api.patch(f"{PATH}/{one['id']}", change)):
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert api.get(f"{PATH}/{one['id']}").json() == one


def _run(schedule: int) -> CommandSchedule:
    row = CommandSchedule.objects.get(pk=schedule)
    assert row.next_at is not None
    schedules.run_due(now=row.next_at)
    return CommandSchedule.objects.get(pk=schedule)


def test_it_is_sent_in_the_name_of_its_key(api: ApiClient, vehicle: FleetVehicle, operator: Client) -> None:
    one = made(api, vehicle)
    assert _run(one["id"]).last_batch == CommandBatch.objects.get()
    assert RemoteAction.objects.get().requested_by == one["created_by"]
    assert one["created_by"] in text_of(operator.get(reverse("fleet_remotes:schedule", args=[one["id"]])))


@pytest.mark.parametrize("change", [{"revoked_at": timezone.now()}, {"scopes": ["remotes:read"]}, None])
def test_a_key_that_may_send_no_more_sends_nothing(api: ApiClient, vehicle: FleetVehicle, change: Any) -> None:
    one = made(api, vehicle)
    if change is None:
        ApiKey.objects.all().delete()
    else:
        ApiKey.objects.update(**change)
    assert "may not send" in _run(one["id"]).last_problem
    assert not RemoteAction.objects.exists()


def test_who_changes_what_is_sent_answers_for_it(api: ApiClient, vehicle: FleetVehicle) -> None:
    anna: User = UserFactory(is_superuser=True)
    warm = read_command("preconditioning", {"immediate": True})
    values: dict[str, Any] = {"name": "Mornings", "command": warm, "vehicle_ids": [vehicle.pk], "days": [0]}
    values |= {"at": time(6, 30), "time_zone": "UTC", "by": anna, "now": timezone.now()}
    path = f"{PATH}/{schedules.create_schedule(**values).pk}"
    assert api.patch(path, {"at": "7:00"}).json()["created_by"] == anna.username
    assert api.patch(path, {"type": "wakeUp"}).json()["created_by"] == f"API: {ApiKey.objects.get().name}"


def test_a_person_changes_name_days_and_time_on_a_page(api: ApiClient, vehicle: FleetVehicle, operator: Client) -> None:
    one = made(api, vehicle)
    page = reverse("fleet_remotes:schedule_update", args=[one["id"]])
    assert "06:30" in operator.get(page).content.decode()
    form = {"name": "Evenings", "days": ["6"], "at": "18:00", "time_zone": "Europe/Paris"}
    assert operator.post(page, form | {"days": []}).status_code == 422
    assert "Evenings" in text_of(operator.post(page, form, follow=True))
    after = api.get(f"{PATH}/{one['id']}").json()
    assert (after["days"], after["at"], after["created_by"]) == (["Sun"], "18:00", one["created_by"])
