"""Faults that lists of codes, reasons, security events and odd codes name: each is told as what it is."""

from __future__ import annotations

from typing import Any

import pytest

from infra_notifications.models import ChargePoint, Incident
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import at, event, events, fault, fine, open_cases, say
from tests.infra_notifications.test_mapping_seed import meaning

pytestmark = pytest.mark.django_db
FUSE, SENSORS, OTHER = "FUSE_TRIPPED", "SENSORS", "OTHER_FAULT"


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory()


@pytest.mark.parametrize(
    ("codes", "cases"),
    [
        *(("EmergencyStop,DoorOpen", [FUSE, SENSORS]), ("DoorOpen; EmergencyStop", [FUSE, SENSORS])),
        *(("CX002,CX026", [FUSE, SENSORS]), ("17,EmergencyStop,DoorOpen", [FUSE, SENSORS])),
        *(("EmergencyStop,17", [FUSE]), ("17,18", [OTHER]), ("No DoorOpen,EmergencyStop", [FUSE])),
    ],
)
@pytest.mark.parametrize(("code", "status"), [("OtherError", "Faulted"), ("NoError", "Charging")])
def test_each_code_of_a_list_has_its_case_and_ends(
    point: ChargePoint, code: str, status: str, codes: str, cases: list[str]
) -> None:
    say(point, fault(code, status=status, vendorErrorCode=codes))
    assert open_cases(point) == (cases if cases != [OTHER] or status == "Faulted" else [])
    say(point, fault(code, status=status, vendorErrorCode=codes), now=at(1))
    assert Incident.objects.count() == len(open_cases(point))
    say(point, fine(), now=at(2))
    assert open_cases(point) == []


def test_each_code_of_an_event_has_its_case_and_ends(point: ChargePoint) -> None:
    codes = {"techCode": "EmergencyStop,DoorOpen"}
    say(point, events(event("EVSE", "Problem", **codes)))
    assert open_cases(point) == [FUSE, SENSORS]
    say(point, events(event("EVSE", "Problem", "false", **codes)), now=at(1))
    assert open_cases(point) == []


SEEN_AS_NORMAL = [
    *(("RCD", "Operated"), ("OverCurrentProtection", "Operated"), ("PowerContactor", "Active"), ("DataLink", "Active")),
    *(("BayOccupancySensor", "Active"), ("VehicleIdSensor", "Active"), ("ConnectorHolsterSensor", "Active")),
]


@pytest.mark.parametrize(("component", "variable"), SEEN_AS_NORMAL)
@pytest.mark.parametrize("trigger", ["Delta", "Alerting"])
def test_code_beside_what_is_normal_is_told_where_it_names_a_fault(component: str, variable: str, trigger: str) -> None:
    def told(code: str, **more: Any) -> str:
        return meaning(events(event(component, variable, techCode=code, trigger=trigger, **more)))

    for case, codes in {
        FUSE: ("OverCurrent", "GroundFailure", "OverCurrentFailure", "RCDTripped"),
        SENSORS: ("OverTemperature", "HighTemperature"),
        OTHER: ("PowerSwitchFailure", "RelayFault", "InternalError", "ContactorWelded", "RELAY_STUCK"),
    }.items():
        assert {code: told(code) for code in codes} == dict.fromkeys(codes, f"raise {case}")
    for code in ("NoError", "0", "AutoReclosed", "EVCommunicationError", "WeakSignal", "NoFault", "FaultCleared"):
        assert told(code) == "info", code
    assert told("OverCurrent", techInfo="Breaker opened and auto-reclosed") == f"raise {FUSE}"


def test_what_is_but_a_moment_ends_by_itself(point: ChargePoint) -> None:
    say(point, events(event("OverCurrentProtection", "Operated", techCode="OverCurrent")))
    incident = Incident.objects.get()
    assert (open_cases(point), incident.ends_at is None) == ([FUSE], False)


FAULTS = {
    FUSE: ["RCDTripped", "GroundFailure", "OverCurrentFailure", "EmergencyButton"],
    SENSORS: ["OverTemperature", "HighTemperature", "over_temperature", "Overheating"],
    OTHER: [
        *("TemperatureFault", "InternalError", "HardwareError", "ContactorWelded", "UnderVoltage", "OtherError"),
        *("PowerModuleFailure", "ConnectorLockFailure", "Störung"),
    ],
}
OF_OTHERS = """
    Local Remote PowerLoss PowerQuality EVDisconnected DeAuthorized HardReset SoftReset Reboot Other UnlockCommand
    EnergyLimitReached ImmediateReset MasterPass LocalOutOfCredit SOCLimitReached StoppedByEV TimeLimitReached Timeout
    EVCommunicationError VehicleError AuthorizationError PaymentError BMSError EVConnectTimeout NoError FaultCleared
"""


def stop(reason: str) -> dict[str, Any]:
    return {"meterStop": 1, "timestamp": at(0).isoformat(), "transactionId": 7, "reason": reason}


def test_reason_that_names_a_fault_is_told_and_others_are_not(point: ChargePoint) -> None:
    for case, reasons in FAULTS.items():
        assert {reason: meaning(stop(reason), "StopTransaction") for reason in reasons} == dict.fromkeys(
            reasons, f"raise {case}"
        )
    for reason in OF_OTHERS.split():
        say(point, stop(reason), action="StopTransaction")
        ended = {"transactionId": "t", "stoppedReason": reason}
        more = {"eventType": "Ended", "seqNo": 3, "timestamp": at(0).isoformat(), "transactionInfo": ended}
        say(point, more | {"evse": {"id": 1}, "triggerReason": reason}, action="TransactionEvent", protocol="ocpp2.0.1")
    assert not Incident.objects.exists()


@pytest.mark.parametrize("code", ["0x00", "0x0000", "NoErr", "Normal operation", "NO_ERROR", "0", "None"])
def test_code_that_says_nothing_is_no_error(point: ChargePoint, code: str) -> None:
    say(point, fault("GroundFailure"))
    say(point, fault(code, status="Available"), now=at(1))
    assert open_cases(point) == []
    say(point, fault(code, status="Charging"), now=at(2))
    assert open_cases(point) == []


def test_security_event_that_names_a_fault_is_told_and_attempts_are_not() -> None:
    def told(kind: str) -> str:
        return meaning({"type": kind, "timestamp": at(0).isoformat()}, "SecurityEventNotification")

    for kind in ("HardwareFault", "CriticalError", "PowerLoss", "InternalError", "critical_error"):
        assert told(kind) == f"raise {OTHER}", kind
    for kind in ("LoginFailure", "TLSError", "CertificateError", "FirmwareUpdated", "UpdateError", "FaultCleared"):
        assert not told(kind).startswith("raise"), kind
