"""Who listens to events without having been named by the publisher: each kind of listener registers a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from outbox.choices import Reason
from outbox.contract import NewEvent, Recipient
from outbox.event_kinds import kind_of, matches_topic
from outbox.subscriptions.conditions import EventView, Predicate
from outbox.subscriptions.stamps import Source


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


def listeners_to(events: Sequence[NewEvent], stamps: Mapping[str, str]) -> Iterator[tuple[NewEvent, Wanted]]:
    """Who else receives which of these events. Kinds that only carry a mail have no listeners."""
    current = [source.as_of(stamps) for source in _sources.values()]
    for event in events:
        kind = kind_of(event.kind)
        if not kind.is_public:
            continue
        interested = [one for snapshot in current for one in snapshot.of(kind)]
        facts = EventView.of_new(event, kind) if any(one.condition for one in interested) else None
        for one in interested:
            if one.condition is None or (facts is not None and one.condition(facts)):
                for recipient in one.recipients:
                    yield event, Wanted(recipient, one.held_back)
