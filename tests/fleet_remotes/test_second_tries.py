"""Second tries by themselves: only of what was chosen, never of what startles or locks out, and until a success."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from config.environment import Environment
from fleet_remotes import event_kinds as kinds
from fleet_remotes.choices import REPEATABLE_KINDS, Kind, State, Verdict
from fleet_remotes.models import ActionStep, RemoteAction
from fleet_remotes.services.polling import Question, VendorReply, give_up, take_answer
from tests.factories.fleet_remotes import RemoteActionFactory
from tests.fleet_remotes.helpers import (
    MINUTE,
    NOW,
    at,
    event,
    failed,
    fresh,
    notify,
    published,
    published_kinds,
    success,
    verdicts,
)
from tests.fleet_remotes.test_outcomes import in_flight

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _all_that_may_be_repeated_is(settings: Settings) -> None:
    settings.REMOTES_AUTO_RETRY = list(REPEATABLE_KINDS)


def test_a_failure_that_is_tried_again_is_not_told_until_that_ended() -> None:
    action, callback = in_flight(kind=Kind.CHARGING, parameters={"immediate": True})
    notify(callback, failed(action, "VehicleConnectionTimeout"))
    assert published_kinds() == []
    retry = RemoteAction.objects.exclude(pk=action.pk).get()
    assert (retry.state, retry.retry_of, retry.auto_tries) == (State.QUEUED, action, 1)
    assert (retry.not_before, retry.parameters) == (at(60) + 20 * MINUTE, {"immediate": True})
    assert retry.label != action.label
    assert ActionStep.objects.get(action=action).kind == "retrying"
    RemoteAction.objects.filter(pk=retry.pk).update(state=State.SUBMITTED, remote_action_id="again")
    notify(callback, failed(fresh(retry), "VehicleConnectionTimeout", 2_000), now=at(2_001))
    assert RemoteAction.objects.count() == 2
    ((kind, payload),) = published()
    assert (kind, payload["action"]["retry_of"]) == (kinds.FAILED, action.pk)


@pytest.mark.parametrize("kind", [Kind.DOOR, Kind.IMMOBILIZATION, Kind.STOLEN, Kind.HORN, Kind.LIGHTS])
def test_what_startles_or_locks_out_is_told_at_once_and_never_tried_again(kind: Kind) -> None:
    action, callback = in_flight(kind=kind)
    notify(callback, failed(action, "VehicleConnectionTimeout"))
    assert (RemoteAction.objects.count(), published_kinds()) == (1, [kinds.FAILED])


def test_nothing_is_tried_again_when_it_is_switched_off_or_the_fleet_is_stopped(settings: Settings) -> None:
    settings.REMOTES_AUTO_RETRY = ["navigation"]
    action, callback = in_flight(kind=Kind.CHARGING)
    notify(callback, failed(action, "GeneralError"))
    settings.REMOTES_AUTO_RETRY = ["charging"]
    stopped, its_callback = in_flight(kind=Kind.CHARGING)
    stopped.fleet.stopped_at = NOW
    stopped.fleet.save()
    notify(its_callback, failed(stopped, "GeneralError"))
    assert (RemoteAction.objects.count(), published_kinds()) == (2, [kinds.FAILED] * 2)


def test_a_person_who_was_quicker_needs_no_second_try() -> None:
    action, callback = in_flight(kind=Kind.CHARGING)
    RemoteActionFactory(vehicle=action.vehicle, kind=Kind.CHARGING, state=State.QUEUED, remote_action_id="")
    notify(callback, failed(action, "GeneralError"))
    assert (RemoteAction.objects.count(), published_kinds()) == (2, [kinds.FAILED])


def test_a_failure_long_after_the_time_out_is_a_persons_to_judge() -> None:
    action, callback = in_flight(kind=Kind.CHARGING)
    RemoteAction.objects.update(deadline_at=at(600))
    give_up(now=at(700))
    notify(callback, failed(action, "GeneralError", 800), now=at(900))
    assert RemoteAction.objects.count() == 1
    assert published_kinds() == [kinds.UNCONFIRMED, kinds.FAILED]


@pytest.mark.parametrize("status", ["Success", "AlreadyDone"])
def test_a_success_after_all_cancels_the_try_that_waits(status: str) -> None:
    action, callback = in_flight(kind=Kind.CHARGING)
    notify(callback, failed(action, "VehicleConnectionTimeout", 40))
    retry = RemoteAction.objects.exclude(pk=action.pk).get()
    notify(callback, event(action, "Done", status, 90), now=at(120))
    assert fresh(retry).state == State.CANCELLED
    assert list(ActionStep.objects.filter(action=retry).values_list("kind", flat=True)) == ["created", "cancelled"]
    assert published_kinds() == [kinds.SUCCEEDED]


def test_a_success_by_the_vendors_record_cancels_the_try_too() -> None:
    action, callback = in_flight(kind=Kind.CHARGING)
    notify(callback, failed(action, "GeneralError", 40))
    retry = RemoteAction.objects.exclude(pk=action.pk).get()
    notify(callback, success(action, 90), now=at(120))
    assert fresh(retry).state == State.QUEUED  # of two outcomes the record decides
    question = Question(action.pk, "", "", "", action.remote_action_id)
    take_answer(question=question, answer=VendorReply(record={"status": "Success"}), now=at(130))
    assert (fresh(action).state, fresh(retry).state) == (State.SUCCEEDED, State.CANCELLED)


def test_a_time_out_is_provisional_and_no_contradiction() -> None:
    action, callback = in_flight()
    notify(callback, failed(action, "VehicleConnectionTimeout", 40))
    notify(callback, success(action, 900), now=at(901))
    action = fresh(action)
    assert (action.state, action.conflict, action.resolved_by_id) == (State.SUCCEEDED, False, action.pk)
    notify(callback, failed(action, "VehicleConnectionTimeout", 20), now=at(950))
    assert (fresh(action).state, fresh(action).conflict) == (State.SUCCEEDED, False)
    assert verdicts() == [Verdict.APPLIED, Verdict.APPLIED, Verdict.LATE]


@pytest.mark.parametrize(
    ("kind", "wanted", "opposite"),
    [
        (Kind.DOOR, {"state": "Unlocked"}, {"state": "Locked"}),
        (Kind.IMMOBILIZATION, {"activate": False}, {"activate": True}),
        (Kind.STOLEN, {"stolen": False}, {"stolen": True}),
        (Kind.CHARGING, {"immediate": False}, {"immediate": True}),
    ],
)
def test_the_opposite_command_resolves_no_failure(
    kind: Kind, wanted: dict[str, object], opposite: dict[str, object]
) -> None:
    action, callback = in_flight(kind=kind, parameters=wanted)
    notify(callback, failed(action, "DoorsOpen"))
    other = RemoteActionFactory(vehicle=action.vehicle, kind=kind, parameters=opposite, since=at(50))
    notify(callback, success(other, 60), now=at(70))
    assert fresh(action).resolved_by is None
    same = RemoteActionFactory(vehicle=action.vehicle, kind=kind, parameters=wanted, since=at(80))
    notify(callback, success(same, 90), now=at(95))
    assert fresh(action).resolved_by_id == same.pk


def test_only_what_may_be_repeated_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHOSEN", "wakeup, Charging")
    assert Environment(tmp_path).some("CHOSEN", REPEATABLE_KINDS) == ["wakeUp", "charging"]
    monkeypatch.setenv("CHOSEN", "horn")
    with pytest.raises(ImproperlyConfigured, match="CHOSEN must be some of preconditioning, charging, wakeUp"):
        Environment(tmp_path).some("CHOSEN", REPEATABLE_KINDS)
