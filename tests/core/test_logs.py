"""Structured logs: one line of JSON per event, with its request's id, without secrets and addresses."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from core.logs import logging_config, redact
from outbox.services.mailing_lists.leaving import unsubscribe_url
from tests.core.test_settings import start
from tests.engines import ROOT
from tests.factories.console import make_key

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Lines]:
    """What the project's own handler wrote since the last call, each line read as JSON."""
    caplog.set_level(logging.INFO)
    written = io.StringIO()
    (handler,) = (h for h in logging.getLogger().handlers if h.get_name() == "stdout")
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(written)

    def read() -> list[dict[str, Any]]:
        text = written.getvalue()
        written.truncate(0)
        written.seek(0)
        return [json.loads(line) for line in text.splitlines()]

    yield read
    handler.setStream(before)


def cleaned(**event: Any) -> dict[str, Any]:
    return dict(redact(None, "info", dict(event)))


# ---- requests ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_request_is_one_line(client: Client, lines: Lines) -> None:
    client.get("/sign-in/?q=secret-question")
    (line,) = lines()
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "GET", "/sign-in/", 200)
    assert line["user"] is None
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")
    assert "secret-question" not in json.dumps(line)


@pytest.mark.django_db
def test_a_request_names_the_person_by_number_alone(viewer: Client, lines: Lines) -> None:
    viewer.get("/")
    line = lines()[-1]
    assert line["user"] == int(viewer.session["_auth_user_id"])
    assert "user1" not in json.dumps(line)


@pytest.mark.django_db
def test_a_request_by_a_key_names_the_key_by_number(lines: Lines) -> None:
    key, plain = make_key()
    Client().get("/api/v1/event-kinds", headers={"Authorization": f"Bearer {plain}"})
    line = lines()[-1]
    assert line["key_id"] == key.pk
    assert plain[13:] not in json.dumps(line)


@pytest.mark.django_db
def test_refused_sign_ins_and_keys_are_events_of_their_own(client: Client, lines: Lines) -> None:
    client.post("/sign-in/", {"username": "anna", "password": "hunter2"}, REMOTE_ADDR="192.0.2.7")
    client.get("/api/v1/charging/groups", headers={"Authorization": "Bearer sbx_hunter2"}, REMOTE_ADDR="192.0.2.8")
    _key, plain = make_key("outbox:read")
    client.get("/api/v1/charging/groups", headers={"Authorization": f"Bearer {plain}"}, REMOTE_ADDR="192.0.2.9")
    written = lines()
    refused = [line for line in written if line["event"].endswith("refused")]
    assert [(line["event"], line["address"], line["why"]) for line in refused] == [
        ("sign-in refused", "192.0.2.7", "wrong"),
        ("key refused", "192.0.2.8", "unknown"),
        ("key refused", "192.0.2.9", "scope"),
    ]
    assert "hunter2" not in json.dumps(written)


@pytest.mark.django_db
def test_nothing_of_one_request_stands_in_the_line_of_the_next(client: Client, lines: Lines) -> None:
    client.get("/api/v1/event-kinds", headers={"Authorization": f"Bearer {make_key()[1]}"})
    client.get("/sign-in/")
    assert "key_id" not in lines()[-1]


def test_probes_are_not_logged(client: Client, lines: Lines) -> None:
    client.get("/healthz")
    client.get("/static/js/theme.js")
    assert lines() == []


@pytest.mark.parametrize("given_id", ["abc-123", "A.b_c-9", "x" * 64])
def test_a_given_id_goes_through(client: Client, given_id: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": given_id})["X-Request-ID"] == given_id


@pytest.mark.parametrize("given_id", ["", "x" * 65, "a b", "a\nb", '"}', "ä", "<script>"])
def test_an_id_that_could_break_a_line_is_replaced(client: Client, given_id: str) -> None:
    answered = client.get("/healthz", headers={"X-Request-ID": given_id})["X-Request-ID"]
    assert answered != given_id
    assert len(answered) == 32


@pytest.mark.django_db
def test_every_answer_has_the_id_of_its_log_line(client: Client, nobody: Client, lines: Lines) -> None:
    answers = [client.get("/nothing-here/"), nobody.get("/audit/"), client.get("/api/v1/nothing")]
    assert [line["request_id"] for line in lines()] == [response["X-Request-ID"] for response in answers]


@pytest.mark.django_db
def test_two_requests_have_different_ids(client: Client) -> None:
    assert client.get("/healthz")["X-Request-ID"] != client.get("/healthz")["X-Request-ID"]


@pytest.mark.django_db
def test_the_link_of_a_mail_is_not_in_the_log(client: Client, lines: Lines) -> None:
    path = "/outbox/" + unsubscribe_url("notification_group:1", "anna@example.org").split("/outbox/")[1]
    token = path.rstrip("/").rpartition("/")[2]
    assert client.get(path).status_code in (200, 404)
    logged = json.dumps(lines())
    assert '"path": "/outbox/unsubscribe/***/"' in logged
    assert token not in logged


@pytest.mark.django_db
@pytest.mark.parametrize("last", ["", "x"])
def test_the_key_in_an_address_is_not_in_the_log(client: Client, lines: Lines, last: str) -> None:
    """CitrineOS can send no header. A key with one letter wrong tells most of it."""
    _key, plain = make_key("charging:write")
    path = f"/api/v1/charging/in/citrineos/{plain[:-1] + last if last else plain}"
    assert client.post(path, b"{", content_type="application/json").status_code in (400, 401)
    logged = json.dumps(lines())
    assert "/api/v1/charging/in/citrineos/sbx_" in logged
    assert plain.rpartition("_")[2][:20] not in logged


@pytest.mark.django_db
def test_a_failure_is_one_line_with_its_traceback(lines: Lines) -> None:
    client = Client(raise_request_exception=False)
    logging.getLogger("signalbox.test").info("before")
    try:
        raise RuntimeError("cannot mail anna@example.org\nsecond line")
    except RuntimeError:
        logging.getLogger("signalbox.test").exception("failed for %s", "bert@example.org")
    client.get("/nothing-here/?to=carl%40example.org")
    found = lines()
    failed = next(line for line in found if line["event"].startswith("failed"))
    assert failed["event"] == "failed for ***@example.org"
    assert "RuntimeError: cannot mail ***@example.org" in failed["exception"]
    assert not any(name in json.dumps(found) for name in ("anna@", "bert@", "carl"))


# ---- what is hidden ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "SECRET_KEY",
        "authorization",
        "csrf_token",
        "cookie",
        "api_key",
        "key",
        "new_password2",
        "set-cookie",
    ],
)
def test_values_of_secret_names_are_hidden(key: str) -> None:
    assert cleaned(**{key: "hunter2"}) == {key: "[hidden]"}
    assert cleaned(data={"deep": [{key: "hunter2"}]}) == {"data": {"deep": [{key: "[hidden]"}]}}


def test_what_only_resembles_a_secret_name_is_kept() -> None:
    event = {"key_id": 7, "keys": 3, "monkey": "x", "event": "kept", "ms": 1.5, "ok": True, "none": None}
    assert cleaned(**event) == event


@pytest.mark.parametrize(
    "address",
    [
        "anna@example.org",
        "a.b+c@sub.example.org",
        "o'brien@example.org",
        "jürgen@köln.example",
        "x" * 100 + "@example.org",
        "anna%40example.org",
        "root@localhost",
        "!#$%&*@example.org",
    ],
)
def test_mail_addresses_are_hidden_wherever_they_stand(address: str) -> None:
    domain = address.replace("%40", "@").rpartition("@")[2]
    for text in (address, f"to <{address}>", f"Key (address)=({address})", f'{{"to": "{address}"}}', f"a,{address};b"):
        for shown in (cleaned(event=text)["event"], cleaned(to=[text])["to"][0], cleaned(d={"x": text})["d"]["x"]):
            assert address not in shown
            assert address.replace("%40", "@").partition("@")[0] not in shown
            assert domain in shown


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgres://box:hunter2@db.example/x", "hunter2"),
        ("smtp+tls://anna%40example.org:p%23w@mail.example:587", "p%23w"),
        ("Bearer sbx_0123abcd_" + "s" * 43, "s" * 43),
        ("secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw here", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ],
)
def test_secrets_in_texts_are_hidden(text: str, hidden: str) -> None:
    assert hidden not in str(cleaned(event=text))


def test_an_object_is_shown_as_text_and_hidden_like_one() -> None:
    assert cleaned(error=ValueError("no anna@example.org")) == {"error": "ValueError('no ***@example.org')"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), JSON, max_size=4))
def test_every_event_becomes_a_line_of_json(event: dict[str, Any]) -> None:
    rendered = structlog.processors.JSONRenderer()(None, "info", redact(None, "info", event))
    assert "\n" not in str(rendered)
    assert isinstance(json.loads(rendered), dict)


# ---- its form ---------------------------------------------------------------------------------------------------


def test_a_process_writes_nothing_but_lines_of_json(tmp_path: Any) -> None:
    code = (
        "import django; django.setup(); import logging, structlog, warnings;"
        "structlog.get_logger('signalbox.x').info('ours', n=1, text='a\\nb');"
        "logging.getLogger('theirs').warning('%s has %d', 'it', 2);"
        "logging.getLogger('celery.worker.strategy').info('noise')"
    )
    done = start(tmp_path, "-c", code, DJANGO_SETTINGS_MODULE="config.settings", LOG_LEVEL="INFO")
    ours, theirs = [json.loads(line) for line in done.stdout.splitlines()]
    assert (ours["event"], ours["n"], ours["text"], ours["logger"]) == ("ours", 1, "a\nb", "signalbox.x")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("it has 2", "warning", "theirs")
    assert done.stderr == ""


def test_the_form_for_eyes_hides_the_same() -> None:
    code = (
        "import logging.config, structlog; from core.logs import logging_config;"
        "logging.config.dictConfig(logging_config('console', 'INFO'));"
        "structlog.get_logger('x').info('hello', to='anna@example.org', password='hunter2')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "hello" in done.stdout
    assert "***@example.org" in done.stdout
    assert "hunter2" not in done.stdout
    assert not done.stdout.startswith("{")


def test_the_level_is_the_one_asked_for() -> None:
    assert logging_config("json", "ERROR")["root"]["level"] == "ERROR"
