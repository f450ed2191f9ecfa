"""Raw OCPP-J frames by HTTP: calls, answers paired with them, and whatever else comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra_notifications.models import (
    ChargePoint,
    ChargePointMessage,
    ChargePointState,
    Incident,
    OcppRoute,
    UnknownChargePoint,
)
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import fault, fine, open_cases, station
from tests.infra_notifications.proxy.test_listener import Ear

pytestmark = pytest.mark.django_db
BOOT = {"chargePointVendor": "ABB", "chargePointModel": "Terra 54", "chargePointSerialNumber": "SN-1"}


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


def post(api: ApiClient, body: Any, *, name: str = "CP-1", protocol: str = "ocpp1.6") -> dict[str, Any]:
    answer = api.post(f"/charging/frames/{name}?protocol={protocol}", body)
    assert answer.status_code == 202, answer.content
    found: dict[str, Any] = answer.json()
    return found


def stored() -> list[tuple[str, Any]]:
    return list(ChargePointMessage.objects.order_by("id").values_list("action", "payload"))


def test_one_frame_raises_and_the_next_one_clears(api: ApiClient, point: ChargePoint) -> None:
    assert post(api, [2, "1", "StatusNotification", fault()])["accepted"] == 1
    assert open_cases(point) == ["FUSE_TRIPPED"]
    assert post(api, [[2, "2", "StatusNotification", fine()]])["accepted"] == 1
    assert open_cases(point) == []


def test_an_answer_is_paired_with_its_call(api: ApiClient, point: ChargePoint) -> None:
    result = {"status": "Accepted", "currentTime": "2026-11-29T09:00:00Z", "interval": 777}
    answer = post(api, [[2, "a", "BootNotification", BOOT], [3, "a", result]])
    assert (answer["accepted"], answer["warnings"]) == (2, [])
    assert stored() == [
        ("BootNotification", {"chargePointVendor": "ABB", "chargePointModel": "Terra 54"}),
        ("BootNotification", result),
    ]
    assert ChargePointState.objects.get().learnt_interval_s == 777


def test_an_answer_in_a_later_request_is_paired_too(api: ApiClient, point: ChargePoint) -> None:
    start = {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": "2026-11-29T09:00:00Z"}
    post(api, [2, "s", "StartTransaction", start])
    post(api, [3, "s", {"transactionId": 5, "idTagInfo": {"status": "Blocked", "parentIdTag": "SECRET"}}])
    assert stored() == [
        ("StartTransaction", start | {"idTag": "***"}),
        ("StartTransaction", {"transactionId": 5, "idTagInfo": {"status": "Blocked"}}),
    ]


def test_an_answer_without_a_call_is_known_by_its_fields_or_is_an_answer(api: ApiClient, point: ChargePoint) -> None:
    result = {"status": "Accepted", "currentTime": "2026-11-29T09:00:00Z", "interval": 901}
    answer = post(api, [[3, "x", result], [3, "y", {}], [4, "z", "InternalError", "no card 04A2", {"idTag": "04A2"}]])
    assert (answer["accepted"], answer["rejected"]) == (3, [])
    assert stored() == [
        ("BootNotification", result),
        ("CallResult", {}),
        ("CallError", {"errorCode": "InternalError"}),
    ]
    assert ChargePointState.objects.get().learnt_interval_s == 901


def test_frames_of_2_1(api: ApiClient, point: ChargePoint) -> None:
    data = {"id": 1, "pending": 0, "basetime": "2026-11-29T09:00:00Z", "data": [{"v": "SECRET", "t": 1}]}
    frames = [[6, "s1", "NotifyPeriodicEventStream", data], [5, "s2", "FormatViolation", "", {}]]
    assert post(api, frames, protocol="ocpp2.1")["accepted"] == 2
    assert "SECRET" not in str(stored())


@pytest.mark.parametrize(
    "frame",
    [
        '[2,"1","StatusNotification",{"connectorId":1,"errorCode":"GroundFailure","status":"Faulted"}]',
        {"frame": [2, "1", "StatusNotification", fault("GroundFailure")], "received_at": "2026-11-29T09:00:00Z"},
        {"message": '[2,"1","StatusNotification",{"connectorId":1,"errorCode":"GroundFailure","status":"Faulted"}]'},
        ["2", 1, "status_notification", {"connector_id": 1, "error_code": "GroundFailure", "status": "Faulted"}],
        [2.0, "1", "StatusNotificationRequest", fault("GroundFailure")],
        [2, "StatusNotification", fault("GroundFailure")],
        [2, "status_notification", '{"connectorId":1,"errorCode":"GroundFailure","status":"Faulted"}'],
        [2, "1", "StatusNotification", '{"connectorId":1,"errorCode":"GroundFailure","status":"Faulted"}'],
    ],
)
def test_frames_as_forwarders_write_them(api: ApiClient, point: ChargePoint, frame: Any) -> None:
    assert post(api, [frame])["accepted"] == 1
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_what_has_no_message_id_is_read_and_warned_of_alone_and_as_a_payload(
    api: ApiClient, point: ChargePoint
) -> None:
    answer = post(api, [2, "StatusNotification", fault()])
    assert "no message id" in answer["warnings"][0]["warning"]
    assert open_cases(point) == ["FUSE_TRIPPED"]
    wrapped = {"station": "CP-1", "action": "StatusNotification", "payload": [2, "StatusNotification", fine()]}
    assert api.post("/charging/messages", wrapped).json()["accepted"] == 1
    assert open_cases(point) == []
    assert post(api, [[2, "Heartbeat"], [3, {"status": "Accepted"}], [2, "Heartbeat", "Heartbeat"]])["accepted"] == 3
    refused = post(api, [{"messageTypeId": 2, "action": "StatusNotification", "payload": fault()}])["rejected"]
    assert "A frame is an array" in refused[0]["error"]


def test_bad_frames_fail_alone(api: ApiClient, point: ChargePoint) -> None:
    good = b'[2,"%d","StatusNotification",{"connectorId":1,"errorCode":"GroundFailure","status":"Faulted"}]'
    for dirt in (b"7", b"[]", b'[2,"x"]', b'[9,"x","Heartbeat",{}]', b'[2,"x",7,{}]', b"{", b'[2,"x","Sing",{}]'):
        answer = post(api, b"[" + good % 1 + b"," + dirt + b"," + good % 2 + b"]")
        assert [one["index"] for one in answer["rejected"]] == [1], (dirt, answer)
    answer = post(api, b"[" + good % 3 + b',[2,"\xff","Heartbeat",{}]]')
    assert (answer["accepted"] + answer["duplicates"], answer["rejected"]) == (2, [])


def test_a_body_that_holds_no_frame(api: ApiClient, point: ChargePoint) -> None:
    path = "/charging/frames/CP-1"
    assert api.post(path, b"hello").status_code == 400
    assert api.post(path, b"7").status_code == 422
    assert api.post(path, [[2, str(n), "Heartbeat", {}] for n in range(1_001)]).status_code == 413
    assert api.post(path, []).json()["accepted"] == 0


def test_what_a_csms_asks_is_no_life_of_its_station(api: ApiClient, point: ChargePoint) -> None:
    assert post(api, [2, "1", "RemoteStartTransaction", {"idTag": "04A2"}])["accepted"] == 1
    assert ChargePointState.objects.get().last_seen is None
    assert stored() == [("RemoteStartTransaction", {"idTag": "***"})]


def test_the_same_frame_again_is_a_duplicate_and_another_under_its_id_is_not(
    api: ApiClient, point: ChargePoint
) -> None:
    frame = [2, "1", "StatusNotification", fault(timestamp="2026-11-29T09:00:00Z")]
    assert post(api, frame)["accepted"] == 1
    assert post(api, frame)["duplicates"] == 1
    assert post(api, [2, "1", "StatusNotification", fault("GroundFailure")])["accepted"] == 1
    assert Incident.objects.count() == 1


def test_an_unknown_station_is_kept(api: ApiClient) -> None:
    answer = post(api, [2, "1", "StatusNotification", fault()], name="NEW%2F7")
    assert "Unknown station NEW/7" in answer["rejected"][0]["error"]
    assert UnknownChargePoint.objects.get().station == "NEW/7"


@pytest.mark.parametrize(
    "body",
    [
        b"[2,'1','StatusNotification',{'connectorId':1,'errorCode':'GroundFailure','status':'Faulted'}]",
        b'[2,"1","StatusNotification",{connectorId:1,errorCode:"GroundFailure",status:"Faulted"}]',
    ],
)
def test_frames_in_other_quotes_are_read_by_http_and_by_the_proxy(
    api: ApiClient, point: ChargePoint, tmp_path: Path, body: bytes
) -> None:
    answer = post(api, body)
    assert (answer["accepted"], "not valid JSON" in str(answer["warnings"])) == (1, True)
    assert open_cases(point) == ["FUSE_TRIPPED"]
    post(api, [2, "2", "StatusNotification", fine()])
    OcppRoute.objects.create(slug="main", upstream="ws://csms")
    ear = Ear(tmp_path)
    ear.raw(ear.connect("CP-1"), body)
    ear.take()
    assert open_cases(point) == ["FUSE_TRIPPED"]
