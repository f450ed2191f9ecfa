"""What every field of a search has: its name, its condition, how its values are counted; and the error they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from core.search.grammar import Value, read_value
from core.search.tally import Tally


class SearchError(ValueError):
    """A term that cannot be understood: a sentence for the person, and a better spelling where one is near."""

    def __init__(self, message: str, *, suggestion: str = "") -> None:
        super().__init__(message)
        self.suggestion = suggestion


@dataclass(frozen=True)
class SearchContext:
    """What a value's meaning depends on, read once: the moment and the viewer's zone."""

    now: datetime
    zone: tzinfo = UTC


def nearest(word: str, known: Iterable[str]) -> str:
    matches = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return matches[0] if matches else ""


def did_you_mean(near: str) -> str:
    return " " + _("Did you mean “%(near)s”?") % {"near": near} if near else ""


@dataclass(frozen=True)
class Facet:
    """A field of the search: `name` is typed, `path` is the ORM path it filters, `label` is shown."""

    name: str
    path: str
    label: str | Promise
    aliases: tuple[str, ...] = ()
    help_text: str | Promise = ""
    # Found by those alone who may see people (`core.people`).
    personal: bool = field(default=False, kw_only=True)
    # It looks for ids of senders, of which some may be people's addresses (`core.people.shown_id`).
    identifies: bool = field(default=False, kw_only=True)

    def condition(self, value: Value, context: SearchContext) -> Q:
        """Raises SearchError when this facet does not take such a value."""
        raise NotImplementedError

    def negated(self, value: Value, context: SearchContext) -> Q:
        """The condition for a value behind a minus. Raises SearchError."""
        return ~self.condition(value, context)

    def choice_condition(self, text: str, context: SearchContext) -> Q:
        """The condition of a value that was chosen, not typed: a filter's. Raises SearchError."""
        return self.condition(read_value(text), context)

    def tally(self, context: SearchContext) -> Tally | None:
        """How its values are counted; None for what has too many to list."""
        return None

    def hints(self) -> Sequence[tuple[str, str | Promise]]:
        """Values that are always offered, with what they mean."""
        return ()

    def label_of(self, value: str) -> str:
        return value

    def refuse(self, takes: str, value: str = "") -> SearchError:
        return SearchError(_("“%(facet)s” takes %(takes)s.") % {"facet": self.name, "takes": takes})

    def examples(self) -> Sequence[str | Promise]:
        return ()
