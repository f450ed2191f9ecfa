"""What a station and its CSMS agree on about heartbeats is the newest word, however it is said and whoever passes it
on, also of stations that nobody knew then."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from infra_notifications.choices import IntervalSource
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePoint, OcppRoute, UnknownChargePoint
from infra_notifications.rules.stations import asked_interval, interval_of
from infra_notifications.services.adoption import adopt_stations, stations_of
from infra_notifications.services.expectations import expectation_of
from infra_notifications.services.mqtt import MqttIntake
from infra_notifications.services.registering import Registrar
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import HOUR, MINUTE, NOW, at, fine, heartbeat, station, take
from tests.infra_notifications.proxy.test_listener import BOOT, Ear, ear
from tests.infra_notifications.test_mqtt import Arrival

__all__ = ("ear",)
WHERE = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
ELSEWHERE = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "WebSocketPingInterval"}}
ACCEPTED = {"status": "Accepted"}
SET = WHERE | {"attributeStatus": "Accepted"}


def attribute(value: Any, kind: str = "Actual") -> dict[str, Any]:
    return WHERE | {"variableAttribute": [{"type": "MaxSet", "value": "9"}, {"type": kind, "value": value}]}


# An order of the CSMS, its answer, and what is told by both.
ORDERS: list[tuple[str, Any, Any, int | None]] = [
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "3600"}, ACCEPTED, 3600),
    ("ChangeConfiguration", {"key": "HeartBeatInterval", "value": 60}, ACCEPTED, 60),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "3600"}, {"status": "Rejected"}, None),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "3600"}, {"status": "RebootRequired"}, None),
    ("ChangeConfiguration", {"key": "WebSocketPingInterval", "value": "3600"}, ACCEPTED, None),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "soon"}, ACCEPTED, None),
    ("SetVariables", {"setVariableData": [WHERE | {"attributeValue": "3600"}]}, {"setVariableResult": [SET]}, 3600),
    (
        "SetVariables",
        {"setVariableData": [ELSEWHERE | {"attributeValue": "5"}, WHERE | {"attributeValue": "3600"}]},
        {"setVariableResult": [ELSEWHERE | {"attributeStatus": "Rejected"}, SET]},
        3600,
    ),
    (
        "SetVariables",
        {"setVariableData": [WHERE | {"attributeValue": "3600"}]},
        {"setVariableResult": [WHERE | {"attributeStatus": "Rejected"}]},
        None,
    ),
    (
        "SetVariables",
        {"setVariableData": [WHERE | {"attributeValue": "3600", "attributeType": "Target"}]},
        {"setVariableResult": [SET]},
        None,
    ),
    (
        "GetConfiguration",
        {"key": []},
        {"configurationKey": [{"key": "X", "value": "1"}, {"key": "HeartbeatInterval", "value": "3600"}]},
        3600,
    ),
    ("GetVariables", {"getVariableData": [WHERE]}, {"getVariableResult": [SET | {"attributeValue": "3600"}]}, 3600),
    ("GetVariables", {}, {"getVariableResult": [ELSEWHERE | {"attributeValue": "3600"}]}, None),
]


def report(value: Any = "3600", kind: str = "Actual") -> dict[str, Any]:
    return {"requestId": 1, "generatedAt": NOW.isoformat(), "seqNo": 0, "reportData": [attribute(value, kind)]}


def expected(point: ChargePoint | None = None) -> tuple[int, int, IntervalSource]:
    points = ChargePoint.objects.select_related("state")
    found = expectation_of(points.get(pk=point.pk) if point else points.get())
    return found.interval_s, found.silence_s, found.source


def boot_answer() -> dict[str, Any]:
    return {"status": "Accepted", "currentTime": timezone.now().isoformat(), "interval": 300}


BOOTED = (300, 900, IntervalSource.BOOT)
TOLD = {None: BOOTED, 3600: (3600, 4500, IntervalSource.BOOT), 60: (60, 900, IntervalSource.BOOT)}


# ---- what is told ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("action", "order", "answer", "told"), ORDERS)
def test_what_an_order_and_its_answer_tell(action: str, order: Any, answer: Any, told: int | None) -> None:
    assert interval_of(action, answer, asked_interval(action, order)) == told
    for spelling in ("  ", "x"):
        assert interval_of(action + spelling, answer, asked_interval(action, order)) is None


@pytest.mark.parametrize(("kind", "told"), [("Actual", 3600), ("", 3600), ("Target", None), ("MinSet", None)])
def test_the_present_value_of_a_report_is_told(kind: str, told: int | None) -> None:
    assert interval_of("NotifyReport", report(kind=kind)) == told


NAMES = ["key", "value", "component", "variable", "name", "attributeValue", "variableAttribute", "type", "status"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["HeartbeatInterval", "OCPPCommCtrlr"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from([order[0] for order in ORDERS] + ["NotifyReport", "BootNotification"]), VALUES, VALUES)
def test_no_shape_breaks_it(action: str, order: Any, answer: Any) -> None:
    told = interval_of(action, answer, asked_interval(action, order))
    assert told is None or 0 <= told <= 7 * 86_400


# ---- through the doors ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("action", "order", "answer", "told"), ORDERS)
def test_the_proxy_hears_what_the_csms_changes(
    ear: Ear, action: str, order: Any, answer: Any, told: int | None
) -> None:
    (point,) = station(points=1)
    link = ear.connect()
    ear.say(link, 2, "1", "BootNotification", BOOT)
    ear.say(link, 3, "1", boot_answer(), csms=True)
    ear.say(link, 2, "o", action, order, csms=True)
    ear.take()
    assert expected(point) == BOOTED
    ear.say(link, 3, "o", answer)
    ear.take()
    assert expected(point) == TOLD[told]
    assert "HeartbeatInterval" not in ear.stored


@pytest.mark.django_db
@pytest.mark.parametrize(("action", "order", "answer", "told"), ORDERS)
def test_frames_and_everest_tell_it_too(api: ApiClient, action: str, order: Any, answer: Any, told: int | None) -> None:
    one, two = station(points=1)[0], ChargePointFactory(evse_id="DE*B*1", station="B", connector=1)
    boot = [[2, "1", "BootNotification", BOOT], [3, "1", boot_answer()]]
    changed = [[2, "o", action, order], [3, "o", answer]]
    assert api.post("/charging/frames/CP-1?protocol=ocpp1.6", [*boot, *changed]).status_code == 202
    topic = "B/everest_api/1/ocpp_consumer/ocpp/e2m/ocpp_message"
    ways = ("ChargingStationToCSMS", "CSMSToChargingStation", "CSMSToChargingStation", "ChargingStationToCSMS")
    said = [
        Arrival(topic, json.dumps({"message": json.dumps(frame), "direction": way}).encode(), timezone.now())
        for frame, way in zip([*boot, *changed], ways, strict=True)
    ]
    MqttIntake("broker").take(said, timezone.now())
    assert (expected(one), expected(two)) == (TOLD[told], TOLD[told])


@pytest.mark.django_db
def test_maeves_answer_brings_its_request() -> None:
    (point,) = station(points=1)
    body = {"type": 3, "action": "ChangeConfiguration", "id": "7", "request": ORDERS[0][1], "response": ACCEPTED}
    MqttIntake("broker").take(
        [Arrival("cs/in/ocpp1.6/CP-1", json.dumps(body).encode(), timezone.now())], timezone.now()
    )
    assert expected(point) == TOLD[3600]


@pytest.mark.django_db
def test_messages_tell_what_is_reported_and_no_order_counts_by_itself() -> None:
    (point,) = station(points=1)
    take(OcppMessage(station="CP-1", action="ChangeConfiguration", payload=ORDERS[0][1]))
    assert expected(point)[2] == IntervalSource.DEFAULT
    take(OcppMessage(station="CP-1", action="NotifyReport", protocol="ocpp2.0.1", payload=report()))
    assert expected(point) == TOLD[3600]
    take(OcppMessage(station="CP-1", action="BootNotification.conf", payload=boot_answer()))
    assert expected(point) == BOOTED
    take(OcppMessage(station="CP-1", action="GetConfigurationResponse", payload=ORDERS[10][2]))
    assert expected(point) == TOLD[3600]


@pytest.mark.django_db
def test_a_quicker_pace_is_not_measured_by_the_gaps_of_the_slower_one() -> None:
    (point,) = station(points=1)
    answer = OcppMessage(station="CP-1", action="BootNotification.conf", payload=boot_answer() | {"interval": 3600})
    take(heartbeat("CP-1"), answer, now=at(-86_400))
    for hour in range(-23, 1):
        take(heartbeat("CP-1"), now=NOW + hour * HOUR)
    told = {"configurationKey": [{"key": "HeartbeatInterval", "value": "60"}]}
    take(OcppMessage(station="CP-1", action="GetConfiguration.conf", payload=told), now=at(60))
    assert expected(point) == TOLD[60]


# ---- stations that nobody knew --------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("by_itself", [True, False])
@pytest.mark.parametrize("is_changed", [True, False])
def test_adoption_keeps_what_was_told_before(ear: Ear, by_itself: bool, is_changed: bool) -> None:
    OcppRoute.objects.update(register_unknown=by_itself, evse_pattern="DE*ABC*E{station}*{connector}")
    link = ear.connect("NEW1")
    ear.say(link, 2, "1", "BootNotification", BOOT)
    ear.say(link, 3, "1", boot_answer(), csms=True)
    ear.say(link, 2, "2", "StatusNotification", fine())
    if is_changed:
        ear.say(link, 2, "o", ORDERS[0][0], ORDERS[0][1], csms=True)
        ear.say(link, 3, "o", ORDERS[0][2])
    ear.take()
    later = timezone.now() + MINUTE
    if by_itself:
        assert len(Registrar().register(now=later)) == 1
    else:
        adopt_stations(stations=stations_of(UnknownChargePoint.objects.all()), now=later)
    assert expected() == TOLD[3600 if is_changed else None]


@pytest.mark.django_db
def test_a_charge_point_that_comes_later_keeps_the_pace_of_its_station(api: ApiClient) -> None:
    station(points=1)
    take(heartbeat("CP-1"), OcppMessage(station="CP-1", action="BootNotification.conf", payload=boot_answer()))
    body = [{"evse_id": "DE*LATER*2", "station": "CP-1", "connector": 2}]
    assert api.put("/charging/charge-points", body).status_code < 300
    assert expected(ChargePoint.objects.get(evse_id="DE*LATER*2")) == BOOTED
