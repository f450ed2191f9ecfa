"""Two that change the same rows at once: the second begins while the first has not yet committed."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

from django.db import OperationalError, connection, connections, transaction

from core.refusal import Refused


def overtaken(first: Callable[[], Any], second: Callable[[], Any], then: Callable[[], Any] = lambda: None) -> Any:
    """The second's answer, or how it was refused; it waits for a lock of the first, whose rest is `then`.

    Raises AssertionError if the second waits for nothing. For tests with the fixture `committed`.
    """
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append(second())
        except (OperationalError, Refused) as error:
            answers.append(error)
        finally:
            connections.close_all()

    with transaction.atomic():
        first()
        thread = Thread(target=run)
        thread.start()
        wait_for_a_waiting_statement()
        then()
    thread.join(30)
    return answers[0]


def passed_by(first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """The second's answer while the first has not yet committed. Raises OperationalError if it waits for a lock."""

    def run() -> Any:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '5s'")
                return second()
        finally:
            connections.close_all()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        first()
        return pool.submit(run).result(30)


def wait_for_a_waiting_statement() -> None:
    """Until another connection waits for a lock that this one holds."""
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            if cursor.fetchone():
                return
            time.sleep(0.01)
    raise AssertionError("nobody waited")
