"""Connectors and EVSEs that have names and no numbers ("A", "left"): what one tells ends by it, or by the station."""

from __future__ import annotations

from typing import Any

import pytest

from infra_notifications.models import ChargePoint
from infra_notifications.rules.vocabulary import whole
from tests.infra_notifications.helpers import at, event, events, fault, fine, message, open_cases, station, take

pytestmark = pytest.mark.django_db
Said = tuple[str, str, dict[str, Any]]
TWO, ONE = "ocpp2.0.1", "ocpp1.6"


def status(name: Any, *, over: bool) -> Said:
    return (
        ONE,
        "StatusNotification",
        (fine if over else fault)(**({} if over else {"code": "GroundFailure"})) | {"connectorId": name},
    )


def warning(name: Any, *, over: bool) -> Said:
    return (
        ONE,
        "StatusNotification",
        fault("NoError" if over else "HighTemperature", status="Charging") | {"connectorId": name},
    )


def state(name: Any, *, over: bool) -> Said:
    said = {"timestamp": at(0).isoformat(), "connectorStatus": "Available" if over else "Faulted"}
    return TWO, "StatusNotification", said | {"evseId": name, "connectorId": 1}


def state_within(name: Any, *, over: bool) -> Said:
    said = {"timestamp": at(0).isoformat(), "connectorStatus": "Available" if over else "Faulted"}
    return TWO, "StatusNotification", said | {"evseId": 1, "connectorId": name}


def problem(name: Any, *, over: bool) -> Said:
    return TWO, "NotifyEvent", events(event("Contactor", "Problem", "false" if over else "true", evse=name))


def availability(name: Any, *, over: bool) -> Said:
    return TWO, "NotifyEvent", events(event("EVSE", "AvailabilityState", "Available" if over else "Faulted", evse=name))


def transfer(name: Any, *, over: bool) -> Said:
    data = {"status": "Available", "errorCode": "NoError"} if over else {"status": "Faulted", "errorCode": "OtherError"}
    return ONE, "DataTransfer", {"vendorId": "v", "messageId": "ConnectorStatus", "data": data | {"connectorId": name}}


def listed(name: Any, *, over: bool) -> Said:
    data = {"connectors": [{"id": name, "status": "Available" if over else "Faulted"}]}
    return ONE, "DataTransfer", {"vendorId": "v", "messageId": "ConnectorStatus", "data": data}


def alarm(name: Any, *, over: bool) -> Said:
    data = {"alarm": "DoorOpen", "state": "off" if over else "on", "connectorId": name}
    return ONE, "DataTransfer", {"vendorId": "v", "messageId": "Alarm", "data": data}


WAYS = [status, warning, state, state_within, problem, availability, transfer, listed, alarm]
NAMES = [
    ("A", "B"),
    ("1A", "1B"),
    ("Connector 1", "Connector 2"),
    ("left", "right"),
    ("CCS", "CHAdeMO"),
    (70_001, 70_002),
]


@pytest.fixture
def point() -> ChargePoint:
    return station(points=2)[0]


def tell(point: ChargePoint, said: Said, seconds: int) -> None:
    protocol, action, payload = said
    body = {"station": "CP-1", "charge_point": None, "protocol": protocol, "action": action}
    told = take(message(point, payload, **body), now=at(seconds))
    assert (told.accepted, told.rejected) == (1, [])


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("names", NAMES, ids=lambda names: str(names[0]))
def test_what_has_a_name_is_ended_by_its_own(point: ChargePoint, way: Any, names: tuple[Any, Any]) -> None:
    first, second = names
    tell(point, way(first, over=False), 0)
    assert len(open_cases(point)) == 1
    tell(point, way(second, over=True), 1)
    assert len(open_cases(point)) == 1
    tell(point, way(first, over=True), 2)
    assert open_cases(point) == []


@pytest.mark.parametrize("way", [status, warning, state, problem, availability], ids=lambda way: way.__name__)
@pytest.mark.parametrize("whole_station", [0, "0"])
def test_the_station_as_a_whole_ends_what_names_hold(point: ChargePoint, way: Any, whole_station: Any) -> None:
    tell(point, way("A", over=False), 0)
    tell(point, way("B", over=False), 1)
    tell(point, way(whole_station, over=True), 2)
    assert open_cases(point) == []


@pytest.mark.parametrize("way", [status, state, problem, availability], ids=lambda way: way.__name__)
def test_what_has_a_name_ends_nothing_of_the_station(point: ChargePoint, way: Any) -> None:
    tell(point, way(0, over=False), 0)
    tell(point, way("A", over=True), 1)
    assert len(open_cases(point)) == 1


@pytest.mark.parametrize("name", ["", "-", -1, "-1", True, {}, [], "?"])
def test_what_names_nothing_is_the_station_as_a_whole(point: ChargePoint, name: Any) -> None:
    assert whole(name) is None
    tell(point, status(name, over=False), 0)
    assert len(open_cases(point)) == 1
    tell(point, status(0, over=True), 1)
    assert open_cases(point) == []


def test_the_number_of_what_is_named_with_it_counts(point: ChargePoint) -> None:
    second = ChargePoint.objects.get(connector=2)
    tell(point, status("Connector 2", over=False), 0)
    assert (open_cases(point), len(open_cases(second))) == ([], 1)
    tell(point, status(2, over=True), 1)
    assert open_cases(second) == []


def test_a_neighbour_that_is_well_leaves_the_station_shown_as_faulted(point: ChargePoint) -> None:
    tell(point, status("A", over=False), 0)
    tell(point, status("B", over=True), 1)
    point.state.refresh_from_db()
    assert point.state.status == "Faulted"
    tell(point, status("A", over=True), 2)
    point.state.refresh_from_db()
    assert point.state.status == "Available"
