"""Frames that are spelt oddly are heard as `/charging/frames` hears them; tokens stay out of free texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra_notifications.models import ChargePointMessage, OcppRoute, Source
from tests.infra_notifications.helpers import fault, fine, mails, open_cases, station
from tests.infra_notifications.proxy.test_listener import Ear

pytestmark = pytest.mark.django_db
FAULT = json.dumps(fault()).encode()
PLAIN = b'[2,"1","StatusNotification",' + FAULT + b"]"
TOKEN = "04A2B3C4D5E6F7"


@pytest.fixture
def hearing(tmp_path: Path) -> Ear:
    OcppRoute.objects.create(slug="main", upstream="ws://csms")
    return Ear(tmp_path)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (PLAIN[:-2] + b',"info":"x\\ud83d"}]', True),
        (PLAIN[:-2] + b',"info":"line\nbreak"}]', True),
        (PLAIN[:-2] + b',"info":"\xff"}]', True),
        (PLAIN.replace(b'"1"', b"17"), True),
        (PLAIN.replace(b"[2", b'["2"'), True),
        (PLAIN.replace(b'"1"', b'"' + b"i" * 400 + b'"'), True),
        (PLAIN.replace(b'"1"', b'"' + "ü".encode() * 200 + b'"'), True),
        (PLAIN, False),
        (b"\xef\xbb\xbf" + PLAIN, True),
        (PLAIN.decode().encode("utf-16"), False),
        (PLAIN + b"\0", True),
        (b"\x1e" + PLAIN, True),
        (b"[" + PLAIN + b"]", True),
        (b'[[2,"0","Heartbeat",{}],' + PLAIN + b"]", True),
        (b'[[2,"0","Heartbeat",{}],[9],' + PLAIN + b"]", True),
        (json.dumps([2, "1", "StatusNotification", FAULT.decode()]).encode().replace(b'"1"', b"1"), True),
        (PLAIN + b'\n[2,"2","Heartbeat",{}]', True),
        (b'[2,"0","Heartbeat",{}]\r\n' + PLAIN, True),
        (b'[2,"0","Heartbeat",{}]' + PLAIN, True),
        (b'[2,"0","MeterValues",{"connectorId":1,"meterValue":[]}], ' + PLAIN + b",", True),
        (b'[3,"0",{}]\n[[2,"0","Heartbeat",{}],' + PLAIN + b"]", True),
        (PLAIN + b"xxx", True),
        (PLAIN[:-2] + b",}]", True),
        (PLAIN[:-2] + b',"info":"][2,"}]', True),
    ],
)
def test_a_fault_in_an_odd_frame_is_heard(hearing: Ear, data: bytes, text: bool) -> None:
    (point,) = station(points=1)
    hearing.raw(hearing.connect(), data, text=text)
    hearing.take()
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_an_answer_with_a_number_as_id_is_that_of_its_call(hearing: Ear) -> None:
    station(points=1)
    link = hearing.connect()
    hearing.say(link, 2, 17, "StartTransaction", {"connectorId": 1, "idTag": TOKEN, "meterStart": 0, "timestamp": "x"})
    hearing.say(link, 3, 17, {"transactionId": 5, "idTagInfo": {"status": "Blocked"}}, csms=True)
    hearing.take()
    refused = {"transactionId": 5, "idTagInfo": {"status": "Blocked"}}
    assert ChargePointMessage.objects.filter(action="StartTransaction", payload=refused).count() == 1


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b'{"a": 1}',
        b'[7,"1","Heartbeat",{}]',
        b"[" * 15_000,
        b"[" * 50_000,
        b'[2,"1","StatusNotification",{"errorCode":',
        PLAIN.replace(b'"1"', b"[]"),
    ],
)
def test_what_nobody_can_read_is_rejected_at_its_source(hearing: Ear, data: bytes) -> None:
    (point,) = station(points=1)
    link = hearing.connect()
    hearing.take()
    before = Source.objects.get().rejected
    hearing.raw(link, data)
    hearing.take()
    source = Source.objects.get()
    assert (source.rejected - before, open_cases(point)) == (1, [])
    assert "CP-1" in str(source.rejections)
    hearing.say(link, 2, "2", "StatusNotification", fault())
    hearing.take()
    assert open_cases(point) == ["FUSE_TRIPPED"], "what follows is heard"


def test_what_a_csms_says_oddly_is_no_fault_of_its_station(hearing: Ear) -> None:
    station(points=1)
    link = hearing.connect()
    hearing.raw(link, b"hello", csms=True)
    hearing.say(link, 2, "1", "Heartbeat", {})
    hearing.take()
    assert Source.objects.get().rejected == 0


# ---- tokens ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "named", "from_csms"),
    [
        ("Authorize", {"idTag": TOKEN}, False),
        ("Authorize", {"idToken": {"idToken": TOKEN, "type": "ISO14443"}}, False),
        ("StartTransaction", {"connectorId": 1, "idTag": TOKEN, "meterStart": 0, "timestamp": "x"}, False),
        ("RemoteStartTransaction", {"idTag": TOKEN.lower()}, True),
        ("DataTransfer", {"vendorId": "x", "data": {"emaid": TOKEN}}, False),
    ],
)
@pytest.mark.parametrize("spelt", [TOKEN, TOKEN.lower(), "04:A2:B3:C4:D5:E6:F7", "TAG" + TOKEN, "04 A2 B3 C4 D5 E6 F7"])
def test_a_token_that_was_named_stays_out_of_free_texts(
    hearing: Ear, action: str, named: dict[str, Any], from_csms: bool, spelt: str
) -> None:
    (point,) = station(points=1)
    link = hearing.connect()
    hearing.say(link, 2, "1", action, named, csms=from_csms)
    told = fault(info=f"RCD tripped, RFID {spelt} unreadable", vendorErrorCode=f"TAG:{spelt}")
    hearing.say(link, 2, "2", "StatusNotification", told)
    assert spelt not in hearing.stored
    hearing.take()
    kept = ChargePointMessage.objects.get(action="StatusNotification").payload
    assert spelt not in str(kept)
    assert "RCD tripped, RFID" in kept["info"], "the rest of the text is kept"
    assert open_cases(point) == ["FUSE_TRIPPED"]
    assert spelt not in str([mail.payload for mail in mails()])


def test_tokens_are_of_one_connection_and_times_and_words_stay(hearing: Ear) -> None:
    (point,) = station(points=1)
    link, other = hearing.connect(), hearing.connect("CP-2")
    for pk, token in enumerate(("20261130", "Faulted", "12", TOKEN)):
        hearing.say(link, 2, str(pk), "Authorize", {"idTag": token})
    said = fault(info="Faulted 12", timestamp="2026-11-30T03:00:00Z")
    hearing.say(link, 2, "a", "StatusNotification", said)
    hearing.say(other, 2, "a", "StatusNotification", fine(info=f"serial {TOKEN}"))
    assert TOKEN in hearing.stored
    hearing.take()
    assert ChargePointMessage.objects.get(action="StatusNotification").payload == said
    assert open_cases(point) == ["FUSE_TRIPPED"]
