"""Statuses that a CSMS makes of the end of a connection: reports of that, whoever carries them, and no sign of life."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra_notifications.choices import Connectivity
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePointState, Incident, StationConnection, UnknownChargePoint
from infra_notifications.rules.told_closings import CLOSINGS, told_closing
from tests.conftest import ApiClient
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.infra_notifications.doors import DOORS, by_proxy
from tests.infra_notifications.helpers import (
    NOW,
    adopt_unknown,
    at,
    fault,
    fine,
    heartbeat,
    kinds,
    open_cases,
    station,
    sweep,
    take,
)

pytestmark = pytest.mark.django_db
FORMS = [(protocol, vendor, code) for vendor, code in sorted(CLOSINGS) for protocol in ("ocpp1.6", "ocpp2.0.1")]


def closing(protocol: str, vendor: str, code: str, **more: Any) -> dict[str, Any]:
    named = {"vendorId": vendor, "vendorErrorCode": code.capitalize()}
    if protocol == "ocpp1.6":
        return fine(status="Unavailable", connectorId=0) | named | more
    told = {"evseId": 0, "connectorId": 0, "connectorStatus": "Unavailable", "timestamp": NOW.isoformat()}
    return told | {"customData": named} | more


def told(protocol: str, vendor: str, code: str, **more: Any) -> OcppMessage:
    payload = closing(protocol, vendor, code)
    return OcppMessage(station="CP-1", protocol=protocol, action="StatusNotification", payload=payload, **more)


@pytest.mark.parametrize("form", FORMS)
def test_the_end_of_a_connection_is_unavailable_until_the_next_message(form: tuple[str, str, str]) -> None:
    points = station()
    NotificationGroupFactory(members=points)
    take(heartbeat("CP-1"), now=NOW)
    take(told(*form), now=at(30))
    assert [open_cases(point) for point in points] == [["UNAVAILABLE"]] * 2
    states = ChargePointState.objects.values_list("last_seen", "connectivity", "disconnected_at")
    assert [*states] == [(NOW, Connectivity.OFFLINE, at(30))] * 2
    assert [*StationConnection.objects.values_list("connected", "close_reason")] == [(False, form[2].capitalize())]
    sweep(at(30 + 899))
    assert kinds() == []
    sweep(at(30 + 901))
    assert kinds() == ["alert"]
    take(heartbeat("CP-1"), now=at(2_000))
    assert [open_cases(point) for point in points] == [[]] * 2
    assert {*ChargePointState.objects.values_list("connectivity", "disconnected_at")} == {(Connectivity.ONLINE, None)}
    take(told(*form), now=at(3_000))
    assert [open_cases(point) for point in points] == [["UNAVAILABLE"]] * 2


def test_what_is_no_word_of_a_station_ends_nothing_and_repeats_nothing() -> None:
    (point,) = station(points=1)
    take(OcppMessage(station="CP-1", action="StatusNotification", payload=fault("GroundFailure")), now=NOW)
    for seconds, form in enumerate(FORMS * 2, 1):
        take(told(*form), now=at(seconds))
        assert open_cases(point) == ["FUSE_TRIPPED", "UNAVAILABLE"]
    assert Incident.objects.count() == 2
    assert ChargePointState.objects.get().status == "Faulted"


@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize("received_at", [None, at(-60).isoformat()])
def test_of_one_batch_the_order_counts(is_last: bool, received_at: str | None) -> None:
    (point,) = station(points=1)
    said = heartbeat("CP-1", received_at=received_at)
    take(*(heartbeat("CP-1", received_at=received_at), told(*FORMS[0], received_at=received_at), said)[: 2 + is_last])
    assert open_cases(point) == ([] if is_last else ["UNAVAILABLE"])
    assert ChargePointState.objects.get().connectivity == (Connectivity.ONLINE if is_last else Connectivity.OFFLINE)


# The proxy holds the socket itself: what passes it while that is open is no end of it.
@pytest.mark.parametrize("door", [door for door in DOORS if door is not by_proxy])
def test_it_is_one_at_every_door(door: Any, api: ApiClient, tmp_path: Path) -> None:
    (point,) = station(points=1)
    for form in FORMS:
        door(api, tmp_path, form[0], [2, "1", "StatusNotification", closing(*form)])
    assert open_cases(point) == ["UNAVAILABLE"]


def test_of_a_station_that_nobody_knew_it_is_told_when_it_comes_again() -> None:
    assert take(told(*FORMS[0])).rejected
    point = adopt_unknown(unknown=UnknownChargePoint.objects.get(), evse_id="DE*CP-1", now=at(5))
    assert open_cases(point) == []
    take(told(*FORMS[0]), now=at(9))
    assert open_cases(point) == ["UNAVAILABLE"]


def test_a_station_that_says_so_of_itself_is_not_meant() -> None:
    protocol, vendor, code = FORMS[0]
    assert told_closing("StatusNotification", closing(protocol, vendor, code)) == "Offline"
    other = ({"vendorId": "maker"}, {"vendorErrorCode": "Online"}, {"status": "Available"}, {"vendorId": ["x"]})
    for more in other:
        assert told_closing("StatusNotification", closing(protocol, vendor, code, **more)) == ""
    assert told_closing("StatusNotification", [closing(protocol, vendor, code)]) == ""
    assert told_closing("Heartbeat", closing(protocol, vendor, code)) == ""
