"""Schedules: when they are due, what they send, who may."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from core.refusal import Refused
from fleet_remotes.choices import State
from fleet_remotes.ingest.commands import read_command
from fleet_remotes.models import CommandBatch, CommandDraft, CommandSchedule, FleetVehicle, RemoteAction
from fleet_remotes.rules.schedules import next_time
from fleet_remotes.services import schedules
from tests.factories.console import UserFactory
from tests.factories.fleet_remotes import CallbackFactory, FleetVehicleFactory
from tests.infra_notifications.pages import text_of

WARM = read_command("RemotePreconditioning", {"immediate": True})
UNLOCK = read_command("door", {"state": "Unlocked"})
WEEKDAYS = (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("after", "due"),
    [
        # A Friday in winter, before and at 6:30 in Berlin; the weekend is left out.
        ("2026-11-27T05:29:00", "2026-11-27T05:30:00"),
        ("2026-11-27T05:30:00", "2026-11-30T05:30:00"),
        ("2026-11-28T12:00:00", "2026-11-30T05:30:00"),
        # The clocks went back on Sunday, 25 October 2026: 6:30 is another moment then.
        ("2026-10-23T04:30:00", "2026-10-26T05:30:00"),
        ("2026-10-22T04:30:00", "2026-10-23T04:30:00"),
    ],
)
def test_weekdays_at_half_past_six_are_of_their_place(after: str, due: str) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = next_time(days=WEEKDAYS, at=time(6, 30), zone="Europe/Berlin", after=moment)
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize(("at", "due"), [(time(2, 30), "2026-03-29T01:30:00"), (time(3, 0), "2026-03-29T01:00:00")])
def test_a_time_that_a_night_does_not_have_is_later(at: time, due: str) -> None:
    after = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert next_time(days=[6], at=at, zone="Europe/Berlin", after=after).isoformat() == f"{due}+00:00"


@pytest.fixture(autouse=True)
def _set_up(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"


@pytest.fixture
def vehicle(db: None) -> FleetVehicle:
    found: FleetVehicle = FleetVehicleFactory()
    CallbackFactory(fleet=found.fleet)
    return found


@pytest.fixture
def anna(db: None) -> User:
    return UserFactory(username="anna", is_superuser=True)


def scheduled(vehicle: FleetVehicle, by: User, **more: Any) -> CommandSchedule:
    values: dict[str, Any] = {"name": "Mornings", "command": WARM, "vehicle_ids": [vehicle.pk], "days": WEEKDAYS}
    values |= {"at": time(6, 30), "time_zone": "Europe/Berlin", "by": by, "now": timezone.now()}
    return schedules.create_schedule(**values | more)


def test_what_is_due_is_a_batch_with_its_checks_and_comes_again(vehicle: FleetVehicle, anna: User) -> None:
    private = FleetVehicleFactory(fleet=vehicle.fleet, privacy="Full")
    schedule = scheduled(vehicle, anna, vehicle_ids=[vehicle.pk, private.pk])
    assert schedule.next_at is not None
    due = schedule.next_at
    assert schedules.run_due(now=due - timedelta(seconds=1)) == 0
    assert schedules.run_due(now=due) == 1
    assert schedules.run_due(now=due) == 0
    batch = CommandBatch.objects.get()
    assert (batch.total, batch.reason, batch.created_by) == (2, "Mornings", anna)
    assert set(batch.actions.values_list("state", flat=True)) == {State.QUEUED, State.REFUSED}
    schedule.refresh_from_db()
    assert schedule.last_batch == batch
    assert schedule.next_at == next_time(days=WEEKDAYS, at=time(6, 30), zone="Europe/Berlin", after=due)


@pytest.mark.parametrize("late_s", [3_599, 3_601])
def test_what_is_too_late_is_left_out(vehicle: FleetVehicle, anna: User, late_s: int) -> None:
    schedule = scheduled(vehicle, anna)
    assert schedule.next_at is not None
    assert schedules.run_due(now=schedule.next_at + timedelta(seconds=late_s)) == 1
    assert CommandBatch.objects.exists() == (late_s < 3_600)
    schedule.refresh_from_db()
    assert bool(schedule.last_problem) == (late_s > 3_600)


def test_who_may_not_send_any_more_sends_nothing(vehicle: FleetVehicle, anna: User) -> None:
    schedule = scheduled(vehicle, anna)
    User.objects.update(is_active=False)
    assert schedule.next_at is not None
    schedules.run_due(now=schedule.next_at)
    assert not RemoteAction.objects.exists()
    assert "may not send" in CommandSchedule.objects.get().last_problem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"command": UNLOCK}, "asks for a person"),
        ({"days": []}, "at least one day"),
        ({"days": [7]}, "at least one day"),
        ({"time_zone": "Mars/Base"}, "no time zone"),
        ({"vehicle_ids": [0]}, "between 1 and"),
        ({"name": " "}, "a name"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(
    vehicle: FleetVehicle, anna: User, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        scheduled(vehicle, anna, **change)


def test_a_draft_becomes_a_schedule_that_is_paused_resumed_and_deleted(operator: Client, vehicle: FleetVehicle) -> None:
    owner = User.objects.get(pk=operator.session["_auth_user_id"])
    command = {"kind": WARM.kind, "parameters": WARM.parameters, "reason": ""}
    draft = CommandDraft.objects.create(owner=owner, vehicles=[vehicle.pk], command=command)
    page = reverse("fleet_remotes:draft_schedule", args=[draft.pk])
    assert "Start preconditioning" in text_of(operator.get(page))
    given = {"name": "Mornings", "days": ["0", "4"], "at": "06:30", "time_zone": "Europe/Berlin"}
    assert operator.post(page, given | {"days": []}).status_code == 422
    shown = text_of(operator.post(page, given, follow=True))
    assert "Mon, Fri" in shown
    schedule = CommandSchedule.objects.get()
    assert "Mornings" in text_of(operator.get(reverse("fleet_remotes:schedules")))
    operator.post(reverse("fleet_remotes:schedule_pause", args=[schedule.pk]))
    assert CommandSchedule.objects.get().next_at is None
    operator.post(reverse("fleet_remotes:schedule_resume", args=[schedule.pk]))
    assert CommandSchedule.objects.get().next_at is not None
    operator.post(reverse("fleet_remotes:schedule_delete", args=[schedule.pk]))
    assert not CommandSchedule.objects.exists()
