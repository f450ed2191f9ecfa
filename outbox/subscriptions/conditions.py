"""A Magic Search condition on one event: `city:paris severity:>=warning -kind:trip.*`, evaluated in Python.

The grammar is that of every search (`core.search.grammar`). A field is `kind`, `domain`, `severity`, `subject`, or
any value of the payload, by its last name (`city`) or by as much of its path as one likes (`charge_point.city`,
`data.charge_point.city`); of a list, one of its members has to fit. Text is contained, case and accents ignored.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from core.search import Comparison, SearchError, Span, Term, Word, parse
from core.search.facets import nearest
from core.search.grammar import MAX_LENGTH, MAX_TERMS, MAX_VALUES, Value
from outbox.choices import Severity
from outbox.event_kinds import EventKind, matches_topic

Scalar = str | int | float | bool
ENVELOPE = ("kind", "domain", "severity", "subject")
_ALIASES = {"type": "kind", "topic": "kind", "about": "subject"}
_RANKS = {severity.value: rank for rank, severity in enumerate(Severity)}
# Letters that have no decomposition, folded as PostgreSQL's unaccent folds them.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})


def fold(text: str) -> str:
    """Case and accents taken away, as `signalbox_fold` does it in the database."""
    if text.isascii():
        return text.lower()
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return bare.casefold().translate(_LETTERS)


@dataclass(frozen=True)
class Facts:
    """What a condition is asked about: an event's envelope and its payload as plain JSON values."""

    kind: str
    domain: str
    severity: str
    subject: str
    payload: dict[str, Any]

    @cached_property
    def values(self) -> dict[str, list[Scalar]]:
        """Every scalar of the payload under each end of its path: `city`, `charge_point.city`, …; and the envelope."""
        found: dict[str, list[Scalar]] = {}
        for path, value in _scalars("data", self.payload):
            for name in _ends(path):
                found.setdefault(name, []).append(value)
        for name in ENVELOPE:
            found[name] = [getattr(self, name)]
        return found

    @cached_property
    def text(self) -> str:
        """What free text is looked for in, a line for each value so that no match runs over two."""
        told = (str(value) for _path, value in _scalars("data", self.payload))
        return fold("\n".join((self.kind, self.subject, *told)))


Predicate = Callable[[Facts], bool]
_Test = Callable[[list[Scalar]], bool]


def compile_condition(text: str) -> Predicate:
    """The predicate of a condition; an empty one takes every event. Raises SearchError, whose text is for people."""
    if len(text) > MAX_LENGTH:
        raise SearchError(_("The condition is too long: at most %(n)d characters.") % {"n": MAX_LENGTH})
    terms = parse(text.replace("\x00", " "), dotted=True).terms
    if len(terms) > MAX_TERMS or sum(len(term.values) for term in terms) > MAX_VALUES:
        raise SearchError(_("The condition has too many terms or values."))
    tests = [_term(term) for term in terms]
    return lambda facts: all(test(facts) for test in tests)


def check_condition(text: str, kinds: Iterable[EventKind]) -> None:
    """Raises SearchError when a condition is malformed or names a field that none of these kinds has."""
    compile_condition(text)
    known: set[str] = set(ENVELOPE)
    for kind in kinds:
        fields = fields_of(kind)
        if fields is None:
            return  # a payload of free form may hold anything
        known |= fields
    for term in parse(text, dotted=True).terms:
        if term.field is not None and _name(term.field) not in known:
            raise _unknown(term.field, known)


def fields_of(kind: EventKind) -> set[str] | None:
    """The names by which the payload of a kind can be asked; None where the payload's schema is open."""
    schema = kind.schema()
    names: set[str] = set()
    for path in _paths("data", schema, schema.get("$defs", {}), ()):
        if path is None:
            return None
        names.update(_ends(path))
    return names


# ---- the payload --------------------------------------------------------------------------------------------------


def _scalars(path: str, value: Any) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _scalars(f"{path}.{str(name).lower()}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _scalars(path, inner)
    elif value is not None and value != "":
        yield path, value


def _ends(path: str) -> Iterator[str]:
    """`data.charge_point.city`, `charge_point.city`, `city`."""
    while path:
        yield path
        path = path.partition(".")[2]


def _paths(path: str, schema: dict[str, Any], defs: dict[str, Any], seen: tuple[str, ...]) -> Iterator[str | None]:
    """The paths of a JSON schema's scalars; None for a part of any form."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if name:
        if name not in seen:
            yield from _paths(path, defs[name], defs, (*seen, name))
        return
    for option in schema.get("anyOf", ()):
        yield from _paths(path, option, defs, seen)
    if "anyOf" in schema:
        return
    kind = schema.get("type")
    if kind == "array":
        yield from _paths(path, schema.get("items") or {}, defs, seen)
    elif kind == "object" and "properties" in schema:
        for key, inner in schema["properties"].items():
            yield from _paths(f"{path}.{key.lower()}", inner, defs, seen)
    elif kind == "object" or (kind is None and "enum" not in schema and "const" not in schema):
        yield None
    else:
        yield path


# ---- the terms ----------------------------------------------------------------------------------------------------


def _name(field: str) -> str:
    return _ALIASES.get(field, field)


def _unknown(field: str, known: Iterable[str]) -> SearchError:
    near = nearest(field, known)
    said = _("The chosen events have no field “%(name)s”.") % {"name": field}
    hint = _("Did you mean “%(near)s”?") % {"near": near} if near else _("Put the text in quotes to look for it.")
    return SearchError(f"{said} {hint}", suggestion=near)


def _term(term: Term) -> Predicate:
    if term.field is None:
        word = term.values[0]
        wanted = fold(word.text) if isinstance(word, Word) else ""
        found: Predicate = lambda facts: wanted in facts.text  # noqa: E731 - a twin of the function below
    else:
        name = _name(term.field)
        tests = [_test(name, value) for value in term.values]

        def found(facts: Facts) -> bool:
            values = facts.values.get(name, [])
            return any(test(values) for test in tests)

    return (lambda facts: not found(facts)) if term.negated else found


def _test(name: str, value: Value) -> _Test:
    if name == "severity":
        return _severity(value)
    match value:
        case Comparison(operator, text):
            return _compared(operator, _bound(name, text))
        case Span(low, high):
            bounds = [(">=", low), ("<=", high)]
            parts = [_compared(operator, _bound(name, side)) for operator, side in bounds if side]
            return lambda values: bool(values) and any(all(part([one]) for part in parts) for one in values)
        case Word(text, quoted):
            return _word(name, text, quoted)


def _word(name: str, text: str, quoted: bool) -> _Test:
    if not text or (text.lower() == "none" and not quoted):
        return lambda values: not values
    if text.lower() == "any" and not quoted:
        return bool
    if name == "kind" and "*" in text:
        if not matches_topic(text, text.replace("*", "x")):
            raise SearchError(_("“%(text)s” is no topic: a star stands alone or behind the last dot.") % {"text": text})
        return lambda values: any(matches_topic(text, str(one)) for one in values)
    wanted, number = fold(text), _number(text)
    truth = {"yes": True, "true": True, "no": False, "false": False}.get(wanted)

    def fits(one: Scalar) -> bool:
        if isinstance(one, bool):
            return one is truth
        return wanted in fold(one) if isinstance(one, str) else _number(str(one)) == number

    return lambda values: any(fits(one) for one in values)


def _severity(value: Value) -> _Test:
    """Severities have an order: information < warning < critical."""
    low, high = 0, len(_RANKS)
    match value:
        case Word(text):
            low = high = _rank(text)
        case Span(first, last):
            low, high = _rank(first) if first else low, _rank(last) if last else high
        case Comparison(operator, text):
            rank = _rank(text)
            low, high = {"<": (low, rank - 1), "<=": (low, rank), ">": (rank + 1, high), ">=": (rank, high)}[operator]
    return lambda values: any(low <= _RANKS.get(str(one), -1) <= high for one in values)


def _rank(text: str) -> int:
    if text.lower() not in _RANKS:
        near = nearest(text, _RANKS)
        said = _("“severity” knows %(known)s, not “%(typed)s”.") % {"known": ", ".join(_RANKS), "typed": text}
        raise SearchError(said, suggestion=f"severity:{near}" if near else "")
    return _RANKS[text.lower()]


# ---- numbers and times --------------------------------------------------------------------------------------------

_Period = tuple[datetime, datetime]


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _bound(name: str, text: str) -> Decimal | _Period:
    """What one side of a comparison says: a number, or the moments that a day or a time stands for."""
    found = _number(text) if re.fullmatch(r"[+-]?\d{1,12}([.,]\d{1,6})?", text) else _period(text)
    if found is None:
        said = _("“%(name)s” is compared with a number or a time such as 2026-11-21, not with “%(typed)s”.")
        raise SearchError(said % {"name": name, "typed": text})
    return found


def _period(text: str) -> _Period | None:
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


def _compared(operator: str, bound: Decimal | _Period) -> _Test:
    def fits(one: Scalar) -> bool:
        if isinstance(one, bool):
            return False
        if isinstance(bound, Decimal):
            number = _number(str(one))
            return number is not None and _holds(operator, number, bound, bound)
        period = _period(one) if isinstance(one, str) else None
        last = bound[1] - timedelta(microseconds=1)
        return period is not None and _holds(operator, period[0], bound[0], last)

    return lambda values: any(fits(one) for one in values)


def _holds(operator: str, one: Any, first: Any, last: Any) -> bool:
    """Compares with what lies between first and last: before it, up to its end, from its start on, after it."""
    return bool(
        {"<": one < first, "<=": one <= last, ">=": one >= first, ">": one > last}[operator],
    )
