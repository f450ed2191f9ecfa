"""Who listens to events without having been named by the publisher: each kind of listener registers a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec
from django.db import connection

from outbox.choices import Reason
from outbox.contract import NewEvent, Recipient
from outbox.event_kinds import EventKind, kind_of, matches_topic
from outbox.subscriptions.conditions import EventView, Predicate
from outbox.subscriptions.stamps import STAMPS, Source


@dataclass(frozen=True)
class Listener:
    """Takes the events of its topics (`*`, `trip.*`, a kind) that fit its condition, for its recipients."""

    topics: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    condition: Predicate | None = None


_sources: dict[str, Source[Listener]] = {}


def register_listeners(source: str, read: Callable[[], Iterable[Listener]]) -> None:
    """`read` returns all listeners of this source as the database has them now, in a fixed number of queries.

    Raises ValueError for a source that is registered already.
    """
    if source in _sources:
        raise ValueError(f"The listeners of {source} are registered already.")
    _sources[source] = Source(
        source, read, lambda listener, kind: any(matches_topic(topic, kind.key) for topic in listener.topics)
    )


def listening_to(events: Sequence[NewEvent], stamps: Mapping[str, str]) -> Iterator[tuple[NewEvent, Recipient]]:
    """Who else receives which of these events. Kinds that only carry a mail have no listeners."""
    current = [source.as_of(stamps) for source in _sources.values()]
    for event in events:
        kind = kind_of(event.kind)
        if not kind.is_public:
            continue
        listeners = [listener for snapshot in current for listener in snapshot.of(kind)]
        view = EventView.of_new(event, kind) if any(listener.condition for listener in listeners) else None
        for listener in listeners:
            if listener.condition is None or (view is not None and listener.condition(view)):
                yield from ((event, recipient) for recipient in listener.recipients)


@dataclass(frozen=True)
class Audience:
    """Who is sent events of a kind now. `stamp` is another one as soon as that may have changed."""

    kind: EventKind
    listeners: tuple[Listener, ...]
    stamp: str

    def hears(self, make: Callable[[], NewEvent]) -> bool:
        """Whether one of them takes an event, which is made where a condition has to be asked."""
        if not self.listeners or any(listener.condition is None for listener in self.listeners):
            return bool(self.listeners)
        view = EventView.of_new(make(), self.kind)
        return any(listener.condition(view) for listener in self.listeners if listener.condition is not None)


def audience_of(key: str) -> Audience:
    """Whoever is held back, disabled or paused, is not in it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {STAMPS}::text")
        stamps: dict[str, str] = msgspec.json.decode(cursor.fetchone()[0])
    kind = kind_of(key)
    found = (listener for source in _sources.values() for listener in source.as_of(stamps).of(kind))
    awake = [listener for listener in found if any(to.held_back == Reason.NONE for to in listener.recipients)]
    stamp = blake2b(msgspec.json.encode(sorted(stamps.items())), digest_size=8).hexdigest()
    return Audience(kind, tuple(awake), stamp)
