"""A transaction that a fault ended is said of its connector, which its last message seldom names."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePoint, Incident
from tests.infra_notifications.helpers import NOW, at, events, fault, fine, heartbeat, open_cases, station, sweep, take
from tests.infra_notifications.helpers import event as event_of

pytestmark = pytest.mark.django_db
ONE_BY_ONE = pytest.mark.parametrize("is_one_batch", [False, True])


@pytest.fixture
def points() -> list[ChargePoint]:
    return station(points=3)


def said(action: str, payload: dict[str, Any], **more: Any) -> OcppMessage:
    protocol = "ocpp2.0.1" if action == "TransactionEvent" else "ocpp1.6"
    return OcppMessage(station="CP-1", action=action, protocol=protocol, payload=payload, **more)


def start(connector: int) -> OcppMessage:
    stamp = NOW.isoformat()
    return said("StartTransaction", {"connectorId": connector, "idTag": "T", "meterStart": 0, "timestamp": stamp})


def answer(transaction: int, **more: Any) -> OcppMessage:
    status = {"transactionId": transaction, "idTagInfo": {"status": "Accepted"}}
    return said("StartTransactionResponse", status, **more)


def meter(connector: int, transaction: int) -> OcppMessage:
    values = [{"timestamp": NOW.isoformat(), "sampledValue": [{"value": "1"}]}]
    return said("MeterValues", {"connectorId": connector, "transactionId": transaction, "meterValue": values})


def stop(transaction: int = 7) -> OcppMessage:
    body = {"meterStop": 9, "timestamp": NOW.isoformat(), "transactionId": transaction, "reason": "EmergencyStop"}
    return said("StopTransaction", body)


def event(kind: str, number: str, evse: int | None, reason: str = "") -> OcppMessage:
    info = {"transactionId": number} | ({"stoppedReason": reason} if reason else {})
    body = {"eventType": kind, "seqNo": 1, "timestamp": NOW.isoformat(), "triggerReason": "Authorized"}
    return said("TransactionEvent", body | {"transactionInfo": info} | ({"evse": {"id": evse}} if evse else {}))


def send(messages: list[OcppMessage], *, is_one_batch: bool) -> list[int | None]:
    """The connectors of the incidents that follow."""
    for batch in [messages] if is_one_batch else [[message] for message in messages]:
        assert take(*batch).rejected == []
    return list(Incident.objects.order_by("charge_point__connector").values_list("charge_point__connector", flat=True))


@ONE_BY_ONE
@pytest.mark.parametrize(
    "before",
    [
        [start(2), answer(7)],
        [start(1), answer(6), start(2), answer(7), start(3), answer(8)],
        [start(2), answer(7, connector=2), meter(1, 6)],
        [meter(1, 6), meter(2, 7), meter(3, 8)],
        [start(1), start(2)],
        [start(1), answer(6), start(2), answer(99)],
        [meter(3, 8), said("StatusNotification", fine(connectorId=2, status="Charging"))],
    ],
)
def test_it_is_said_of_the_connector_of_the_transaction(
    points: list[ChargePoint], before: list[OcppMessage], is_one_batch: bool
) -> None:
    assert send([heartbeat("CP-1"), *before, stop()], is_one_batch=is_one_batch)[:1] == [2 if before else 1]
    assert Incident.objects.count() == 1


@ONE_BY_ONE
def test_a_transaction_of_which_nothing_is_known_raises_at_one_connector(
    points: list[ChargePoint], is_one_batch: bool
) -> None:
    assert send([stop()], is_one_batch=is_one_batch) == [1]


@ONE_BY_ONE
@pytest.mark.parametrize("evse", [1, 2, 3])
def test_the_end_of_2_x_belongs_to_the_evse_where_it_began(
    points: list[ChargePoint], evse: int, is_one_batch: bool
) -> None:
    others = [event("Started", f"t{n}", n) for n in (1, 2, 3)]
    assert send([*others, event("Ended", f"t{evse}", None, "GroundFault")], is_one_batch=is_one_batch) == [evse]


def test_each_of_several_ends_belongs_to_its_own(points: list[ChargePoint]) -> None:
    for order in itertools.permutations((1, 2, 3)):
        Incident.objects.all().delete()
        begun = [message for n in order for message in (start(n), answer(n * 10))]
        assert send([*begun, stop(order[2] * 10)], is_one_batch=True) == [order[2]]


def test_it_ends_when_that_connector_reports_that_it_can_charge(points: list[ChargePoint]) -> None:
    take(start(2), answer(7), stop())
    take(said("StatusNotification", fine(connectorId=1)))
    assert Incident.objects.filter(closed_at=None).exists()
    take(said("StatusNotification", fine(connectorId=2)))
    assert not Incident.objects.filter(closed_at=None).exists()


def test_the_status_that_every_end_is_followed_by_ends_no_fault(points: list[ChargePoint]) -> None:
    occupied = {"evseId": 2, "connectorId": 1, "connectorStatus": "Occupied", "timestamp": NOW.isoformat()}
    state = events(event_of("Connector", "AvailabilityState", "Occupied", evse=2))
    followed = [("StatusNotification", fine(connectorId=2, status=status)) for status in ("Finishing", "SuspendedEVSE")]
    followed += [("StatusNotification", occupied), ("NotifyEvent", state)]
    followed += [("StatusNotification", fine(connectorId=2, status="Finishing", info="unplug", vendorErrorCode="E1"))]
    well = [("StatusNotification", fine(connectorId=2, status=status)) for status in ("Available", "Charging")]
    well += [("StatusNotification", occupied | {"connectorStatus": "Available"})]
    well += [("StatusNotification", fault("WeakSignal", connectorId=2, status="Preparing"))]
    for number, (action, payload) in enumerate(followed):
        begin = 1_000 * number
        is_two = action == "NotifyEvent" or payload is occupied
        end = event("Ended", "t", 2, "GroundFault") if is_two else stop()
        end.payload["timestamp"] = at(begin).isoformat()
        take(start(2), answer(7), end, now=at(begin))
        protocol = "ocpp2.0.1" if is_two else "ocpp1.6"
        take(OcppMessage(station="CP-1", action=action, payload=payload, protocol=protocol), now=at(begin + 1))
        assert open_cases(points[1]) == ["FUSE_TRIPPED"], payload
        action, payload = well[number % len(well)]
        protocol = "ocpp2.0.1" if "connectorStatus" in payload else "ocpp1.6"
        take(OcppMessage(station="CP-1", action=action, payload=payload, protocol=protocol), now=at(begin + 2))
        assert open_cases(points[1]) == [], payload


@pytest.mark.parametrize(("clock_s", "is_told"), [(0, False), (-3 * 3600, True)])
def test_an_end_that_waited_in_the_station_while_it_became_available_is_not_live(
    points: list[ChargePoint], clock_s: int, is_told: bool
) -> None:
    """One whose clock is three hours behind says so of everything."""
    for second in (0, 400):
        stamp = at(second + clock_s).isoformat()
        take(said("StatusNotification", fine(connectorId=1, timestamp=stamp)), now=at(second))
    ended = {"meterStop": 9, "timestamp": at(500 - 3 * 3600).isoformat(), "transactionId": 7, "reason": "EmergencyStop"}
    take(said("StopTransaction", ended), now=at(500))
    assert Incident.objects.filter(closed_at=None).exists() is is_told
    assert Incident.objects.count() == 1


@pytest.mark.parametrize("is_faulted_first", [False, True])
def test_faulted_without_a_word_belongs_to_the_end_of_a_transaction(
    points: list[ChargePoint], is_faulted_first: bool
) -> None:
    take(said("StatusNotification", fine(connectorId=1, status="Charging")))
    told = [stop(), said("StatusNotification", fault("NoError"))]
    for second, one in enumerate(reversed(told) if is_faulted_first else told):
        take(one, now=at(second))
    assert open_cases(points[0]) == ["FUSE_TRIPPED"]
    sweep(at(4_000))
    assert "FUSE_TRIPPED" in open_cases(points[0]), "it is still Faulted"
    take(said("StatusNotification", fine()), now=at(5_000))
    assert "FUSE_TRIPPED" not in open_cases(points[0])
