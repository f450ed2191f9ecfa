"""Personal data for webhook endpoints that ask for it: read when an event is sent, never kept with it.

Events name people by ids only. The app that knows them registers how to read them; an erased person is not found any
more, whenever the event happened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.people import PEOPLE_SCOPE, SEE_PEOPLE, key_sees_people
from core.registry import Registry
from outbox.event_kinds import kinds_of

# Payloads → for each the person that it tells of, as JSON, or None.
Reader = Callable[[Sequence[Mapping[str, Any]]], Sequence[Mapping[str, Any] | None]]
# The member of `data` that holds the person.
MEMBER = "person"


@dataclass(frozen=True)
class Source:
    """How an app's people are read. Only who may read them too, a key by its `scope` or a person by the `permission`,
    may decide about an endpoint that is told of them."""

    read: Reader
    scope: str
    permission: str


_sources: Registry[Source] = Registry("source of personal data")


def register_personal(domain: str, source: Source) -> None:
    """`source.read` is asked about payloads of the kinds of `domain`, many at a time; it must take any of them."""
    _sources.add(domain, source)


def _sources_of(topics: Iterable[str]) -> list[Source]:
    """The sources whose people events of these topics may tell of; all, where none of the topics is known."""
    patterns = list(topics)
    return [source for domain, source in _sources.items() if kinds_of(patterns, domain)] or list(_sources.values())


def scopes_lacking(scopes: Collection[str], topics: Iterable[str]) -> list[str]:
    """The scopes that a key needs besides its own to decide about an endpoint with personal data."""
    asked = {source.scope for source in _sources_of(topics)}
    hidden = {scope for scope in asked if not key_sees_people(scopes, scope.partition(":")[0])}
    return sorted((asked - set(scopes)) | ({PEOPLE_SCOPE} if hidden else set()))


def permissions_needed(topics: Iterable[str]) -> list[str]:
    """The permissions that a person needs to decide about an endpoint with personal data."""
    return sorted({SEE_PEOPLE, *(source.permission for source in _sources_of(topics))})


def people_in(payloads: Mapping[int, tuple[str, Mapping[str, Any]]]) -> dict[int, Mapping[str, Any]]:
    """The people that payloads tell of. `payloads`: id → (domain, payload); those that tell of none are left out."""
    people_by_id: dict[int, Mapping[str, Any]] = {}
    for domain, source in _sources.items():
        of_domain = {pk: payload for pk, (name, payload) in payloads.items() if name == domain}
        if of_domain:
            people = zip(of_domain, source.read(list(of_domain.values())), strict=True)
            people_by_id |= {pk: person for pk, person in people if person is not None}
    return people_by_id
