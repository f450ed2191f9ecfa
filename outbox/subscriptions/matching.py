"""Who listens to events without having been named by the publisher: webhook endpoints, mailing lists by topic.

Each kind of listener registers a *source*: a name and a function that reads all of its listeners. They are kept in
memory under the source's stamp, a row in the database that `listeners_changed` replaces in the transaction of every
change. `publish` reads the stamps with the statement that writes the events, so that it asks for the listeners again
exactly when they have changed, in whatever process.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from django.db import connection

from outbox.choices import Reason
from outbox.contract import NewEvent, Recipient
from outbox.event_kinds import EventKind, kind_of, matches_topic
from outbox.subscriptions.conditions import EventView, Predicate

# The stamp of a source that never changed since its table is empty.
NEVER = ""


@dataclass(frozen=True)
class Listener:
    """Takes the events of its topics (`*`, `trip.*`, a kind) that fit its condition, for its recipients.

    With `held_back`, its deliveries are written as not sent, for this reason: they can be replayed.
    """

    topics: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    condition: Predicate | None = None
    held_back: Reason = Reason.NONE


@dataclass(frozen=True)
class Wanted:
    """A recipient that a listener adds to an event."""

    recipient: Recipient
    held_back: Reason = Reason.NONE


Source = Callable[[], Iterable[Listener]]


class _Kept:
    """The listeners of one source as of one stamp, sorted by kind as kinds are asked for."""

    def __init__(self, stamp: str, listeners: Iterable[Listener]) -> None:
        self.stamp = stamp
        self._all = tuple(listeners)
        self._by_kind: dict[str, tuple[Listener, ...]] = {}

    def of(self, kind: str) -> tuple[Listener, ...]:
        if kind not in self._by_kind:
            self._by_kind[kind] = tuple(
                one for one in self._all if any(matches_topic(topic, kind) for topic in one.topics)
            )
        return self._by_kind[kind]


_sources: dict[str, Source] = {}
_kept: dict[str, _Kept] = {}


def register_listeners(source: str, read: Source) -> None:
    """`read` returns all listeners of this source as the database has them now, in a fixed number of queries."""
    _sources[source] = read


def listeners_changed(source: str) -> None:
    """To be called in the transaction of every change to what `read` of this source returns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_listenerstamp (source, stamp) VALUES (%s, %s)"
            " ON CONFLICT (source) DO UPDATE SET stamp = EXCLUDED.stamp",
            # Random, not counted: a change that is rolled back must not share its stamp with the next one.
            [source, uuid.uuid4()],
        )


# Reads all stamps as one JSON object; publish puts it into the RETURNING of its insert.
STAMPS = "(SELECT coalesce(jsonb_object_agg(source, stamp), '{}') FROM outbox_listenerstamp)"


def _current(stamps: Mapping[str, str]) -> list[_Kept]:
    """The listeners of every source, read anew where the stamp is another.

    Read after the stamp, they are at least as new as it says; should they be newer, the next publisher reads again.
    """
    current = []
    for source, read in _sources.items():
        stamp = stamps.get(source, NEVER)
        kept = _kept.get(source)
        if kept is None or kept.stamp != stamp:
            kept = _kept[source] = _Kept(stamp, read() if stamp != NEVER else ())
        current.append(kept)
    return current


def event_view_of(event: NewEvent, kind: EventKind) -> EventView:
    payload = msgspec.to_builtins(event.payload)
    return EventView(kind.key, kind.domain, str(kind.severity), event.subject, payload)


def listeners_to(events: Sequence[NewEvent], stamps: Mapping[str, str]) -> Iterator[tuple[NewEvent, Wanted]]:
    """Who else hears of which of these events. Kinds that only carry a mail have no listeners."""
    current = _current(stamps)
    for event in events:
        kind = kind_of(event.kind)
        if not kind.is_public:
            continue
        interested = [one for kept in current for one in kept.of(event.kind)]
        facts = event_view_of(event, kind) if any(one.condition for one in interested) else None
        for one in interested:
            if one.condition is None or (facts is not None and one.condition(facts)):
                for recipient in one.recipients:
                    yield event, Wanted(recipient, one.held_back)
