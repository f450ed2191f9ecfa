"""What an investigator finds in the log: who came from where, who was refused and why, which task is whose."""

from __future__ import annotations

import sys
import threading
from datetime import timedelta
from typing import Any

import pytest
import structlog
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from core.keys import REFUSED
from core.logs import catch_stray_errors
from core.services import revoke_api_key
from outbox.tasks import deliver, sweep
from tests.core.test_logs import Lines, lines
from tests.factories.console import PASSWORD, UserFactory, make_key

__all__ = ["lines"]
pytestmark = pytest.mark.django_db


def ask(plain: str, path: str = "/api/v1/event-kinds") -> int:
    headers = {"Authorization": f"Bearer {plain}"} if plain else {}
    return Client(REMOTE_ADDR="192.0.2.7").get(path, headers=headers).status_code


def refusals(lines: Lines) -> list[dict[str, Any]]:
    return [line for line in lines() if line["event"].endswith("refused")]


def test_a_line_says_where_a_request_came_from_and_with_which_key(lines: Lines) -> None:
    key, plain = make_key()
    ask(plain)
    line = lines()[-1]
    assert (line["address"], line["key_prefix"], line["key_id"]) == ("192.0.2.7", key.prefix, key.pk)


@pytest.mark.parametrize("why", ["none", "unknown", "wrong", "revoked", "expired", "scope"])
def test_a_key_that_is_refused_is_an_event_that_says_why(lines: Lines, why: str) -> None:
    key, plain = make_key(*(["charging:read"] if why == "scope" else []))
    given = {"none": "", "unknown": "sbx_00000000_" + "x" * 43, "wrong": plain[:-3] + "xxx"}.get(why, plain)
    if why == "revoked":
        revoke_api_key(key=key)
    if why == "expired":
        key.expires_at = timezone.now() - timedelta(days=1)
        key.save()
    before = REFUSED.labels("key", why)._value.get()
    assert ask(given) == (403 if why == "scope" else 401)
    (line,) = refusals(lines)
    assert (line["event"], line["why"], line["address"]) == ("key refused", why, "192.0.2.7")
    assert line["path"] == "/api/v1/event-kinds"
    assert line["key_prefix"] == ("" if why == "none" else "sbx_00000000" if why == "unknown" else key.prefix)
    assert plain[13:] not in str(line)
    assert REFUSED.labels("key", why)._value.get() == before + 1


def test_signing_in_and_failing_to_are_events(lines: Lines) -> None:
    user: User = UserFactory(username="anna")
    client = Client(REMOTE_ADDR="192.0.2.8")
    client.post("/sign-in/", {"username": "anna", "password": "hunter2-wrong"})
    client.post("/sign-in/", {"username": "hunter2-as-name", "password": "x"})
    client.post("/sign-in/", {"username": "anna", "password": PASSWORD})
    found = [line for line in lines() if line["event"] in ("sign-in refused", "signed in")]
    assert [(line["event"], line["user"], line["address"]) for line in found] == [
        ("sign-in refused", user.pk, "192.0.2.8"),
        ("sign-in refused", None, "192.0.2.8"),
        ("signed in", user.pk, "192.0.2.8"),
    ]
    assert "hunter2" not in str(found)


# ---- tasks ----------------------------------------------------------------------------------------------------------


def test_a_task_knows_for_which_request_it_is_done(lines: Lines) -> None:
    headers: dict[str, Any] = {}
    with structlog.contextvars.bound_contextvars(request_id="asked-for-1"):
        before_task_publish.send(sender="x", headers=headers)
    assert headers["request_id"] == "asked-for-1"
    task = deliver
    task.push_request(request_id=headers["request_id"])
    try:
        task_prerun.send(sender=task, task_id="t-1", task=task)
        structlog.get_logger("signalbox.test").info("in the task")
        again: dict[str, Any] = {}
        before_task_publish.send(sender="x", headers=again)
    finally:
        task.pop_request()
        task_postrun.send(sender=task, task_id="t-1", task=task)
    (line,) = lines()
    assert (line["request_id"], line["task"]) == ("asked-for-1", "outbox.deliver")
    assert again == {"request_id": "asked-for-1"}
    assert structlog.contextvars.get_contextvars() == {}


def test_a_task_that_nobody_asked_for_bears_its_own_id() -> None:
    task = sweep
    task.push_request()
    try:
        task_prerun.send(sender=task, task_id="t-2", task=task)
        assert structlog.contextvars.get_contextvars()["request_id"] == "t-2"
    finally:
        task.pop_request()
        task_postrun.send(sender=task, task_id="t-2", task=task)


# ---- what nobody catches --------------------------------------------------------------------------------------------


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    catch_stray_errors()


@pytest.mark.usefixtures("hooks")
def test_what_a_thread_does_not_catch_is_a_line(lines: Lines, capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise RuntimeError("nobody catches it for anna@example.org")

    thread = threading.Thread(target=fail, name="lonely")
    thread.start()
    thread.join()
    (line,) = lines()
    assert (line["event"], line["thread"]) == ("uncaught error in a thread", "lonely")
    assert "nobody catches it for ***@example.org" in line["exception"]
    assert "Traceback" not in capfd.readouterr().err
