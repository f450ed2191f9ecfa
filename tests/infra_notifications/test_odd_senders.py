"""What senders write at the edge of what they may: bytes, wrappers, moments and names that nearly fit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from infra_notifications.models import OcppRoute, Source, StationConnection
from infra_notifications.rules.upstreams import parse_upstream
from outbox.transports.webhook.targets import Forbidden
from tests.clock import iso
from tests.conftest import ApiClient
from tests.factories.console import make_key
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import NOW, at, fault, open_cases, station
from tests.infra_notifications.test_connections import report, tell
from tests.infra_notifications.test_mqtt import MAEVE, OCPP, arrival, maeve, take

pytestmark = pytest.mark.django_db
LATIN = {"info": "Störung", "errorCode": "GroundFailure", "status": "Faulted", "connectorId": 1}
FRAME = [2, "1", "StatusNotification", LATIN]


def latin(value: Any) -> bytes:
    """JSON with one byte that is no UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode("latin-1")


# ---- bytes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        (MAEVE, latin(maeve("StatusNotification", LATIN))),
        (MAEVE, maeve("StatusNotification", json.dumps(LATIN))),  # type: ignore[arg-type]
        (MAEVE, maeve("StatusNotification", [LATIN])),  # type: ignore[arg-type]
        (f"{OCPP}/ocpp_message", latin({"message": FRAME, "direction": "ChargingStationToCSMS"})),
        (f"{OCPP}/ocpp_message", {"message": json.dumps(FRAME)[:-1], "direction": "ChargingStationToCSMS"}),
    ],
)
def test_one_bad_byte_costs_no_fault_on_mqtt(topic: str, body: Any) -> None:
    (point,) = station(points=1)
    assert take(arrival(topic, body)) == {"accepted": 1}
    assert open_cases(point) == ["FUSE_TRIPPED"]
    assert Source.objects.get().warnings == 1


@pytest.mark.parametrize("origin", ["cs", "csms"])
def test_one_bad_byte_costs_no_fault_of_citrineos_and_its_own_calls_are_none(origin: str) -> None:
    (point,) = station(points=1)
    event = {"stationId": "CP-1", "event": "message", "message": json.dumps(FRAME), "origin": origin}
    body = latin(event | {"info": {"protocol": "ocpp1.6", "note": "Ü"}})
    path = f"/api/v1/charging/in/citrineos/{make_key('charging:write')[1]}"
    answer = Client().generic("POST", path, body, content_type="application/json")
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert open_cases(point) == (["FUSE_TRIPPED"] if origin == "cs" else [])


# ---- moments and counts of connections ------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [[False, True], [True, False], [False, True, False], [True, False, True]])
@pytest.mark.parametrize("together", [True, False])
def test_of_one_moment_the_last_word_of_a_connection_counts(api: ApiClient, words: list[bool], together: bool) -> None:
    (point,) = station(points=1)
    items = [{"station": "CP-1", "connected": word, "at": iso(NOW)} for word in words]
    for batch in [items] if together else [[item] for item in items]:
        assert api.post("/charging/connections", batch).status_code == 202
    assert api.get("/charging/stations/CP-1").json()["connected"] is words[-1]
    assert open_cases(point) == ([] if words[-1] else ["UNAVAILABLE"])
    point.state.refresh_from_db()
    assert (point.state.connectivity == "offline") is not words[-1]


def test_a_short_connection_leaves_its_figures() -> None:
    station(points=1)
    tell(report(True, 0, link="a", opens=True, messages=0), now=at(1))
    tell(report(False, 20, link="a", messages=7, round_trip_ms=3.5), now=at(21))
    found = StationConnection.objects.get()
    assert (found.messages, found.round_trip_ms, found.connected) == (7, 3.5, False)


# ---- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["signals", "messages"])
def test_a_station_that_is_not_the_charge_points_is_warned_of(api: ApiClient, path: str) -> None:
    point = ChargePointFactory(evse_id="NL*TST*E0090*1", station="T90", connector=1)
    ChargePointFactory(evse_id="NL*TST*E0089*1", station="T89", connector=1)
    item: dict[str, Any] = {"case": "FUSE_TRIPPED", "state": "raised"}
    if path == "messages":
        item = {"action": "StatusNotification", "payload": fault()}
    for named, warnings in (("T89", 1), ("t90", 0)):
        answer = api.post(f"/charging/{path}", item | {"charge_point": "NL*TST*E0090*1", "station": named}).json()
        assert (answer["accepted"], len(answer["warnings"])) == (1, warnings)
    assert open_cases(point) == ["FUSE_TRIPPED"]


@pytest.mark.parametrize("name", ["signals", "messages", "connections"])
def test_a_batch_under_its_own_name_is_read(api: ApiClient, name: str) -> None:
    station(points=1)
    items = {
        "signals": {"station": "CP-1", "case": "FUSE_TRIPPED", "state": "raised"},
        "messages": {"station": "CP-1", "action": "Heartbeat", "payload": {}},
        "connections": {"station": "CP-1", "connected": True},
    }
    answer = api.post(f"/charging/{name}", {name: [items[name]]})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1), answer.content


def test_a_parameter_that_nobody_knows_is_refused_where_something_is_sent(api: ApiClient) -> None:
    station(points=1)
    answer = api.post("/charging/frames/CP-1?protokoll=ocpp2.0.1", [2, "1", "Heartbeat", {}])
    assert answer.status_code == 422
    assert "did you mean `protocol`?" in answer.content.decode()
    assert api.post("/charging/frames/CP-1?protocol=ocpp2.0.1", [2, "1", "Heartbeat", {}]).status_code == 202


@pytest.mark.parametrize("end", ["", "/", "/{identity}", "/{chargeBoxId}/", "/<station>", "/{}"])
def test_an_address_says_where_the_identity_stands_or_does_not(api: ApiClient, end: str) -> None:
    sent = f"wss://csms.example/steve/websocket/CentralSystemService{end}"
    answer = api.post("/charging/ocpp-routes", {"slug": "one", "upstream": sent})
    assert answer.status_code == 201, answer.content
    assert OcppRoute.objects.get().upstream == "wss://csms.example/steve/websocket/CentralSystemService"


@pytest.mark.parametrize("path", ["ocpp/{identity}/1.6", "{a}/{b}", "ocpp/x{identity}", "<a>/b"])
def test_an_address_with_the_identity_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(Forbidden, match="placeholder"):
        parse_upstream(f"wss://csms.example/{path}", ())
