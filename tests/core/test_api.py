"""What all endpoints for machines share: errors as problem documents, cursors, limits."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import cycle, product
from typing import Any
from urllib.parse import quote

import pytest
from django.db import DataError, InterfaceError, OperationalError
from django.test import Client
from django.urls import path
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from ninja import NinjaAPI
from pytest_django import Settings

from config.api import api as project_api
from config.urls import urlpatterns as real_urls
from core.api import Problem, decode_cursor, encode_cursor, install_error_handlers, problem_response, rfc3339
from infra_notifications.models import ChargePoint, NotificationGroup
from tests.conftest import ApiClient
from tests.console.walk import ApiOperation, api_operations, undone
from tests.factories.everything import World
from tests.factories.infra_notifications import NotificationGroupFactory

pytestmark = pytest.mark.django_db
WRITING = [operation for operation in api_operations() if operation.method != "GET"]
# Operations whose address says all that there is to say.
DESCRIBED = project_api.get_openapi_schema(path_prefix="")["paths"]
READING_BODIES = [o for o in WRITING if "requestBody" in DESCRIBED[o.pattern.replace("{path:", "{")][o.method.lower()]]
# For each of all operations, which share how a body is read: together that is more than five hundred examples.
EXAMPLES = 5
KINDS = ("text/plain", "multipart/form-data; boundary=x", "application/xml", "", "�")
BATCHES = ("/charging/messages", "/charging/signals", "/charging/charge-points")


def problem(response: Any, status: int) -> Any:
    """The problem document of an answer, which must be one."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"].endswith((".", ">.", "”?"))
    return body


# ---- errors -----------------------------------------------------------------------------------------------------


def test_an_unknown_address_is_a_problem_document(api: ApiClient) -> None:
    problem(api.get("/nothing"), 404)
    problem(api.client.get("/api/v2/charging/groups"), 404)


def test_a_thing_that_is_not_there_is_a_problem_document(api: ApiClient) -> None:
    problem(api.get("/charging/groups/1234567"), 404)
    problem(api.get("/charging/groups/99999999999999999999999"), 404)


def test_a_method_that_an_address_lacks_is_named_with_those_it_has(api: ApiClient) -> None:
    response = api.delete("/charging/groups")
    assert "GET" in problem(response, 405)["detail"]
    assert set(response["Allow"].split(", ")) == {"GET", "POST"}


@pytest.mark.parametrize("operation", READING_BODIES, ids=lambda o: f"{o.method} {o.pattern}")
def test_a_body_that_is_no_json_or_too_large_is_refused(api: ApiClient, world: World, operation: ApiOperation) -> None:
    path = operation.path(world)
    for body in (b"{", b'{"a": }', b"[1 2", b"[" * 50_000, b'{"a":' * 50_000, b"\xff\xfe{\x00", b"NaN", b"\x00"):
        detail = problem(api.call(operation.method, path, body), 400)["detail"]
        assert detail.startswith("The body is not valid JSON")
    for size in (5 * 1024 * 1024 + 1, 7 * 1024 * 1024):
        body = b'{"name": "' + b"x" * (size - 12) + b'"}'
        assert "5 MiB" in problem(api.call(operation.method, path, body), 413)["detail"]


@pytest.mark.parametrize("path", BATCHES)
def test_a_batch_of_more_than_a_thousand_items_is_refused(api: ApiClient, path: str) -> None:
    method = "PUT" if path.endswith("points") else "POST"
    assert "1001" in problem(api.call(method, path, [{}] * 1001), 413)["detail"]
    assert api.call(method, path, [{}] * 1000).status_code == 202


def test_another_content_type_breaks_nothing(api: ApiClient, world: World) -> None:
    """Each kind at each operation; the bodies take turns, so that each kind meets each of them many times."""
    bodies = cycle((b"{}", b"--x\r\n", b"<a/>", b""))
    for operation, kind in product(WRITING, KINDS):
        body, path = next(bodies), f"/api/v1{operation.path(world)}"
        with undone():
            response = api.client.generic(operation.method, path, body, content_type=kind, headers=api.headers)
        said = (operation, kind, body, response.content)
        assert response.status_code in (200, 201, 202, 204, 400, 409, 422), said


def test_invalid_fields_are_each_pointed_to(api: ApiClient) -> None:
    body = {"name": 5, "hold_off_s": {"a/b~c": "soon"}, "emails": ["ops@example.org", 7]}
    errors = problem(api.post("/charging/groups", body), 422)["errors"]
    assert {error["pointer"] for error in errors} == {"/name", "/hold_off_s/a~1b~0c", "/emails/1"}
    assert all(error["detail"] for error in errors)


def test_an_invalid_parameter_is_pointed_to(api: ApiClient) -> None:
    assert problem(api.get("/charging/groups?limit=many"), 422)["errors"][0]["pointer"] == "/limit"
    assert problem(api.get("/charging/groups?q=nope:1"), 422)["errors"][0]["pointer"] == "/q"
    assert problem(api.get("/charging/groups/seven"), 422)["errors"][0]["pointer"] == "/group_id"


def test_a_name_that_is_taken_is_a_conflict(api: ApiClient) -> None:
    NotificationGroupFactory(name="Köln Süd")
    assert "köln süd" in problem(api.post("/charging/groups", {"name": "köln süd"}), 409)["detail"]


def test_what_is_no_unicode_is_shown_as_such_and_spoils_no_more(api: ApiClient) -> None:
    answer = api.post("/charging/groups", b'{"name": "K\\ud800ln"}')
    assert (answer.status_code, answer.json()["name"]) == (201, "K\ufffdln")


def test_nul_is_left_out_of_texts_and_names_nothing(api: ApiClient) -> None:
    answer = api.post("/charging/groups", {"name": "a", "description": "x\x00y"})
    assert (answer.status_code, answer.json()["description"]) == (201, "xy")
    assert api.get("/charging/charge-points/%00").status_code == 404
    assert api.get("/events?kind=%00").json()["items"] == []


# ---- never a 500 ------------------------------------------------------------------------------------------------

TEXTS = st.text(max_size=20) | st.sampled_from(
    ["DE*TST*E1", "SENSORS", "raised", "Heartbeat", "ocpp1.6", "\x00", "'; DROP TABLE x", "%", "2026-11-21T05:00:00Z"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "id",
    "charge_point",
    "station",
    "connector",
    "protocol",
    "action",
    "payload",
    "received_at",
    "occurred_at",
    "case",
    "state",
    "detail",
    "evse_id",
    "latitude",
    "max_power_kw",
    "tags",
    "name",
    "description",
    "emails",
    "cases",
    "hold_off_s",
    "notify_recovery",
    "reminder_s",
    "language",
    "charge_points",
    "q",
    "topics",
    "domain",
    "condition",
    "gather_s",
    "enabled",
)
# Bodies that are taken; a few of their fields are then replaced.
GOOD: dict[str, dict[str, Any]] = {
    "/charging/messages": {
        "id": "1",
        "charge_point": "DE*TST*E1",
        "protocol": "ocpp1.6",
        "action": "StatusNotification",
        "payload": {"connectorId": 1, "errorCode": "OverCurrentFailure", "status": "Faulted"},
    },
    "/charging/signals": {"id": "1", "charge_point": "DE*TST*E1", "case": "SENSORS", "state": "raised"},
    "/charging/charge-points": {"evse_id": "DE*TST*E1", "station": "TST-1", "connector": 1, "tags": ["a"]},
    "/charging/groups": {"name": "New", "emails": ["ops@example.org"], "cases": ["SENSORS"]},
    "/charging/groups/{group_id}": {"name": "Changed", "reminder_s": 3600},
    "/charging/groups/{group_id}/members": {"q": "group:none"},
    "/topic-lists": {"name": "New", "topics": ["charge_point.*"], "emails": ["ops@example.org"], "condition": "city:x"},
    "/topic-lists/{list_id}": {"topics": ["*"], "gather_s": 60, "enabled": False},
}
CHANGES = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4)
PAYLOADS = st.dictionaries(
    st.sampled_from(
        [
            "connectorId",
            "errorCode",
            "status",
            "info",
            "vendorId",
            "vendorErrorCode",
            "timestamp",
            "eventData",
            "type",
            "evse",
            "evseId",
            "component",
            "variable",
            "actualValue",
            "techCode",
            "techInfo",
            "generatedAt",
            "cleared",
        ]
    ),
    JSON,
    max_size=6,
)


def bodies(operation: ApiOperation) -> st.SearchStrategy[Any]:
    """Anything at all; good bodies of the operation with some fields replaced; batches of those."""
    good = GOOD.get(operation.pattern, {})
    items = st.builds(lambda changes: good | changes, CHANGES)
    items |= st.builds(lambda changes, payload: good | changes | {"payload": payload}, CHANGES, PAYLOADS)
    return JSON | items | st.lists(items, max_size=4)


@pytest.mark.parametrize("operation", WRITING, ids=lambda o: f"{o.method} {o.pattern}")
@hypothesis_settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_no_json_ends_in_a_server_error(api: ApiClient, world: World, operation: ApiOperation, data: Any) -> None:
    body = data.draw(bodies(operation))
    with undone():
        response = api.call(operation.method, operation.path(world), body)
    assert response.status_code < 500, (body, response.content)
    assert response.status_code == 204 or response["Content-Type"].startswith("application/")


@pytest.mark.parametrize("operation", WRITING, ids=lambda o: f"{o.method} {o.pattern}")
@hypothesis_settings(max_examples=EXAMPLES)
@given(body=st.binary(max_size=60) | JSON.map(lambda b: json.dumps(b).encode()[:-1]))
def test_no_bytes_end_in_a_server_error(api: ApiClient, world: World, operation: ApiOperation, body: bytes) -> None:
    with undone():
        response = api.call(operation.method, operation.path(world), body)
    assert response.status_code < 500, (body, response.content)


@pytest.fixture
def broken_api(settings: Settings) -> Client:
    """The project with one more endpoint, which raises what the test says."""
    broken = NinjaAPI(urls_namespace="broken")
    install_error_handlers(broken)
    wrong: dict[str, Exception] = {
        "bug": KeyError("bug"),
        "away": OperationalError("gone"),
        "closed": InterfaceError(),
        "value": DataError("no NUL\nCONTEXT: a place in our SQL"),
    }

    @broken.get("/{what}")
    def fail(request: Any, what: str) -> None:
        raise wrong[what]

    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": [path("api/broken/", broken.urls), *real_urls]})
    return Client()


def test_a_bug_is_a_problem_document_that_names_the_request(broken_api: Client) -> None:
    response = broken_api.get("/api/broken/bug")
    assert "X-Request-ID" in problem(response, 500)["detail"]
    assert response["X-Request-ID"]
    assert b"KeyError" not in response.content


def test_a_database_that_is_away_asks_to_come_again(broken_api: Client) -> None:
    for what in ("away", "closed"):
        response = broken_api.get(f"/api/broken/{what}")
        assert "again" in problem(response, 503)["detail"]
        assert response["Retry-After"] == "5"


def test_a_value_that_the_database_refuses_is_the_senders_business(broken_api: Client) -> None:
    detail = problem(broken_api.get("/api/broken/value"), 422)["detail"]
    assert "no NUL" in detail
    assert "CONTEXT" not in detail


# ---- lists ------------------------------------------------------------------------------------------------------


def test_a_list_is_walked_by_its_cursor(api: ApiClient) -> None:
    for _ in range(5):
        NotificationGroupFactory()
    wanted = sorted(NotificationGroup.objects.values_list("pk", flat=True))
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"/charging/groups?limit=2&cursor={cursor}").json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert found == wanted


@pytest.mark.parametrize("limit", [0, -1, 501, 10**30])
def test_a_limit_out_of_bounds_is_refused(api: ApiClient, limit: int) -> None:
    for address in ("/charging/groups", "/deliveries", "/events"):
        assert problem(api.get(f"{address}?limit={limit}"), 422)["errors"][0]["pointer"] == "/limit"


def foreign(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%",
        "ä",
        "!!!!",
        foreign(b"[1]"),
        foreign(b"null"),
        foreign(b"true"),
        foreign(b'"7"'),
        foreign(b"1.5"),
        foreign(b"[" * 3_000),
        foreign(b"\xff"),
    ],
)
def test_a_foreign_cursor_is_refused(api: ApiClient, cursor: str) -> None:
    for address in ("/charging/groups?cursor", "/deliveries?cursor", "/events?after"):
        assert "cursor" in problem(api.get(f"{address}={quote(cursor)}"), 400)["detail"]


# Texts that no column holds, alone and within what a cursor may be.
UNSTORABLE = (rb'"\ud800"', rb'"a\udfff"', rb'"\u0000"', rb'["\ud800", "\u0000"]', rb'{"\ud800": 1}', b"NaN", b"1e999")


def test_no_list_takes_a_cursor_that_cannot_be_stored(api: ApiClient, world: World) -> None:
    reading = [operation for operation in api_operations() if operation.method == "GET"]
    walked = []
    for operation in reading:
        given = DESCRIBED[operation.pattern.replace("path:", "")]["get"].get("parameters", ())
        needed = {one["name"] for one in given if one["in"] == "query" and one.get("required")}
        known = {"charge_point": world[ChargePoint].evse_id, "audience": "x"}
        more = "".join(f"{name}={quote(known[name])}&" for name in needed)
        names = [one["name"] for one in given if one["name"] in ("cursor", "after")]
        walked += [f"{operation.path(world)}?{more}{name}=" for name in names]
    assert len(walked) > 25
    for address in walked:
        for value in UNSTORABLE:
            answer = api.get(address + foreign(value))
            assert "cursor" in problem(answer, 400)["detail"], (address, value)


def test_a_cursor_beyond_every_row_ends_the_list(api: ApiClient) -> None:
    for number in (10**30, -(10**30), 2**63):
        for address in ("/charging/groups?cursor", "/deliveries?cursor", "/events?after"):
            assert api.get(f"{address}={encode_cursor(number)}").status_code in (200, 400)


def test_a_cursor_reads_back() -> None:
    assert decode_cursor(encode_cursor(77)) == 77


def test_times_are_rfc_3339_in_utc() -> None:
    moment = datetime(2026, 11, 21, 6, 40, 0, 123_999, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(moment) == "2026-11-21T05:40:00.123Z"
    assert rfc3339(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"
    assert rfc3339(None) is None


# ---- its description ----------------------------------------------------------------------------------------------


def test_the_openapi_document_names_every_operation(client: Client) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described == {(o.method, f"/api/v1{o.pattern.replace('path:', '')}") for o in api_operations()}


def test_the_readable_description_loads_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/api/v1/docs").content.decode()
    assert "swagger-ui" in page
    assert "//" not in page.replace("<!DOCTYPE", "").replace("</", "<")


def test_a_problem_names_its_errors_only_when_there_are_some() -> None:
    assert "errors" not in json.loads(problem_response(Problem(400, "No.")).content)
