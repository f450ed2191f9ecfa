"""The 25 test vectors of the state machine (reference B6), through the stored callback and the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fleet_remotes.choices import Flag, Kind, State, Verdict
from fleet_remotes.models import Callback, CallbackMessage, RemoteAction, RemoteNotification
from fleet_remotes.rules.status import ActionStatus
from fleet_remotes.services.binding import bind_waiting
from fleet_remotes.services.polling import Question, VendorReply, give_up, take_answer
from tests.clock import iso
from tests.factories.fleet_remotes import FleetVehicleFactory, RemoteActionFactory, with_callback
from tests.fleet_remotes.helpers import (
    HOUR,
    accepted,
    at,
    body,
    event,
    failed,
    flags,
    fresh,
    notify,
    post_callback,
    receive,
    sent,
    success,
    verdicts,
    waking,
)

pytestmark = pytest.mark.django_db
A, R, L, D = Verdict.APPLIED, Verdict.REGRESSIVE, Verdict.LATE, Verdict.REPEATED
PARIS = ZoneInfo("Europe/Paris")
Build = Callable[[RemoteAction], list[Any]]


@dataclass(frozen=True)
class Vector:
    """What comes for an action, and how it stands then."""

    build: Build
    state: State
    verdicts: list[Verdict]
    cause: str = ""
    kind: Kind = Kind.DOOR
    flags: set[str] = field(default_factory=set)


def object_form(action: RemoteAction) -> list[Any]:
    status = {"RemoteDoneEventStatus": "Success", "RemotePendingEventStatus": None}
    pending = {"RemoteDoneEventStatus": None, "RemotePendingEventStatus": "SentToVehicle"}
    return [event(action, "Pending", pending, 1), event(action, "Done", status, 2)]


VECTORS: dict[str, Vector] = {
    "1 the whole way": Vector(lambda a: [accepted(a), waking(a), sent(a), success(a)], State.SUCCEEDED, [A, A, A, A]),
    "2 already done": Vector(
        lambda a: [accepted(a), sent(a), event(a, "Done", "AlreadyDone", 50)], State.ALREADY_DONE, [A, A, A]
    ),
    "3 failed at once": Vector(lambda a: [failed(a, "MissingRights")], State.FAILED, [A], "MissingRights"),
    "4 success first": Vector(lambda a: [success(a), accepted(a), sent(a)], State.SUCCEEDED, [A, L, L]),
    "5 sent before accepted": Vector(lambda a: [sent(a), accepted(a)], State.SENT, [A, R]),
    "6 five copies": Vector(lambda a: [success(a)] * 5, State.SUCCEEDED, [A]),
    "7 type Failed": Vector(
        lambda a: [event(a, "Failed", "DoorsOpen", 9)], State.FAILED, [A], "DoorsOpen", flags={Flag.NORMALISED}
    ),
    "8 status as an object": Vector(object_form, State.SUCCEEDED, [A, A], flags={Flag.NORMALISED}),
    "10 blocked, then success": Vector(
        lambda a: [event(a, "Pending", "TooManyWakeUpsOverMonth", 1), success(a)], State.SUCCEEDED, [A, A]
    ),
    "11 the flow chart's spelling": Vector(
        lambda a: [failed(a, "TooManyWakesUpsOverMonth")],
        State.FAILED,
        [A],
        "TooManyWakeUpsOverMonth",
        flags={Flag.NORMALISED},
    ),
    "12a navigation": Vector(lambda a: [sent(a), success(a)], State.SUCCEEDED, [A, A], kind=Kind.NAVIGATION),
    "12b navigation, success alone": Vector(lambda a: [success(a)], State.SUCCEEDED, [A], kind=Kind.NAVIGATION),
    "19 unknown cause": Vector(
        lambda a: [failed(a, "NewThing")], State.FAILED, [A], "NewThing", flags={Flag.UNKNOWN_CAUSE}
    ),
    "21a no date": Vector(lambda a: [event(a, "Done", "Success", None)], State.SUCCEEDED, [A], flags={Flag.NO_DATE}),
    "21b a date that is none": Vector(
        lambda a: [event(a, "Done", "Success", eventDate="yesterday")], State.SUCCEEDED, [A], flags={Flag.BAD_DATE}
    ),
    "21c in the future": Vector(
        lambda a: [event(a, "Done", "Success", 9_000)], State.SUCCEEDED, [A], flags={Flag.FUTURE_DATE}
    ),
    "21d another zone": Vector(
        lambda a: [event(a, "Done", "Success", eventDate=at(40).astimezone(PARIS).isoformat())], State.SUCCEEDED, [A]
    ),
    "22 failed without a cause": Vector(lambda a: [event(a, "Done", "Failed", 3)], State.FAILED, [A], "NotSpecified"),
    "23 pending with a cause": Vector(
        lambda a: [event(a, "Pending", "SentToVehicle", 3, "DoorsOpen")], State.SENT, [A], flags={Flag.CAUSE_IGNORED}
    ),
    "24 repeated time-outs": Vector(
        lambda a: [failed(a, "VehicleConnectionTimeout", second) for second in (10, 20, 30)],
        State.FAILED,
        [A, D, D],
        "VehicleConnectionTimeout",
    ),
}


@pytest.mark.parametrize("one_by_one", [True, False], ids=["single", "batch"])
@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str, one_by_one: bool) -> None:
    vector = VECTORS[name]
    action, callback = with_callback(since=at(0), kind=vector.kind)
    events = vector.build(action)
    notify(callback, *events) if one_by_one else receive(callback, body(*events))
    action = fresh(action)
    assert (action.state, action.cause) == (vector.state, vector.cause)
    assert verdicts() == vector.verdicts
    assert flags() == vector.flags


def test_6_copies_are_counted_on_the_first() -> None:
    action, callback = with_callback(since=at(0))
    receive(callback, body(success(action), success(action)))
    receive(callback, body(success(action)), body(*[success(action)] * 2))
    assert RemoteNotification.objects.get().duplicates == 4
    callback.refresh_from_db()
    assert (callback.bodies, callback.events, callback.duplicates) == (3, 5, 4)


def answer_of(action: RemoteAction, **record: Any) -> None:
    """The vendor's record of an action, as an answer to our look."""
    question = Question(action.pk, "", "", "", action.remote_action_id)
    take_answer(question=question, answer=VendorReply(record=record), now=at(120))


@pytest.mark.parametrize(
    ("record", "inferred"),
    [
        ({"status": "Failed", "failureCause": "TooManyWakeUpsOverMonth"}, False),
        ({"status": "TooManyWakeUpsOverMonth"}, True),
    ],
)
def test_9_blocked_then_the_record_says_that_it_failed(record: dict[str, str], inferred: bool) -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, event(action, "Pending", "TooManyWakeUpsOverMonth", 1))
    assert fresh(action).state == State.BLOCKED_QUOTA
    answer_of(action, **record)
    action = fresh(action)
    assert (action.state, action.cause, action.inferred) == (State.FAILED, "TooManyWakeUpsOverMonth", inferred)


def test_9_blocked_and_nothing_more_fails_by_inference_until_a_real_word_comes() -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, event(action, "Pending", "VehicleBatteryChargeTooLow", 1))
    assert give_up(now=at(60 + 299)) == 0
    assert give_up(now=at(60 + 301)) == 1
    assert (fresh(action).state, fresh(action).inferred) == (State.FAILED, True)
    notify(callback, success(action, 400), now=at(500))
    assert (fresh(action).state, fresh(action).inferred) == (State.SUCCEEDED, False)


def test_13_success_50_hours_after_the_time_out() -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, accepted(action))
    give_up(now=at(700))
    assert fresh(action).state == State.UNCONFIRMED
    notify(callback, success(action, 700 + 50 * 3600), now=at(700) + 51 * HOUR)
    action = fresh(action)
    assert action.state == State.SUCCEEDED
    assert ActionStatus.of(action).confirmed_late_after_s == 50 * 3600


def test_14_success_and_failed_show_a_conflict_that_the_record_settles() -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, success(action, 50), failed(action, "DoorsOpen", 40))
    action = fresh(action)
    assert (action.state, action.cause, action.conflict) == (State.FAILED, "DoorsOpen", True)
    assert verdicts() == [A, Verdict.CONFLICT]
    assert action.look_at == at(60)
    answer_of(action, status="Success")
    action = fresh(action)
    assert (action.state, action.conflict, action.reconciled, action.look_at) == (State.SUCCEEDED, True, True, None)


def test_15_a_notification_before_the_202_is_bound_when_the_id_is_known() -> None:
    action, callback = with_callback(since=at(0), state=State.SUBMITTING, remote_action_id="")
    action.remote_action_id = "early"
    notify(callback, accepted(action), success(action))
    assert verdicts() == [Verdict.UNKNOWN_ACTION] * 2
    RemoteAction.objects.filter(pk=action.pk).update(remote_action_id="early", state=State.SUBMITTED)
    assert bind_waiting(now=at(90)) == 2
    assert fresh(action).state == State.SUCCEEDED
    assert verdicts() == [A, A]
    assert flags() == {Flag.BOUND_LATER}


def test_16_an_unknown_action_is_kept() -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, success(action) | {"remoteActionId": "of-another-tool"})
    assert verdicts() == [Verdict.UNKNOWN_ACTION]
    assert fresh(action).state == State.SUBMITTED
    assert bind_waiting(now=at(90)) == 0


def test_17_another_vehicle_than_the_actions_changes_nothing() -> None:
    action, callback = with_callback(since=at(0))
    other = FleetVehicleFactory(fleet=action.fleet)
    notify(callback, success(action) | {"vin": other.vin})
    assert verdicts() == [Verdict.VIN_MISMATCH]
    assert fresh(action).state == State.SUBMITTED
    assert RemoteNotification.objects.get().action is None


def test_18_one_malformed_event_loses_none_of_its_neighbours() -> None:
    action, callback = with_callback(since=at(0))
    receive(callback, body(accepted(action), {"remoteActionId": 7, "eventStatus": 5}, success(action)))
    assert verdicts() == [A, Verdict.UNREADABLE, A]
    assert fresh(action).state == State.SUCCEEDED
    assert RemoteNotification.objects.get(verdict="unreadable").reason == "eventStatus is missing."


def test_20_every_top_level_is_taken() -> None:
    action, callback = with_callback(since=at(0))
    inner = {key: value for key, value in sent(action).items() if key not in ("vin", "eventDate")}
    message = {"callbackId": "cb", "type": "Remote", "date": at(20).isoformat(), "remoteEvent": inner}
    receive(callback, [body(accepted(action))], message, [waking(action), {**message, "date": iso(at(21))}])
    assert verdicts() == [A, A, R, D]
    assert fresh(action).since == at(20)
    assert flags() == set()


def test_25_a_wrong_header_stores_nothing_but_a_count() -> None:
    action, callback = with_callback(since=at(0))
    answers = [
        post_callback(callback, body(success(action)), value=value) for value in ("", "Bearer wrong", "Bearer é")
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert not CallbackMessage.objects.exists()
    assert Callback.objects.get().refused == 3
    assert post_callback(callback, body(success(action))).status_code == 200


def test_every_action_of_the_vendor_settles_its_own_action() -> None:
    callback_actions = [with_callback(since=at(0), kind=kind) for kind in Kind]
    for action, callback in callback_actions:
        notify(callback, accepted(action), sent(action), success(action))
    assert {fresh(action).state for action, _callback in callback_actions} == {State.SUCCEEDED}
    assert flags() == set()


def test_a_callback_settles_actions_of_its_own_fleet_alone() -> None:
    action, _callback = with_callback(since=at(0))
    _other, foreign = with_callback(since=at(0))
    notify(foreign, success(action))
    assert fresh(action).state == State.SUBMITTED
    assert verdicts() == [Verdict.UNKNOWN_ACTION]
    assert flags() == {Flag.UNKNOWN_VIN}


def test_the_same_id_in_two_fleets_is_two_actions() -> None:
    first, callback = with_callback(since=at(0), remote_action_id="same")
    second = RemoteActionFactory(since=at(0), remote_action_id="same")
    notify(callback, success(first))
    assert (fresh(first).state, fresh(second).state) == (State.SUCCEEDED, State.SUBMITTED)
