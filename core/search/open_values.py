"""Fields whose values have no type of their own, as in the JSON of an event: each is taken for what it looks like.

Text contains a word, a number equals it, yes and no are truths; compared are numbers and moments. The conditions are
asked in Python alone (`core.search.predicate`): their lookups have no SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from core.search.base import Facet, SearchContext, SearchError
from core.search.folding import fold
from core.search.grammar import Comparison, Span, Value, Word

Scalar = str | int | float | bool
Period = tuple[datetime, datetime]
# An operator, and the number or the moments with which a value is compared.
Bound = tuple[str, Decimal | Period]
_TRUTHS = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class OpenFacet(Facet):
    """Any value under a path; of several, one has to fit. `none` and `any` say whether there is one."""

    def condition(self, value: Value, context: SearchContext) -> Q:
        match value:
            case Comparison(operator, text):
                return Q(**{f"{self.path}__within": [(operator, self._bound(text))]})
            case Span(low, high):
                sides = [(operator, side) for operator, side in ((">=", low), ("<=", high)) if side]
                return Q(**{f"{self.path}__within": [(operator, self._bound(side)) for operator, side in sides]})
            case Word(text, quoted):
                if not text or (text.lower() == "none" and not quoted):
                    return Q(**{f"{self.path}__isnull": True})
                if text.lower() == "any" and not quoted:
                    return Q(**{f"{self.path}__isnull": False})
                return Q(**{f"{self.path}__fits": text})

    def _bound(self, text: str) -> Decimal | Period:
        """What one side of a comparison says: a number, or the moments that a day or a time stands for."""
        bound = number_of(text) if re.fullmatch(r"[+-]?\d{1,12}([.,]\d{1,6})?", text) else _period(text)
        if bound is None:
            sentence = _("“%(name)s” is compared with a number or a time such as 2026-11-21, not with “%(typed)s”.")
            raise SearchError(sentence % {"name": self.name, "typed": text})
        return bound


@dataclass(frozen=True)
class NamedFacet(OpenFacet):
    """Names of a closed list, or of customers: compared as a whole, with `*` for parts."""

    def condition(self, value: Value, context: SearchContext) -> Q:
        if isinstance(value, Word) and value.text and (value.quoted or value.text.lower() not in ("none", "any")):
            return Q(**{f"{self.path}__fold_is": value.text})
        return super().condition(value, context)


# ---- the lookups ----------------------------------------------------------------------------------------------------


def fits(word: str) -> Callable[[Scalar], bool]:
    """Whether a value is what a word says."""
    needle, number = fold(word), number_of(word)
    truth = _TRUTHS.get(needle)

    def test(value: Scalar) -> bool:
        if isinstance(value, bool):
            return value is truth
        return needle in fold(value) if isinstance(value, str) else number_of(str(value)) == number

    return test


def named(word: str) -> Callable[[Scalar], bool]:
    """Whether a value is a name as a whole, case and accents ignored; a star stands for any part of it."""
    first, *others = (fold(part) for part in word.split("*"))
    otherwise = fits(word)

    def test(value: Scalar) -> bool:
        if not isinstance(value, str):
            return otherwise(value)
        text = fold(value)
        if not others:
            return text == first
        *middle, last = others
        # Each part at its first place behind the one before: no text makes it slow.
        place = len(first) if text.startswith(first) else -1
        for part in middle:
            found = text.find(part, place) if place >= 0 else -1
            place = found + len(part) if found >= 0 else -1
        return 0 <= place <= len(text) - len(last) and text.endswith(last)

    return test


def within(bounds: Sequence[Bound]) -> Callable[[Scalar], bool]:
    """Whether a value holds against every bound; one that is no number or no moment holds against none of its kind."""
    tests = [_compared(operator, bound) for operator, bound in bounds]
    return lambda value: all(test(value) for test in tests)


def number_of(text: str) -> Decimal | None:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _period(text: str) -> Period | None:
    """The first moment that a text stands for and the first one after it; without an offset it is UTC."""
    try:
        day, moment = parse_date(text), parse_datetime(text.replace(" ", "T"))
    except ValueError:
        return None
    if day is not None:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return (start, start + timedelta(days=1)) if day < date.max else None
    if moment is None:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return moment, moment + timedelta(microseconds=1)
    except OverflowError:
        return None


def _compared(operator: str, bound: Decimal | Period) -> Callable[[Scalar], bool]:
    def holds(value: Scalar) -> bool:
        if isinstance(value, bool):
            return False
        if isinstance(bound, Decimal):
            number = number_of(str(value))
            return number is not None and _holds(operator, number, bound, bound)
        period = _period(value) if isinstance(value, str) else None
        last = bound[1] - timedelta(microseconds=1)
        return period is not None and _holds(operator, period[0], bound[0], last)

    return holds


def _holds(operator: str, value: Any, first: Any, last: Any) -> bool:
    """Compares with what lies between first and last: before it, up to its end, from its start on, after it."""
    return bool(
        {"<": value < first, "<=": value <= last, ">=": value >= first, ">": value > last}[operator],
    )
