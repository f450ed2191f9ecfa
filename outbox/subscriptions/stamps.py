"""What listens to events, kept in memory under a stamp: a row in the database that every change replaces.

`publish` reads all stamps with the statement that writes the events, so that it asks for a source again exactly when it
has changed, in whatever process.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from django.db import connection

from outbox.event_kinds import EventKind

T = TypeVar("T")
# The stamp of a source that never changed since its table is empty.
NEVER = ""
# Reads all stamps as one JSON object; publish puts it into the RETURNING of its insert.
STAMPS = "(SELECT coalesce(jsonb_object_agg(source, stamp), '{}') FROM outbox_listenerstamp)"


def listeners_changed(source: str) -> None:
    """To be called in the transaction of every change to what a source reads."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_listenerstamp (source, stamp) VALUES (%s, %s)"
            " ON CONFLICT (source) DO UPDATE SET stamp = EXCLUDED.stamp",
            # Random, not counted: a change that is rolled back must not share its stamp with the next one.
            [source, uuid.uuid4()],
        )


class Snapshot(Generic[T]):
    """A source as of one stamp, sorted by kind as kinds are asked for."""

    def __init__(self, stamp: str, entries: Iterable[T], takes: Callable[[T, EventKind], bool]) -> None:
        self.stamp = stamp
        self._entries, self._takes = tuple(entries), takes
        self._by_kind: dict[str, tuple[T, ...]] = {}

    def of(self, kind: EventKind) -> tuple[T, ...]:
        if kind.key not in self._by_kind:
            self._by_kind[kind.key] = tuple(entry for entry in self._entries if self._takes(entry, kind))
        return self._by_kind[kind.key]


class Source(Generic[T]):
    """`read` returns all entries as the database has them now, in a fixed number of queries."""

    def __init__(self, name: str, read: Callable[[], Iterable[T]], takes: Callable[[T, EventKind], bool]) -> None:
        self.name, self._read, self._takes = name, read, takes
        self._newest = Snapshot[T](NEVER, (), takes)

    def as_of(self, stamps: Mapping[str, str]) -> Snapshot[T]:
        """The entries, read anew where the stamp is another.

        Read after the stamp, they are at least as new as it says; should they be newer, the next publisher reads again.
        """
        stamp, snapshot = stamps.get(self.name, NEVER), self._newest
        if snapshot.stamp != stamp:
            entries = self._read() if stamp != NEVER else ()
            snapshot = self._newest = Snapshot(stamp, entries, self._takes)
        return snapshot
