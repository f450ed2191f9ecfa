"""What cannot be stored is taken out where text comes in, and spoils nothing beside itself."""

from __future__ import annotations

import json
import unicodedata
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from core.text import clean_json, clean_text, composed, composed_json, identity_key, one_line
from infra_notifications.models import ChargePoint, GroupDraft
from tests.conftest import ApiClient

# Any character at all, those that PostgreSQL cannot store among them.
ANY_TEXT = st.text(st.characters() | st.sampled_from("\x00\ud800\udfff\\u0aD"))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.just("k") | st.just("l"), inner, max_size=2),
    max_leaves=12,
)


def cleaned(value: Any) -> Any:
    """The value with each of its texts cleaned by itself, pairs of surrogates read as the character that they are."""
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\x00", "")
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    return {key: cleaned(each) for key, each in value.items()} if isinstance(value, dict) else value


@given(ANY_JSON)
def test_every_text_of_a_body_is_cleaned_by_itself(value: Any) -> None:
    assert msgspec.json.decode(clean_json(json.dumps(value).encode())) == cleaned(value)


@given(ANY_JSON)
def test_a_clean_body_stays_as_it_is(value: Any) -> None:
    body = json.dumps(cleaned(value), ensure_ascii=False).encode()
    assert clean_json(body) == body


@given(st.binary(max_size=60), st.text(st.characters(exclude_characters='\x00\\"', codec="utf-8"), min_size=1))
def test_bytes_that_are_no_text_spoil_only_the_text_that_they_stand_in(odd: bytes, neighbour: str) -> None:
    odd = bytes(byte for byte in odd if byte >= 0x20 and byte not in b'"\\')
    body = b'[{"a": "' + odd + b'"}, ' + json.dumps(neighbour).encode() + b"]"
    spoilt, good = msgspec.json.decode(clean_json(body))
    assert spoilt == {"a": odd.decode("utf-8", "replace")}
    assert good == neighbour


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'"\\u0000"', ""),
        (b'"a\\u0000b"', "ab"),
        (b'"a\x00b"', "a\ufffdb"),
        (b'"\\\\u0000"', "\\u0000"),
        (b'"\\\\\\u0000u0000"', "\\u0000"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'"\\ud800"', "\ufffd"),
        (b'"\\uDC00\\uD83D"', "\ufffd\ufffd"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\uD83D\\uD83D\\uDE00"', "\ufffd😀"),
        (b'"\\ud83dx"', "\ufffdx"),
        (b'"\xed\xa0\x80"', "\ufffd\ufffd\ufffd"),
        (b'"\xff"', "\ufffd"),
        (b'\xef\xbb\xbf"a"', "a"),
        (b'"None"', "None"),
        (b"\xff\xfe" + '"ä"'.encode("utf-16-le"), "ä"),
        (b"\xfe\xff" + '"ä"'.encode("utf-16-be"), "ä"),
    ],
)
def test_what_becomes_of_a_text(body: bytes, text: str) -> None:
    assert msgspec.json.decode(clean_json(body)) == text


@pytest.mark.parametrize("body", [b"\x00", b"\\u0000", b"\xff", b"{\x00}", b'{"a": 1}\x00'])
def test_what_is_no_json_stays_none(body: bytes) -> None:
    assert clean_json(body).strip()
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(clean_json(body))


@given(ANY_TEXT)
def test_a_cleaned_text_can_be_stored(text: str) -> None:
    found = clean_text(text)
    assert "\x00" not in found
    found.encode()
    assert clean_text(found) == found


# ---- at the doors ---------------------------------------------------------------------------------------------------

ODD = [b"\\u0000", b"\x00", b"\\ud800", b"\xff", b"\xed\xa0\x80"]


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("/charging/messages", b'{"station": "S", "action": "Heartbeat", "payload": {"a": "%s"}, "id": "%s"}'),
        ("/charging/signals", b'{"charge_point": "%s", "case": "SENSORS", "state": "raised", "detail": "%s"}'),
        ("/vehicles/facts", b'{"type": "driver", "driver": "d%s", "data": {"name": "%s"}}'),
        ("/bikeshare/telemetry", b'{"boitier": "%s", "type": "lock", "state": "%s", "at": "2026-11-21T05:40:00Z"}'),
    ],
)
@pytest.mark.parametrize("odd", ODD)
def test_a_batch_with_an_odd_text_is_answered_item_by_item(api: ApiClient, path: str, item: bytes, odd: bytes) -> None:
    body = b"\xef\xbb\xbf[" + item.replace(b"%s", odd) + b", 5]"
    answer = api.post(path, body)
    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert told["rejected"][-1]["index"] == 1
    assert told["accepted"] + len(told["rejected"]) == 2


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/charging/charge-points", {"evse_id": "DE*A%sB*1", "name": "a%sb", "tags": ["a%sb"]}),
        (
            "PUT",
            "/remotes/vehicles",
            {"vin": "WVWZZZ1KZAW000001", "fleet": "f%s", "new_fleet": True, "brand": "Audi", "name": "a%sb"},
        ),
        ("POST", "/charging/groups", {"name": "a%sb", "emails": ["a@example.org"], "description": "a%sb"}),
        ("POST", "/webhooks", {"url": "http://127.0.0.1/%s", "topics": ["*"], "description": "a%sb"}),
        ("POST", "/bikeshare/programs", {"name": "a%sb", "city": "a%sb"}),
    ],
)
@pytest.mark.parametrize("odd", ["\x00", "\ud800"])
def test_no_body_with_an_odd_text_is_our_failure(api: ApiClient, method: str, path: str, body: Any, odd: str) -> None:
    sent = json.dumps(body).replace("%s", json.dumps(odd)[1:-1])
    answer = api.call(method, path, sent.encode())
    assert answer.status_code in (200, 201, 202, 409, 422), answer.content


@pytest.mark.parametrize(
    "address",
    [
        "/charging/charge-points/a%00b",
        "/charging/charge-points?q=a%00b",
        "/charging/incidents?q=name:%00",
        "/vehicles/drivers/%00/notifications",
        "/remotes/vehicles/%00",
        "/bikeshare/stations/%00",
        "/bikeshare/programs/%00",
        "/banners?audience=%00",
        "/events?kind=%00",
        "/%00",
    ],
)
def test_no_address_with_nul_is_our_failure(api: ApiClient, address: str) -> None:
    assert api.get(address).status_code in (200, 404, 422)


def test_an_id_that_spells_nothing_is_an_id_and_an_empty_one_is_none(api: ApiClient) -> None:
    ChargePoint.objects.create(evse_id="DE*A*1", station="S")
    items = [{"station": "S", "action": "Heartbeat", "id": each} for each in (None, "None", "\\u0000", "", None)]
    assert api.post("/charging/messages", items).json() == {
        "accepted": 5,
        "duplicates": 0,
        "rejected": [],
        "warnings": [],
    }
    assert api.post("/charging/messages", items).json() == {
        "accepted": 3,
        "duplicates": 2,
        "rejected": [],
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ok\n\nAcknowledge: x", "ok Acknowledge: x"),
        ("Deck 2\r\nBcc: x@y.example", "Deck 2 Bcc: x@y.example"),
        ("a\u202eb\u2066c\u2069\u200f\u061c", "abc"),
        ("a\x1b[31m\x07\x85b\u2028c", "a[31m b c"),
        ("  Müller & Söhne – 電 \U0001f50c", "  Müller & Söhne – 電 \U0001f50c"),
    ],
)
def test_short_text_is_one_line_that_nothing_turns_round(text: str, line: str) -> None:
    assert one_line(text) == line
    assert composed(text) == line.strip()


PARTED = st.text(st.sampled_from('ao"\\\\u0e\n \u0308\u0301\u3099\u304b\u1100\u1161ä😀'))


@given(st.dictionaries(PARTED, PARTED | st.lists(PARTED)), st.booleans())
def test_texts_of_a_body_are_composed(value: dict[str, Any], is_escaped: bool) -> None:
    body = composed_json(json.dumps(value, ensure_ascii=is_escaped).encode())
    assert json.loads(body) == nfc(value)


def nfc(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [nfc(inner) for inner in value]
    return {nfc(key): nfc(inner) for key, inner in value.items()}


@pytest.mark.parametrize("name", ["Ko\u0308ln", "\u304b\u3099"])
def test_what_people_and_machines_write_is_composed_everywhere(
    api: ApiClient, administrator: Client, name: str
) -> None:
    whole = unicodedata.normalize("NFC", name)
    for number, spelt in enumerate((name, whole)):
        for is_escaped in (False, True):
            body = {"evse_id": f"{spelt}{number}", "name": spelt, "tags": [spelt]}
            raw = json.dumps(body, ensure_ascii=is_escaped).encode()
            assert api.call("PUT", "/charging/charge-points", raw).json()["accepted"] == 1
    assert set(ChargePoint.objects.values_list("evse_id", "name")) == {(f"{whole}0", whole), (f"{whole}1", whole)}
    assert {tag for point in ChargePoint.objects.all() for tag in point.tags} == {whole.lower()}
    assert api.post("/charging/groups", {"name": name}).json()["name"] == whole
    administrator.post(reverse("infra_notifications:wizard_name", args=["0-x"]), {"name": f"{name} 2"})
    draft = GroupDraft.objects.get()
    assert (draft.name, api.get(f"/charging/charge-points/{quote(name)}0").json()["name"]) == (f"{whole} 2", whole)


@pytest.mark.django_db
def test_the_key_of_a_name_is_the_database_s() -> None:
    every = (chr(code) for code in range(0x21, 0x20000) if not 0xD800 <= code < 0xE000)
    letters = [
        sign for sign in every if composed(sign) == sign and {sign.upper(), sign.title(), sign.lower()} != {sign}
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT sign, upper(sign) FROM unnest(%s::text[]) sign", [letters])
        assert {sign: identity_key(sign) for sign in letters} == dict(cursor.fetchall())
