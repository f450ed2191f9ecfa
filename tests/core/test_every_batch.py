"""Every endpoint that takes batches, fed with every kind of dirt: the good neighbours are taken, the bad one named."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from config.api import api as project_api
from core.batches import MAX_ITEMS
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory

pytestmark = pytest.mark.django_db
PATHS = project_api.get_openapi_schema(path_prefix="")["paths"]


def item_schema(operation: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of one item, where an operation takes batches."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    array = next((one for one in content.get("oneOf", ()) if one.get("maxItems") == MAX_ITEMS), None)
    return array["items"] if array else None


def alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """What a body may be, one or another."""
    return [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]


BATCHES = {
    (method.upper(), path): schema
    for path, operations in PATHS.items()
    for method, operation in operations.items()
    if (schema := item_schema(operation)) is not None
}
# What is taken; `#` becomes another number in each item, `%` a text.
GOOD = {
    "/charging/messages": b'{"station": "S", "action": "Heartbeat", "payload": {"info": "%"}}',
    "/charging/signals": b'{"charge_point": "DE*A*1", "case": "SENSORS", "state": "raised", "detail": "%"}',
    "/charging/connections": b'{"station": "S", "connected": false, "reason": "%"}',
    "/charging/charge-points": b'{"evse_id": "DE*N*#", "name": "%"}',
    "/vehicles/facts": b'{"type": "driver", "driver": "d-#", "data": {"name": "%"}}',
    "/remotes/vehicles": b'{"vin": "WVWZZZ1KZAW000#", "fleet": "f", "new_fleet": true, "brand": "DS", "name": "%"}',
}
# What is read, though there is no such box, station or notification here.
READ = {
    "/charging/frames/{station}": b'[2,"#","DataTransfer",{"vendorId":"%"}]',
    "/bikeshare/telemetry": b'{"boitier": "BX-#", "type": "lock", "state": "%", "at": "2026-11-21T05:40:00Z"}',
    "/vehicles/push-reports": b'{"notification": #, "state": "opened", "reason": "%"}',
}
NUMBERS = itertools.count(100)
# Within a text, and as an item.
TEXTS = {
    "no UTF-8": b"\xff",
    "Latin-1": "Münster".encode("latin-1"),
    "half a pair": b"\\ud83d",
    "NUL": b"\\u0000",
    "raw NUL": b"\0",
    "control": b"a\nb",
}
ITEMS = {
    "a word": b"broken",
    "no object": b"7",
    "never closed": b'{"a": [}',
    "no number": b"NaN",
    "beyond any number": b"1e400",
    "too deep": b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "bad escape": b'{"a": "\\x"}',
    "empty": b"",
}


def template_of(path: str, schema: dict[str, Any]) -> bytes:
    """An item with a text; one that lacks much is rejected, and that is the same with dirt beside it and without."""
    if path in GOOD or path in READ:
        return (GOOD | READ)[path]
    texts = [name for name, field in schema.get("properties", {}).items() if "string" in str(field)]
    return b'{"%s": "%%"}' % texts[0].encode()


def filled(template: bytes, text: bytes = b"fine") -> bytes:
    return template.replace(b"#", str(next(NUMBERS)).encode()).replace(b"%", text)


@pytest.fixture(autouse=True)
def somebody() -> None:
    ChargePointFactory(evse_id="DE*A*1", station="S", connector=1)


def told(api: ApiClient, method: str, path: str, body: bytes) -> dict[str, Any]:
    answer = api.call(method, path, body)
    assert answer.status_code == 202, answer.content
    found: dict[str, Any] = answer.json()
    return found


def places(answer: dict[str, Any], *names: str) -> list[int]:
    return sorted({entry["index"] for name in names for entry in answer[name]})


def test_the_registry_is_not_empty_and_names_what_is_fed() -> None:
    assert len(BATCHES) >= 15
    assert set(GOOD) <= {path for _method, path in BATCHES}


def test_one_or_many_is_asked_for_in_one_way() -> None:
    """A union that the validator of a schema reads refuses all for one, and names the validator's parts."""
    bodies = {
        (method.upper(), path): operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for path, operations in PATHS.items()
        for method, operation in operations.items()
    }
    many = {
        place
        for place, body in bodies.items()
        if any(one.get("type") == "array" for one in alternatives(body.get("schema", {})))
    }
    assert many == set(BATCHES)


@pytest.mark.parametrize(("method", "path"), BATCHES)
def test_dirt_spoils_its_own_item_alone(api: ApiClient, method: str, path: str) -> None:
    template = template_of(path, BATCHES[method, path])
    clean = told(api, method, path, b"[" + filled(template) + b"," + filled(template) + b"]")
    rejected = [2 * index for index in places(clean, "rejected")]
    assert path not in GOOD or not rejected, clean
    dirt = {name: filled(template, text) for name, text in TEXTS.items()} | ITEMS
    for name, item in dirt.items():
        body = b"[" + filled(template) + b"," + item + b"," + filled(template) + b"]"
        answer = told(api, method, path, body)
        assert [index for index in places(answer, "rejected") if index != 1] == rejected, (name, answer)
        assert 1 in places(answer, "rejected", "warnings"), (name, answer)
        assert answer["accepted"] + len(places(answer, "rejected")) == 3


@pytest.mark.parametrize(("method", "path"), [place for place in BATCHES if place[1] in GOOD])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_encoding_of_json_is_read(api: ApiClient, method: str, path: str, encoding: str) -> None:
    text = (b"[" + filled(GOOD[path], "Köln".encode()) + b"," + filled(GOOD[path]) + b"]").decode()
    answer = told(api, method, path, text.encode(encoding))
    assert (answer["accepted"], answer["rejected"], answer["warnings"]) == (2, [], [])


@pytest.mark.parametrize(("method", "path"), [place for place in BATCHES if place[1] in GOOD])
def test_a_key_that_stands_twice_is_warned_of(api: ApiClient, method: str, path: str) -> None:
    name = GOOD[path].split(b'"')[1]
    for blank in (b"", b" "):
        twice = filled(GOOD[path]).replace(b"{", b'{"' + name + b'"' + blank + b': "x", ', 1)
        answer = told(api, method, path, b"[" + filled(GOOD[path]) + b"," + twice + b"]")
        assert (answer["accepted"], places(answer, "warnings")) == (2, [1]), answer
        assert f"`{name.decode()}` twice" in str(answer["warnings"])
        nested = filled(GOOD[path])[:-1] + b', "more": [{"a": 1, "a": 2}], "none": null}'
        assert places(told(api, method, path, nested), "warnings") == [0]
        fine = filled(GOOD[path], b'x\\":1, \\" :2')[:-1] + b', "id": null, "more": {"b": {"a": 1}, "a": 1}}'
        assert "twice" not in str(told(api, method, path, fine)["warnings"])


@pytest.mark.parametrize(("method", "path"), [place for place in BATCHES if place[1] in GOOD])
def test_a_body_that_is_cut_off_gives_what_was_whole(api: ApiClient, method: str, path: str) -> None:
    answer = told(api, method, path, b"[" + filled(GOOD[path]) + b"," + filled(GOOD[path])[:-3])
    assert (answer["accepted"], places(answer, "rejected")) == (1, [1])


@pytest.mark.parametrize(("method", "path"), [place for place in BATCHES if place[1] in GOOD])
def test_nested_as_deep_as_json_is_read_is_no_failure_of_ours(api: ApiClient, method: str, path: str) -> None:
    for depth in (90, 400, 700, 900, 980):
        deep = filled(GOOD[path])[:-1] + b', "id": "%d", "more": ' % depth + b"[" * depth + b"]" * depth + b"}"
        nested = deep.replace(b'"payload": {', b'"payload": {"more": ' + b"[" * depth + b"]" * depth + b", ")
        assert told(api, method, path, b"[" + nested + b"," + filled(GOOD[path]) + b"]")["accepted"] >= 1
