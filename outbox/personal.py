"""Personal data for webhook endpoints that ask for it: read when an event is sent, never kept with it.

Events name people by ids only. The app that knows them registers how to read them; an erased person is not found any
more, whenever the event happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

# Payloads → for each the person that it tells of, as JSON, or None.
Reader = Callable[[Sequence[Mapping[str, Any]]], Sequence[Mapping[str, Any] | None]]
# The member of `data` that holds the person.
MEMBER = "person"

_readers: dict[str, Reader] = {}


def register_personal(domain: str, read: Reader) -> None:
    """`read` is asked about payloads of the kinds of `domain`, many at a time; it must take any of them."""
    _readers[domain] = read


def people_in(payloads: Mapping[int, tuple[str, Mapping[str, Any]]]) -> dict[int, Mapping[str, Any]]:
    """The people that payloads tell of. `payloads`: id → (domain, payload); those that tell of none are left out."""
    found: dict[int, Mapping[str, Any]] = {}
    for domain, read in _readers.items():
        of_domain = {pk: payload for pk, (name, payload) in payloads.items() if name == domain}
        if of_domain:
            people = zip(of_domain, read(list(of_domain.values())), strict=True)
            found |= {pk: person for pk, person in people if person is not None}
    return found
