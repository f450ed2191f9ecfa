"""Commands and notifications as the vendor's pages, its API, its flow chart and public clients of it write them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fleet_remotes.choices import Kind, State
from fleet_remotes.ingest.commands import CommandError, read_command
from fleet_remotes.ingest.notifications import read_body, read_record
from tests.fleet_remotes.helpers import at

AIR, POINT = "airConditioning", {"type": "Point", "coordinates": [5.970338, -62.536239]}
PROGRAM = {"slot": 1, "start": "PT14H30M", "enabled": True}
MON = {"occurence": {"day": ["Mon"]}}


def air(**more: Any) -> dict[str, Any]:
    return {AIR: {"programs": [PROGRAM | more]}}


# Name and parameters as somebody writes them; the command and the parameters as the vendor's API takes them.
COMMANDS: list[tuple[str, Any, Kind, Any]] = [
    # The names of the page "Set Up", with its examples and their spellings.
    (
        "RemotePreconditionning",
        {"preonditionning": {AIR: {"immediate": False}}},
        Kind.PRECONDITIONING,
        {AIR: {"immediate": False}},
    ),
    ("RemoteSetImmobilization", {"immobilization": {"activate": True}}, Kind.IMMOBILIZATION, {"activate": True}),
    ("RemoteDoorsState", {"label": "x", "door": {"state": "Unlocked"}}, Kind.DOOR, {"state": "Unlocked"}),
    ("RemoteHorn", {"horn": {"state": "Activated"}}, Kind.HORN, {"state": "Activated"}),
    ("RemoteCharging", {"charging": {"immediate": False}}, Kind.CHARGING, {"immediate": False}),
    ("RemoteSetStolen", {"stolen": {"stolen": True}}, Kind.STOLEN, {"stolen": True}),
    ("RemoteLights", {"ligths": {"on": True}}, Kind.LIGHTS, {"on": True}),
    ("RemoteState", {"state": {"action": "state"}}, Kind.WAKE_UP, {"action": "WakeUp"}),
    (
        "RemoteNavigation",
        {"navigation": {"driverApproval": True, "positions": [POINT]}},
        Kind.NAVIGATION,
        {"driverApproval": True, "positions": [POINT]},
    ),
    # The names of the API's document and of notifications.
    ("RemoteStolen", {"immobilization": {"activate": False}}, Kind.STOLEN, {"immobilization": {"activate": False}}),
    ("RemoteWakeUp", None, Kind.WAKE_UP, {"action": "WakeUp"}),
    ("ThermalPreconditioning", {AIR: {"immediate": True}}, Kind.PRECONDITIONING, {AIR: {"immediate": True}}),
    ("ElectricBatteryChargingRequest", {"immediate": True}, Kind.CHARGING, {"immediate": True}),
    ("VehicleState", None, Kind.WAKE_UP, {"action": "WakeUp"}),
    ("doors", {"state": "Locked", "forced": False}, Kind.DOOR, {"state": "Locked", "forced": False}),
    # Programs: durations by ISO 8601 in their forms, days, keys in the other spelling, a deletion by its slot.
    ("preconditioning", air(start="P0DT14H30M"), Kind.PRECONDITIONING, air()),
    ("preconditioning", air(start="P0Y0M0DT14H30M0S"), Kind.PRECONDITIONING, air()),
    ("preconditioning", air(start="PT870M"), Kind.PRECONDITIONING, air()),
    ("preconditioning", air(start="pt14h30m"), Kind.PRECONDITIONING, air()),
    ("preconditioning", air(start="PT14.5H"), Kind.PRECONDITIONING, air()),
    ("preconditioning", air(start="14:30"), Kind.PRECONDITIONING, air()),
    ("preconditioning", air(start="14:30:00"), Kind.PRECONDITIONING, air()),
    ("preconditioning", air(start="PT52200S"), Kind.PRECONDITIONING, air()),
    ("preconditioning", air(start="PT34M0S"), Kind.PRECONDITIONING, air(start="PT0H34M")),
    ("preconditioning", air(slot="1", enabled=1), Kind.PRECONDITIONING, air()),
    ("preconditioning", air(slot=1.0, enabled="true"), Kind.PRECONDITIONING, air()),
    ("preconditioning", air(occurrence={"day": "monday"}), Kind.PRECONDITIONING, air(**MON)),
    ("preconditioning", air(occurence={"days": ["MON"]}), Kind.PRECONDITIONING, air(**MON)),
    (
        "preconditioning",
        air(recurrence="daily", actionsType="set"),
        Kind.PRECONDITIONING,
        air(recurrence="Daily", actionsType="Set"),
    ),
    ("preconditioning", {"air_conditioning": {"programs": PROGRAM}}, Kind.PRECONDITIONING, air()),
    (
        "preconditioning",
        {AIR: {"programs": [{"slot": 3, "actionsType": "Delete"}]}},
        Kind.PRECONDITIONING,
        {AIR: {"programs": [{"slot": 3, "start": "PT0H0M", "enabled": True, "actionsType": "Delete"}]}},
    ),
    ("preconditioning", {"immediate": "on"}, Kind.PRECONDITIONING, {AIR: {"immediate": True}}),
    # Charging: the deprecated place, a moment, a null.
    ("charging", {"nextDelayedTime": "PT22H31M"}, Kind.CHARGING, {"schedule": {"nextDelayedTime": "PT22H31M"}}),
    (
        "charging",
        {"schedule": {"nextDelayedTime": "2026-12-01T05:00:00+00:00"}, "immediate": None},
        Kind.CHARGING,
        {"schedule": {"nextDelayedTime": "2026-12-01T05:00:00Z"}},
    ),
    (
        "charging",
        {"preferences": {"level": 3, "type": "full"}},
        Kind.CHARGING,
        {"preferences": {"level": "Level3", "type": "Full"}},
    ),
    # Words and numbers.
    ("door", {"state": "lock"}, Kind.DOOR, {"state": "Locked"}),
    ("door", {"state": "UNLOCKED"}, Kind.DOOR, {"state": "Unlocked"}),
    ("horn", {"state": "activate"}, Kind.HORN, {"state": "Activated"}),
    ("lights", {"on": "false"}, Kind.LIGHTS, {"on": False}),
    ("lights", {"on": 1}, Kind.LIGHTS, {"on": True}),
    ("immobilization", {"activate": "0"}, Kind.IMMOBILIZATION, {"activate": False}),
    (
        "stolen",
        {"trackingPeriod": {"running": "30", "shutdown": 120.0}},
        Kind.STOLEN,
        {"trackingPeriod": {"running": 30, "shutdown": 120}},
    ),
    ("navigation", {"positions": POINT}, Kind.NAVIGATION, {"positions": [POINT]}),
    (
        "navigation",
        {"positions": [{"latitude": -62.536239, "longitude": 5.970338}]},
        Kind.NAVIGATION,
        {"positions": [POINT]},
    ),
    (
        "navigation",
        {"positions": [{"type": "Point", "coordinates": ["5.970338", -62.536239, 11.0]}]},
        Kind.NAVIGATION,
        {"positions": [POINT]},
    ),
]


@pytest.mark.parametrize(("name", "given", "kind", "meant"), COMMANDS)
def test_commands_in_any_spelling_are_what_the_vendor_takes(name: str, given: Any, kind: Kind, meant: Any) -> None:
    command = read_command(name, given)
    assert (command.kind, command.parameters) == (kind, meant)
    assert read_command(kind, command.parameters) == command


@pytest.mark.parametrize("start", ["PT24H", "P1DT2H", "24:00", "tomorrow", "PT", "P", "", "-PT1H", "2026-12-01"])
def test_what_is_no_time_of_day_is_refused_in_a_sentence(start: str) -> None:
    with pytest.raises(CommandError, match="is no time of day: write e") as refused:
        read_command("preconditioning", air(start=start))
    assert refused.value.pointer == "/parameters/airConditioning/programs/0/start"


def event(**status: Any) -> dict[str, Any]:
    return {"remoteActionId": "ra1", "vin": "VF3ABCDE0FG123456", "remoteType": "Doors", "eventStatus": status}


DONE, FAILED = {"type": "Done", "status": "Success"}, {"type": "Done", "status": "Failed"}
# What a body holds; the state that it tells of, and the cause.
BODIES: list[tuple[Any, State | None, str]] = [
    ({"callbackId": "cb", "events": event(**DONE)}, State.SUCCEEDED, ""),
    ([{"callbackId": "cb", "events": [event(**DONE)]}], State.SUCCEEDED, ""),
    ({"callbackId": "cb", "remoteEvent": [event(**DONE)]}, State.SUCCEEDED, ""),
    ({"callback_id": "cb", "Events": [event(**DONE)]}, State.SUCCEEDED, ""),
    ([event(**DONE)], State.SUCCEEDED, ""),
    ({"remoteActionId": "ra1", **DONE}, State.SUCCEEDED, ""),
    ({"remote_action_id": "ra1", "event_status": {"type": "DONE", "status": "SUCCESS"}}, State.SUCCEEDED, ""),
    (event(type="Done", status="ALREADY_DONE"), State.ALREADY_DONE, ""),
    (event(type="Done", status={"RemoteDoneEventStatus": "Success"}), State.SUCCEEDED, ""),
    (
        event(type="Done", status={"RemotePendingEventStatus": None, "RemoteDoneEventStatus": "AlreadyDone"}),
        State.ALREADY_DONE,
        "",
    ),
    (
        event(type="Pending", status={"RemoteDoneEventStatus": None, "RemotePendingEventStatus": "SentToVehicle"}),
        State.SENT,
        "",
    ),
    (event(type="Pending", status="WAKING_UP_VEHICLE"), State.WAKING, ""),
    (event(type="Pending", status=["CheckingVehicle"]), State.CHECKING, ""),
    (event(status="WakingUpVehicle"), State.WAKING, ""),
    (event(status="Failed", failureCause="DoorsOpen"), State.FAILED, "DoorsOpen"),
    # Causes, wherever they stand and however they are spelled.
    (event(**FAILED, failureCause="DoorsOpen"), State.FAILED, "DoorsOpen"),
    (
        event(type="Done", status={"RemoteDoneEventStatus": "Failed", "failureCause": "CidInside"}),
        State.FAILED,
        "CidInside",
    ),
    (event(type="Done", status={"failureCause": "CidInside"}), State.FAILED, "CidInside"),
    (event(type="Done", status=None, failureCause="VehicleInUse"), State.FAILED, "VehicleInUse"),
    (event(type="Done", failureCause="VehicleInUse"), State.FAILED, "VehicleInUse"),
    (event(**FAILED) | {"failureCause": "MissingRights"}, State.FAILED, "MissingRights"),
    (event(**FAILED, failureCause={"RemoteFailedEventStatus": "DoorsOpen"}), State.FAILED, "DoorsOpen"),
    (event(**FAILED, failure_cause="DoorsOpen"), State.FAILED, "DoorsOpen"),
    (event(**FAILED, failureCause=["DoorsOpen"]), State.FAILED, "DoorsOpen"),
    (event(**FAILED, failureCause="VEHICLE_CONNECTION_TIMEOUT"), State.FAILED, "VehicleConnectionTimeout"),
    (event(**FAILED, failureCause="TooManyWakesUpsOverMonth"), State.FAILED, "TooManyWakeUpsOverMonth"),
    (event(**FAILED, failureCause="VehicleBatteryChargeTooLow"), State.FAILED, "NotPossibleDueToVehicleBatteryLevel"),
    (event(**FAILED, failureCause="mocked_error"), State.FAILED, "mocked_error"),
    (event(**FAILED, failureCause="None"), State.FAILED, "NotSpecified"),
    (event(type="Failed", status="DoorsOpen"), State.FAILED, "DoorsOpen"),
    (
        event(type="Failed", status={"RemoteDoneEventStatus": "Failed"}, failureCause="CidInside"),
        State.FAILED,
        "CidInside",
    ),
    (event(type="Done", status="VehicleIsNotLocked"), State.FAILED, "VehicleIsNotLocked"),
    (event(type="Done", status="CancelledByDriver"), State.FAILED, "CanceledByDriver"),
    (event(**DONE, failureCause=None), State.SUCCEEDED, ""),
    (event(**DONE, failureCause=""), State.SUCCEEDED, ""),
    # Wrapped, nested, as text, by another type.
    ({"data": {"events": [event(**DONE)]}}, State.SUCCEEDED, ""),
    ({"events": [[event(**DONE)]]}, State.SUCCEEDED, ""),
    ({"events": msgspec.json.encode([event(**DONE)]).decode()}, State.SUCCEEDED, ""),
    (event() | {"eventStatus": "SentToVehicle"}, State.SENT, ""),
    (event() | {"eventStatus": "Done"}, None, ""),
    (event() | {"eventStatus": "Done", "failureCause": "DoorsOpen"}, State.FAILED, "DoorsOpen"),
    (event() | {"eventStatus": msgspec.json.encode(DONE).decode()}, State.SUCCEEDED, ""),
    (event() | {"eventStatus": None, "status": "Success"}, State.SUCCEEDED, ""),
    (event(**DONE) | {"remoteActionId": "\ufeffra1\u200b "}, State.SUCCEEDED, ""),
    (event(type="Finished", status="Success"), State.SUCCEEDED, ""),
    (event(type="Cancelled", status="CanceledByDriver"), State.FAILED, "CanceledByDriver"),
    (event(**FAILED, failureCause=["DoorsOpen", "CidInside"]), State.FAILED, "DoorsOpen"),
    # The customer's document names the field, the flow chart shortens it; a status stands in one of the lists alone.
    (event(type="Done", RemoteDoneEventStatus="Success"), State.SUCCEEDED, ""),
    (event(type="Done", RemoteDoneEventStatus="AlreadyDone", failureCause=None), State.ALREADY_DONE, ""),
    (event(RemoteDone="Success", RemotePending=None), State.SUCCEEDED, ""),
    (event(type="Pending", RemotePendingEventStatus="SentToVehicle"), State.SENT, ""),
    (event(type="Done", RemoteDone="Failed", failureCause="DoorsOpen"), State.FAILED, "DoorsOpen"),
    (event(type="Failed", RemoteDone=["GeneralError"]), State.FAILED, "GeneralError"),
    (event(type="Failed", RemoteDone="GeneralError"), State.FAILED, "GeneralError"),
    (event(type="Done", RemoteDone=["Failed", "DoorsOpen"]), State.FAILED, "DoorsOpen"),
    (event(type="Done", RemoteDone=["Failed", "NewThing"]), State.FAILED, "NewThing"),
    (event(type="Done", RemoteDone={"status": "Failed", "failureCause": "CidInside"}), State.FAILED, "CidInside"),
    (event(type="Done", RemoteDone={"Failed": ["CidInside"]}), State.FAILED, "CidInside"),
    (event(type="Done", RemoteDone={"AlreadyDone": True}), State.ALREADY_DONE, ""),
    (event(type="Done", status="Success, AlreadyDone"), State.SUCCEEDED, ""),
    (event(RemoteFailed="NewThing"), State.FAILED, "NewThing"),
    (event(type="Done", status={"RemoteDone": {"RemoteDoneEventStatus": "Success"}}), State.SUCCEEDED, ""),
    (event(type="Success"), State.SUCCEEDED, ""),
    (event(type="Done") | {"RemoteDoneEventStatus": "Success"}, State.SUCCEEDED, ""),
    (event() | {"eventStatus": None, "RemoteDone": "Success"}, State.SUCCEEDED, ""),
    (event() | {"eventStatus": ["Failed", "DoorsOpen"]}, State.FAILED, "DoorsOpen"),
    (event(type="Pending", status="Success"), State.SUCCEEDED, ""),
    (event(type="Pending", status="DoorsOpen"), State.FAILED, "DoorsOpen"),
    (event(type="Done", status="SentToVehicle"), State.SENT, ""),
    # What nobody told us brings nothing about.
    (event(type="Done", RemoteDone="Perhaps"), None, ""),
    (event(type="Done", RemoteDone=False), None, ""),
    (event(type="Finished", status="Perhaps", failureCause="CidInside"), None, ""),
    (event(type="Pending", status="ThinkingAboutIt"), None, ""),
    (event(type="Done", status="Perhaps"), None, ""),
    (event(type="Done", status=None), None, ""),
]


@pytest.mark.parametrize(("body", "state", "cause"), BODIES)
def test_notifications_in_any_spelling_say_what_is_meant(body: Any, state: State | None, cause: str) -> None:
    (found,) = read_body(msgspec.json.encode(body))
    assert (found.problem, found.state, found.cause) == ("", state, cause)


@pytest.mark.parametrize(
    "date", ["2026-01-05T08:00:00", "20260105T080000Z", 1_767_600_000, "1767600000.0", 1_767_600_000_000_000]
)
def test_dates_are_read_in_any_spelling(date: Any) -> None:
    (found,) = read_body(msgspec.json.encode(event(**DONE) | {"eventDate": date}))
    assert found.event_date is not None
    assert found.event_date.isoformat() == "2026-01-05T08:00:00+00:00"


def test_each_of_several_statuses_is_a_notification() -> None:
    body = event() | {"eventStatus": [{"type": "Pending", "RemotePending": "SentToVehicle"}, DONE]}
    for sent in (body, {"events": [body]}, [body]):
        found = read_body(msgspec.json.encode(sent))
        assert [one.state for one in found] == [State.SENT, State.SUCCEEDED]
        assert len({one.digest for one in found}) == 2


def test_objects_one_behind_the_other_are_notifications() -> None:
    body = b"\n".join(msgspec.json.encode(event(**DONE) | {"remoteActionId": f"ra{n}"}) for n in range(3))
    assert [found.remote_action_id for found in read_body(body)] == ["ra0", "ra1", "ra2"]


@pytest.mark.parametrize("body", [{"data": {"data": {"data": {"data": {}}}}}, {"message": "hello"}, {"events": "none"}])
def test_what_holds_no_notification_is_kept_and_said(body: Any) -> None:
    (found,) = read_body(msgspec.json.encode(body))
    assert found.problem == "Not a notification of a remote action."


@pytest.mark.parametrize(
    ("record", "state", "cause"),
    [
        ({"status": "Failed", "failureCause": "DoorsOpen"}, State.FAILED, "DoorsOpen"),
        ({"status": {"status": "Failed", "failureCause": "DoorsOpen"}}, State.FAILED, "DoorsOpen"),
        ({"status": {"RemoteDoneEventStatus": "Success"}}, State.SUCCEEDED, ""),
        ({"RemoteDone": "Failed", "failureCause": "DoorsOpen", "type": "Door"}, State.FAILED, "DoorsOpen"),
        ({"status": ["Failed", "DoorsOpen"]}, State.FAILED, "DoorsOpen"),
        ({"status": None, "failureCause": "CidInside"}, State.FAILED, "CidInside"),
        ({"status": "TooManyWakeUpsOverMonth"}, State.BLOCKED_QUOTA, ""),
        ({"status": "waking_up_vehicle"}, State.WAKING, ""),
        ({"status": "Perhaps"}, None, ""),
    ],
)
def test_records_say_the_same(record: Any, state: State | None, cause: str) -> None:
    report = read_record(record, at(0))
    assert (report and report.state, report.cause if report else "") == (state, cause)


def _said(**status: Any) -> dict[str, Any]:
    return {"remoteActionId": "ra", "vin": "VF3", "eventStatus": status}


ENDED = _said(**DONE)
# What public clients and other vendors' webhooks have: where a notification stands, its words, its causes.
HEARD: list[tuple[Any, tuple[State | None, str]]] = [
    *[({name: [ENDED]}, (State.SUCCEEDED, "")) for name in ("items", "notifications", "records")],
    ({"messages": [{"remoteEvent": ENDED}]}, (State.SUCCEEDED, "")),
    ({"_embedded": {"events": [ENDED]}}, (State.SUCCEEDED, "")),
    ({"records": [{"value": ENDED}]}, (State.SUCCEEDED, "")),
    ({"data": {"type": "Doors", "id": "x", "attributes": ENDED}}, (State.SUCCEEDED, "")),
    (_said(type="Pending", status="[process.900.request.accepted.key]"), (State.ACCEPTED, "")),
    (_said(type="Pending", status="[process.901.vehicle.asleep.key]"), (State.WAKING, "")),
    (_said(type="Pending", status=903), (State.SENT, "")),
    (_said(type="Pending", status="MessageDelivered"), (State.SENT, "")),
    (_said(type="Done", status="Executed"), (State.SUCCEEDED, "")),
    (_said(type="Done", status="Rejected"), (State.FAILED, "NotSpecified")),
    (_said(type="Done", status="TimeOut"), (State.FAILED, "VehicleConnectionTimeout")),
    (_said(**FAILED, failedReason="VehicleInUse"), (State.FAILED, "VehicleInUse")),
    (_said(**FAILED, error={"code": "40499", "message": "VehicleInUse"}), (State.FAILED, "VehicleInUse")),
    (_said(**FAILED, failureCause={"code": 7, "cause": "CidInside"}), (State.FAILED, "CidInside")),
    (_said(**FAILED, reason="it rained"), (State.FAILED, "NotSpecified")),
    # what nobody knows means nothing
    (_said(type="Pending", status="Queued", reason="busy"), (None, "")),
    (_said(type="Done", status="0"), (None, "")),
]


@pytest.mark.parametrize(("body", "meant"), HEARD)
def test_a_notification_is_understood_as_clients_write_it(body: Any, meant: tuple[State | None, str]) -> None:
    [event] = read_body(msgspec.json.encode(body))
    assert (event.state, event.cause) == meant
