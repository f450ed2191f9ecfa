"""What OCPP 2.x says in other variables than those that OCPP has for it, in text and code, in events and reports."""

from __future__ import annotations

from typing import Any

import pytest

from infra_notifications.models import ChargePoint, ChargePointState
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import NOW, at, event, events, open_cases, say, sweep
from tests.infra_notifications.test_mapping_seed import meaning

pytestmark = pytest.mark.django_db
FUSE, SENSORS, OTHER = "FUSE_TRIPPED", "SENSORS", "OTHER_FAULT"
STATES = ["OperatingState", "AvailabilityStatus", "OperationalStatus", "State", "Status", "AvailabilityState"]


def report(component: str, variable: str, value: Any, **more: Any) -> dict[str, Any]:
    """A NotifyReport of one variable of EVSE 1."""
    data = {
        "component": {"name": component, "evse": {"id": 1}},
        "variable": {"name": variable},
        "variableAttribute": [{"type": "Target", "value": "true"}, {"value": value} | more],
    }
    return {"requestId": 1, "seqNo": 0, "generatedAt": NOW.isoformat(), "reportData": [data]}


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory()


def test_code_and_text_are_read_whatever_variable_carries_them_and_whatever_triggers_it() -> None:
    for trigger in ("Alerting", "Delta", "Periodic"):
        for component, variable, value in (
            *(("ChargingStation", "ErrorCode", "12"), ("EVSE", "Power", "0.5"), ("Odd", "Whatever", "text")),
            *(("Connector", "AvailabilityState", "Unavailable"), ("TiltSensor", "Angle", "2.0")),
        ):
            for said, means in (
                ({"techCode": "GroundFailure"}, f"raise {FUSE}"),
                ({"techCode": "CX004"}, f"raise {FUSE}"),
                ({"techInfo": "RCD tripped"}, f"raise {FUSE}"),
                ({"techInfo": "Tür offen"}, f"raise {SENSORS}"),
            ):
                data = event(component, variable, value, trigger=trigger, **said)
                assert meaning(events(data)) == means, data
                assert meaning(events(data | {"cleared": True})).startswith("clear"), data


def test_a_code_of_the_standard_beside_a_value_is_a_fault() -> None:
    for trigger in ("Alerting", "Delta"):
        assert meaning(events(event("ElectricalFeed", "Voltage", "300", trigger=trigger, techCode="Overvoltage"))) == (
            f"raise {OTHER}"
        )
        assert meaning(events(event("EVSE", "Power", "1", trigger=trigger, techCode="WeakSignal"))) != f"raise {OTHER}"


def test_calm_text_beside_a_value_raises_nothing() -> None:
    for said in ({"techInfo": "RCD OK"}, {"techInfo": "value changed"}, {"techCode": "17"}, {"techInfo": "fuse 32 A"}):
        for trigger in ("Delta", "Periodic"):
            assert not meaning(events(event("EVSE", "Power", "0.5", trigger=trigger, **said))).startswith("raise"), said


def test_whatever_says_faulted_is_told() -> None:
    for component in ("ChargingStation", "EVSE", "Connector"):
        for variable in STATES:
            for value in ("Faulted", "FAULTED", "Fault", "Out of order", "Störung"):
                for trigger in ("Alerting", "Delta", "Periodic"):
                    if variable == "AvailabilityState" and value.lower() != "faulted":
                        continue  # brought into its spelling before
                    data = event(component, variable, value, trigger=trigger)
                    assert meaning(events(data)) == f"raise {OTHER}", data
    assert meaning(events(event("Fan", "State", "Failed"))) == f"raise {OTHER}"


def test_any_code_or_broken_part_of_an_alert_without_severity_is_told() -> None:
    broken = [{"techCode": code} for code in ("1234", "ER-2041", "E42", "F-12", "GridPowerLoss", "0x0010")]
    broken += [
        {"techInfo": said} for said in ("Contactor welded", "Power module 3 communication lost", "Relais klemmt")
    ]
    calm = [{"techCode": code} for code in ("0", "NoError", "RCD_OK", "WARN_12", "WeakSignal", "0x0000")]
    calm += [{"techInfo": said} for said in ("Derating", "Network connection lost", "Contactor not welded")]
    for variable in ("Temperature", "Power", "Voltage", "Whatever"):
        for said in (*broken, *calm):
            for more in ({"trigger": "Alerting"}, {"trigger": "Alerting", "severity": 6}, {"trigger": "Delta"}):
                meant = meaning(events(event("EVSE", variable, "95", **said, **more)))
                is_told = said in broken and more == {"trigger": "Alerting"}
                assert (meant == f"raise {OTHER}") is is_told, (variable, said, more, meant)


@pytest.mark.parametrize("component", ["EVSE", "Connector", "Fan"])
@pytest.mark.parametrize("variable", ["Availability", "Mode", "Condition", "Whatever"])
def test_faulted_is_told_in_whatever_variable_and_ends_in_it(point: ChargePoint, component: str, variable: str) -> None:
    for number, value in enumerate(("Faulted", "Available")):
        say(point, events(event(component, variable, value)), now=at(number))
        assert open_cases(point) == [OTHER] * (value == "Faulted")


@pytest.mark.parametrize(
    ("component", "variable"),
    [
        *(("EVSE", name) for name in ("AlarmActive", "Problems", "ErrorState", "IsFaulted", "OvervoltageFault")),
        *(("AlarmCtrlr", "Active"), ("FaultManager", "Active"), ("CustomErrors", "E1")),
    ],
)
def test_a_variable_that_names_a_problem_is_told_while_it_is_on(
    point: ChargePoint, component: str, variable: str
) -> None:
    for number, value in enumerate(("true", "false", "Active", "Inactive")):
        say(point, events(event(component, variable, value, trigger="Alerting")), now=at(number))
        assert open_cases(point) == [OTHER] * (number % 2 == 0)


@pytest.mark.parametrize(
    ("component", "variable"),
    [
        *(("EVSE", name) for name in ("AlarmEnabled", "StopOnError", "ErrorReportSupported", "HasDefault")),
        *(("AlarmCtrlr", "Enabled"), ("AlarmCtrlr", "ClearAlarm"), ("EVSE", "AlarmThreshold"), ("EVSE", "ErrorCount")),
    ],
)
def test_what_is_set_or_counted_of_problems_is_none(component: str, variable: str) -> None:
    for value in ("true", "5", "1"):
        assert not meaning(events(event(component, variable, value, trigger="Alerting"))).startswith("raise")


@pytest.mark.parametrize("variable", ["Message", "Description", "Text"])
def test_the_text_of_an_alert_is_read(variable: str) -> None:
    for said, case in (("RCD tripped", FUSE), ("Door open", SENSORS), ("Contactor welded", OTHER)):
        assert meaning(events(event("EVSE", variable, said, trigger="Alerting"))) == f"raise {case}"
        assert meaning(events(event("EVSE", variable, said, trigger="Delta"))) == "life"
        displayed = event("DisplayMessageCtrlr", variable, said, trigger="Alerting")
        assert not meaning(events(displayed)).startswith("raise")


@pytest.mark.parametrize(
    ("component", "variable", "value", "case"),
    [
        ("OverCurrentProtection", "State", "Tripped", FUSE),
        ("RCD", "Status", "tripped", FUSE),
        ("EmergencyStopSensor", "State", "Pressed", FUSE),
        ("AccessBarrier", "DoorState", "open", SENSORS),
        ("Cabinet", "DoorStatus", "Opened", SENSORS),
        ("TiltSensor", "State", "Tilted", SENSORS),
        ("ChargingStation", "LastError", "RCD tripped", FUSE),
        ("EVSE", "Fault", "RCD tripped", FUSE),
        ("EVSE", "AlarmText", "Door open", SENSORS),
        ("EVSE", "State", "EmergencyStop", FUSE),
        ("EVSE", "ErrorMessage", "Ground fault detected", FUSE),
        ("EVSE", "ErrorCode", "12", OTHER),
        ("CaseAccessSensor", "State", "Open", SENSORS),
        ("SmokeSensor", "State", "Activated", SENSORS),
        ("EmergencyStopSensor", "Status", "Latched", FUSE),
        ("PowerContactor", "State", "Welded", OTHER),
    ],
)
def test_words_of_a_value_are_read(component: str, variable: str, value: str, case: str) -> None:
    assert meaning(events(event(component, variable, value))) == f"raise {case}"


@pytest.mark.parametrize(
    ("component", "variable", "value"),
    [
        *(("EVSE", "State", "Idle"), ("EVSE", "State", "Charging"), ("OverCurrentProtection", "State", "Closed")),
        *(
            ("EmergencyStopSensor", "State", "Idle"),
            ("EmergencyStopSensor", "State", "Monitoring"),
            ("RCD", "State", "OK"),
        ),
        *(("AccessBarrier", "DoorState", "closed"), ("Fan", "State", "Running"), ("PowerContactor", "State", "Open")),
        *(("FirmwareCtrlr", "UpdateStatus", "Failed"), ("ChargingStation", "LastError", ""), ("EVSE", "State", "17")),
        *(("ChargingStation", "LastError", "none"), ("ConnectorPlugRetentionLock", "State", "Locked")),
        *(("EVSE", "DefaultMessage", "door open"), ("EVSE", "State", ""), ("EVSE", "ErrorCode", "0")),
    ],
)
def test_calm_value_raises_nothing(component: str, variable: str, value: str) -> None:
    for trigger in ("Delta", "Periodic"):
        assert meaning(events(event(component, variable, value, trigger=trigger))) == "life"
    assert not meaning(events(event(component, variable, value, trigger="Alerting"))).startswith("raise")


@pytest.mark.parametrize("variable", STATES)
def test_state_is_shown_and_ends_as_availability_state_does(point: ChargePoint, variable: str) -> None:
    for number, value in enumerate(("Faulted", "Available", "Faulted", "Charging")):
        say(point, events(event("EVSE", variable, value)), now=at(number))
        assert open_cases(point) == ([OTHER] if value == "Faulted" else [])
        assert ChargePointState.objects.get(charge_point=point).status == value


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (event("Fan", "State", "Failed"), event("Fan", "State", "Running")),
        (event("AccessBarrier", "DoorState", "open"), event("AccessBarrier", "DoorState", "closed")),
        (event("EVSE", "State", "Fault"), event("EVSE", "State", "Idle")),
        (event("EVSE", "LastError", "RCD tripped"), event("EVSE", "LastError", "")),
        (event("EVSE", "ErrorCode", "12", techCode="GroundFailure"), event("EVSE", "ErrorCode", "0")),
    ],
)
def test_value_that_says_that_all_is_well_ends_what_it_said(
    point: ChargePoint, first: dict[str, Any], last: dict[str, Any]
) -> None:
    say(point, events(first))
    assert len(open_cases(point)) == 1
    say(point, events(last), now=at(1))
    assert open_cases(point) == []


@pytest.mark.parametrize(
    ("component", "variable", "value", "case", "fine"),
    [
        ("EVSE", "AvailabilityState", "Faulted", OTHER, "Available"),
        ("EVSE", "Problem", "true", OTHER, "false"),
        ("RCD", "Tripped", True, FUSE, False),
        ("TiltSensor", "Active", "true", SENSORS, "false"),
        ("Connector", "State", "Fault", OTHER, "Idle"),
    ],
)
def test_report_of_all_variables_says_what_is_broken_at_present(
    point: ChargePoint, component: str, variable: str, value: Any, case: str, fine: Any
) -> None:
    said: dict[str, Any] = {"action": "NotifyReport", "protocol": "ocpp2.0.1"}
    say(point, report(component, variable, value), **said)
    assert open_cases(point) == [case]
    say(point, report(component, variable, value, type="MaxSet"), now=at(1), **said)
    assert open_cases(point) == [case]
    say(point, report(component, variable, fine), now=at(2), **said)
    assert open_cases(point) == []


@pytest.mark.parametrize(
    ("kind", "info", "means"),
    [
        ("EmergencyStopPressed", "", f"raise {FUSE}"),
        ("DoorOpened", "cabinet door open", f"raise {SENSORS}"),
        ("Vendor_GroundFault", "Ground fault L1", f"raise {FUSE}"),
        ("CustomEvent", "RCD tripped", f"raise {FUSE}"),
        ("EmergencyStopReleased", "", f"clear {FUSE}"),
        ("CustomEvent", "RCD OK", f"clear {FUSE}"),
        ("FirmwareUpdated", "Emergency stop module 2.4", "info"),
        ("InvalidFirmwareSignature", "fw 2.4", "unmapped"),
    ],
)
def test_security_event_of_a_maker_is_read_by_its_words(kind: str, info: str, means: str) -> None:
    for protocol in ("ocpp1.6", "ocpp2.0.1"):
        assert meaning({"type": kind, "techInfo": info}, "SecurityEventNotification", protocol) == means


def test_security_event_that_names_a_fault_ends_by_time(point: ChargePoint) -> None:
    said = {"type": "EmergencyStopPressed", "timestamp": at(0).isoformat()}
    say(point, said, action="SecurityEventNotification", protocol="ocpp2.0.1")
    assert open_cases(point) == [FUSE]
    sweep(at(3_700))
    assert FUSE not in open_cases(point)


@pytest.mark.parametrize("in_report", [False, True])
@pytest.mark.parametrize(("component", "variable"), [("Connector", "Problem"), ("GroundFaultProtection", "Tripped")])
def test_each_connector_of_an_evse_has_its_own_faults(
    point: ChargePoint, component: str, variable: str, in_report: bool
) -> None:
    def tell(seconds: float, *values: tuple[int | None, str]) -> None:
        data = []
        for connector, value in values:
            one = (
                report(component, variable, value)["reportData"][0] if in_report else event(component, variable, value)
            )
            one["component"]["evse"] = {"id": 1} | ({"connectorId": connector} if connector else {})
            data.append(one)
        if in_report:
            whole = report(component, variable, "") | {"reportData": data}
            say(point, whole, now=at(seconds), action="NotifyReport", protocol="ocpp2.0.1")
        else:
            say(point, events(*data), now=at(seconds))

    tell(0, (2, "true"), (1, "false"))
    assert len(open_cases(point)) == 1
    tell(1, (1, "true"))
    tell(2, (1, "false"))
    assert len(open_cases(point)) == 1
    tell(3, (2, "false"))
    assert open_cases(point) == []
    # One that names no connector speaks of them all.
    tell(4, (2, "true"))
    tell(5, (None, "false"))
    assert open_cases(point) == []
