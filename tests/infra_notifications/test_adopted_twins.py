"""A station that is adopted is in the state of a registered one that said the same, whatever came in which order."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePoint, Incident, UnknownChargePoint
from infra_notifications.services.adoption import adopt_stations, stations_of
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import HOUR, MINUTE, NOW, at, event, events, fault, fine, open_cases, take

pytestmark = pytest.mark.django_db
TILT = fault("OtherError", vendorErrorCode="TiltDetected")
OVER_VOLTAGE = fault("OverVoltage")
POOL_16: list[dict[str, Any]] = [
    fault("GroundFailure"),
    fine(),
    OVER_VOLTAGE,
    fault("NoError"),
    TILT,
    fine(status="Charging"),
    fault("GroundFailure", connectorId=0),
    fine(connectorId=0),
    fine(connectorId=0, status="Unavailable"),
    fault("HighTemperature", status="Charging"),
    fault("WeakSignal", status="Available"),
]


def status_2(connector: int, status: str, evse: int = 1) -> dict[str, Any]:
    return {"timestamp": NOW.isoformat(), "connectorStatus": status, "evseId": evse, "connectorId": connector}


POOL_2: list[dict[str, Any]] = [
    status_2(1, "Faulted"),
    status_2(1, "Available"),
    status_2(2, "Faulted"),
    status_2(2, "Available"),
    events(event("ConnectorPlugRetentionLock", "Problem")),
    events(event("ConnectorPlugRetentionLock", "Problem", "false")),
    events(event("TokenReader", "Problem")),
    events(event("ChargingStation", "Problem", evse=0)),
    events(event("ChargingStation", "Problem", "false", evse=0)),
    events(event("EVSE", "AvailabilityState", "Faulted")),
    events(event("EVSE", "AvailabilityState", "Available")),
    events(event("TiltSensor", "Tripped")),
]


def said(station: str, payload: dict[str, Any], **more: Any) -> OcppMessage:
    is_event = "eventData" in payload
    protocol = "ocpp2.0.1" if is_event or "connectorStatus" in payload else "ocpp1.6"
    action = "NotifyEvent" if is_event else "StatusNotification"
    return OcppMessage(station=station, action=action, protocol=protocol, payload=payload, **more)


def state(point: ChargePoint) -> tuple[list[str], str]:
    point.state.refresh_from_db()
    return open_cases(point), point.state.status


def twins(sent: list[tuple[float, dict[str, Any]]], *, connector: int = 1, one_batch: bool = False) -> ChargePoint:
    """Sends to a registered and to an unknown station, in this order, what was received at these seconds; returns the
    adopted point, which is in the state of the other."""
    known = ChargePointFactory(evse_id="KNOWN*1", station="KNOWN", connector=connector)
    for name in ("KNOWN", "NEW"):
        messages = [said(name, payload, received_at=at(seconds).isoformat()) for seconds, payload in sent]
        for batch in [messages] if one_batch else [[message] for message in messages]:
            take(*batch, now=NOW + HOUR)
    stations = [one for one in stations_of(UnknownChargePoint.objects.all()) if one.name == "NEW"]
    assert adopt_stations(stations=stations, now=NOW + HOUR + MINUTE).refused == {}
    new = ChargePoint.objects.filter(station="NEW").order_by("connector").last()
    assert new is not None
    assert state(new) == state(known), sent
    return new


@pytest.mark.parametrize(
    ("payloads", "connector", "cases", "status"),
    [
        ([status_2(1, "Faulted", 2), status_2(2, "Available", 2)], 2, ["OTHER_FAULT"], "Faulted"),
        ([TILT, fault("NoError")], 1, ["SENSORS"], "Faulted"),
        ([fine(), fine(connectorId=0, status="Unavailable")], 1, [], "Unavailable"),
    ],
)
def test_no_message_hides_an_earlier_one(
    payloads: list[dict[str, Any]], connector: int, cases: list[str], status: str
) -> None:
    new = twins([(n, payload) for n, payload in enumerate(payloads)], connector=connector)
    assert state(new) == (cases, status)


def test_what_was_queued_hides_nothing_that_was_received_later() -> None:
    assert state(twins([(600, fault("GroundFailure")), (-864_000, fine())]))[1] == "Faulted"


def test_faults_of_a_connector_outlast_a_status_of_the_whole_station() -> None:
    whole = [fault("GroundFailure", connectorId=0), fine(connectorId=0, status="Unavailable")]
    new = twins([(n, payload) for n, payload in enumerate([TILT, OVER_VOLTAGE, *whole])])
    assert "SENSORS" in open_cases(new)


@pytest.mark.parametrize("seed", range(40))
def test_adopted_twin_is_in_the_same_state(seed: int) -> None:
    chance = random.Random(seed)
    pool = POOL_16 if seed % 2 else POOL_2
    sent = [(n * 7.0, chance.choice(pool)) for n in range(chance.randint(2, 7))]
    if chance.random() < 0.4:
        sent.reverse()
    if all(payload.get("connectorId") == 0 for _s, payload in sent):
        sent.append((60, fine()))
    twins(sent, one_batch=chance.random() < 0.5)


def test_long_history_keeps_what_is_still_open() -> None:
    take(said("NEW", fault("GroundFailure")), now=NOW)
    for round_ in range(3):
        take(
            *(
                said("NEW", fine(connectorId=1 + n % 2, status="Charging" if n % 3 else "Available", info=f"{n} kWh"))
                if n % 2
                else said("NEW", fine(connectorId=2, info=f"Meter {n}"))
                for n in range(200)
            ),
            now=NOW + (round_ + 1) * MINUTE,
        )
    take(said("NEW", TILT), now=NOW + HOUR)
    for n in range(150):
        take(said("NEW", fault("NoError", info=f"code {n}")), now=NOW + HOUR + timedelta(seconds=n + 1))
    assert len(str(UnknownChargePoint.objects.filter(connector=1).get().said)) < 100_000
    done = adopt_stations(stations=stations_of(UnknownChargePoint.objects.all()), now=NOW + 2 * HOUR)
    assert done.evse_ids == ["NEW*1", "NEW*2"]
    assert "SENSORS" in open_cases(ChargePoint.objects.get(evse_id="NEW*1"))
    assert not Incident.objects.filter(charge_point__evse_id="NEW*2", closed_at=None).exists()
