"""The vendor's door: authenticated in constant time, stored with one insert, answered, whatever the body says."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_remotes.choices import State, Verdict
from fleet_remotes.ingest.notifications import Event, read_body
from fleet_remotes.models import Callback, CallbackMessage, RemoteAction, RemoteNotification
from fleet_remotes.services.applying import apply_waiting
from tests.factories.fleet_remotes import (
    HEADER_VALUE,
    CallbackFactory,
    FleetVehicleFactory,
    RemoteActionFactory,
    with_callback,
)
from tests.fleet_remotes.helpers import accepted, at, body, fresh, post_callback, receive, sent, success, verdicts

pytestmark = pytest.mark.django_db


def statements(work: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        work()
    return [one["sql"] for one in captured.captured_queries if "SAVEPOINT" not in one["sql"]]


# ---- the door -----------------------------------------------------------------------------------------------------


def test_it_is_stored_with_one_insert_and_answered_with_nothing() -> None:
    action, callback = with_callback(since=at(0))
    found = statements(lambda: post_callback(callback, body(success(action))))
    assert [sql.split(" ")[0] for sql in found] == ["SELECT", "INSERT"]
    answer = post_callback(callback, body(success(action)))
    assert (answer.status_code, answer.content) == (200, b"")
    assert CallbackMessage.objects.count() == 2
    assert bytes(CallbackMessage.objects.all()[0].body) == json.dumps(body(success(action))).encode()
    assert fresh(action).state == State.SUBMITTED  # applied later


DIRT = {
    "no UTF-8": b'{"vin": "\xff"}',
    "half a pair": b'{"vin": "\\ud83d"}',
    "NUL": b'{"vin": "\\u0000"}',
    "control": b'{"vin": "a\nb"}',
    "no number": b'{"vin": NaN}',
    "beyond any number": b'{"vin": 1e400}',
    "a word": b"broken",
    "too deep": b"[" * 5000 + b"]" * 5000,
    "never closed": b'{"a": [}',
}


@pytest.mark.parametrize("dirt", DIRT.values(), ids=DIRT)
@pytest.mark.parametrize("batched", [True, False])
def test_one_bad_event_among_good_ones_is_listed_and_costs_no_other(dirt: bytes, batched: bool) -> None:
    action, callback = with_callback(since=at(0))
    event = body(success(action)) if not batched else body(success(action))["events"][0]
    good = json.dumps(event).encode()
    content = b"[" + dirt + b"," + good + b"]"
    if batched:
        content = b'{"callbackId": "c-1", "events": ' + content + b"}"
    assert post_callback(callback, content).status_code == 200
    assert apply_waiting(now=at(9)) == 1
    assert fresh(action).state == State.SUCCEEDED
    assert Verdict.UNREADABLE in verdicts()


def test_the_events_of_a_body_that_is_cut_off_are_applied_as_far_as_they_came() -> None:
    action, callback = with_callback(since=at(0))
    content = json.dumps(body(success(action), success(action, 60))).encode()
    assert post_callback(callback, content[:-30]).status_code == 200
    assert apply_waiting(now=at(9)) == 1
    assert fresh(action).state == State.SUCCEEDED
    assert Verdict.UNREADABLE in verdicts()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"7",
        b'"x"',
        b"[]",
        b"{}",
        b'{"events": []}',
        b'{"events": 5}',
        b"[[[]]]",
        b'{"events": [null, 1, "x", {}, []]}',
        b"[" * 3_000,
        b'{"a":"\\ud800"}',
        b'{"events":[{"remoteActionId":"\\u0000"}]}',
    ],
)
def test_whatever_is_in_it_is_kept_and_answered_with_200(content: bytes) -> None:
    callback = CallbackFactory()
    assert post_callback(callback, content).status_code == 200
    assert apply_waiting(now=at(0)) == 1
    assert set(verdicts()) == {Verdict.UNREADABLE}
    assert all(RemoteNotification.objects.values_list("reason", flat=True))
    message = CallbackMessage.objects.get()
    assert (bytes(message.body), message.events) == (content, len(verdicts()) + (message.duplicates or 0))


def test_any_header_will_do_but_it_must_be_the_right_one() -> None:
    callback = CallbackFactory(header_name="X-Fleet-Token")
    assert post_callback(callback, {}).status_code == 200
    client = Client()
    path = f"/api/v1/remotes/callbacks/{callback.slug}"
    assert client.post(path, b"{}", content_type="application/json").status_code == 401
    assert client.post(path, b"{}", "application/json", headers={"Authorization": HEADER_VALUE}).status_code == 401


def test_an_unknown_slug_is_answered_like_a_wrong_header() -> None:
    callback = CallbackFactory()
    wrong, unknown = post_callback(callback, {}, value="x"), post_callback(CallbackFactory.build(slug="nobody"), {})
    assert (wrong.status_code, wrong.content) == (unknown.status_code, unknown.content)
    assert wrong["Content-Type"] == "application/problem+json"


def test_only_posts_are_taken() -> None:
    callback = CallbackFactory()
    assert Client().get(f"/api/v1/remotes/callbacks/{callback.slug}").status_code == 405


def test_a_body_above_the_limit_is_said_to_be() -> None:
    callback = CallbackFactory()
    assert post_callback(callback, b" " * (5 * 1024 * 1024 + 1)).status_code == 413
    assert not CallbackMessage.objects.exists()


def test_a_database_that_fails_makes_the_vendor_repeat() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE fleet_remotes_callbackmessage ADD CONSTRAINT nothing CHECK (id < 0) NOT VALID")
    assert post_callback(CallbackFactory(), {}).status_code == 500


# ---- applying -----------------------------------------------------------------------------------------------------


def many(count: int) -> tuple[list[RemoteAction], Callback]:
    first, callback = with_callback(since=at(0))
    vehicles = FleetVehicleFactory.create_batch(count - 1, fleet=first.fleet)
    rest = [RemoteActionFactory(vehicle=v, since=at(0), callback_ref=callback.pk) for v in vehicles]
    return [first, *rest], callback


@pytest.mark.parametrize("count", [1, 40, 400])
@pytest.mark.parametrize("how", ["one batch", "single bodies"])
def test_statements_of_applying_do_not_grow(count: int, how: str) -> None:
    actions, callback = many(count)
    events = [one for action in actions for one in (accepted(action), sent(action), success(action))]
    bodies = [body(*events)] if how == "one batch" else [body(one) for one in events][:450]
    receive(callback, *bodies, apply=False)
    assert len(statements(lambda: apply_waiting(now=at(60)))) <= 17
    if how == "one batch":
        assert set(RemoteAction.objects.values_list("state", flat=True)) == {State.SUCCEEDED}


def test_a_burst_of_5000_is_applied_whole() -> None:
    actions, callback = many(100)
    events = [accepted(action, n) for action in actions for n in range(50)]
    receive(callback, *(body(*events[start : start + 50]) for start in range(0, 5_000, 50)))
    assert RemoteNotification.objects.count() == 5_000
    assert verdicts(verdict=Verdict.APPLIED) == [Verdict.APPLIED] * 100
    callback.refresh_from_db()
    assert (callback.bodies, callback.events, callback.duplicates) == (100, 5_000, 0)


def test_a_body_that_the_database_refuses_holds_up_no_other() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE fleet_remotes_remotenotification ADD CONSTRAINT no_poison CHECK (status <> 'Poison')"
        )
    action, callback = with_callback(since=at(0))
    receive(callback, body(success(action) | {"eventStatus": {"type": "Pending", "status": "Poison"}}), apply=False)
    receive(callback, body(success(action)))
    assert fresh(action).state == State.SUCCEEDED
    problems = list(CallbackMessage.objects.order_by("id").values_list("problem", flat=True))
    assert problems[0].startswith("It could not be applied: ")
    assert "no_poison" in problems[0]
    assert problems[1] == ""


def test_numbers_and_odd_types_where_texts_belong_are_read() -> None:
    action, callback = with_callback(since=at(0), remote_action_id="4711")
    receive(callback, body(success(action) | {"remoteActionId": 4711, "remoteType": None, "vin": None}))
    assert fresh(action).state == State.SUCCEEDED


# ---- reading ------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        "events",
        "callbackId",
        "remoteEvent",
        "eventStatus",
        "remoteActionId",
        "vin",
        "eventDate",
        "type",
        "status",
        "failureCause",
        "date",
        "remoteType",
        "feedbackDetail",
    ]
)
SHAPED = st.recursive(
    JSON | st.sampled_from(["Done", "Pending", "Failed", "Success", "DoorsOpen", "2026-11-21T09:00:00Z"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


@given(SHAPED)
@settings(max_examples=400)
def test_no_json_whatever_raises_and_nothing_of_it_is_lost(value: Any) -> None:
    found = read_body(json.dumps(value).encode())
    assert found
    assert all(isinstance(one, Event) and len(one.digest) == 64 for one in found)
    assert all(one.problem or one.remote_action_id for one in found)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise(content: bytes) -> None:
    assert read_body(content)


@given(st.lists(SHAPED, max_size=5))
@settings(max_examples=60)
def test_whatever_is_stored_can_be_applied_beside_a_good_one(values: list[Any]) -> None:
    action, callback = with_callback(since=at(0))
    receive(callback, body(*values, success(action)))
    assert fresh(action).state == State.SUCCEEDED
    assert not CallbackMessage.objects.exclude(problem="").exists()


@pytest.mark.parametrize("form", ["places", "form", "form of one"])
def test_events_by_their_places_and_in_a_form_are_read(form: str) -> None:
    status = {"type": "Done", "status": "Success"}
    events = [{"remoteActionId": f"ra{n}", "vin": "V", "eventStatus": status} for n in range(12)]
    message = {"callbackId": "cb", "events": {str(n): one for n, one in enumerate(events)}}
    bodies = {
        "places": json.dumps(message),
        "form": urlencode({"source": "b2b", "payload": json.dumps(message | {"events": events})}),
        "form of one": urlencode({"payload": json.dumps(events[0])}),
    }
    found = read_body(bodies[form].encode())
    assert [one.remote_action_id for one in found] == [f"ra{n}" for n in range(1 if form == "form of one" else 12)]
    assert {(one.state, one.problem) for one in found} == {(State.SUCCEEDED, "")}
