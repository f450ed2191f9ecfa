"""Connectors of one station that become charge points one after the other: what it said of itself is true of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePoint, UnknownChargePoint
from infra_notifications.services.adoption import adopt_stations, stations_of, whole_stations
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from tests.clock import iso
from tests.infra_notifications.helpers import HOUR, MINUTE, NOW, event, events, fault, fine, open_cases, take

pytestmark = pytest.mark.django_db
BOOT_16 = {"chargePointVendor": "ABB", "chargePointModel": "Terra AC", "firmwareVersion": "1.8"}
BOOT_2 = {"reason": "PowerUp", "chargingStation": {"vendorName": "ABB", "model": "Terra AC", "firmwareVersion": "1.8"}}
KNOWN = ("ABB", "Terra AC", "1.8")


def says(*said: tuple[str, str, Any], now: datetime = NOW, **more: Any) -> None:
    take(*(OcppMessage(station="NEW", protocol=p, action=a, payload=body, **more) for p, a, body in said), now=now)


def register(connector: int, **more: Any) -> ChargePoint:
    evse_id = f"DE*NEW*E1*{connector}"
    given = ChargePointInput(evse_id=evse_id, station="NEW", connector=connector, **more)
    upsert_charge_points(rows=[given], now=NOW + connector * HOUR)
    return ChargePoint.objects.get(evse_id=evse_id)


def facts(point: ChargePoint) -> tuple[str, str, str]:
    return (point.vendor, point.model, point.firmware)


@pytest.mark.parametrize(("protocol", "boot"), [("ocpp1.6", BOOT_16), ("ocpp2.0.1", BOOT_2)])
def test_each_connector_has_what_the_station_said(protocol: str, boot: dict[str, Any]) -> None:
    status = "StatusNotification"
    says((protocol, "BootNotification", boot), ("ocpp1.6", status, fault()), ("ocpp1.6", status, fine(connectorId=2)))
    assert facts(register(1)) == KNOWN
    (rest,) = stations_of(UnknownChargePoint.objects.all())
    assert rest.facts == {"vendor": "ABB", "model": "Terra AC", "firmware": "1.8"}
    second = register(2)
    assert facts(second) == KNOWN
    assert open_cases(second) == []
    assert not UnknownChargePoint.objects.exists()


def test_a_connector_that_is_adopted_later_has_it_too() -> None:
    says(("ocpp1.6", "BootNotification", BOOT_16), ("ocpp1.6", "StatusNotification", fine(connectorId=1)))
    register(1)
    says(("ocpp1.6", "StatusNotification", fine(connectorId=2)))
    stations = whole_stations(UnknownChargePoint.objects.all())
    done = adopt_stations(stations=stations, pattern="DE*NEW*E{station}*{connector}", now=NOW + 3 * HOUR)
    assert (done.refused, len(done.evse_ids)) == ({}, 1)
    assert {facts(point) for point in ChargePoint.objects.all()} == {KNOWN}


def test_what_a_person_wrote_stays() -> None:
    says(("ocpp1.6", "BootNotification", BOOT_16), ("ocpp1.6", "StatusNotification", fine(connectorId=2)))
    register(1)
    assert facts(register(2, vendor="Delta", model="M")) == ("Delta", "M", "")


def test_nobody_was_seen_first_after_he_was_seen_last() -> None:
    says(("ocpp1.6", "Heartbeat", {}), received_at=iso(NOW - 5 * MINUTE))
    unknown = UnknownChargePoint.objects.get()
    assert unknown.first_seen <= unknown.last_seen == NOW - 5 * MINUTE


@pytest.mark.parametrize(
    ("protocol", "action", "payload"),
    [
        ("ocpp1.6", "StatusNotification", fault("GroundFailure", connectorId=0)),
        ("ocpp2.0.1", "NotifyEvent", events(event("RCD", "Tripped", evse=None))),
    ],
)
def test_a_connector_that_is_registered_later_has_the_open_fault_of_its_station(
    protocol: str, action: str, payload: dict[str, Any]
) -> None:
    first = register(1)
    says((protocol, action, payload), ("ocpp1.6", "StatusNotification", fault("HighTemperature")))
    assert open_cases(first) == ["FUSE_TRIPPED", "SENSORS"]
    second = register(2)
    assert open_cases(second) == ["FUSE_TRIPPED"], "the other connector's own fault is not its"
    says(("ocpp1.6", "StatusNotification", fine(connectorId=0)), now=NOW + 9 * HOUR)
    assert open_cases(second) == ([] if protocol == "ocpp1.6" else ["FUSE_TRIPPED"])
