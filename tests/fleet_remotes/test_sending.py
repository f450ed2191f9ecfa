"""Sending to a real server: what is due and in which order, every way a POST may end, and never a blind repeat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from pytest_django import Settings

from fleet_remotes.choices import Kind, State
from fleet_remotes.ingest.commands import read_command
from fleet_remotes.models import ActionStep, Fleet, FleetVehicle, RemoteAction
from fleet_remotes.services import polling, sending
from fleet_remotes.services.commands import place_command
from fleet_remotes.services.sending import claim, send_due, settle
from tests.factories.fleet_remotes import FleetVehicleFactory, RemoteActionFactory
from tests.fleet_remotes.conftest import Running
from tests.fleet_remotes.helpers import HOUR, fresh, published_kinds
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.django_db
COMMANDS: dict[Kind, dict[str, Any]] = {
    Kind.PRECONDITIONING: {"airConditioning": {"immediate": True}},
    Kind.CHARGING: {"immediate": False},
    Kind.DOOR: {"state": "Locked"},
    Kind.HORN: {"state": "Activated"},
    Kind.LIGHTS: {"on": True},
    Kind.IMMOBILIZATION: {"activate": True},
    Kind.STOLEN: {"stolen": True},
    Kind.WAKE_UP: {"action": "WakeUp"},
    Kind.NAVIGATION: {"positions": [{"type": "Point", "coordinates": [6.96, 50.94]}]},
}


def order(vehicle: FleetVehicle, kind: Kind = Kind.LIGHTS, **more: Any) -> RemoteAction:
    """A command that waits to be sent."""
    command = read_command(kind, COMMANDS[kind])
    action, _code = place_command(
        vehicle=vehicle, command=command, reason="because", by="anna", now=timezone.now(), confirmed=True
    )
    if more:
        RemoteAction.objects.filter(pk=action.pk).update(**more)
    return action


def steps(action: RemoteAction) -> list[str]:
    return list(ActionStep.objects.filter(action=action).order_by("id").values_list("kind", flat=True))


def look(action: RemoteAction, times: int = 1) -> None:
    """Asks the vendor now, whenever that would be due."""
    for _ in range(times):
        RemoteAction.objects.filter(pk=action.pk).update(look_at=timezone.now() - timedelta(seconds=1))
        polling.poll_due(now=timezone.now())


@pytest.mark.parametrize("kind", Kind)
def test_every_action_is_sent_as_the_vendor_spells_it(vehicle: FleetVehicle, vendor: Running, kind: Kind) -> None:
    vendor.next("silent")
    action = order(vehicle, kind)
    assert send_due() == 1
    action = fresh(action)
    assert (action.state, steps(action)) == (State.SUBMITTED, ["created", "submitting", "submitted"])
    remote = vendor.vendor.remotes[action.remote_action_id]
    assert remote.request == {"label": action.label, kind.value: COMMANDS[kind]}
    assert remote.vin == vehicle.vin


def test_one_vehicle_has_one_command_with_the_vendor_at_a_time(vehicle: FleetVehicle, vendor: Running) -> None:
    vendor.next("silent", "silent")
    first, second = order(vehicle, Kind.LIGHTS), order(vehicle, Kind.HORN)
    assert send_due() == 1
    assert (fresh(first).state, fresh(second).state) == (State.SUBMITTED, State.QUEUED)
    RemoteAction.objects.filter(pk=first.pk).update(state=State.SUCCEEDED)
    assert send_due() == 1
    assert fresh(second).state == State.SUBMITTED


def test_the_database_itself_allows_no_second_one(vehicle: FleetVehicle) -> None:
    RemoteActionFactory(vehicle=vehicle)
    with pytest.raises(IntegrityError), transaction.atomic():
        RemoteActionFactory(vehicle=vehicle, kind=Kind.HORN, state=State.WAKING)


def test_many_vehicles_get_theirs_in_the_order_of_the_orders(vendor: Running) -> None:
    fleet = FleetVehicleFactory().fleet
    vehicles = FleetVehicleFactory.create_batch(20, fleet=fleet)
    vendor.knows(*vehicles)
    vendor.next(*["silent"] * 20)
    actions = [order(vehicle) for vehicle in vehicles]
    claimed, is_throttled = claim(now=timezone.now())
    assert ([one.action.pk for one in claimed], is_throttled) == ([action.pk for action in actions], False)


def test_no_more_than_so_many_a_second(vendor: Running, settings: Settings) -> None:
    settings.REMOTES_SEND_PER_S = 3
    fleet = FleetVehicleFactory().fleet
    vehicles = FleetVehicleFactory.create_batch(5, fleet=fleet)
    vendor.knows(*vehicles)
    for vehicle in vehicles:
        order(vehicle)
    now = timezone.now()
    claimed, is_throttled = claim(now=now)
    assert (len(claimed), is_throttled) == (3, True)
    assert claim(now=now + timedelta(milliseconds=900)) == ([], True)
    claimed, is_throttled = claim(now=now + timedelta(milliseconds=1_100))
    assert (len(claimed), is_throttled) == (2, False)


def test_stop_switch_holds_everything_back_until_it_is_off(vehicle: FleetVehicle, vendor: Running) -> None:
    action = order(vehicle)
    Fleet.objects.update(stopped_at=timezone.now())
    assert send_due() == 0
    assert vendor.vendor.posts == 0
    Fleet.objects.update(stopped_at=None)
    assert send_due() == 1
    assert fresh(action).state == State.SUBMITTED


def test_a_vendor_that_refuses_ends_it_with_its_words(vehicle: FleetVehicle, vendor: Running) -> None:
    vendor.next("rejected")
    action = order(vehicle)
    send_due()
    action = fresh(action)
    assert (action.state, action.http_status, action.error_code) == (State.REJECTED, 403, "40399")
    assert action.error_uuid.startswith("sim-")
    assert published_kinds() == ["remote.failed"]
    assert "HTTP 403" in ActionStep.objects.latest("id").detail


def test_429_waits_as_long_as_it_says_for_the_whole_fleet(vehicle: FleetVehicle, vendor: Running) -> None:
    vendor.next("throttled", "silent", "silent")
    other = FleetVehicleFactory(fleet=vehicle.fleet)
    vendor.knows(other, callback=vehicle.fleet.callbacks.get())
    action = order(vehicle)
    send_due()
    action = fresh(action)
    assert (action.state, action.posts) == (State.QUEUED, 1)
    assert timedelta(seconds=1) < action.not_before - action.since <= timedelta(seconds=2)
    order(other)
    assert send_due() == 0
    Fleet.objects.update(paused_until=timezone.now())
    RemoteAction.objects.update(not_before=timezone.now())
    assert send_due() == 2
    assert vendor.vendor.posts == 3


def test_a_vendor_that_is_away_was_certainly_not_told(vehicle: FleetVehicle, settings: Settings) -> None:
    settings.REMOTES_API_URL = "http://127.0.0.1:9/connectedcar/v3"
    action = order(vehicle)
    send_due()
    action = fresh(action)
    assert (action.state, action.posts) == (State.QUEUED, 1)
    assert timedelta(seconds=4) < action.not_before - timezone.now() <= timedelta(seconds=5)
    assert steps(action) == ["created", "submitting", "postponed"]


def test_a_postponed_command_is_not_overtaken_by_its_opposite(vehicle: FleetVehicle, vendor: Running) -> None:
    first = order(vehicle, Kind.CHARGING, not_before=timezone.now() + HOUR / 2, parameters={"immediate": True})
    opposite = order(vehicle, Kind.CHARGING)
    send_due()
    assert (fresh(first).state, fresh(opposite).state) == (State.QUEUED, State.QUEUED)


@pytest.mark.parametrize("path", ["no_answer", "server_error_but_done", "hangs"])
@pytest.mark.parametrize("kind", [Kind.LIGHTS, Kind.IMMOBILIZATION])
def test_without_an_answer_its_fate_is_found_in_the_vendors_list(
    vehicle: FleetVehicle, vendor: Running, settings: Settings, path: str, kind: Kind
) -> None:
    vendor.next(path)
    action = order(vehicle, kind)
    settings.REMOTES_TIMEOUT_S = 1 if path == "hangs" else PATIENCE_S
    send_due()
    settings.REMOTES_TIMEOUT_S = PATIENCE_S
    assert fresh(action).state == State.UNKNOWN
    assert send_due() == 0
    look(action)
    action = fresh(action)
    assert action.remote_action_id in vendor.vendor.remotes
    assert action.state not in (State.UNKNOWN, State.QUEUED)
    assert (vendor.vendor.posts, vendor.requests()) == (1, [action.label])


def test_a_list_without_labels_is_searched_for_the_same_request(vehicle: FleetVehicle, vendor: Running) -> None:
    vendor.simulator.shows_labels = False
    vendor.next("success", "no_answer")
    known, action = order(vehicle, Kind.HORN), None
    send_due()
    RemoteAction.objects.filter(pk=known.pk).update(state=State.SUCCEEDED)
    action = order(vehicle, Kind.LIGHTS)
    send_due()
    look(action)
    found = fresh(action).remote_action_id
    assert vendor.vendor.remotes[found].request["label"] == action.label


@pytest.mark.parametrize("path", ["server_error", "no_answer_not_done"])
def test_what_never_arrived_is_posted_again_after_the_list_showed_it(
    vehicle: FleetVehicle, vendor: Running, path: str
) -> None:
    vendor.next(path, "silent")
    action = order(vehicle, Kind.CHARGING)
    send_due()
    look(action, 3)
    assert (fresh(action).state, vendor.vendor.posts) == (State.UNKNOWN, 1)
    look(action)
    assert fresh(action).state == State.QUEUED
    send_due()
    assert (fresh(action).state, vendor.vendor.posts) == (State.SUBMITTED, 2)


@pytest.mark.parametrize("kind", [Kind.DOOR, Kind.IMMOBILIZATION, Kind.STOLEN, Kind.HORN, Kind.LIGHTS])
def test_what_startles_or_locks_out_is_never_posted_again(vehicle: FleetVehicle, vendor: Running, kind: Kind) -> None:
    vendor.next("no_answer_not_done")
    action = order(vehicle, kind)
    send_due()
    look(action, 4)
    assert fresh(action).state == State.UNCONFIRMED
    assert published_kinds() == ["remote.unconfirmed"]
    look(action)
    assert send_due() == 0
    assert (fresh(action).state, vendor.vendor.posts) == (State.UNCONFIRMED, 1)


def test_a_list_that_cannot_be_read_proves_nothing(vehicle: FleetVehicle, vendor: Running, settings: Settings) -> None:
    vendor.next("no_answer_not_done")
    action = order(vehicle, Kind.LIGHTS)
    send_due()
    settings.REMOTES_API_URL = "http://127.0.0.1:9/connectedcar/v3"
    look(action, 4)
    assert fresh(action).state == State.UNCONFIRMED


def test_a_worker_that_died_in_between_leaves_its_fate_unknown_not_queued(
    vehicle: FleetVehicle, vendor: Running, settings: Settings
) -> None:
    action = order(vehicle)
    now = timezone.now()
    claim(now=now)
    wait = timedelta(seconds=settings.REMOTES_LEASE_S + settings.REMOTES_TIMEOUT_S)
    assert polling.recover_lost(now=now + wait - timedelta(seconds=1)) == 0
    assert polling.recover_lost(now=now + wait + timedelta(seconds=1)) == 1
    assert fresh(action).state == State.UNKNOWN
    assert claim(now=now + HOUR / 2) == ([], False)


def test_an_answer_that_comes_after_the_lease_still_counts(vehicle: FleetVehicle, vendor: Running) -> None:
    action = order(vehicle)
    (claimed,), _throttled = claim(now=timezone.now())
    polling.recover_lost(now=timezone.now() + HOUR)
    settle(claimed=claimed, posted="late-id", now=timezone.now())
    assert (fresh(action).state, fresh(action).remote_action_id) == (State.SUBMITTED, "late-id")


def test_an_answer_of_an_earlier_post_changes_nothing(vehicle: FleetVehicle, vendor: Running) -> None:
    action = order(vehicle)
    (claimed,), _throttled = claim(now=timezone.now())
    RemoteAction.objects.filter(pk=action.pk).update(posts=2)
    settle(claimed=claimed, posted="late-id", now=timezone.now())
    assert fresh(action).remote_action_id == ""


def test_an_id_that_another_action_has_is_not_believed(vehicle: FleetVehicle, vendor: Running) -> None:
    RemoteActionFactory(vehicle=vehicle, state=State.SUCCEEDED, remote_action_id="twice")
    action = order(vehicle)
    (claimed,), _throttled = claim(now=timezone.now())
    settle(claimed=claimed, posted="twice", now=timezone.now())
    assert fresh(action).state == State.UNKNOWN


def test_what_waited_too_long_is_not_sent(vehicle: FleetVehicle, vendor: Running, settings: Settings) -> None:
    action = order(vehicle)
    late = timezone.now() + timedelta(seconds=settings.REMOTES_QUEUE_MAX_S + 1)
    assert claim(now=late) == ([], False)
    assert polling.expire(now=late) == 1
    assert (fresh(action).state, fresh(action).cause) == (State.REFUSED, "Expired")
    assert published_kinds() == ["remote.failed"]


def test_a_check_that_refuses_by_now_ends_it_unsent(vehicle: FleetVehicle, vendor: Running) -> None:
    action = order(vehicle)
    FleetVehicle.objects.update(privacy="Full")
    assert send_due() == 0
    assert (fresh(action).state, fresh(action).cause) == (State.REFUSED, "PrivacyOn")
    assert (vendor.vendor.posts, published_kinds()) == (0, ["remote.failed"])


def test_overdue_actions_are_asked_about_and_settled(vehicle: FleetVehicle, vendor: Running) -> None:
    vendor.next("unheard")
    action = order(vehicle)
    send_due()
    vendor.wait_for_end(fresh(action).remote_action_id)
    assert polling.poll_due(now=timezone.now() + timedelta(seconds=59)) == 0
    assert polling.poll_due(now=timezone.now() + timedelta(seconds=61)) == 1
    assert fresh(action).state == State.SUCCEEDED
    assert steps(action)[-1] == "looked"


def test_looks_are_spaced_and_end_unconfirmed(vehicle: FleetVehicle, vendor: Running) -> None:
    vendor.next("silent")
    action = order(vehicle)
    send_due()
    began = fresh(action).entered_at
    asked = []
    for second in range(0, 900, 5):
        now = began + timedelta(seconds=second)
        if polling.poll_due(now=now):
            asked.append(second)
        polling.give_up(now=now)
    # The first look shows SentToVehicle, which starts the clock anew: 60, then +120 and 1, 2, 5 min after that.
    assert asked[:3] == [60, 180, 240]
    assert fresh(action).state == State.UNCONFIRMED
    assert asked[-1] < 665


def test_a_vendor_that_has_had_enough_of_questions_is_left_alone(vehicle: FleetVehicle, vendor: Running) -> None:
    others = FleetVehicleFactory.create_batch(2, fleet=vehicle.fleet)
    vendor.knows(*others, callback=vehicle.fleet.callbacks.get())
    vendor.next(*["silent"] * 3)
    actions = [order(one) for one in (vehicle, *others)]
    send_due()
    vendor.simulator.busy = 1
    later = timezone.now() + timedelta(seconds=61)
    assert polling.poll_due(now=later) == 0
    assert {(fresh(one).looks, fresh(one).look_at) for one in actions} == {(0, later + timedelta(seconds=2))}
    assert polling.poll_due(now=later + timedelta(seconds=1)) == 0
    assert polling.poll_due(now=later + timedelta(seconds=2)) == 3
    assert State.SUBMITTED not in {fresh(one).state for one in actions}


def test_an_answer_that_cannot_be_written_costs_no_other_its_own(
    vehicle: FleetVehicle, vendor: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FleetVehicleFactory(fleet=vehicle.fleet)
    vendor.knows(other, callback=vehicle.fleet.callbacks.get())
    vendor.next("silent", "silent")
    first, second = order(vehicle), order(other)
    real = sending.settle

    def settle(*, claimed: Any, **more: Any) -> None:
        if claimed.action.pk == first.pk:
            raise OperationalError("the connection is lost")
        real(claimed=claimed, **more)

    monkeypatch.setattr(sending, "settle", settle)
    assert send_due() == 2
    assert (fresh(first).state, fresh(second).state) == (State.SUBMITTING, State.SUBMITTED)


def test_nothing_is_asked_when_sending_is_not_set_up(vehicle: FleetVehicle, settings: Settings) -> None:
    RemoteActionFactory(vehicle=vehicle, look_at=timezone.now() - HOUR)
    settings.REMOTES_CLIENT_ID = ""
    assert polling.poll_due(now=timezone.now()) == 0
