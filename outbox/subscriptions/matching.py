"""Who listens to events without having been named by the publisher: each kind of listener registers a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from django.db import connection

from outbox.choices import Reason
from outbox.contract import NewEvent, Recipient
from outbox.event_kinds import kind_of, matches_topic
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


def is_listened_to(key: str) -> bool:
    """Whether any listener takes events of this kind, whatever its condition says of each, and is not held back."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {STAMPS}::text")
        stamps: dict[str, str] = msgspec.json.decode(cursor.fetchone()[0])
    found = (listener for source in _sources.values() for listener in source.as_of(stamps).of(kind_of(key)))
    return any(to.held_back in (Reason.NONE, Reason.PAUSED) for listener in found for to in listener.recipients)
