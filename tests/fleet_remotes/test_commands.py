"""Giving commands: checks, the second confirmation, one at a time, batches, cancelling, only what failed again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from core.refusal import Refused
from fleet_remotes.choices import Kind, State
from fleet_remotes.ingest.commands import Command, read_command
from fleet_remotes.models import ActionStep, CommandBatch, FleetVehicle, RemoteAction
from fleet_remotes.services import commands
from fleet_remotes.services.polling import expire
from tests.factories.console import UserFactory
from tests.factories.fleet_remotes import CallbackFactory, FleetFactory, FleetVehicleFactory, RemoteActionFactory
from tests.fleet_remotes.helpers import fresh, published

pytestmark = pytest.mark.django_db
LIGHTS, LOCK = read_command("lights", {"on": True}), read_command("door", {"state": "Locked"})
UNLOCK = read_command("door", {"state": "Unlocked"})


@pytest.fixture(autouse=True)
def _set_up(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = "id"


@pytest.fixture
def vehicle() -> FleetVehicle:
    found: FleetVehicle = FleetVehicleFactory()
    CallbackFactory(fleet=found.fleet)
    return found


@pytest.fixture
def anna() -> User:
    user: User = UserFactory(username="anna")
    return user


def place(vehicle: FleetVehicle, command: Command = LIGHTS, **more: Any) -> tuple[RemoteAction, str]:
    given: dict[str, Any] = {"reason": "", "by": "anna", "now": timezone.now(), "confirmed": False}
    return commands.place_command(vehicle=vehicle, command=command, **(given | more))


def codes(error: Refused) -> list[str]:
    return error.sentences


# ---- one ----------------------------------------------------------------------------------------------------------


def test_an_everyday_command_is_queued_at_once(vehicle: FleetVehicle) -> None:
    action, code = place(vehicle, reason=" cold \n morning ")
    assert (action.state, code, action.reason) == (State.QUEUED, "", "cold morning")
    assert list(ActionStep.objects.values_list("kind", "detail")) == [("created", "anna")]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"vehicle_id": ""}, "NoVehicleId"),
        ({"capabilities": ["door"]}, "NotCapable"),
        ({"capabilities": []}, "NotCapable"),
        ({"privacy": "Full"}, "PrivacyOn"),
        ({"wakeup_budget": 0}, "WakeUpBudgetUsed"),
    ],
)
def test_a_check_that_refuses_says_why(vehicle: FleetVehicle, change: dict[str, Any], code: str) -> None:
    FleetVehicle.objects.update(**change)
    with pytest.raises(Refused) as refused:
        place(vehicle)
    assert codes(refused.value) == [code]
    assert not RemoteAction.objects.exists()


def test_without_access_or_callback_nothing_can_be_sent(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = ""
    lonely = FleetVehicleFactory()
    CallbackFactory(fleet=lonely.fleet, status="Paused")
    with pytest.raises(Refused) as refused:
        place(lonely)
    assert codes(refused.value) == ["SendingNotSetUp", "NoCallback"]
    assert "REMOTES_" in refused.value.sentence


def test_the_stop_switch_refuses_everything(vehicle: FleetVehicle) -> None:
    vehicle.fleet.stopped_at = timezone.now()
    vehicle.fleet.save()
    with pytest.raises(Refused) as refused:
        place(vehicle)
    assert codes(refused.value) == ["FleetStopped"]


@pytest.mark.parametrize("state", [State.QUEUED, State.UNKNOWN, State.SUBMITTED, State.WAKING, State.BLOCKED_QUOTA])
def test_the_same_command_is_not_given_twice_while_it_is_open(vehicle: FleetVehicle, state: State) -> None:
    action = RemoteActionFactory(vehicle=vehicle, kind=Kind.LIGHTS, parameters={"on": True}, state=state)
    with pytest.raises(Refused) as refused:
        place(vehicle)
    assert codes(refused.value) == ["SameActionOpen"]
    assert f"Switch the lights on: http://testserver/remotes/actions/{action.pk}/" in refused.value.sentence
    assert place(vehicle, LOCK)[0].state == State.QUEUED


@pytest.mark.parametrize("state", [State.QUEUED, State.UNKNOWN, State.WAKING])
def test_the_opposite_command_is_queued_behind_the_one_under_way(vehicle: FleetVehicle, state: State) -> None:
    action = RemoteActionFactory(vehicle=vehicle, kind=Kind.LIGHTS, parameters={"on": False}, state=state)
    assert place(vehicle)[0].state == State.QUEUED
    with pytest.raises(Refused):
        place(vehicle)
    _asleep, finding = commands.check_vehicles([vehicle], LOCK, timezone.now())[vehicle.pk]
    assert (finding.code, finding.action and finding.action.id) == ("VehicleBusy", action.pk)


@pytest.mark.parametrize("in_bulk", [False, True])
def test_a_try_that_waits_does_not_undo_what_is_ordered_meanwhile(vehicle: FleetVehicle, in_bulk: bool) -> None:
    start, stop = read_command("charging", {"immediate": True}), read_command("charging", {"immediate": False})
    waiting = RemoteActionFactory(
        vehicle=vehicle, kind=Kind.CHARGING, parameters=start.parameters, state=State.QUEUED, auto_tries=1
    )
    if in_bulk:
        commands.place_batch(vehicle_ids=[vehicle.pk], command=stop, reason="", by=UserFactory(), now=timezone.now())
    else:
        place(vehicle, stop)
    waiting.refresh_from_db()
    assert waiting.state == State.CANCELLED
    assert RemoteAction.objects.get(state=State.QUEUED).parameters == stop.parameters


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.UNCONFIRMED, State.CANCELLED, State.DRAFT])
def test_what_ended_or_is_a_draft_does_not_stand_in_the_way(vehicle: FleetVehicle, state: State) -> None:
    RemoteActionFactory(vehicle=vehicle, kind=Kind.LIGHTS, state=state)
    assert place(vehicle)[0].state == State.QUEUED


# ---- dangerous ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "  ", "abc", " a b "])
def test_a_dangerous_command_needs_a_reason(vehicle: FleetVehicle, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        place(vehicle, UNLOCK, reason=reason, confirmed=True)
    assert "reason" in refused.value.fields


def test_a_dangerous_command_waits_for_its_second_confirmation(vehicle: FleetVehicle) -> None:
    action, code = place(vehicle, UNLOCK, reason="locked out")
    assert (action.state, len(code), code.isdigit()) == (State.DRAFT, 6, True)
    assert code not in str(RemoteAction.objects.values().get())
    commands.confirm_command(action=action, code=code, by="bert", now=timezone.now())
    assert fresh(action).state == State.QUEUED
    assert list(ActionStep.objects.order_by("id").values_list("kind", "detail")) == [
        ("created", "anna"),
        ("confirmed", "bert"),
    ]
    with pytest.raises(Refused, match="does not wait"):
        commands.confirm_command(action=action, code=code, by="bert", now=timezone.now())


def test_one_wrong_code_cancels_it(vehicle: FleetVehicle) -> None:
    action, code = place(vehicle, UNLOCK, reason="locked out")
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    with pytest.raises(Refused, match="not the code"):
        commands.confirm_command(action=action, code=wrong, by="x", now=timezone.now())
    assert fresh(action).state == State.CANCELLED
    with pytest.raises(Refused):
        commands.confirm_command(action=action, code=code, by="x", now=timezone.now())


def test_a_confirmation_that_comes_too_late_confirms_nothing(vehicle: FleetVehicle) -> None:
    action, code = place(vehicle, UNLOCK, reason="locked out")
    later = timezone.now() + timedelta(minutes=11)
    with pytest.raises(Refused, match="does not wait"):
        commands.confirm_command(action=action, code=code, by="x", now=later)
    assert expire(now=later) == 1
    assert fresh(action).state == State.CANCELLED
    assert published() == []


def test_a_confirmation_checks_once_more(vehicle: FleetVehicle) -> None:
    action, code = place(vehicle, UNLOCK, reason="locked out")
    FleetVehicle.objects.update(privacy="Full")
    with pytest.raises(Refused):
        commands.confirm_command(action=action, code=code, by="x", now=timezone.now())
    assert fresh(action).state == State.DRAFT


# ---- cancelling ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_only_what_is_not_yet_sent_can_be_cancelled(vehicle: FleetVehicle, state: State) -> None:
    action = RemoteActionFactory(vehicle=vehicle, state=state)
    could = commands.cancel_action(action=action, now=timezone.now(), by="anna")
    assert could == (state in (State.DRAFT, State.QUEUED))
    assert fresh(action).state == (State.CANCELLED if could else state)


# ---- many ---------------------------------------------------------------------------------------------------------


def fleet_of(count: int, **more: Any) -> list[FleetVehicle]:
    fleet = FleetFactory()
    CallbackFactory(fleet=fleet)
    return list(FleetVehicleFactory.create_batch(count, fleet=fleet, **more))


def send(vehicles: list[FleetVehicle], by: User, command: Command = LIGHTS, **more: Any) -> CommandBatch:
    return commands.place_batch(
        vehicle_ids=[v.pk for v in vehicles],
        command=command,
        reason=more.pop("reason", ""),
        by=by,
        now=timezone.now(),
        **more,
    )


def test_a_batch_queues_what_may_be_sent_and_keeps_the_rest_with_why(anna: User) -> None:
    vehicles = fleet_of(4)
    FleetVehicle.objects.filter(pk=vehicles[1].pk).update(privacy="Full")
    FleetVehicle.objects.filter(pk=vehicles[2].pk).update(capabilities=["door"])
    batch = send([*vehicles, vehicles[0]], anna)
    found = batch.actions.order_by("vehicle_id").values_list("state", "cause")
    assert list(found) == [("queued", ""), ("refused", "PrivacyOn"), ("refused", "NotCapable"), ("queued", "")]
    assert (batch.total, batch.created_by) == (4, anna)
    assert published() == []


def test_only_what_failed_is_tried_again(anna: User) -> None:
    vehicles = fleet_of(5)
    batch = send(vehicles, anna)
    states = [State.SUCCEEDED, State.FAILED, State.UNCONFIRMED, State.REJECTED, State.CANCELLED]
    for action, state in zip(batch.actions.order_by("vehicle_id"), states, strict=True):
        RemoteAction.objects.filter(pk=action.pk).update(state=state)
    failed = commands.failed_of(batch)
    assert [action.vehicle_id for action in failed] == [vehicles[1].pk, vehicles[3].pk]
    again = send([action.vehicle for action in failed], anna, retry_of=batch)
    assert [a.retry_of_id for a in again.actions.order_by("pk")] == [action.pk for action in failed]
    assert again.retry_of == batch


def test_what_a_later_success_mended_is_not_tried_again(anna: User) -> None:
    batch = send(fleet_of(1), anna)
    action = batch.actions.get()
    RemoteAction.objects.update(state=State.FAILED)
    mended = RemoteActionFactory(vehicle=action.vehicle, state=State.SUCCEEDED)
    RemoteAction.objects.filter(pk=action.pk).update(resolved_by=mended)
    assert commands.failed_of(batch) == []


def test_a_batch_is_cancelled_as_far_as_it_is_not_yet_sent(anna: User) -> None:
    batch = send(fleet_of(3), anna)
    first = batch.actions.order_by("pk")[0]
    RemoteAction.objects.filter(pk=first.pk).update(state=State.SUBMITTED)
    assert commands.cancel_batch(batch=batch, now=timezone.now(), by="anna") == 2
    assert sorted(batch.actions.values_list("state", flat=True)) == ["cancelled", "cancelled", "submitted"]


def test_a_dangerous_command_goes_to_one_vehicle_at_a_time(anna: User, settings: Settings) -> None:
    vehicles = fleet_of(2)
    with pytest.raises(Refused, match="one vehicle at a time"):
        send(vehicles, anna, UNLOCK, reason="because")
    settings.REMOTES_DANGEROUS_IN_BULK = True
    assert send(vehicles, anna, UNLOCK, reason="because").total == 2


@pytest.mark.parametrize("ids", [[], list(range(1, 10_002))])
def test_a_batch_has_a_number_of_vehicles_that_can_be_meant(anna: User, ids: list[int]) -> None:
    with pytest.raises(Refused, match="between 1 and 10000"):
        commands.place_batch(vehicle_ids=ids, command=LIGHTS, reason="", by=anna, now=timezone.now())


def test_statements_of_a_batch_do_not_grow_with_it(anna: User, django_assert_max_num_queries: Any) -> None:
    for count in (2, 300):
        vehicles = fleet_of(count)
        with django_assert_max_num_queries(14):
            send(vehicles, anna)
