"""Statuses that are none of OCPP's, and vendors' codes beside codes of a warning: what names a fault is told."""

from __future__ import annotations

from typing import Any

import pytest

from infra_notifications.models import ChargePoint, ChargePointMessage
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import at, event, events, fault, fine, open_cases, say, unmapped

pytestmark = pytest.mark.django_db
FUSE, SENSORS, OTHER = "FUSE_TRIPPED", "SENSORS", "OTHER_FAULT"
STATED = {
    FUSE: ["Faulted (GroundFailure)", "Faulted/GroundFailure", "RCD_TRIPPED", "EmergencyStop", "Faulted: RCD tripped"],
    SENSORS: ["DoorOpen", "Overtemperature", "Faulted - door open"],
    OTHER: [
        *("Connector Faulted", "Not available (fault)", "InternalFault", "Safety fault", "HardwareError", "Error 17"),
        *("ErrorState", "Störung Typ B", "Verriegelungsfehler", "Faulty connector", "Connecteur en défaut"),
    ],
}
STATUSES = [(status, case) for case, statuses in STATED.items() for status in statuses]
UNKNOWN = ["Idle", "Booting", "No fault", "PaymentFailed"]


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory()


def connector_status(value: str) -> dict[str, Any]:
    return {"timestamp": at(0).isoformat(), "connectorStatus": value, "evseId": 1, "connectorId": 1}


def availability(value: str, variable: str = "AvailabilityState") -> dict[str, Any]:
    return events(event("EVSE", variable, value))


@pytest.mark.parametrize(("status", "case"), STATUSES)
def test_status_that_names_a_fault_is_faulted_with_the_rest_as_its_words(
    point: ChargePoint, status: str, case: str
) -> None:
    for number, (stated, over) in enumerate(
        [
            (fault("NoError", status=status), fine()),
            (connector_status(status), connector_status("Available")),
            (availability(status), availability("Available")),
            (availability(status, "State"), availability("Idle", "State")),
        ]
    ):
        say(point, stated, now=at(number * 10))
        assert open_cases(point) == [case], stated
        say(point, over, now=at(number * 10 + 5))
        if not (case == SENSORS and number == 3):  # "DoorOpen" of a State is no state of what one charges at
            assert open_cases(point) == [], stated


def test_vendors_message_that_states_a_fault_of_a_connector_is_read(point: ChargePoint) -> None:
    for number, (status, case) in enumerate((("Faulted (RCD)", FUSE), ("InternalFault", OTHER))):
        data = {"vendorId": "x", "messageId": "ConnectorStatus", "data": {"connectorId": 1, "status": status}}
        say(point, data, action="DataTransfer", now=at(number * 2))
        assert open_cases(point) == [case]
        say(point, fine(), now=at(number * 2 + 1))


@pytest.mark.parametrize("status", UNKNOWN)
def test_status_that_nobody_knows_is_listed_and_ends_nothing(point: ChargePoint, status: str) -> None:
    say(point, fault("GroundFailure"))
    say(point, connector_status("Faulted"), now=at(1))
    for seconds, stated in enumerate((fault("NoError", status=status), connector_status(status))):
        taken = say(point, stated, now=at(seconds + 2))
        assert "no status of OCPP" in str(taken.warnings)
        assert ChargePointMessage.objects.latest("id").verdict == "unmapped"
    assert open_cases(point) == [FUSE]
    assert any(status in said for said in unmapped()), unmapped()


def test_state_of_2_x_that_nobody_knows_is_listed_and_warned_of(point: ChargePoint) -> None:
    taken = say(point, availability("Booting"))
    assert "no status of OCPP" in str(taken.warnings)
    assert any("Booting" in said for said in unmapped())


@pytest.mark.parametrize("code", ["EVCommunicationError", "WeakSignal", "LocalListConflict", "NoError"])
@pytest.mark.parametrize(
    ("named", "case"),
    [("EmergencyStop", FUSE), ("RCDTripped", FUSE), ("CX002", FUSE), ("DoorOpen", SENSORS)],
)
@pytest.mark.parametrize("status", ["Preparing", "Charging", "Unavailable"])
def test_vendors_code_that_names_a_fault_counts_beside_a_warning_as_beside_no_error(
    point: ChargePoint, status: str, named: str, case: str, code: str
) -> None:
    say(point, fault(code, status=status, vendorErrorCode=named))
    assert open_cases(point) == [case]
    say(point, fault("EVCommunicationError", status=status, vendorErrorCode=named), now=at(1))
    assert open_cases(point) == [case], "it does not end what it names"
    say(point, fault("NoError", status="Available"), now=at(2))
    assert open_cases(point) == []


@pytest.mark.parametrize("code", ["EVCommunicationError", "WeakSignal", "LocalListConflict"])
@pytest.mark.parametrize("more", [{"vendorErrorCode": "17"}, {"info": "RCD self test"}, {"info": "Fuse tripped"}, {}])
def test_warning_without_such_a_code_alarms_nobody(point: ChargePoint, more: dict[str, Any], code: str) -> None:
    for status in ("Preparing", "Charging", "Unavailable"):
        say(point, fault(code, status=status, **more))
    assert open_cases(point) == []


@pytest.mark.parametrize(
    "said",
    [
        *("last fault: RCD tripped", "letzter Fehler: RCD ausgelöst", "lastError=RCD tripped", "rcd_tripped=false"),
        *("RCD tripped: 0", "residual current 2.1 mA", "Tilt 0.2deg", "EmergencyStop=0"),
    ],
)
def test_what_is_past_measured_or_not_so_beside_no_error_neither_raises_nor_keeps(
    point: ChargePoint, said: str
) -> None:
    say(point, fine(status="Charging", info=said))
    assert open_cases(point) == []
    say(point, fine(status="Charging", info="RCD tripped"), now=at(1))
    assert open_cases(point) == [FUSE]
    say(point, fine(status="Charging", info=said), now=at(2))
    assert open_cases(point) == []
