"""What a process remembers, for how long, and what makes it forget."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import pytest
import time_machine

from core import cache
from core.cache import Cache


class Source:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self) -> int:
        self.reads += 1
        return self.reads


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    moment = [100.0]
    monkeypatch.setattr("core.cache.monotonic", lambda: moment[0])

    def forward(seconds: float) -> None:
        moment[0] += seconds

    return forward


def test_it_is_read_once_within_its_age(source: Source, pass_time: Callable[[float], None]) -> None:
    memory: Cache[str, int] = Cache(age_s=1.0)
    assert [memory.get("a", source), memory.get("a", source)] == [1, 1]
    pass_time(0.9)
    assert (memory.get("a", source), memory.peek("a")) == (1, 1)
    pass_time(0.1)
    assert memory.peek("a") is None
    assert memory.get("a", source) == 2


def test_its_age_counts_from_before_it_was_read(pass_time: Callable[[float], None]) -> None:
    memory: Cache[str, str] = Cache(age_s=1.0)

    def slow() -> str:
        pass_time(0.7)
        return "old"

    memory.get("a", slow)
    pass_time(0.4)
    assert memory.get("a", lambda: "new") == "new"


def test_the_wall_clock_does_not_matter(source: Source) -> None:
    memory: Cache[str, int] = Cache(age_s=60.0)
    memory.get("a", source)
    with time_machine.travel(0, tick=True):
        assert memory.get("a", source) == 1


def test_another_stamp_is_another_value(source: Source) -> None:
    memory: Cache[str, int] = Cache()
    assert [memory.get("a", source, stamp=stamp) for stamp in ("x", "x", "y", "x")] == [1, 1, 2, 3]


def test_keys_do_not_share(source: Source) -> None:
    memory: Cache[str, int] = Cache()
    assert [memory.get(key, source) for key in ("a", "b", "a", "b")] == [1, 2, 1, 2]


def test_nothing_is_remembered_of_what_raised(source: Source) -> None:
    memory: Cache[str, int] = Cache()

    def broken() -> int:
        raise LookupError

    with pytest.raises(LookupError):
        memory.get("a", broken)
    assert memory.get("a", source) == 1


def test_none_is_a_value_like_any(source: Source) -> None:
    memory: Cache[str, int | None] = Cache()
    assert memory.get("a", lambda: None) is None
    assert memory.get("a", source) is None


def test_it_forgets_a_key_or_all(source: Source) -> None:
    memory: Cache[str, int] = Cache()
    memory.get("a", source)
    memory.get("b", source)
    memory.forget("a")
    memory.forget("never there")
    assert (memory.peek("a"), memory.peek("b")) == (None, 2)
    memory.clear()
    assert memory.peek("b") is None


def test_the_oldest_gives_way_to_what_is_new(source: Source) -> None:
    memory: Cache[int, int] = Cache(most=2)
    for key in (1, 2, 1, 3):
        memory.get(key, source)
    assert [memory.peek(key) for key in (1, 2, 3)] == [None, 2, 3]
    memory.put(2, 20)
    memory.put(4, 40)
    assert [memory.peek(key) for key in (2, 3, 4)] == [20, None, 40]


def test_everything_that_a_process_remembers_is_forgotten_at_once(source: Source) -> None:
    first: Cache[str, int] = Cache()
    second: Cache[str, int] = Cache()
    first.put("a", 1)
    second.put("a", 1)
    cache.clear()
    assert (first.peek("a"), second.peek("a")) == (None, None)


def test_threads_share_it_and_keep_its_bound() -> None:
    memory: Cache[int, int] = Cache(most=10)
    failures: list[BaseException] = []

    def work(start: int) -> None:
        try:
            for n in range(start, start + 2_000):
                assert memory.get(n % 40, lambda n=n: n % 40) == n % 40  # type: ignore[misc]
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(memory.peek(n) is not None for n in range(40)) <= 10
