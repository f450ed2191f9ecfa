"""Who may see who people are: the names and contacts of drivers, of cyclists and of those whom mails go to.

Whoever shows something personal asks here: `shown(driver.email)`, `{{ driver.email|personal }}` in a template,
`personal=True` at a column of a list and at a facet of a search. During a request that is answered for its person or
key; elsewhere (workers, commands) everything is as it is. What can be seen can be searched, sorted and taken home, and
nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

SEE_PEOPLE = "console.see_personal_data"
# The scope of a key that reads people of sources where it may not write.
PEOPLE_SCOPE = "personal:read"
HIDDEN = "***"
_ADDRESS = re.compile(r"[^\s@<>()\[\]{}\",:;=/'|]{1,64}+@[\w.-]{1,255}+")
# Ids that senders give and that say who somebody is: an e-mail address anywhere, or a telephone number with its country
# or a leading zero, also behind a kind (`driver:+33612345678`). Read by Python and by PostgreSQL alike.
_NUMBER = r"^(?:[a-z_]+:)?(?:(?:\+|00)(?:[ ().\-]*[0-9]){8,15}|0[ ().\-]*[1-9](?:[ ().\-]*[0-9]){7,9})$"
PERSONAL_ID = re.compile(rf"\S@\S|{_NUMBER}")


@dataclass(slots=True, eq=False)
class Viewer:
    """Somebody for whom something is answered; `saw`: people were shown."""

    may_see: Callable[[], bool]
    saw: bool = False


_viewer: ContextVar[Viewer | None] = ContextVar("viewer", default=None)


def sees_people() -> bool:
    """Whether what is shown now may name people."""
    viewer = _viewer.get()
    return viewer is None or viewer.may_see()


def shows_people() -> bool:
    """The same, asked by what shows them then: it is noted."""
    viewer = _viewer.get()
    if viewer is not None and viewer.may_see():
        viewer.saw = True
    return viewer is None or viewer.saw


@contextmanager
def seen_by(sees: Callable[[], bool]) -> Iterator[Viewer]:
    """Within it, `sees` answers whether people may be seen."""
    token = _viewer.set(viewer := Viewer(sees))
    try:
        yield viewer
    finally:
        _viewer.reset(token)


def seen_as_it_is() -> Any:
    """For work that is done for a request and shown to nobody, e.g. counting an audience that somebody else named."""
    return seen_by(lambda: True)


def key_sees_people(scopes: Collection[str], domain: str) -> bool:
    """Whether a key with these scopes may see the people of a domain: who writes them there knows them."""
    return PEOPLE_SCOPE in scopes or f"{domain}:write" in scopes


def shown(value: Any) -> Any:
    """A personal value, or HIDDEN in its place; what is empty stays so."""
    if not value or shows_people():
        return value
    return [HIDDEN] if isinstance(value, list | tuple) else HIDDEN


def hides_id(value: str) -> bool:
    """Whether an id that a sender gave is hidden, because it is somebody's address or number."""
    return bool(PERSONAL_ID.search(value)) and not shows_people()


def shown_id(value: Any) -> Any:
    """An id, or what an event is about (`driver:7`); HIDDEN in place of an address or number, behind its kind."""
    if not isinstance(value, str) or not hides_id(value):
        return value
    kind, colon, _id = value.partition(":")
    return f"{kind}:{HIDDEN}" if colon and kind.isidentifier() else HIDDEN


def without_hidden_ids(path: str, found: Q) -> Q:
    """What was found by an id, without rows whose id is hidden."""
    return found if sees_people() else found & ~Q(**{f"{path}__regex": PERSONAL_ID.pattern})


def shown_text(value: Any, *words: str) -> Any:
    """A text or a JSON value, in which these words (a name), mail addresses and ids that are numbers are hidden."""
    if not value or shows_people():
        return value
    named = [re.escape(word) for word in sorted(words, key=len, reverse=True) if word]
    return _without(re.compile("|".join((*named, _ADDRESS.pattern, _NUMBER)), re.IGNORECASE), value)


def _without(pattern: re.Pattern[str], value: Any) -> Any:
    if isinstance(value, str):
        return pattern.sub(HIDDEN, value)
    if isinstance(value, list):
        return [_without(pattern, each) for each in value]
    if isinstance(value, dict):
        return {_without(pattern, key): _without(pattern, each) for key, each in value.items()}
    return value
