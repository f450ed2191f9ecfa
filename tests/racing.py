"""Several that change the same rows at once, or one that begins while another has not yet committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread
from typing import Any

from django.db import OperationalError, connection, connections, transaction

from core.refusal import Refused
from tests.waiting import PATIENCE_S, wait_until


def at_once(works: Iterable[Callable[[], Any]]) -> list[Any]:
    """Runs each work in a thread of its own, all starting together; returns the answers or raises the first error."""
    works = list(works)
    start, answers = Barrier(len(works)), [None] * len(works)
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            start.wait(PATIENCE_S)
            answers[number] = works[number]()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads)
    return answers


def or_refusal(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The work's answer, or how it was refused."""
    try:
        return work(*args, **kwargs)
    except Refused as refusal:
        return refusal


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
    thread.join(PATIENCE_S)
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
        return pool.submit(run).result(PATIENCE_S)


def wait_for_a_waiting_statement() -> None:
    """Until another connection waits for a lock that this one holds."""

    def waits() -> bool:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        return cursor.fetchone() is not None

    with connection.cursor() as cursor:
        wait_until(waits, "another statement waits")
