"""What vendors say of faults in messages of their own (DataTransfer)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from infra_notifications.models import ChargePoint, ChargePointMessage, Incident
from infra_notifications.rules.frames import Frame
from infra_notifications.services.frames import message_of
from tests import clock
from tests.infra_notifications.helpers import at, fine, message, open_cases, say, station, sweep, take, unmapped

pytestmark = pytest.mark.django_db
FAULTED = {"errorCode": "GroundFailure", "status": "Faulted", "connectorId": 1}

ALARMS: list[tuple[str | None, Any, str]] = [
    ("FaultNotification", FAULTED, "FUSE_TRIPPED"),
    ("Error", {"errorCode": "OverVoltage", "status": "Faulted"}, "OTHER_FAULT"),
    ("error_event", {"error_code": "GroundFailure", "status": "faulted", "connector_id": "1"}, "FUSE_TRIPPED"),
    ("Status", FAULTED, "FUSE_TRIPPED"),
    ("Alarm", "RCD tripped", "FUSE_TRIPPED"),
    ("AlarmRequest", "RCD tripped", "FUSE_TRIPPED"),
    ("StatusNotificationDetailRequest", {"errorCode": "GroundFailure", "event": "Active"}, "FUSE_TRIPPED"),
    ("StatusChange", {"oldState": "Available", "newState": "Faulted", "errorCode": "GroundFailure"}, "FUSE_TRIPPED"),
    ("status", {"emergencyStop": 1, "doorOpen": 0}, "FUSE_TRIPPED"),
    ("Diagnosis", {"rcdTripped": "yes"}, "FUSE_TRIPPED"),
    ("hardware", {"contactorWelded": True}, "OTHER_FAULT"),
    ("fault.req", {"errorCode": "GroundFailure"}, "FUSE_TRIPPED"),
    ("Alarms", {"active": [{"code": "RCD_TRIP"}], "cleared": [{"code": "E7"}]}, "FUSE_TRIPPED"),
    ("ErrorReport", "emergency stop pressed", "FUSE_TRIPPED"),
    ("Alarm", {"name": "TiltDetected", "value": 1}, "SENSORS"),
    ("Alarm", {"emergencyStop": True, "doorOpen": False}, "FUSE_TRIPPED"),
    ("AlarmEvent", {"alarms": [{"code": "E12", "description": "Cabinet door open"}]}, "SENSORS"),
    ("Fault", {"faultCode": "F0815", "connectorId": 1}, "OTHER_FAULT"),
    ("EmergencyStopPressed", None, "FUSE_TRIPPED"),
    ("tamperAlarm", {}, "SENSORS"),
    ("StatusReport", "Sicherung ausgelöst", "FUSE_TRIPPED"),
    (None, "RCD tripped", "FUSE_TRIPPED"),
    ("errorInfo", {"connectorId": 1, "err": "Leakage", "state": 1}, "FUSE_TRIPPED"),
    ("ErrorEvent", {"error": "Contactor welded", "state": "active"}, "OTHER_FAULT"),
    ("Alarm", {"name": "Lüfter", "active": True, "severity": 3}, "OTHER_FAULT"),
    ("faults", ["急停"], "OTHER_FAULT"),
    ("chargerFault", "code=7&desc=door%20open", "SENSORS"),
    ("ChargerStatus", {"connector": 1, "state": "Faulted"}, "OTHER_FAULT"),
    ("status", {"connectors": [{"id": 1, "state": "Error"}, {"id": 2, "state": "Available"}]}, "OTHER_FAULT"),
    ("StatusReport", [{"outlet": 1, "status": "Faulted", "error": "RCD tripped"}], "FUSE_TRIPPED"),
    ("cpStatus", {"1": "Faulted"}, "OTHER_FAULT"),
    ("cpStatus", {"connector1": {"state": "Faulted"}, "connector2": "Available"}, "OTHER_FAULT"),
    # What the data says, whatever the message is called.
    ("Heat", FAULTED, "FUSE_TRIPPED"),
    ("eventReport", {"eventType": "fault", "eventCode": 1203, "connectorId": 1}, "OTHER_FAULT"),
    ("hardwareStatus", {"rcd": "tripped", "fan": "ok"}, "FUSE_TRIPPED"),
    ("doorStatus", {"door": "open"}, "SENSORS"),
    ("telemetry", {"doorOpen": True, "power": 3.5}, "SENSORS"),
    ("telemetry", {"contactor": "welded"}, "OTHER_FAULT"),
    ("telemetry", {"errors": ["RCD tripped"], "temp": 20}, "FUSE_TRIPPED"),
    ("heartbeatEx", {"errCode": "0x0010"}, "OTHER_FAULT"),
    ("heartbeatEx", {"status": "Faulted"}, "OTHER_FAULT"),
    ("realtimeData", {"fault": 1}, "OTHER_FAULT"),
    ("hb", {"severity": "critical", "code": 77}, "OTHER_FAULT"),
    ("log", "ERROR RCD tripped", "FUSE_TRIPPED"),
    ("log", {"level": "error", "message": "Contactor welded"}, "OTHER_FAULT"),
    ("OverCurrentFault", None, "FUSE_TRIPPED"),
    *(("Alarm", data, "FUSE_TRIPPED") for data in ("OverCurrent", {"alarm": "OverCurrent"}, {"alarm": "over current"})),
    ("FaultDetected", None, "OTHER_FAULT"),
]
CALM: list[tuple[str | None, Any]] = [
    ("Alarms", {"active": [], "cleared": [{"code": 123, "name": "RCD_TRIP"}]}),
    ("Status", {"previousStatus": "Faulted", "status": "Available"}),
    ("StateChanged", {"oldState": "Faulted", "newState": "Available"}),
    ("ErrorInfo", {"lastError": {"code": "RCD_TRIP"}, "error": None}),
    ("faults", {"errorCode": "0000", "errorMessage": "Success"}),
    ("Status", {"status": "Accepted"}),
    ("getErrorLog", "RCD tripped"),
    ("AlarmConfig", {"code": "E12", "description": "RCD tripped"}),
    ("DisplayMessage", "In danger press the emergency stop"),
    ("DefaultTariff", {"code": "E12"}),
    ("StateOfCharge", {"soc": 50}),
    ("Event", {"event": "session started", "connector": 1}),
    ("FaultNotification", {"errorCode": "NoError"}),
    ("FaultNotification", {"errorCode": 0, "errorMessage": ""}),
    ("Alarm", {"code": "0x00"}),
    ("Alarm", {"doorOpen": False}),
    ("DiagnosticsResult", "RCD self test passed"),
    ("AlarmCleared", {"code": "E12", "description": "RCD tripped"}),
    ("Alarm", {"description": "RCD tripped", "state": "cleared"}),
    *(("ErrorReport", said) for said in ("0", "none", "", "No fault detected")),
    *(("ErrorReport", []), ("ErrorReport", {"errors": []}), ("ErrorReport", {"alarm": 0})),
    ("Alert", {"message": "Firmware update available"}),
    ("Alarm", {"message": "fan replaced soon", "severity": "info"}),
    ("UpdateStatus", {"connectorId": 1, "status": "Installed"}),
    ("FirmwareStatus", {"status": "Failed"}),
    *(("hb", {key: said}) for key in ("errorCode", "fault", "alarm", "error") for said in (0, "0", "none", "ok", "")),
    *(("telemetry", {key: 5}) for key in ("errorCount", "faults", "alarmCounter", "errorRate", "lastErrorCode")),
    *(("hardwareStatus", {"rcd": said, "door": "closed"}) for said in ("ok", "closed", "normal", "armed")),
    ("telemetry", {"lastError": "RCD tripped", "contactor": "open", "plugLock": "open", "temp": 95}),
    ("telemetry", {"doorOpen": False, "emergencyStop": False, "errors": []}),
    *((name, {"rcd": "tripped", "fault": 1}) for name in ("config", "getStatus", "errorHistory", "paymentResult")),
    *((name, {"error": "timeout"}) for name in ("cardRead", "networkStatus", "evInfo", "meterData")),
    *(
        ("log", said)
        for said in ("INFO RCD test ok", "error codes updated", {"level": "info", "message": "RCD tripped"})
    ),
    ("getLog", "ERROR RCD tripped"),
    ("meterData", {"current": 5, "voltage": 230, "error": "none"}),
    ("chat", {"message": "RCD tripped", "type": "text"}),
    *((part, more) for part in ("RCD", "GFCI") for more in ({"enabled": True}, {"state": "ok"}, {"tripped": False})),
    ("tilt", {"value": 0.2}),
    *(
        ("EmergencyStop", said)
        for said in ({"pressed": False}, {"pressed": "false"}, {"value": 0}, "false", "0", "off")
    ),
    *((said, None) for said in ("DoorClosed", "EmergencyStopReleased", "SmokeEnded", "AlarmOver", "FaultReset")),
    *((name, {"code": "W12", "text": "battery low"}) for name in ("WarningReport", "warning")),
]


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


def transfer(name: str | None, data: Any) -> dict[str, Any]:
    named = {"vendorId": "com.maker"} | ({"messageId": name} if name is not None else {})
    return named if data is None else named | {"data": data}


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
@pytest.mark.parametrize(("name", "data", "case"), ALARMS)
def test_an_alarm_of_a_vendor_is_heard(
    point: ChargePoint, name: str | None, data: Any, case: str, protocol: str, as_text: bool
) -> None:
    sent = json.dumps(data) if as_text and data is not None else data
    assert say(point, transfer(name, sent), action="DataTransfer", protocol=protocol).accepted == 1
    assert Incident.objects.get(closed_at=None).case == case


@pytest.mark.parametrize(("name", "data", "case"), [row for row in ALARMS if row[0]])
def test_an_alarm_in_a_frame_is_heard(point: ChargePoint, name: str, data: Any, case: str) -> None:
    frame = Frame("call", "7", "DataTransfer", transfer(name, data))
    assert take(message_of(frame, None, point.station, "ocpp1.6")).accepted == 1
    assert Incident.objects.get(closed_at=None).case == case


@pytest.mark.parametrize(("name", "data"), CALM)
def test_what_is_no_alarm_raises_nothing(point: ChargePoint, name: str | None, data: Any) -> None:
    assert say(point, transfer(name, data), action="DataTransfer").accepted == 1
    assert not Incident.objects.exists()
    assert ChargePointMessage.objects.get().action == "DataTransfer"


def test_a_warning_that_no_rule_knows_is_shown_as_such(point: ChargePoint) -> None:
    say(point, transfer("Warning", "something odd"), action="DataTransfer")
    say(point, transfer("Heat", "something odd"), action="DataTransfer")
    assert (sum(unmapped().values()), Incident.objects.exists()) == (1, False)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("AlarmCleared", {"code": "E12"}),
        ("Alarm", {"code": "E12", "active": False}),
        ("Alarm", {"code": "E12", "state": "resolved"}),
        ("Alarm", {"code": "0"}),
        ("FaultReset", None),
        ("Alarm", {"code": "E12", "active": "N"}),
        ("Alarm", {"error": ""}),
        ("Alarm", "code=E12;text=RCD tripped;state=off"),
        ("Alarm", "E12,0,RCD tripped"),
    ],
)
def test_the_end_of_an_alarm_ends_it_and_no_fault_of_the_status(point: ChargePoint, name: str, data: Any) -> None:
    say(point, FAULTED)
    say(point, transfer("Alarm", {"code": "E12"}), action="DataTransfer", now=clock.NOW + timedelta(seconds=1))
    assert Incident.objects.filter(closed_at=None).count() == 2
    say(point, transfer(name, data), action="DataTransfer", now=clock.NOW + timedelta(seconds=2))
    assert Incident.objects.get(closed_at=None).case == "FUSE_TRIPPED"


ACTIVE, INACTIVE = {"state": "active"}, {"state": "inactive"}


@pytest.mark.parametrize(
    ("began", "data", "other"),
    [
        ("ErrorEvent", {"error": "RCD tripped"} | ACTIVE, ("ErrorEvent", {"error": "Door open"} | INACTIVE)),
        ("Alarm", {"name": "EmergencyStop", "active": True}, ("Alarm", {"name": "DoorOpen", "active": False})),
        ("Alarm", {"emergencyStop": True, "doorOpen": False}, ("Alarm", {"doorOpen": False})),
        ("Alarm", "RCD tripped", ("WarningCleared", {"name": "WeakSignal"})),
        ("Alarm", "RCD tripped", ("diagnosticStatus", {"state": "ok"})),
        ("Alarm", "RCD tripped", ("HealthReport", {"connectorId": 1, "state": "ok", "code": 0})),
        ("Alarm", "RCD tripped", ("Alarm", {"name": "RCD", "active": False, "vendor": "another"})),
    ],
)
def test_the_end_of_one_alarm_is_not_that_of_another(
    point: ChargePoint, began: str, data: Any, other: tuple[str, Any]
) -> None:
    say(point, transfer(began, data), action="DataTransfer")
    ended = transfer(*other)
    if "vendor" in ended["data"]:
        ended["vendorId"] = "org.another"
    say(point, ended, action="DataTransfer", now=at(1))
    assert open_cases(point) == ["FUSE_TRIPPED"]


@pytest.mark.parametrize(
    ("began", "data", "ended", "end"),
    [
        ("ErrorEvent", {"error": "RCD tripped"} | ACTIVE, "ErrorEvent", {"error": "RCD tripped"} | INACTIVE),
        ("Alarm", "RCD tripped", "AlarmCleared", "RCD"),
        ("Alarm", "RCD ausgelöst", "FaultReset", None),
        ("EmergencyStopPressed", None, "EmergencyStopReleased", None),
        ("EmergencyStop", {"pressed": True}, "EmergencyStop", {"pressed": False}),
        ("EmergencyStop", "true", "EmergencyStop", "false"),
        ("RcdTripped", None, "RcdReset", None),
        ("hardwareStatus", {"rcd": "tripped"}, "hardwareStatus", {"rcd": "ok"}),
        ("telemetry", {"fault": True, "errors": ["RCD tripped"]}, "telemetry", {"fault": False, "errors": []}),
        ("Alarm", "1001,1,RCD tripped", "Alarm", "1001,0,RCD tripped"),
        ("Alarm", {"emergencyStop": True}, "Alarm", {"emergencyStop": False}),
        ("StatusReport", "RCD tripped", "StatusReport", {"state": "ok"}),
        ("Alarm", {"description": "RCD tripped", "state": 1}, "Alarm", {"description": "RCD OK", "state": 0}),
        ("faults", ["RCD tripped"], "faults", []),
        (
            "Status",
            [{"id": 1, "state": "Faulted", "error": "RCD tripped"}],
            "Status",
            [{"id": 1, "state": "Available"}],
        ),
    ],
)
def test_an_alarm_ends_by_its_own_name_or_by_none(
    point: ChargePoint, began: str, data: Any, ended: str, end: Any
) -> None:
    say(point, transfer(began, data), action="DataTransfer")
    assert open_cases(point) == ["FUSE_TRIPPED"]
    say(point, transfer(ended, end), action="DataTransfer", now=at(1))
    assert open_cases(point) == []


PAIRS = [
    *(f"{part}{states}" for part in ("Door", "Cover", "Enclosure") for states in ("Open Closed", "Opened Closed")),
    *(f"{what}{states}" for what in ("Smoke", "Tilt", "Tamper") for states in ("Detected Ended", "Alarm Cleared")),
    "EmergencyStopPressed Released",
]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_name_ends_what_its_opposite_raised_and_alone_raises_nothing(point: ChargePoint, pair: str) -> None:
    began, state = pair.split()
    ended = next(name for name in (began[: -len(word)] for word in _BEGINNINGS if began.endswith(word))) + state
    say(point, transfer(ended, None), action="DataTransfer")
    assert open_cases(point) == []
    say(point, transfer(began, None), action="DataTransfer", now=at(1))
    assert len(open_cases(point)) == 1
    say(point, transfer(ended, None), action="DataTransfer", now=at(2))
    assert open_cases(point) == []


_BEGINNINGS = ("Opened", "Open", "Detected", "Alarm", "Pressed")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("sequence", {"result": "failed"}),
        ("diag", {"fan": "failed"}),
        ("event", {"eventType": "error", "message": "something odd"}),
        ("WarningReport", {"code": "W12"}),
        ("warning", {"code": "W12", "text": "battery low"}),
    ],
)
def test_what_may_be_a_fault_is_kept_as_unmapped(point: ChargePoint, name: str, data: Any) -> None:
    say(point, transfer(name, data), action="DataTransfer")
    assert (sum(unmapped().values()), Incident.objects.exists()) == (1, False)


def test_one_message_begins_one_alarm_and_ends_another(point: ChargePoint) -> None:
    both = [{"name": "EmergencyStop", "active": True}, {"name": "DoorOpen", "active": True}]
    say(point, transfer("alarms", {"alarms": both}), action="DataTransfer")
    assert open_cases(point) == ["FUSE_TRIPPED", "SENSORS"]
    both[1]["active"] = False
    say(point, transfer("alarms", {"alarms": both}), action="DataTransfer", now=at(1))
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_states_of_several_connectors_are_each_ones_own() -> None:
    points = station(points=3)
    listed = {
        "connectors": [{"id": 1, "state": "Available"}, {"id": 2, "state": "Faulted"}, {"id": 3, "state": "faulted"}]
    }
    frame = Frame("call", "7", "DataTransfer", transfer("status", json.dumps(listed)))
    assert take(message_of(frame, None, "CP-1", "ocpp1.6")).accepted == 1
    assert [open_cases(point) for point in points] == [[], ["OTHER_FAULT"], ["OTHER_FAULT"]]
    take(message("", fine(connectorId=2), charge_point=None, station="CP-1"), now=at(1))
    assert [open_cases(point) for point in points] == [[], [], ["OTHER_FAULT"]]


def test_an_alarm_that_nobody_ends_is_over_after_an_hour(point: ChargePoint) -> None:
    say(point, transfer("Alarm", "RCD tripped"), action="DataTransfer")
    sweep(clock.NOW + timedelta(minutes=59))
    assert Incident.objects.filter(closed_at=None, case="FUSE_TRIPPED").exists()
    sweep(clock.NOW + timedelta(minutes=61))
    assert not Incident.objects.filter(closed_at=None, case="FUSE_TRIPPED").exists()


# ---- a status as a list ---------------------------------------------------------------------------------------------


def evbox(*said: Any) -> dict[str, Any]:
    """What stations of EVBox send: connector, status, error, text, vendor's code, light, presence, currents."""
    data = ",".join(map(str, (*said, "Red", 1, "{0,0,0}")))
    return {"vendorId": "EV-BOX", "messageId": "evbStatusNotification", "data": data}


@pytest.mark.parametrize("is_proxied", [False, True])
@pytest.mark.parametrize(
    ("said", "case"),
    [
        ((1, "Faulted", "GroundFailure", "", 17), "FUSE_TRIPPED"),
        ((1, "Faulted", "OtherError", "", 17), "OTHER_FAULT"),
        ((1, "Faulted", "NoError", "", ""), "OTHER_FAULT"),
        ((1, " faulted", "OtherError", "RCD tripped", ""), "FUSE_TRIPPED"),
    ],
)
@pytest.mark.parametrize("ends_as_transfer", [True, False])
def test_a_status_in_a_list_is_that_of_its_connector(
    said: tuple[Any, ...], case: str, ends_as_transfer: bool, is_proxied: bool
) -> None:
    first, second = station(points=2)

    def tell(action: str, payload: Any, seconds: float) -> None:
        if is_proxied:
            took = take(message_of(Frame("call", "7", action, payload), None, "CP-1", "ocpp1.6"), now=at(seconds))
        else:
            took = take(message("", payload, charge_point=None, station="CP-1", action=action), now=at(seconds))
        assert (took.accepted, took.rejected) == (1, [])

    tell("DataTransfer", evbox(*said), 0)
    assert (open_cases(first), open_cases(second)) == ([case], [])
    tell("DataTransfer", evbox(2, "Available", "NoError", "No error.", ""), 5)
    assert open_cases(first) == [case]
    if ends_as_transfer:
        tell("DataTransfer", evbox(1, "Available", "NoError", "No error.", ""), 9)
    else:
        tell("StatusNotification", fine(), 9)
    assert open_cases(first) == []


@pytest.mark.parametrize("data", ["1,Accepted,OK", "1,2,3", "Faulted,1", "1", "", "1,Charging,12 kW", "17;Idle;none"])
def test_a_list_that_is_no_status_raises_nothing(point: ChargePoint, data: str) -> None:
    sent = {"vendorId": "EV-BOX", "messageId": "evbStatusNotification", "data": data}
    assert say(point, sent, action="DataTransfer").accepted == 1
    assert not Incident.objects.exists()


BROKEN: dict[str, Any] = {"alarmCode": "1001", "connectorId": 1}


@pytest.mark.parametrize(
    "end",
    [
        *({"alarmStatus": said} for said in ("recovery", 0, "0", "disappear", "恢复", "end")),
        *({"type": "end"}, {"eventType": "AlarmEnd"}, {"alarmType": "RECOVERY"}, {"operation": "clear"}),
        *({"isRecover": True}, {"isRecover": 1}, {"isRecover": "true"}, {"alarmCleared": True}, {"isEnd": "1"}),
        *({"status": "disappear"}, {"status": "Normal"}, {"eventState": "END"}, {"action": "remove"}),
        *({"endTime": "2026-11-29T14:29:45Z"}, {"alarmEndTime": "2026-11-29 14:29:45"}, {"recoverTime": 1764426585}),
        *({"description": "Alarm cleared"}, {"description": "Fault recovered"}),
    ],
)
def test_an_end_in_any_spelling_ends_its_alarm_and_raises_nothing(point: ChargePoint, end: dict[str, Any]) -> None:
    say(point, transfer("Alarm", BROKEN | end), action="DataTransfer")
    assert not Incident.objects.exists()
    say(point, transfer("Alarm", BROKEN), action="DataTransfer", now=at(1))
    assert open_cases(point) == ["OTHER_FAULT"]
    say(point, transfer("Alarm", BROKEN | end), action="DataTransfer", now=at(2))
    assert open_cases(point) == []


@pytest.mark.parametrize(
    "more",
    [
        *({"endTime": said} for said in (None, "", 0, "0000-00-00 00:00:00", "1970-01-01T00:00:00Z", "9999-12-31")),
        *({"isRecover": False}, {"isRecover": 0}, {"cleared": False}, {"type": "start"}, {"eventType": "AlarmStart"}),
        *({"alarmStatus": 1}, {"alarmStatus": "occurred"}, {"alarmStatus": "未恢复"}, {"alarmStatus": "unrecovered"}),
        *({"description": "Reset required"}, {"status": "active", "endTime": "2026-11-29T14:29:45Z"}),
    ],
)
def test_what_only_looks_like_an_end_raises(point: ChargePoint, more: dict[str, Any]) -> None:
    say(point, transfer("Alarm", BROKEN | more), action="DataTransfer")
    assert open_cases(point) == ["OTHER_FAULT"]
