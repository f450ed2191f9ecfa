"""The end of a fault of one connector, EVSE or monitor ends nothing that another holds, whoever names it how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePoint
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import at, event, events, fault, fine, message, open_cases, take

pytestmark = pytest.mark.django_db

FUSE, OTHER, SENSORS = "FUSE_TRIPPED", "OTHER_FAULT", "SENSORS"
STATION = "CP-ONE"
NAMES: list[dict[str, Any]] = [{"station": STATION}, {"charge_point": "DE*ONE*E1"}]


def state(value: str, evse: int = 1, connector: int | None = 1) -> dict[str, Any]:
    """A StatusNotification of OCPP 2.x."""
    said = {"timestamp": at(0).isoformat(), "connectorStatus": value, "evseId": evse, "connectorId": connector}
    return {key: given for key, given in said.items() if given is not None}


def place(name: str, evse: int | None = 1, connector: int | None = None) -> dict[str, Any]:
    """A component of OCPP 2.x."""
    where = {key: number for key, number in (("id", evse), ("connectorId", connector)) if number is not None}
    return {"name": name} | ({"evse": where} if where else {})


def part(component: dict[str, Any], variable: str, value: str = "true", **more: Any) -> dict[str, Any]:
    """An element of `eventData` about this component."""
    return event("", variable, value, **more) | {"component": component}


def is_so(value: str, name: str, connector: int | None = None, evse: int | None = 1, **more: Any) -> dict[str, Any]:
    return part(place(name, evse, connector), "AvailabilityState", value, **more)


def report(*data: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A NotifyReport of availability states."""
    parts = [
        {
            "component": component,
            "variable": {"name": "AvailabilityState"},
            "variableAttribute": [{"type": "Actual", "value": value}],
        }
        for value, component in data
    ]
    return {"requestId": 1, "generatedAt": at(0).isoformat(), "seqNo": 0, "reportData": parts}


# ---- a charge point without a connector ------------------------------------------------------------------------------


@pytest.fixture
def alone() -> ChargePoint:
    """A charge point that does not tell which of its station's connectors it is."""
    return ChargePointFactory(evse_id="DE*ONE*E1", station=STATION, connector=None)


def says(payload: dict[str, Any], named: dict[str, Any], **more: Any) -> OcppMessage:
    return message("", payload, **({"charge_point": None} | named | more))


@pytest.mark.parametrize("named", NAMES)
@pytest.mark.parametrize("status", ["Available", "Charging", "Preparing"])
@pytest.mark.parametrize("at_once", [True, False])
def test_status_of_another_connector_of_1_6_ends_nothing(
    alone: ChargePoint, named: dict[str, Any], status: str, at_once: bool
) -> None:
    raised = says(fault("GroundFailure"), named)
    others = [
        says(fine(connectorId=2, status=status), named),
        says(fault("WeakSignal", connectorId=2, status=status), named),
    ]
    if at_once:
        take(raised, *others)
    else:
        take(raised)
        take(*others, now=at(5))
    assert open_cases(alone) == [FUSE]
    alone.state.refresh_from_db()
    assert alone.state.status == "Faulted"
    take(says(fine(), named), now=at(10))
    alone.state.refresh_from_db()
    assert (open_cases(alone), alone.state.status) == ([], "Available")


@pytest.mark.parametrize("named", NAMES)
@pytest.mark.parametrize(
    "raising", [state("Faulted"), events(is_so("Faulted", "Connector", 1)), events(is_so("Faulted", "EVSE"))]
)
@pytest.mark.parametrize("other", [state("Available", 2), events(is_so("Available", "EVSE", evse=2))])
def test_status_of_another_evse_ends_nothing(
    alone: ChargePoint, named: dict[str, Any], raising: dict[str, Any], other: dict[str, Any]
) -> None:
    take(says(raising, named), says(other, named))
    assert open_cases(alone) == [OTHER]
    if "EVSE" in str(raising):
        take(says(events(is_so("Available", "EVSE")), named), now=at(10))
    else:
        take(says(state("Available"), named), now=at(10))
    assert open_cases(alone) == []


@pytest.mark.parametrize("named", NAMES)
def test_transaction_that_a_fault_ended_is_of_its_connector(alone: ChargePoint, named: dict[str, Any]) -> None:
    start = {"connectorId": 1, "idTag": "a", "meterStart": 0, "timestamp": at(0).isoformat()}
    stop = {"transactionId": 7, "meterStop": 9, "timestamp": at(5).isoformat(), "reason": "EmergencyStop"}
    take(says(start, named, action="StartTransaction"))
    take(says({"connectorId": 1, "transactionId": 7, "meterValue": []}, named, action="MeterValues"), now=at(1))
    take(says(stop, named, action="StopTransaction"), says(fine(connectorId=2), named), now=at(5))
    assert open_cases(alone) == [FUSE]
    take(says(fine(), named), now=at(10))
    assert open_cases(alone) == []


@pytest.mark.parametrize("named", NAMES)
def test_vendors_alarm_of_another_connector_ends_nothing(alone: ChargePoint, named: dict[str, Any]) -> None:
    def alarm(connector: int, state: str) -> OcppMessage:
        data = {"alarm": "DoorOpen", "state": state, "connectorId": connector}
        return says({"vendorId": "v", "messageId": "Alarm", "data": data}, named, action="DataTransfer")

    take(alarm(1, "on"), alarm(2, "off"))
    assert open_cases(alone) == [SENSORS]
    take(alarm(1, "off"), now=at(1))
    assert open_cases(alone) == []


def test_raise_that_comes_late_is_not_over_because_another_connector_is_well(alone: ChargePoint) -> None:
    take(says(fine(connectorId=2), NAMES[0], received_at=at(10).isoformat()), now=at(10))
    take(says(fault("GroundFailure"), NAMES[0], received_at=at(5).isoformat()), now=at(12))
    assert open_cases(alone) == [FUSE]


def test_what_was_open_before_its_connector_was_known_ends_by_that(alone: ChargePoint) -> None:
    take(says(fault("GroundFailure"), NAMES[0]))
    alone.connector = 1
    alone.save()
    take(says(fine(), NAMES[0]), now=at(1))
    assert open_cases(alone) == []


# ---- an EVSE and its connectors --------------------------------------------------------------------------------------


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory(evse_id="DE*TWO*E1", station="CP-TWO", connector=1)


def tell(point: ChargePoint, *payloads: dict[str, Any], seconds: float = 0) -> None:
    two: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: (  # noqa: E731
        {"protocol": "ocpp2.1"} | ({"action": "NotifyReport"} if "reportData" in body else {})
    )
    take(*(message(point, body, **two(body)) for body in payloads), now=at(seconds))


CONNECTOR_FAULTS = [
    (state("Faulted"), OTHER),
    (events(is_so("Faulted", "Connector", 1)), OTHER),
    (events(is_so("Faulted", "Connector", 1, techCode="GroundFailure", trigger="Alerting")), FUSE),
    (report(("Faulted", place("Connector", 1, 1))), OTHER),
]
WORDS_OF_OTHERS = [
    events(is_so("Available", "EVSE")),
    events(is_so("Occupied", "EVSE")),
    events(is_so("Available", "Connector", 2)),
    events(is_so("Available", "ChargingStation", evse=None)),
    state("Available", 1, None),
    state("Available", 1, 2),
    report(("Available", place("EVSE"))),
]


@pytest.mark.parametrize(("raising", "case"), CONNECTOR_FAULTS)
@pytest.mark.parametrize("other", WORDS_OF_OTHERS)
def test_evse_or_neighbour_does_not_end_the_fault_of_a_connector(
    point: ChargePoint, raising: dict[str, Any], case: str, other: dict[str, Any]
) -> None:
    tell(point, raising, other)
    point.state.refresh_from_db()
    assert (open_cases(point), point.state.status) == ([case], "Faulted")
    tell(point, state("Available"), seconds=5)
    assert open_cases(point) == []


def test_one_message_that_tells_of_all(point: ChargePoint) -> None:
    parts = [is_so("Faulted", "Connector", 1), is_so("Available", "Connector", 2), is_so("Available", "EVSE")]
    tell(point, events(*parts))
    assert open_cases(point) == [OTHER]


@pytest.mark.parametrize("raising", [events(is_so("Faulted", "EVSE")), report(("Faulted", place("EVSE")))])
@pytest.mark.parametrize(
    "other",
    [state("Available"), events(is_so("Available", "Connector", 2)), report(("Available", place("Connector", 1, 2)))],
)
def test_connector_does_not_end_the_fault_of_its_evse(
    point: ChargePoint, raising: dict[str, Any], other: dict[str, Any]
) -> None:
    tell(point, raising, other)
    assert open_cases(point) == [OTHER]
    tell(point, events(is_so("Available", "EVSE")), seconds=5)
    assert open_cases(point) == []


def test_station_of_another_version_of_ocpp_ends_what_it_had_reported(point: ChargePoint) -> None:
    tell(point, fault("GroundFailure"))
    tell(point, state("Available"), seconds=5)
    assert open_cases(point) == []


@pytest.mark.parametrize(
    ("of", "by", "is_over"), [(None, None, True), (1, None, True), (1, 1, True), (1, 2, False), (None, 2, False)]
)
def test_part_of_a_connector(point: ChargePoint, of: int | None, by: int | None, is_over: bool) -> None:
    tell(point, events(part(place("Contactor", 1, of), "Problem")))
    tell(point, events(part(place("Contactor", 1, by), "Problem", "false")), seconds=5)
    assert (open_cases(point) == []) == is_over


# ---- several monitors of one variable --------------------------------------------------------------------------------


def hot(monitor: int | None, value: str = "96", *, over: bool = False, **more: Any) -> dict[str, Any]:
    """What a monitor of a temperature says."""
    given = {"trigger": "Alerting", "variableMonitoringId": monitor, "cleared": over, "severity": 2} | more
    return events(event("TemperatureSensor", "Temperature", value, **given))


def test_monitor_ends_its_own_fault_alone(point: ChargePoint) -> None:
    tell(point, hot(1, "85", severity=4), hot(2))
    tell(point, hot(2, "88", over=True), seconds=5)
    assert len(open_cases(point)) == 1
    tell(point, hot(1, "70", over=True), seconds=6)
    assert open_cases(point) == []


def test_end_without_a_monitor_is_of_all(point: ChargePoint) -> None:
    tell(point, hot(1), hot(2), hot(None, "70", over=True))
    assert open_cases(point) == []


def test_value_that_is_well_is_so_for_all_monitors(point: ChargePoint) -> None:
    tell(point, events(event("Contactor", "Problem", variableMonitoringId=1)))
    tell(point, events(event("Contactor", "Problem", variableMonitoringId=2)), seconds=1)
    tell(point, events(event("Contactor", "Problem", "false", variableMonitoringId=2)), seconds=2)
    assert open_cases(point) == []


@pytest.mark.parametrize("code", ["NoError", "0", "", "OK", "none", "0x00", "Cleared", "Restored", "-", None])
@pytest.mark.parametrize("named", ["E1", "E1,E2", "OverCurrent", "NoError", "0", None])
def test_code_that_says_that_nothing_is_left_ends_what_any_code_named(
    point: ChargePoint, named: str | None, code: str | None
) -> None:
    tell(point, events(event("EVSE", "Problem", techCode=named)))
    assert len(open_cases(point)) == 1
    tell(point, events(event("EVSE", "Problem", "false", evse=2, techCode=code)), seconds=1)
    assert len(open_cases(point)) == 1
    tell(point, events(event("EVSE", "Problem", "false", techCode=code)), seconds=2)
    assert open_cases(point) == []
    tell(point, hot(7, techCode=named), hot(8, techCode=named), hot(7, over=True, techCode=code), seconds=3)
    assert len(open_cases(point)) == 1
    tell(point, hot(8, over=True, techCode=code, techInfo="No error"), seconds=4)
    assert open_cases(point) == []


def test_another_code_still_ends_nothing(point: ChargePoint) -> None:
    tell(point, events(event("EVSE", "Problem", techCode="E1")))
    tell(point, events(event("EVSE", "Problem", "false", techCode="E2")), seconds=1)
    assert open_cases(point) == [OTHER]


# ---- codes and places in other spellings -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["A1", "GroundFailure", "GroundFailure,A1", None])
def test_any_code_of_a_list_ends_it(point: ChargePoint, code: str | None) -> None:
    tell(point, events(event("EVSE", "Problem", techCode="A1,GroundFailure")))
    assert open_cases(point) == [FUSE]
    tell(point, events(event("EVSE", "Problem", "false", techCode=code)), seconds=1)
    assert open_cases(point) == []


@pytest.mark.parametrize(
    "where",
    [
        {"component": {"name": "EVSE"}, "evse": {"id": 2}},
        {"component": {"name": "EVSE"}, "evse": 2},
        {"component": {"name": "EVSE", "evse": 2}},
        {"component": {"name": "EVSE", "instance": "2"}},
        {"component": {"name": "EVSE", "instance": "2", "evse": {"connectorId": 1}}},
    ],
)
def test_evse_that_is_named_elsewhere_is_the_one_concerned(point: ChargePoint, where: dict[str, Any]) -> None:
    second = ChargePointFactory(evse_id="DE*TWO*E2", station="CP-TWO", connector=2)
    take(message("", events(event("EVSE", "Problem") | where), charge_point=None, station="CP-TWO"))
    assert (open_cases(point), open_cases(second)) == ([], [OTHER])
