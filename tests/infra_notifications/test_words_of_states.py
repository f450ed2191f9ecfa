"""States in words of makers, and what beside them names a fault or its end."""

from typing import Any

import pytest

from infra_notifications.models import ChargePoint, ChargePointState
from tests.infra_notifications.helpers import at, fault, fine, open_cases, say
from tests.infra_notifications.test_standing_faults import FUSE, OTHER, SENSORS, point

__all__ = ["point"]
pytestmark = pytest.mark.django_db
SECURITY: dict[str, Any] = {"action": "SecurityEventNotification", "protocol": "ocpp2.0.1"}


@pytest.mark.parametrize("status", ["Fauleted", "Faultd", "FAULTTED", "Fuallted", "ChargePointStatus.Fauted"])
def test_word_that_is_nearly_faulted_is_faulted(point: ChargePoint, status: str) -> None:
    assert "Faulted" in str(say(point, fine(status=status)).warnings)
    assert open_cases(point) == [OTHER]


@pytest.mark.parametrize(
    "status",
    [
        *("Unavailable", "OutOfService", "out of service", "Inoperative", "INOPERATIVE", "Außer Betrieb"),
        *("hors service", "fuera de servicio", "buiten gebruik", "fuori servizio", "Ausser Betrieb"),
    ],
)
def test_out_of_service_is_unavailable(point: ChargePoint, status: str) -> None:
    """As OCPP's own word: no case by itself, an error beside it is one, and NoError beside it ends that."""
    intake = say(point, fine(status=status))
    assert open_cases(point) == []
    assert ChargePointState.objects.get(charge_point=point).status == "Unavailable"
    assert status == "Unavailable" or "Unavailable" in str(intake.warnings)
    say(point, fault("GroundFailure") | {"status": status}, now=at(1))
    assert open_cases(point) == [FUSE]
    say(point, fine(status=status), now=at(2))
    assert open_cases(point) == []


@pytest.mark.parametrize("status", ["Charging", "SuspendedEVSE", "Unavailable", "Faulted"])
@pytest.mark.parametrize(
    ("beside", "case"),
    [
        ({"info": "CX002"}, FUSE),
        ({"info": "MREC8: EmergencyStop"}, FUSE),
        ({"info": "Error MREC-3"}, SENSORS),
        ({"info": "CX014"}, OTHER),
        ({"vendorErrorCode": "CX017"}, OTHER),
        ({"info": "Emergncy stop presed"}, FUSE),
        ({"info": "Insulaton failure"}, FUSE),
        ({"info": "Overtemprature"}, SENSORS),
    ],
)
def test_code_in_a_text_and_a_wrong_letter_are_heard_beside_no_error(
    point: ChargePoint, status: str, beside: dict[str, str], case: str
) -> None:
    say(point, fine(status=status, **beside))
    assert open_cases(point) == [case]
    say(point, fine(status="Available", **beside), now=at(1))
    assert open_cases(point) == [], "Available: that is what was left over of it"


@pytest.mark.parametrize(
    "info",
    [
        *("CX002 cleared", "MREC8 EmergencyStop released", "CX013", "CX007", "no CX002", "CX0021", "firmware CX002b"),
        *("Emergncy stop relesed", "No residual curent detectd"),
    ],
)
def test_code_that_is_over_or_of_the_network_is_calm_beside_no_error(point: ChargePoint, info: str) -> None:
    say(point, fine(status="Charging", info=info))
    assert open_cases(point) == []


@pytest.mark.parametrize(
    ("begins", "ends", "case"),
    [
        ("DoorOpened", "DoorClosed", SENSORS),
        ("CabinetDoorOpen", "DoorClosed", SENSORS),
        ("TamperDetectionActivated", "TamperingEnded", SENSORS),
        ("TamperingStarted", "TamperingStopped", SENSORS),
        ("CoverOpened", "CoverClosed", SENSORS),
        ("TiltDetected", "TiltRestored", SENSORS),
        ("EmergencyStopPressed", "EmergencyStopReleased", FUSE),
        ("Vendor_RCDTripped", "Vendor_RCDRearmed", FUSE),
    ],
)
def test_security_event_ends_what_its_counterpart_began(point: ChargePoint, begins: str, ends: str, case: str) -> None:
    say(point, {"type": begins, "timestamp": at(0).isoformat()}, **SECURITY)
    assert open_cases(point) == [case]
    say(point, {"type": "FirmwareUpdated", "timestamp": at(1).isoformat()}, now=at(1), **SECURITY)
    assert open_cases(point) == [case]
    say(point, {"type": ends, "timestamp": at(2).isoformat()}, now=at(2), **SECURITY)
    assert open_cases(point) == []


def test_security_event_ends_nothing_of_another_kind(point: ChargePoint) -> None:
    say(point, {"type": "TiltDetected", "timestamp": at(0).isoformat()}, **SECURITY)
    say(point, fault("OtherError", info="Door open"), now=at(1))
    say(point, {"type": "DoorClosed", "timestamp": at(2).isoformat()}, now=at(2), **SECURITY)
    assert open_cases(point) == [SENSORS], "neither the tilt nor what a status still tells"
    say(point, {"type": "TiltRestored", "timestamp": at(3).isoformat()}, now=at(3), **SECURITY)
    assert open_cases(point) == [SENSORS], "the door is open still, as the status told"
    say(point, fine(), now=at(4))
    assert open_cases(point) == []
