"""What stands around an OCPP message: fields of another type, bodies that are spoilt, compressed or wrapped."""

from __future__ import annotations

import gzip
import html
import json
import zlib
from typing import Any

import pytest
from django.test import Client

from infra_notifications.models import ChargePoint, ChargePointMessage, ChargePointState, Incident
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import fault, station
from tests.infra_notifications.pages import text_of, url

pytestmark = pytest.mark.django_db
MESSAGES = "/charging/messages"
FAULT = {"station": "CP-1", "action": "StatusNotification", "payload": fault()}
ONE, TWO = json.dumps(FAULT), json.dumps({"station": "CP-1", "action": "Heartbeat", "payload": {}})


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


def is_open() -> bool:
    return Incident.objects.filter(closed_at=None).exists()


def is_alive() -> bool:
    return ChargePointState.objects.get().last_seen is not None


@pytest.mark.parametrize(
    "odd",
    [
        {"connector": "1"},
        {"connector": 1.0},
        {"connector": " 1.0 "},
        {"connector": [1]},
        {"protocol": None},
        {"protocol": 1.6},
        {"protocol": ["ocpp1.6"]},
        {"protocol": {}},
        {"protocol": True},
        {"id": 1.5},
        {"id": True},
        {"id": {}},
        {"id": [7]},
        {"received_at": 1764459600},
        {"received_at": 1764459600000},
        {"received_at": 1764459600.5},
        {"received_at": {}},
        {"received_at": True},
        {"station": ["CP-1"]},
    ],
)
def test_a_field_of_another_type_costs_no_message(api: ApiClient, point: ChargePoint, odd: dict[str, Any]) -> None:
    answer = api.post(MESSAGES, [FAULT | odd]).json()
    assert (answer["accepted"], answer["rejected"]) == (1, [])
    (name,) = odd
    assert any(f"`{name}` was " in told["warning"] for told in answer["warnings"])
    assert is_open()


def test_what_was_warned_of_a_message_stands_in_its_list(api: ApiClient, administrator: Client) -> None:
    point = station(points=1)[0]
    odd: list[dict[str, Any]] = [
        FAULT,
        FAULT | {"connector": "1"},
        FAULT | {"action": "status_notification"},
        FAULT | {"payload": fault(timestamp="2020-01-01T00:00:12Z")},
        FAULT | {"received_at": "2099-01-01T00:00:00Z", "payload": {"payload": fault()}},
        FAULT | {"action": "Hartbeat"},
    ]
    answer = api.post(MESSAGES, odd).json()
    assert (answer["accepted"], len(answer["rejected"])) == (5, 1)
    warned: dict[int, list[str]] = {}
    for told in answer["warnings"]:
        warned.setdefault(told["index"], []).append(told["warning"])
    assert set(warned) >= {1, 2, 3, 4}
    api.post(
        "/charging/signals", {"charge_point": point.evse_id, "connector": "1", "case": "SENSORS", "state": "raised"}
    )
    rows = api.get(f"/charging/messages?charge_point={point.evse_id}").json()["items"]
    signal, *messages = rows
    assert signal["warnings"] == ['`connector` was "1" and was read as 1.']
    assert sorted(row["warnings"] for row in messages) == sorted(warned.get(index, []) for index in range(5))
    page = text_of(administrator.get(url("charge_point", point.pk)))
    for sentence in {sentence for sentences in warned.values() for sentence in sentences}:
        assert sentence in html.unescape(page), sentence


def test_the_message_list_has_pages(api: ApiClient, point: ChargePoint) -> None:
    api.post(MESSAGES, [FAULT | {"connector": number % 2} for number in range(5)])
    path, found = f"/charging/messages?charge_point={point.evse_id}&limit=2", []
    while path:
        page = api.get(path).json()
        found += page["items"]
        path = f"{path.partition('&cursor')[0]}&cursor={page['next']}" if page["next"] else ""
    ids = [row["id"] for row in found]
    assert (len(ids), ids) == (5, sorted(set(ids), reverse=True))
    assert api.get("/charging/messages?charge_point=nobody").status_code == 404
    assert api.get("/charging/messages").status_code == 422


@pytest.mark.parametrize("name", ["id", "received_at", "occurred_at", "detail"])
@pytest.mark.parametrize("value", [[], {}, True, [[1]], {"value": 1}, [1, 2]])
def test_what_cannot_be_read_beside_a_signal_costs_no_signal(
    api: ApiClient, point: ChargePoint, name: str, value: Any
) -> None:
    signal = {"charge_point": point.evse_id, "case": "SENSORS", "state": "raised"}
    answer = api.post("/charging/signals", signal | {name: value}).json()
    assert (answer["accepted"], is_open(), len(answer["warnings"])) == (1, True, 1)


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"value": v}, lambda v: {"#text": v}, lambda v: [{"$": v}]])
@pytest.mark.parametrize("name", ["status", "errorCode", "vendorErrorCode", "info"])
def test_a_value_that_stands_alone_in_a_list_or_object_is_read(
    api: ApiClient, point: ChargePoint, name: str, wrap: Any
) -> None:
    payload = fault("GroundFailure", info="door open", vendorErrorCode="E7")
    api.post(MESSAGES, FAULT | {"payload": payload | {name: wrap(payload[name])}})
    said = Incident.objects.get(closed_at=None).said
    assert all(payload[each] in said for each in ("status", "errorCode", "vendorErrorCode", "info")), said


def test_a_moment_in_seconds_or_milliseconds_is_that_moment(api: ApiClient, point: ChargePoint) -> None:
    for moment in (1764459600, 1764459600000):
        api.post(MESSAGES, FAULT | {"received_at": moment})
    assert {message.received_at.isoformat() for message in ChargePointMessage.objects.all()} == {
        "2025-11-29T23:40:00+00:00"
    }


def test_a_number_is_the_name_of_its_station(api: ApiClient) -> None:
    station("4711", points=1)
    assert api.post(MESSAGES, FAULT | {"station": 4711}).json()["accepted"] == 1
    assert is_open()


@pytest.mark.parametrize(
    "bad",
    [
        {"connector": True},
        {"connector": "one"},
        {"connector": {}},
        {"connector": 1.5},
        {"action": None},
        {"action": 7.5, "payload": 3},
        {"action": {}},
        {"charge_point": {}},
        {"charge_point": True},
    ],
)
def test_what_is_rejected_for_its_fields_proves_life(api: ApiClient, point: ChargePoint, bad: dict[str, Any]) -> None:
    answer = api.post(MESSAGES, [FAULT | bad]).json()
    assert (answer["accepted"], [told["index"] for told in answer["rejected"]]) == (0, [0])
    assert is_alive()
    assert not is_open()


def test_a_message_without_an_action_proves_life(api: ApiClient, point: ChargePoint) -> None:
    answer = api.post(MESSAGES, [{"station": "CP-1"}, FAULT]).json()
    assert answer["accepted"] == 1
    assert answer["rejected"] == [{"index": 0, "error": "`action` is missing."}]
    assert is_alive()


# ---- bodies ---------------------------------------------------------------------------------------------------------


def posted(api: ApiClient, body: bytes | str, **headers: Any) -> Any:
    return api.call("POST", MESSAGES, body.encode() if isinstance(body, str) else body, **headers)


BODIES: dict[str, bytes | str] = {
    "NUL behind an array": f"[{ONE},{TWO}]\0",
    "end of file": f"[{ONE},{TWO}]\x1a\r\n",
    "NUL in front": f"\0[{ONE},{TWO}]",
    "no comma": f"[{ONE} {TWO}]",
    "no comma, no blank": f"[{ONE}{TWO}]",
    "one behind the other": f"{ONE}{TWO}",
    "lines and a NUL": f"{ONE}\n{TWO}\n\0",
    "records (RFC 7464)": f"\x1e{ONE}\n\x1e{TWO}\n",
    "UTF-16": f"[{ONE},{TWO}]".encode("utf-16"),
    "UTF-32": f"[{ONE},{TWO}]".encode("utf-32"),
    "UTF-32 without a mark": f"[{ONE},{TWO}]".encode("utf-32-le"),
    "UTF-32 the other way": f"[{ONE},{TWO}]".encode("utf-32-be"),
    "messages": f'{{"messages": [{ONE},{TWO}]}}',
    "items": f'{{"items": [{ONE},{TWO}], "count": 2}}',
    "data": f'{{"data": {{"messages": [{ONE},{TWO}]}}}}',
    "an array in an array": f"[[{ONE},{TWO}]]",
    "arrays in an array": f"[[{ONE}],[{TWO}]]",
    "an array beside an item": f"[{ONE},[[{TWO}]]]",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_spoils_or_wraps_a_body_costs_no_message(api: ApiClient, point: ChargePoint, body: bytes | str) -> None:
    answer = posted(api, body)
    assert answer.status_code == 202, answer.content
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (2, [])
    assert is_open()


def test_what_a_batch_was_wrapped_in_is_named(api: ApiClient, point: ChargePoint) -> None:
    warnings = [posted(api, BODIES[name]).json()["warnings"] for name in ("messages", "an array in an array")]
    assert [{told["warning"] for told in of} for of in warnings] == [
        {"It was in `messages`."},
        {"It was in an array within the array."},
    ]


def test_fields_around_a_batch_are_those_of_each_item(api: ApiClient, point: ChargePoint) -> None:
    inner = [{"action": "StatusNotification", "payload": fault()}, {"action": "Heartbeat", "payload": {}}]
    assert posted(api, json.dumps({"station": "CP-1", "messages": inner})).json()["accepted"] == 2
    assert is_open()


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        (None, gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", bare_deflate),
        ("gzip", lambda body: body),
        ("identity", lambda body: body),
        ("gzip", lambda body: gzip.compress(body[:9]) + bytes(99) + gzip.compress(body[9:])),
    ],
)
def test_a_compressed_body_is_read(api: ApiClient, point: ChargePoint, encoding: str | None, compress: Any) -> None:
    headers = {"HTTP_CONTENT_ENCODING": encoding} if encoding else {}
    answer = posted(api, compress(f"[{ONE},{TWO}]".encode()), **headers)
    assert answer.status_code == 202, answer.content
    assert answer.json()["accepted"] == 2


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(b"[" + b" " * (6 * 1024 * 1024) + b"]"), 413),
        ("gzip", gzip.compress(b"[]") + gzip.compress(b" " * (6 * 1024 * 1024)), 413),
        ("gzip", gzip.compress(b" ") * 200_000, 413),  # each copied what was behind it: a minute
        ("gzip", gzip.compress(ONE.encode())[:-12], 400),
        ("gzip", b"no gzip at all", 400),
        ("br", b"\x8b\x02", 415),
    ],
)
def test_a_compressed_body_that_cannot_be_read_says_why(
    api: ApiClient, point: ChargePoint, encoding: str, body: bytes, status: int
) -> None:
    answer = posted(api, body, HTTP_CONTENT_ENCODING=encoding)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


# ---- names of fields ------------------------------------------------------------------------------------------------

FLAT = {"station": "CP-1", "action": "StatusNotification", **fault()}
RENAMED: dict[str, dict[str, Any]] = {
    "pascal": {name.capitalize(): value for name, value in FAULT.items()},
    "upper": {name.upper(): value for name, value in FAULT.items()},
    "flat": FLAT,
    "flat and pascal": {f"{name[:1].upper()}{name[1:]}": value for name, value in FLAT.items()},
    "flat beside a text": FLAT | {"message": "GF1", "info": "RCD"},
    "flat beside an object": FLAT | {"data": {"a": 1}},
    "flat of 2.x": {
        "station": "CP-1",
        "action": "StatusNotification",
        "connectorStatus": "Faulted",
        "evseId": 1,
        "connectorId": 1,
        "timestamp": "2026-11-21T05:40:00Z",
    },
    "a flat transfer": {
        "station": "CP-1",
        "action": "DataTransfer",
        "vendorId": "x",
        "messageId": "Alarm",
        "data": {"description": "RCD tripped"},
    },
    "wrapped": {"message": FAULT},
    "wrapped beside its station": {"station": "CP-1", "data": FAULT},
    "a frame": {"station": "CP-1", "frame": [2, "7", "StatusNotification", fault()]},
    "a frame as payload": {"station": "CP-1", "payload": [2, "7", "StatusNotification", fault()]},
} | {
    f"{name} for {ours}": {name if key == ours else key: value for key, value in FAULT.items()}
    for ours, names in {
        "station": ("stationId", "charge_point_id", "chargeBoxId", "cp-id", "Station Id"),
        "action": ("messageType", "message_type", "method", "ACTION"),
        "payload": ("data", "message", "body", "Payload", "request"),
    }.items()
    for name in names
}


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("item", RENAMED.values(), ids=RENAMED)
def test_a_field_of_another_name_costs_no_message(
    api: ApiClient, point: ChargePoint, item: dict[str, Any], many: bool
) -> None:
    answer = api.post(MESSAGES, [json.loads(TWO), item] if many else item).json()
    assert (answer["accepted"], answer["rejected"]) == (1 + many, [])
    assert {told["index"] for told in answer["warnings"]} == {int(many)}
    assert is_open()


def test_a_charge_point_of_another_name_is_found(api: ApiClient, point: ChargePoint) -> None:
    for name in ("chargePoint", "evseId", "Charge-Point", "CHARGE_POINT"):
        item = {name: point.evse_id, "action": "StatusNotification", "payload": fault()}
        assert api.post(MESSAGES, [item]).json()["accepted"] == 1, name
    assert is_open()


def test_what_is_spelt_right_needs_no_payload_and_may_have_more(api: ApiClient, point: ChargePoint) -> None:
    items = [
        {"station": "CP-1", "action": "Heartbeat"},
        FAULT | {"tenant": "x", "data": {"a": 1}},
        {"station": "CP-1", "action": "Heartbeat", "payload": {}, "Station": "other"},
    ]
    answer = api.post(MESSAGES, items).json()
    assert (answer["accepted"], answer["rejected"]) == (3, [])
    assert [told["index"] for told in answer["warnings"]] == [1, 2]
    assert all("nobody reads a field of this name" in told["warning"] for told in answer["warnings"])


TEXTS = {
    "an array of texts": json.dumps([ONE, TWO]),
    "a text of an array": json.dumps(f"[{ONE},{TWO}]"),
    "a text beside an object": f"[{ONE},{json.dumps(TWO)}]",
    "a text of an array in an array": json.dumps([f"[{ONE},{TWO}]"]),
    "a text of a text": json.dumps([json.dumps(ONE), TWO]),
}


@pytest.mark.parametrize("body", TEXTS.values(), ids=TEXTS)
def test_json_that_is_text_is_read_as_what_it_says(api: ApiClient, point: ChargePoint, body: str) -> None:
    answer = posted(api, body)
    assert answer.status_code == 202, answer.content
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (2, [])
    assert any("JSON text" in told["warning"] for told in answer.json()["warnings"])
    assert is_open()


def test_a_text_that_is_no_json_is_rejected_alone(api: ApiClient, point: ChargePoint) -> None:
    answer = posted(api, json.dumps(["{broken", "words", "", json.loads(ONE)])).json()
    assert (answer["accepted"], [told["index"] for told in answer["rejected"]]) == (1, [0, 1, 2])
    assert posted(api, '"words"').status_code == 422


@pytest.mark.parametrize("length", [200, 201, 5_000])
def test_an_id_of_any_length_is_an_id(api: ApiClient, point: ChargePoint, length: int) -> None:
    item = FAULT | {"id": "x" * length}
    answers = [api.post(MESSAGES, [item]).json() for _time in range(2)]
    assert [(answer["accepted"], answer["duplicates"]) for answer in answers] == [(1, 0), (0, 1)]
    assert api.post(MESSAGES, [FAULT | {"id": "x" * length + "y"}]).json()["duplicates"] == 0


@pytest.mark.parametrize(
    "odd",
    [
        {"Case": "SENSORS", "State": "raised", "chargePoint": "?"},
        {"CASE": "sensors", "STATE": "open", "CHARGE_POINT": "?"},
        {"case": "SENSORS", "state": True, "evseId": "?"},
        {"case": "SENSORS", "state": "raised", "chargePoint": "?", "occurredAt": "nonsense", "tenant": 1},
        {"case": "SENSORS", "state": "raised", "stationId": "CP-1", "connectorId": "1"},
    ],
)
@pytest.mark.parametrize("as_text", [False, True])
def test_a_signal_whose_fields_have_other_names_is_taken(
    api: ApiClient, point: ChargePoint, odd: dict[str, Any], as_text: bool
) -> None:
    item = {name: point.evse_id if value == "?" else value for name, value in odd.items()}
    answer = api.post("/charging/signals", [json.dumps(item) if as_text else item]).json()
    assert (answer["accepted"], answer["rejected"]) == (1, [])
    assert Incident.objects.get(closed_at=None).case == "SENSORS"
