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

SEE_PEOPLE = "console.see_personal_data"
# The scope of a key that reads people of sources where it may not write.
PEOPLE_SCOPE = "personal:read"
HIDDEN = "***"
_ADDRESS = re.compile(r"[^\s@<>()\[\]{}\",:;=/'|]{1,64}+@[\w.-]{1,255}+")


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


def shown_text(value: Any, *words: str) -> Any:
    """A text or a JSON value, in which these words (a name) and all mail addresses are hidden."""
    if not value or shows_people():
        return value
    named = [re.escape(word) for word in sorted(words, key=len, reverse=True) if word]
    return _without(re.compile("|".join((*named, _ADDRESS.pattern)), re.IGNORECASE), value)


def _without(pattern: re.Pattern[str], value: Any) -> Any:
    if isinstance(value, str):
        return pattern.sub(HIDDEN, value)
    if isinstance(value, list):
        return [_without(pattern, each) for each in value]
    if isinstance(value, dict):
        return {_without(pattern, key): _without(pattern, each) for key, each in value.items()}
    return value
