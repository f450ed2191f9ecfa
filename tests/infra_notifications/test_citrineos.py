"""What CitrineOS sends its subscribers, in the form of its own source (`OcppRouter`, `webhook.dispatcher.ts`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.models import ApiKey
from core.services import revoke_api_key
from infra_notifications.models import ChargePoint, ChargePointMessage, Source
from tests.conftest import ApiClient
from tests.factories.console import make_key
from tests.infra_notifications.helpers import open_cases, station

pytestmark = pytest.mark.django_db
FAULT = {"connectorId": 1, "errorCode": "GroundFailure", "status": "Faulted"}


@pytest.fixture
def key() -> tuple[ApiKey, str]:
    return make_key("charging:write")


Tell = Callable[..., Any]


@pytest.fixture
def tell(key: tuple[ApiKey, str]) -> Tell:
    """Posts events to the address with this key, as CitrineOS does: with a content type and nothing else."""

    def post(*events: Any, token: str = key[1]) -> Any:
        body = events[0] if len(events) == 1 else list(events)
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Client().generic("POST", f"/api/v1/charging/in/citrineos/{token}", sent, content_type="application/json")

    return post


@pytest.fixture
def point() -> ChargePoint:
    return station("CP-1", 1)[0]


def event(kind: str = "message", frame: Any = None, origin: str = "cs", **info: Any) -> dict[str, Any]:
    """An event of station CP-1; `frame` is sent as text."""
    told: dict[str, Any] = {"stationId": "CP-1", "event": kind}
    if kind != "message":
        return told
    known = {"correlationId": "1", "origin": origin, "timestamp": timezone.now().isoformat(), "protocol": "ocpp1.6"}
    return told | {"origin": origin, "message": json.dumps(frame), "info": known | info}


def test_a_message_of_a_station_is_a_frame_as_text(tell: Tell, point: ChargePoint) -> None:
    answer = tell(event(frame=[2, "1", "StatusNotification", FAULT], action="StatusNotification"))
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_versions_are_told_apart(tell: Tell, point: ChargePoint) -> None:
    tripped = {
        "generatedAt": "2026-11-21T05:40:00Z",
        "seqNo": 0,
        "eventData": [
            {
                "eventId": 1,
                "timestamp": "2026-11-21T05:40:00Z",
                "trigger": "Alerting",
                "actualValue": "true",
                "eventNotificationType": "HardWiredNotification",
                "component": {"name": "RCD", "evse": {"id": 1}},
                "variable": {"name": "Tripped"},
            }
        ],
    }
    tell(event(frame=[2, "1", "NotifyEvent", tripped], protocol="ocpp2.0.1"))
    assert open_cases(point) == ["FUSE_TRIPPED"]
    assert ChargePointMessage.objects.get().protocol == "ocpp2.0.1"


def test_a_closed_connection_is_a_disconnect_and_the_next_one_its_end(
    tell: Tell, point: ChargePoint, api: ApiClient
) -> None:
    tell(event(frame=[2, "1", "Heartbeat", {}]))
    assert tell(event("closed")).json()["accepted"] == 1
    assert open_cases(point) == ["UNAVAILABLE"]
    assert api.get("/charging/stations/CP-1").json()["connected"] is False
    tell(event("connected"))
    assert open_cases(point) == []
    assert api.get("/charging/stations/CP-1").json()["connected"] is True


def test_events_of_one_request_count_in_their_order(tell: Tell, point: ChargePoint) -> None:
    answer = tell(event("connected"), event(frame=[2, "1", "Heartbeat", {}]), event("closed"))
    assert answer.json()["accepted"] == 3
    assert open_cases(point) == ["UNAVAILABLE"]


def test_what_the_csms_asks_is_no_life_of_its_station(tell: Tell, point: ChargePoint) -> None:
    tell(event(frame=[2, "9", "DataTransfer", {"vendorId": "x"}], origin="csms", action="DataTransfer"))
    assert point.state.__class__.objects.get(pk=point.pk).last_seen is None
    tell(event(frame=[3, "9", {"status": "Accepted"}], origin="cs", action="DataTransfer"))
    assert point.state.__class__.objects.get(pk=point.pk).last_seen is not None


def test_the_interval_of_a_boot_is_learnt_from_its_answer(tell: Tell, point: ChargePoint, api: ApiClient) -> None:
    boot = {"chargePointVendor": "ABB", "chargePointModel": "Terra 54"}
    tell(event(frame=[2, "7", "BootNotification", boot], action="BootNotification"))
    answer = {"status": "Accepted", "currentTime": timezone.now().isoformat(), "interval": 1800}
    tell(event(frame=[3, "7", answer], origin="csms", action="BootNotification"))
    shown = api.get(f"/charging/charge-points/{point.evse_id}").json()
    assert (shown["interval_s"], shown["interval_source"], shown["vendor"]) == (1800, "boot", "ABB")


def test_drivers_and_tokens_are_not_stored(tell: Tell, point: ChargePoint) -> None:
    start = {"connectorId": 1, "idTag": "DEADBEEF01", "meterStart": 0, "timestamp": "2026-11-21T05:40:00Z"}
    tell(event(frame=[2, "1", "StartTransaction", start]))
    assert "DEADBEEF01" not in json.dumps([one.payload for one in ChargePointMessage.objects.all()])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"event": "connected"}, "`stationId`"),
        ({"stationId": "CP-1"}, "`event`"),
        ({"stationId": "CP-1", "event": "error"}, "`event`"),
        ({"stationId": "CP-1", "event": "message"}, "no frame"),
        ({"stationId": "CP-1", "event": "message", "message": "hello"}, "no frame"),
        ({"stationId": "CP-1", "event": "message", "message": "[2]"}, "array such as"),
        ({"stationId": {"a": 1}, "event": "closed"}, "`stationId`"),
        ({"stationId": "CP-1", "event": "message", "message": "[" * 5000}, "no frame"),
        ("closed", "`stationId`"),
        (None, "`stationId`"),
    ],
)
def test_what_is_no_event_is_rejected_by_name_and_spoils_no_other(
    tell: Tell, point: ChargePoint, body: Any, said: str
) -> None:
    answer = tell(body, event("connected"))
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert [one["index"] for one in answer.json()["rejected"]] == [0]
    assert said in answer.json()["rejected"][0]["error"]


def test_a_frame_that_was_parsed_already_and_info_that_is_missing_are_taken(tell: Tell, point: ChargePoint) -> None:
    message = [2, "1", "StatusNotification", FAULT | {"vendorId": "x"}]
    assert tell({"stationId": "cp-1", "event": "Message", "message": message}).json()["accepted"] == 1
    assert open_cases(point) == ["FUSE_TRIPPED"]
    message[3] = FAULT | {"errorCode": "NoError", "status": "Available"}
    held = {"type": "Buffer", "data": [*json.dumps(message).encode()]}  # as Node writes bytes in JSON
    assert tell({"stationId": "cp-1", "event": "message", "message": held}).json()["accepted"] == 1
    assert open_cases(point) == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe{"])
def test_what_is_no_json_is_a_bad_request(tell: Tell, body: bytes) -> None:
    assert tell(body).status_code == 400


def test_more_events_than_a_batch_holds_are_refused(tell: Tell) -> None:
    assert tell([event("connected")] * 1001).status_code == 413


def test_the_key_in_the_address_is_one_that_may_write(tell: Tell, key: tuple[ApiKey, str]) -> None:
    assert tell(event("connected"), token="sbx_00000000_" + "x" * 43).status_code == 401
    assert tell(event("connected"), token="nonsense").status_code == 401
    assert tell(event("connected"), token=make_key("charging:read")[1]).status_code == 403
    assert tell(event("connected")).status_code == 202
    revoke_api_key(key=key[0])
    assert tell(event("connected")).status_code == 401


def test_it_is_a_source_of_its_own_kind_beside_the_key(
    tell: Tell, key: tuple[ApiKey, str], point: ChargePoint, api: ApiClient
) -> None:
    tell(event(frame=[2, "1", "Heartbeat", {}]), {"event": "closed"})
    [source] = api.get("/charging/sources?q=kind:citrineos").json()["items"]
    assert (source["name"], source["accepted"], source["rejected"], source["revoked"]) == (key[0].name, 1, 1, False)
    assert Source.objects.count() == 1
    revoke_api_key(key=key[0])
    assert api.get("/charging/sources").json()["items"][0]["revoked"] is True
