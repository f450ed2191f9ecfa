"""The outbox for machines: the event log, deliveries, kinds; every error is a problem document."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.api import encode_cursor
from outbox import event_kinds
from outbox.choices import DeliveryState, Reason
from outbox.models import Delivery, Event
from tests.conftest import ApiClient
from tests.outbox.kit import NOW, a_delivery, a_note, days, fresh, published

ApiWith = Callable[..., ApiClient]
RETRYABLE = ("failed", "bounced", "cancelled", "retrying")
OTHERS = sorted(set(DeliveryState.values) - set(RETRYABLE))
ENDPOINTS = [
    ("GET", "/events", "outbox:read"),
    ("GET", "/deliveries", "outbox:read"),
    ("GET", "/event-kinds", "outbox:read"),
    ("POST", "/deliveries/1/retry", "outbox:write"),
]


def problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem document of an error."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["type"]) == (status, "about:blank")
    assert body["title"]
    assert body["detail"].endswith((".", "”", "?"))
    return body


def rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


# ---- keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path", "scope"), ENDPOINTS)
def test_every_endpoint_asks_for_its_scope(api_with: ApiWith, method: str, path: str, scope: str) -> None:
    other = "outbox:write" if scope == "outbox:read" else "outbox:read"
    problem(api_with().call(method, path), 401)
    assert scope in problem(api_with(other).call(method, path), 403)["detail"]
    assert api_with(scope).call(method, path).status_code in (200, 404)


# ---- events -------------------------------------------------------------------------------------------------------


def log(api: ApiClient, query: str = "") -> tuple[list[dict[str, Any]], str]:
    body = api.get(f"/events{query}").json()
    return body["items"], body["next"]


def test_event_is_shown_whole(api: ApiClient) -> None:
    note = a_note(kind="test.note", occurred_at=NOW - days(1))
    published(note)
    ((item,), _) = log(api)
    assert item == {
        "id": f"evt_{note.uuid.hex}",
        "object": "event",
        "type": "test.note",
        "topic": "test.note",
        "created": int((NOW - days(1)).timestamp()),
        "program": None,
        "live_mode": True,
        "version": 1,
        "api_version": "2026-11-01",
        "domain": "test",
        "severity": "info",
        "subject": note.subject,
        "timestamp": rfc3339(NOW - days(1)),
        "recorded_at": rfc3339(NOW),
        "sequence": 1,
        "data": {"title": "A fuse tripped", "words": "Deck 2 is dark"},
    }


def test_log_is_followed_with_its_cursor_even_where_it_ends(api: ApiClient) -> None:
    published(*[a_note() for _ in range(5)])
    first, after = log(api, "?limit=3")
    rest, end = log(api, f"?limit=3&after={after}")
    assert [item["sequence"] for item in first + rest] == [1, 2, 3, 4, 5]
    assert log(api, f"?after={end}") == ([], end)
    published(a_note())
    assert [item["sequence"] for item in log(api, f"?after={end}")[0]] == [6]


def test_empty_log_has_a_cursor_to_begin_with(api: ApiClient) -> None:
    _, after = log(api)
    published(a_note())
    assert len(log(api, f"?after={after}")[0]) == 1


def test_log_can_be_read_by_topic(api: ApiClient) -> None:
    published(a_note(), a_note(kind="test.trip.mark.updated"), a_note(kind="test.silent"))
    assert [item["type"] for item in log(api, "?kind=test.trip.*")[0]] == ["test.trip.mark.updated"]
    assert [item["type"] for item in log(api, "?kind=test.silent")[0]] == ["test.silent"]
    assert len(log(api, "?kind=*")[0]) == 3


def test_event_of_a_kind_that_is_gone_is_still_in_the_log(api: ApiClient) -> None:
    published(a_note())
    Event.objects.update(kind="gone.kind")
    ((item,), _) = log(api)
    assert (item["type"], item["domain"], item["severity"]) == ("gone.kind", "", "")


@pytest.mark.parametrize("cursor", ["x", "!", "é", "W10", "bnVsbA", "dHJ1ZQ", "MS41", "TmFO", "Im9uZSI"])
def test_cursor_that_is_not_ours_is_refused_with_a_sentence(api: ApiClient, cursor: str) -> None:
    assert "start again" in problem(api.get(f"/events?after={cursor}"), 400)["detail"]
    assert "start again" in problem(api.get(f"/deliveries?cursor={cursor}"), 400)["detail"]


@pytest.mark.parametrize("number", [10**30, -(10**30), -1])
def test_cursor_beyond_all_numbers_is_no_crash(api: ApiClient, number: int) -> None:
    for path in (f"/events?after={encode_cursor(number)}", f"/deliveries?cursor={encode_cursor(number)}"):
        assert api.get(path).status_code in (200, 400)


@pytest.mark.parametrize("path", ["/events", "/deliveries"])
@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", ""])
def test_limit_is_a_number_up_to_500(api: ApiClient, path: str, limit: str) -> None:
    assert problem(api.get(f"{path}?limit={limit}"), 422)["errors"][0]["pointer"] == "/limit"


@pytest.mark.parametrize("kind", ["%00", "trip.%00.*", "%25.*", "x" * 500])
def test_kind_that_nothing_has_finds_nothing(api: ApiClient, kind: str) -> None:
    published(a_note())
    assert log(api, f"?kind={kind}")[0] == []


@pytest.mark.parametrize("number", [1, 100])
def test_queries_of_the_log_do_not_grow_with_it(api: ApiClient, number: int) -> None:
    published(*[a_note() for _ in range(number)])
    log(api)  # that the key reads people is audited once
    with CaptureQueriesContext(connection) as queries:
        assert len(log(api, "?limit=500")[0]) == number
    # savepoint, lock, numbers, savepoint, the log's end, page, how far it was pruned
    assert len(queries) <= 7


# ---- deliveries ---------------------------------------------------------------------------------------------------


def test_delivery_is_shown_whole(api: ApiClient) -> None:
    delivery = a_delivery("a@example.org", state="retrying", reason=Reason.TEMPORARY, attempts=2)
    (item,) = api.get("/deliveries").json()["items"]
    assert item == {
        "id": delivery.pk,
        "event": delivery.event.public_id,
        "type": "test.note",
        "channel": "email",
        "to": "a@example.org",
        "state": "retrying",
        "reason": "temporary",
        "attempts": 2,
        "next_attempt_at": rfc3339(NOW),
        "created_at": rfc3339(NOW),
        "settled_at": None,
    }


def test_deliveries_come_newest_first_and_in_pages(api: ApiClient) -> None:
    rows = [a_delivery() for _ in range(5)]
    first = api.get("/deliveries?limit=3").json()
    rest = api.get(f"/deliveries?limit=3&cursor={first['next']}").json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [row.pk for row in rows[::-1]]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state:failed", ["b@x.example"]),
        ("to:a@", ["a@x.example"]),
        ("reason:address_refused", ["b@x.example"]),
        ("channel:email kind:test.note -state:failed", ["a@x.example"]),
        ("b@x", ["b@x.example"]),
        ("channel:webhook", []),
    ],
)
def test_deliveries_can_be_searched(api: ApiClient, query: str, found: list[str]) -> None:
    a_delivery("a@x.example")
    a_delivery("b@x.example", state="failed", reason=Reason.ADDRESS_REFUSED)
    items = api.get(f"/deliveries?q={query.replace(' ', '%20')}").json()["items"]
    assert [item["to"] for item in items] == found


@pytest.mark.parametrize("query", ["colour:red", "state:nonsense", "created:yesteryear", "state:none"])
def test_search_that_cannot_be_read_is_refused_with_a_pointer(api: ApiClient, query: str) -> None:
    assert problem(api.get(f"/deliveries?q={query}"), 422)["errors"][0]["pointer"] == "/q"


@pytest.mark.parametrize("number", [1, 100])
def test_queries_of_the_deliveries_do_not_grow_with_them(api: ApiClient, number: int) -> None:
    published(*[a_note("a@example.org") for _ in range(number)])
    api.get("/deliveries")  # that the key reads people is audited once
    with CaptureQueriesContext(connection) as queries:
        assert len(api.get("/deliveries?limit=500").json()["items"]) == number
    assert len(queries) <= 3


# ---- retry --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", RETRYABLE)
def test_ended_or_delayed_delivery_is_sent_again_from_the_start(api: ApiClient, state: str) -> None:
    delivery = a_delivery(state=state, reason=Reason.EXHAUSTED, attempts=11, next_attempt_at=None, settled_at=NOW)
    answer = api.post(f"/deliveries/{delivery.pk}/retry")
    row = fresh(delivery)
    assert (answer.status_code, answer.json()["state"]) == (200, "retrying")
    assert (row.state, row.reason, row.attempts, row.settled_at) == ("retrying", "", 0, None)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at - NOW != timedelta(0)


@pytest.mark.parametrize("state", OTHERS)
def test_delivery_in_another_state_cannot_be_retried(api: ApiClient, state: str) -> None:
    delivery = a_delivery(state=state)
    assert state in problem(api.post(f"/deliveries/{delivery.pk}/retry"), 409)["detail"]
    assert fresh(delivery).state == state
    assert not LogEntry.objects.get_for_objects(Delivery.objects.all()).exists()


def test_retry_is_audited_with_the_keys_name(api: ApiClient) -> None:
    delivery = a_delivery(state="failed")
    api.post(f"/deliveries/{delivery.pk}/retry")
    entry = LogEntry.objects.get_for_object(delivery).get()
    assert entry.changes == {"state": ["failed", "retrying"]}
    assert entry.additional_data == {"api_key": "key 1"}


@pytest.mark.parametrize("number", ["0", "12345", "9" * 30])
def test_unknown_delivery_is_not_found(api: ApiClient, number: str) -> None:
    problem(api.post(f"/deliveries/{number}/retry"), 404)


# ---- kinds --------------------------------------------------------------------------------------------------------


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """The part of JSON Schema that our kinds use."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in schema:
        return any(fits(value, one, root) for one in schema["anyOf"])
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if not properties:  # any names
            return isinstance(value, dict)
        known = isinstance(value, dict) and set(schema.get("required", [])) <= set(value) <= set(properties)
        return known and all(fits(value[name], properties[name], root) for name in value)
    if schema.get("type") == "array":
        return isinstance(value, list) and all(fits(one, schema["items"], root) for one in value)
    if schema.get("format") == "date-time":
        return isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)", value))
    if "type" not in schema:  # anything
        return True
    types: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float)}
    types |= {"boolean": (bool,), "null": (type(None),)}
    return isinstance(value, types[schema["type"]])


def test_every_public_kind_is_listed_with_an_example_that_fits_its_schema(api: ApiClient) -> None:
    listed = api.get("/event-kinds").json()
    assert [one["kind"] for one in listed] == [kind.key for kind in event_kinds.all_kinds() if kind.is_public]
    for one in listed:
        assert fits(one["example"], one["schema"], one["schema"]), one["kind"]
        assert not fits(one["example"] | {"surprise": 1}, one["schema"], one["schema"])
        assert one["label"]
        assert one["description"]
        assert one["severity"] in {"info", "warning", "critical"}


def test_kind_that_only_carries_a_mail_is_no_topic(api: ApiClient) -> None:
    listed = {one["kind"] for one in api.get("/event-kinds").json()}
    assert "charge_point.fuse_tripped" in listed
    assert not listed & {"notification_group.alert", "test.note"}


@pytest.mark.parametrize(
    ("pattern", "key", "takes"),
    [
        ("*", "trip.ended", True),
        ("trip.*", "trip.mark.updated", True),
        ("trip.*", "tripod.ended", False),
        ("trip.*", "trip", False),
        ("trip.ended", "trip.ended", True),
        ("trip.ended", "trip.ended.late", False),
        ("t*", "trip.ended", False),
    ],
)
def test_topics_take_what_the_log_finds(pattern: str, key: str, takes: bool) -> None:
    assert event_kinds.matches_topic(pattern, key) is takes
