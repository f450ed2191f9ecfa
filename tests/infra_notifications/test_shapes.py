"""Messages whose shape is known pass by a short way; what becomes of them is what becomes of any message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePointMessage, ChargePointState, Incident
from infra_notifications.rules.shapes import seen_as
from infra_notifications.services import message_reading
from tests.clock import NOW, SECOND
from tests.infra_notifications.helpers import at, event, events, fault, fine, station, take

pytestmark = pytest.mark.django_db

# How far a device's clock is from the receipt, in seconds; texts are no moments.
STAMPS = st.sampled_from([None, 0, 0, 0, -1, -200, -400, -4_000, 200, 400, "", "soon"])
SAID = st.sampled_from(
    [
        fine(),
        fine(status="Charging"),
        fine(status="SuspendedEV", info="no fault"),
        fine(status="Preparing", vendorErrorCode="E42"),
        fine(connectorId=0),
        fine(connectorId=2),
        fine(connectorId=7),
        fault(),
        fault("OtherError", info="door open"),
        fault("WeakSignal", status="Available"),
        {"connectorStatus": "Available", "connectorId": 1, "evseId": 1},
        {"connectorStatus": "Occupied", "connectorId": 1, "evseId": 2},
        {"connectorStatus": "Faulted", "connectorId": 1, "evseId": 1},
        events(event("Connector", "AvailabilityState", "Available")),
        events(event("Connector", "AvailabilityState", "Faulted")),
        events(event("EVSE", "AvailabilityState", "Occupied", evse=2)),
        events(event("ChargingStation", "AvailabilityState", "Available", evse=None)),
        events(event("Connector", "Problem", "false")),
        {},
    ]
)
# What a station says, by how many seconds its clock is wrong, how long ago it was received, and by whose name.
MESSAGES = st.tuples(SAID, STAMPS, st.sampled_from([None, None, 3, 700]), st.sampled_from(["", "", "DE*CP-1*1"]))
BATCHES = st.lists(st.tuples(st.sampled_from([1, 30, 900]), st.lists(MESSAGES, min_size=1, max_size=5)), max_size=6)


def moment(stamp: Any, now: Any) -> Any:
    return stamp if stamp is None or isinstance(stamp, str) else (now + stamp * SECOND).isoformat()


def message_of(said: dict[str, Any], stamp: Any, age: int | None, name: str, now: Any) -> OcppMessage:
    payload, told = dict(said), moment(stamp, now)
    if "eventData" in payload:
        payload["eventData"] = [each | {"timestamp": told} for each in payload["eventData"]]
        payload["generatedAt"] = told or now.isoformat()
    elif payload and told is not None:
        payload["timestamp"] = told
    two = {"eventData", "connectorStatus"} & said.keys()
    action = "NotifyEvent" if "eventData" in said else "StatusNotification" if said else "Heartbeat"
    received = None if age is None else (now - age * SECOND).isoformat()
    protocol = "ocpp2.0.1" if two else "ocpp1.6"
    message = OcppMessage(action=action, protocol=protocol, payload=payload, received_at=received)
    if name:
        message.charge_point = name
    else:
        message.station = "CP-1"
    return message


def become(batches: Sequence[tuple[int, list[Any]]]) -> list[Any]:
    """What the batches come to, without keys of rows."""
    now, found = NOW, list[Any]()
    with transaction.atomic():
        points = {point.pk: number for number, point in enumerate(station("CP-1", 2))}
        for seconds, said in batches:
            now += seconds * SECOND
            messages = [message_of(payload, stamp, age, name, now) for payload, stamp, age, name in said]
            intake = take(*messages, now=now)
            found.append((intake.accepted, intake.duplicates, intake.rejected, intake.warnings))
        tables: list[type[Model]] = [ChargePointState, Incident, ChargePointMessage]
        for table in tables:
            for row in map(dict, table._default_manager.order_by("pk").values()):
                row.pop("id", None)
                found.append(row | {"charge_point_id": points.get(row["charge_point_id"])})
        transaction.set_rollback(True)
    for row in found:
        for finding in (row.get("findings") or []) if isinstance(row, dict) else ():
            finding.pop("ignored", None)
    return found


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BATCHES)
def test_the_short_way_comes_to_the_same(batches: list[tuple[int, list[Any]]]) -> None:
    short = become(batches)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(message_reading, "seen_as", lambda *_: None)
        assert become(batches) == short


def test_what_differs_in_its_moments_alone_has_one_shape() -> None:
    first, second, third = (
        seen_as("ocpp1.6", "StatusNotification", fine(timestamp=moment.isoformat())) for moment in (NOW, at(1), at(2))
    )
    assert first
    assert second
    assert third
    assert first.shape is second.shape is third.shape
    assert (first.occurred_at, second.occurred_at) == (NOW, at(1))
    assert first.observations[0].occurred_at == NOW


@pytest.mark.parametrize(
    "payload",
    [
        fine(timestamp=7),
        fine(timestamp="soon"),
        fine(connectorId="1"),
        fine(connectorId=True),
        fine(connectorId=1.0),
        fine(status="available"),
        fine(unknown=1),
        [],
        None,
        "{}",
    ],
)
def test_what_is_odd_has_no_shape(payload: Any) -> None:
    assert seen_as("ocpp1.6", "StatusNotification", fine())
    assert seen_as("ocpp1.6", "StatusNotification", payload) is None
