"""What a process remembers of the database: the one kind of cache, with an age, a stamp, or both.

    _rules: Cache[str, Rules] = Cache(age_s=1.0)
    rules = _rules.get(name, lambda: read(name))

An entry is made anew when it is older than `age_s`, and when its `stamp` differs from the one that is asked with: a
number or time that the writer of the data changes with it. `clear` forgets everything that this process remembers.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Any, Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
MOST = 1_000
_caches: list[Cache[Any, Any]] = []


class _Entry(NamedTuple):
    value: Any
    stamp: object
    made_at: float


class Cache(Generic[Key, Value]):
    """At most `most` entries; the one that was made first gives way. Threads may share it: two that miss at the same
    moment both make the entry, and the later one stays."""

    def __init__(self, *, age_s: float = math.inf, most: int = MOST) -> None:
        self.age_s, self.most = age_s, most
        self._entries: dict[Key, _Entry] = {}
        self._lock = threading.Lock()
        _caches.append(self)

    def get(self, key: Key, make: Callable[[], Value], *, stamp: object = None) -> Value:
        """What is remembered, or what `make` returns; what it raises is raised and nothing is remembered."""
        now = monotonic()
        entry = self._entries.get(key)
        if entry is not None and now - entry.made_at < self.age_s and entry.stamp == stamp:
            value: Value = entry.value
            return value
        value = make()
        self._put(key, _Entry(value, stamp, now))
        return value

    def put(self, key: Key, value: Value, *, stamp: object = None) -> None:
        self._put(key, _Entry(value, stamp, monotonic()))

    def _put(self, key: Key, entry: _Entry) -> None:
        with self._lock:
            self._entries.pop(key, None)
            self._entries[key] = entry
            while len(self._entries) > self.most:
                del self._entries[next(iter(self._entries))]

    def peek(self, key: Key) -> Value | None:
        """What is remembered, if it is not too old; its stamp is not asked for."""
        entry = self._entries.get(key)
        return None if entry is None or monotonic() - entry.made_at >= self.age_s else entry.value

    def forget(self, key: Key) -> None:
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


def clear() -> None:
    """Forgets everything, as a new process would begin."""
    for cache in _caches:
        cache.clear()
