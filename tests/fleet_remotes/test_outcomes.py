"""Who hears of what: one event per outcome, failures only when they are final, resolved by a later success."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from fleet_remotes import event_kinds as kinds
from fleet_remotes.choices import Kind
from fleet_remotes.models import Callback, RemoteAction
from fleet_remotes.services.polling import Question, VendorReply, give_up, take_answer
from fleet_remotes.services.silence import watch_callbacks
from outbox.event_kinds import all_kinds, kind_of
from outbox.models import Event
from tests.factories.fleet_remotes import FleetVehicleFactory, RemoteActionFactory, with_callback
from tests.fleet_remotes.helpers import (
    HOUR,
    NOW,
    accepted,
    at,
    body,
    event,
    failed,
    fresh,
    notify,
    published,
    published_kinds,
    receive,
    sent,
    success,
    waking,
)

pytestmark = pytest.mark.django_db
THIS_MONTH = NOW.replace(day=1, hour=0)


def in_flight(**more: Any) -> tuple[RemoteAction, Callback]:
    return with_callback(since=at(0), **more)


# ---- outcomes -----------------------------------------------------------------------------------------------------


def test_nothing_is_told_before_the_end() -> None:
    action, callback = in_flight()
    notify(callback, accepted(action), waking(action), sent(action))
    notify(callback, event(action, "Pending", "TooManyWakeUpsOverMonth", 33))
    assert published([kinds.SUCCEEDED, kinds.FAILED, kinds.BLOCKED, kinds.UNCONFIRMED]) == []


@pytest.mark.parametrize(
    ("status", "cause", "kind"),
    [
        ("Success", "", kinds.SUCCEEDED),
        ("AlreadyDone", "", kinds.SUCCEEDED),
        ("Failed", "DoorsOpen", kinds.FAILED),
        ("Failed", "NewThing", kinds.FAILED),
        ("Failed", "", kinds.FAILED),
        ("Failed", "NotPossibleDueToVehicleBatteryLevel", kinds.BLOCKED),
        ("Failed", "VehicleBatteryChargeTooLow", kinds.BLOCKED),
        ("Failed", "TooManyWakeUpsOverMonth", kinds.BLOCKED),
    ],
)
def test_each_outcome_is_told_once_however_often_it_is_reported(status: str, cause: str, kind: str) -> None:
    action, callback = in_flight()
    for second in (10, 20, 30):
        notify(callback, event(action, "Done", status, second, cause))
    ((found, payload),) = published([kinds.SUCCEEDED, kinds.FAILED, kinds.BLOCKED])
    assert found == kind
    assert payload["vehicle"]["vin"] == action.vehicle.vin
    assert payload["action"]["id"] == action.pk
    assert payload["headline"].startswith("Lock the doors: ")
    assert payload["url"] == f"http://testserver/remotes/actions/{action.pk}/"
    assert bool(payload["explanation"]) == bool(payload["suggestion"]) == (kind != kinds.SUCCEEDED)


def test_payloads_are_what_their_schemas_say() -> None:
    ours = [kind for kind in all_kinds() if kind.domain == kinds.DOMAIN]
    assert {kind.key for kind in ours} == {
        "remote.succeeded",
        "remote.failed",
        "remote.unconfirmed",
        "remote.blocked",
        "remote.contradicted",
        "remote.approval",
        "callback.silent",
        "wakeups.exhausted",
    }
    for kind in ours:
        assert msgspec.convert(kind.example_data(), kind.payload, strict=False) == kind.example
        assert kind.is_public
    action, callback = in_flight()
    notify(callback, waking(action), failed(action, "TooManyWakeUpsOverMonth"))
    for key, payload in published():
        assert msgspec.convert(payload, kind_of(key).payload, strict=False)


def test_unconfirmed_is_told_and_the_late_outcome_answers_it() -> None:
    action, callback = in_flight()
    notify(callback, sent(action))
    give_up(now=at(700))
    notify(callback, success(action, 800), now=at(900))
    assert published_kinds() == [kinds.UNCONFIRMED, kinds.SUCCEEDED]
    first, second = Event.objects.order_by("id")
    assert second.thread == first.uuid.hex
    assert second.payload["confirmed_late_after_s"] == 100
    assert second.payload["resolves"] == []
    assert fresh(action).resolved_by_id == action.pk


def test_a_later_success_of_the_same_command_resolves_earlier_failures() -> None:
    action, callback = in_flight()
    vehicle = action.vehicle
    notify(callback, failed(action, "DoorsOpen"))
    other = RemoteActionFactory(vehicle=vehicle, kind=Kind.LIGHTS, since=at(50))
    notify(callback, failed(other, "VehicleError", 55))
    second = RemoteActionFactory(vehicle=vehicle, since=at(60))
    notify(callback, failed(second, "DoorsOpen", 61), now=at(70))
    third = RemoteActionFactory(vehicle=vehicle, since=at(80))
    notify(callback, success(third, 90), now=at(95))
    (_kind, payload) = published([kinds.SUCCEEDED])[0]
    assert payload["resolves"] == [action.pk, second.pk]
    assert Event.objects.get(kind=kinds.SUCCEEDED).thread == fresh(second).thread
    assert [fresh(one).resolved_by_id for one in (action, second, other)] == [third.pk, third.pk, None]


def test_a_success_of_another_vehicle_resolves_nothing() -> None:
    action, callback = in_flight()
    notify(callback, failed(action))
    other = RemoteActionFactory(vehicle=FleetVehicleFactory(fleet=action.fleet), since=at(50))
    notify(callback, success(other, 55))
    assert fresh(action).resolved_by is None


def test_a_conflict_is_told_when_the_vendors_record_has_decided() -> None:
    action, callback = in_flight()
    receive(callback, body(success(action, 50), failed(action, "DoorsOpen", 40)))
    assert published_kinds() == []
    question = Question(action.pk, "", "", "", action.remote_action_id)
    take_answer(question=question, answer=VendorReply(record={"status": "Success"}), now=at(120))
    ((kind, payload),) = published()
    assert (kind, payload["conflict"]) == (kinds.SUCCEEDED, True)


def test_a_conflict_that_nobody_decides_is_told_in_the_end() -> None:
    action, callback = in_flight()
    receive(callback, body(success(action, 50), failed(action, "DoorsOpen", 40)))
    question = Question(action.pk, "", "", "", action.remote_action_id)
    for _ in range(5):
        take_answer(question=question, answer=VendorReply(problem="away"), now=at(120))
    assert published_kinds() == [kinds.FAILED]


@pytest.mark.parametrize("first_told", [True, False], ids=["told before", "in one body"])
@pytest.mark.parametrize("success_at", [30, 50], ids=["success first", "failure first"])
@pytest.mark.parametrize("record", [None, "SentToVehicle", "Unheard-of"])
def test_a_contradiction_is_told_after_ten_minutes_whatever_the_record_says(
    first_told: bool, success_at: float, record: str | None
) -> None:
    action, callback = in_flight()
    outcomes = [failed(action, "GeneralError", 40), success(action, success_at)]
    for sent_together in [outcomes] if not first_told else [[one] for one in outcomes]:
        receive(callback, body(*sent_together), now=at(7_000))  # long after the action came to its state
    if record:
        question = Question(action.pk, "", "", "", action.remote_action_id)
        take_answer(question=question, answer=VendorReply(record={"status": record}), now=at(7_060))
    give_up(now=at(7_599))
    assert kinds.CONTRADICTED not in published_kinds()
    for later in (7_601, 7_700, 90_000):
        give_up(now=at(later))
    ((_kind, payload),) = published([kinds.CONTRADICTED])
    assert "outcomes contradict each other" in payload["headline"]
    assert (payload["conflict"], payload["suggestion"]) == (
        True,
        "Look at the vehicle before you rely on it or send it again.",
    )
    assert [step.kind for step in action.steps.all()].count("contradicted") == 1
    assert len({event.thread or event.uuid.hex for event in Event.objects.all()}) == 1


def test_what_the_record_decides_in_time_is_no_contradiction() -> None:
    action, callback = in_flight()
    notify(callback, success(action, 30), failed(action, "GeneralError", 40))
    question = Question(action.pk, "", "", "", action.remote_action_id)
    take_answer(question=question, answer=VendorReply(record={"status": "Success"}), now=at(60))
    give_up(now=at(9_000))
    assert published_kinds() == [kinds.SUCCEEDED]


# ---- silence ------------------------------------------------------------------------------------------------------


def test_a_callback_is_silent_when_commands_stay_without_any_notification() -> None:
    action, callback = in_flight(submitted_at=at(0))
    assert watch_callbacks(now=at(899)) == 0
    assert watch_callbacks(now=at(901)) == 1
    assert watch_callbacks(now=at(999)) == 0
    callback.refresh_from_db()
    assert callback.silent_since == at(0)
    ((kind, payload),) = published()
    assert (kind, payload["callback"], payload["waiting_actions"]) == (kinds.CALLBACK_SILENT, callback.slug, 1)
    notify(callback, success(action, 1_000), now=at(1_001))
    assert watch_callbacks(now=at(1_002)) == 1
    over = [payload for kind, payload in published([kinds.CALLBACK_SILENT])][1]
    assert datetime.fromisoformat(over["over_at"]) == at(1_001)
    events = Event.objects.filter(kind=kinds.CALLBACK_SILENT).order_by("id")
    assert events[1].thread == events[0].uuid.hex
    assert watch_callbacks(now=at(5_000)) == 0


def test_any_notification_shows_that_a_callback_works() -> None:
    _action, callback = in_flight(submitted_at=at(0))
    notify(callback, {"nonsense": True}, now=at(500))
    assert watch_callbacks(now=at(2_000)) == 0


def test_without_commands_no_notification_is_expected() -> None:
    in_flight(submitted_at=None, remote_action_id="")
    assert watch_callbacks(now=at(0) + timedelta(days=9)) == 0


def test_what_was_sent_days_ago_says_nothing_about_now() -> None:
    in_flight(submitted_at=at(0))
    assert watch_callbacks(now=at(0) + 73 * HOUR) == 0
