"""Shared commits: everyone gets their own answer, one bad request fails alone, and waiting requests share a write."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import msgspec
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import RequestFactory
from psycopg.errors import LockNotAvailable

from core.combine import Combiner, is_turn
from core.ingest import HEAVY_BYTES, BatchEndpoint, Intake, Submission
from core.models import ApiKey
from tests.waiting import PATIENCE_S, wait_until


class Note(msgspec.Struct):
    text: str


class Bad(Exception):
    """What this request brought was wrong."""


class Writer:
    """Doubles numbers; keeps what it was given each time, and can be held."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.started, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def __call__(self, given: Sequence[int]) -> list[int]:
        self.groups.append(list(given))
        self.started.set()
        assert self.go_on.wait(PATIENCE_S)
        if any(number < 0 for number in given):
            raise Bad(str([n for n in given if n < 0]))
        return [number * 2 for number in given]


@pytest.fixture
def writer() -> Writer:
    return Writer()


def while_held(writer: Writer, first: Callable[[], object], then: Sequence[Callable[[], object]]) -> list[object]:
    """Runs `first`, holds its write until all of `then` wait behind it, and returns their answers or errors."""
    writer.go_on.clear()
    with ThreadPoolExecutor(len(then) + 1) as pool:
        begun = pool.submit(first)
        assert writer.started.wait(PATIENCE_S)
        waiting = [pool.submit(work) for work in then]
        time.sleep(0.1)
        writer.go_on.set()
        begun.result(PATIENCE_S)
        return [task.exception(PATIENCE_S) or task.result(PATIENCE_S) for task in waiting]


def test_a_lone_request_is_written_at_once(writer: Writer) -> None:
    assert Combiner(writer).submit(21) == 42
    assert writer.groups == [[21]]


def test_those_who_wait_are_written_together(writer: Writer) -> None:
    combiner = Combiner(writer)
    answers = while_held(writer, lambda: combiner.submit(0), [lambda n=n: combiner.submit(n) for n in range(1, 9)])  # type: ignore[misc]
    assert answers == [n * 2 for n in range(1, 9)]
    assert len(writer.groups) == 2
    assert sorted(writer.groups[1]) == list(range(1, 9))


def test_one_bad_request_fails_alone(writer: Writer) -> None:
    combiner = Combiner(writer)
    given = [1, -2, 3]
    answers = while_held(writer, lambda: combiner.submit(0), [lambda n=n: combiner.submit(n) for n in given])  # type: ignore[misc]
    assert answers[0] == 2
    assert isinstance(answers[1], Bad)
    assert str(answers[1]) == "[-2]"
    assert answers[2] == 6


@pytest.mark.parametrize("together", [True, False])
def test_nobody_waits_for_the_one_who_waits_for_a_row(together: bool) -> None:
    """The write for which others wait gives up, and each writes in its own thread: who waits goes on waiting."""
    others_done = threading.Event()

    def write(given: Sequence[int]) -> list[int]:
        if 13 in given:
            if is_turn():
                raise OperationalError from LockNotAvailable()
            assert others_done.wait(PATIENCE_S)
        return [number * 2 for number in given]

    combiner = Combiner(write)
    combiner._is_writing = together  # somebody is at it: the others come together
    with ThreadPoolExecutor(4) as pool:
        waits = pool.submit(combiner.submit, 13)
        others = [pool.submit(combiner.submit, number) for number in (1, 2, 3)]
        if together:
            wait_until(lambda: len(combiner._waiting) == 4, "all wait")
            combiner._hand_on()
        assert [other.result(PATIENCE_S) for other in others] == [2, 4, 6]
        others_done.set()
        assert waits.result(PATIENCE_S) == 26
    assert combiner.submit(4) == 8


def test_a_lone_bad_request_is_written_once(writer: Writer) -> None:
    with pytest.raises(Bad):
        Combiner(writer).submit(-1)
    assert writer.groups == [[-1]]


def test_after_a_failure_the_next_request_is_fine(writer: Writer) -> None:
    combiner = Combiner(writer)
    with pytest.raises(Bad):
        combiner.submit(-1)
    assert combiner.submit(1) == 2


def test_a_write_takes_no_more_than_its_most(writer: Writer) -> None:
    combiner = Combiner(writer, most=10)
    work = [lambda n=n: combiner.submit(n, size=4) for n in range(1, 8)]
    assert while_held(writer, lambda: combiner.submit(0), work) == [n * 2 for n in range(1, 8)]
    assert all(len(group) <= 2 for group in writer.groups)
    assert sorted(n for group in writer.groups for n in group) == list(range(8))


def test_a_request_larger_than_the_most_is_written_on_its_own(writer: Writer) -> None:
    combiner = Combiner(writer, most=10)
    work = [lambda n=n: combiner.submit(n, size=50) for n in range(1, 6)]
    assert while_held(writer, lambda: combiner.submit(0), work) == [n * 2 for n in range(1, 6)]
    assert [len(group) for group in writer.groups] == [1] * 6


@pytest.mark.parametrize("most", [1, 2, 7])
def test_many_threads_each_get_their_own_answer(most: int) -> None:
    """A thread may get its turn before one that came earlier, whose work then fills the whole write."""

    def write(given: Sequence[int]) -> list[int]:
        time.sleep(0.0001)
        return [n * 2 for n in given]

    combiner = Combiner[int, int](write, most=most)
    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(combiner.submit, range(1_000))) == [n * 2 for n in range(1_000)]


def test_the_end_of_the_process_leaves_nobody_waiting(writer: Writer) -> None:
    def stop(given: Sequence[int]) -> list[int]:
        writer(given)
        raise SystemExit

    combiner = Combiner[int, int](stop)

    def first() -> BaseException:
        with pytest.raises(SystemExit) as ended:
            combiner.submit(0)
        return ended.value

    answers = while_held(writer, first, [lambda: combiner.submit(1)])
    assert isinstance(answers[0], SystemExit)


def test_who_waits_holds_no_connection(committed: None) -> None:
    """More requests than the pool has connections, each of which has read something before it waits for the writer."""
    begun, queued = threading.Event(), threading.Event()

    def write(given: Sequence[int]) -> list[int]:
        begun.set()
        assert queued.wait(PATIENCE_S)
        return [_asked(number) for number in given]

    combiner = Combiner(write)
    waiting = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] + 4

    def lead() -> int:
        with closing(connection):
            return combiner.submit(0)

    at_the_gate: list[int] = []

    def follow(number: int) -> int:
        with closing(connection):
            given = _asked(number)
            at_the_gate.append(given)
            return combiner.submit(given)

    with ThreadPoolExecutor(waiting + 1) as pool:
        leader = pool.submit(lead)
        assert begun.wait(PATIENCE_S)
        followers = [pool.submit(follow, number) for number in range(1, waiting + 1)]
        deadline = time.monotonic() + 8  # the pool would give up after ten seconds
        while len(at_the_gate) < waiting and time.monotonic() < deadline:
            time.sleep(0.01)
        queued.set()
        assert [leader.result(PATIENCE_S), *(follower.result(PATIENCE_S) for follower in followers)] == list(
            range(waiting + 1)
        )


def _asked(number: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::int", [number])
        (answer,) = cursor.fetchone()
    return int(answer)


def test_nobody_waits_for_a_message_of_thousands_of_entries(rf: RequestFactory) -> None:
    writing, go_on = threading.Event(), threading.Event()

    def take(*, submissions: Sequence[Submission[Note]], now: object) -> list[Intake]:
        if any(len(item.text) > HEAVY_BYTES for submission in submissions for _place, item in submission.items):
            writing.set()
            assert go_on.wait(PATIENCE_S)
        return [Intake(accepted=len(submission.items)) for submission in submissions]

    endpoint = BatchEndpoint[Note](Note, take)

    def post(text: str) -> bytes:
        request = rf.post("/", msgspec.json.encode(Note(text)), content_type="application/json")
        request.auth = ApiKey(pk=1)  # type: ignore[attr-defined]
        return endpoint.answer(request).content

    with ThreadPoolExecutor(2) as pool:
        heavy = pool.submit(post, "x" * (HEAVY_BYTES + 1))
        try:
            assert writing.wait(PATIENCE_S)
            assert b'"accepted":1' in pool.submit(post, "x").result(PATIENCE_S)
        finally:
            go_on.set()
        assert b'"accepted":1' in heavy.result(PATIENCE_S)
