"""Waking a worker after a commit: seen in the folder in which the tests' broker keeps its tasks."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from outbox import nudge
from outbox.choices import DeliveryState
from outbox.models import Delivery, Event
from outbox.services import publish
from outbox.services.deliveries import retry_delivery
from tests.outbox.kit import NOW, a_note, in_threads, published
from tests.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.usefixtures("committed")
# Longer than a nudge takes to become a task.
A_WHILE_S = 0.15


@pytest.fixture(autouse=True)
def _quiet(queue: Path, committed: None) -> Iterator[None]:
    """What earlier tests nudged has become tasks, and those are gone."""
    while not nothing_comes(queue):
        empty(queue)
    yield
    empty(queue)


def empty(queue: Path) -> None:
    for task in queue.glob("[!.]*.msg"):
        task.unlink()


def messages(queue: Path) -> list[dict[str, Any]]:
    """Those that are wholly written."""
    found = []
    for path in queue.glob("[!.]*.msg"):  # one whose name begins with a dot is being written
        with contextlib.suppress(ValueError):
            found.append(json.loads(path.read_bytes()))
    return found


def tasks(queue: Path) -> list[str]:
    return [message["headers"]["task"] for message in messages(queue)]


def nothing_comes(queue: Path) -> bool:
    time.sleep(A_WHILE_S)
    return tasks(queue) == []


def test_commit_wakes_a_worker(queue: Path) -> None:
    with transaction.atomic():
        publish(events=[a_note("a@example.org")], now=NOW)
        assert nothing_comes(queue)
    wait_until(lambda: tasks(queue) == ["outbox.deliver"], "the task comes")


def test_rollback_wakes_nobody(queue: Path) -> None:
    with transaction.atomic():
        publish(events=[a_note("a@example.org")], now=NOW)
        transaction.set_rollback(True)
    assert nothing_comes(queue)


def test_event_for_nobody_wakes_nobody(queue: Path) -> None:
    published(a_note())
    assert nothing_comes(queue)


def test_event_that_was_published_before_wakes_nobody(queue: Path) -> None:
    published(a_note("a@example.org", dedup_key="k"))
    wait_until(lambda: tasks(queue) == ["outbox.deliver"], "the task comes")
    empty(queue)
    published(a_note("a@example.org", dedup_key="k"))
    assert nothing_comes(queue)


def test_retry_by_hand_wakes_a_worker(queue: Path) -> None:
    (delivery,) = published(a_note("a@example.org"))
    Delivery.objects.update(state=DeliveryState.FAILED)
    wait_until(lambda: tasks(queue) == ["outbox.deliver"], "the task comes")
    empty(queue)
    assert retry_delivery(delivery=delivery, now=NOW)
    wait_until(lambda: tasks(queue) == ["outbox.deliver"], "the task comes")


def test_many_commits_gather_into_few_tasks(queue: Path) -> None:
    started = time.monotonic()
    in_threads(*[lambda: [published(a_note("a@example.org")) for _ in range(50)]] * 4)
    took = time.monotonic() - started
    time.sleep(A_WHILE_S)
    assert Event.objects.count() == 200
    assert 1 <= len(tasks(queue)) <= took / nudge.GATHER_S + 2


def test_task_is_worthless_after_a_minute(queue: Path) -> None:
    """Nobody wants a thousand of them when a worker starts after a long pause: beat sweeps what is due."""
    nudge.nudge()
    wait_until(lambda: len(tasks(queue)) == 1, "the task comes")
    (message,) = messages(queue)
    assert message["headers"]["expires"] is not None


def test_forked_process_wakes_workers_too(queue: Path) -> None:
    """The thread that sends the tasks does not live in the child."""
    nudge.nudge()
    wait_until(lambda: len(tasks(queue)) == 1, "the parent's task comes")
    child = os.fork()
    if child == 0:
        nudge.nudge()
        time.sleep(PATIENCE_S)
        os._exit(0)
    try:
        wait_until(lambda: len(tasks(queue)) == 2, "the child's task comes")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_broker_that_is_away_costs_nothing_and_is_found_again(queue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudge, "BROKER_DOWN_PAUSE_S", 0.05)
    elsewhere = queue.rename(queue.with_name("away"))
    try:
        started = time.monotonic()
        published(*[a_note("a@example.org") for _ in range(10)])
        assert time.monotonic() - started < 10
        time.sleep(A_WHILE_S)
    finally:
        elsewhere.rename(queue)
    assert Delivery.objects.filter(state=DeliveryState.PENDING).count() == 10
    published(a_note("a@example.org"))
    wait_until(lambda: "outbox.deliver" in tasks(queue), "the task comes")
