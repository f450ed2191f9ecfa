"""The second back end of a search: a condition asked in Python, of one row at a time.

A schema makes one tree of a query, a `Q`. For a list Django turns it into SQL; for what is in no table, such as an
event that is just published, `predicate` turns it into a function. Both agree on every row (tested).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Q
from django.db.models import Value as SqlValue

from core.search.folding import fold
from core.search.lookups import composed
from core.search.open_values import fits, named, within

# The values of a row under a path of the condition; none for what it does not have.
Read = Callable[[str], Sequence[Any]]
Predicate = Callable[[Read], bool]
_Test = Callable[[Any], bool]


def predicate(condition: Q) -> Predicate:
    """A function of a row that says whether the condition holds. Of several values under a path, one has to fit.

    Raises TypeError for a condition that only a database can answer, such as a subquery or a lookup unknown here.
    """
    parts = [predicate(child) if isinstance(child, Q) else _leaf(child) for child in condition.children]
    if condition.connector == Q.AND:
        joined: Predicate = parts[0] if len(parts) == 1 else lambda read: all(part(read) for part in parts)
    elif condition.connector == Q.OR:
        joined = lambda read: any(part(read) for part in parts)  # noqa: E731 - a twin of the one above
    else:
        raise TypeError(f"{condition.connector} cannot be asked in Python.")
    return (lambda read: not joined(read)) if condition.negated else joined


def _leaf(child: Any) -> Predicate:
    if not isinstance(child, tuple):
        raise TypeError(f"{type(child).__name__} can be asked in a database only.")
    path, _sep, lookup = child[0].rpartition("__")
    if lookup not in _LOOKUPS and lookup != "isnull":
        path, lookup = child[0], "exact"
    operand = child[1].value if isinstance(child[1], SqlValue) else child[1]
    if lookup == "isnull":
        return lambda read: (not read(path)) is operand
    test = _LOOKUPS[lookup](operand)
    return lambda read: any(map(test, read(path)))


def _as_indexed(text: Any) -> _Test:
    """One or two letters match the beginnings of words, as in an index of trigrams."""
    words = " ".join(composed(text).split())
    needle = f" {fold(words)}" if len(words) < 3 else fold(words)
    return lambda value: needle in f" {fold(value)}"


def _folded(text: Any) -> _Test:
    needle = fold(composed(text))
    return lambda value: needle in fold(value)


_LOOKUPS: dict[str, Callable[[Any], _Test]] = {
    "exact": lambda operand: lambda value: value == operand,
    "iexact": lambda operand: lambda value: value.lower() == operand.lower(),
    "in": lambda operand: lambda value: value in operand,
    "any_of": lambda operand: lambda value: value in operand,
    "startswith": lambda operand: lambda value: value.startswith(operand),
    "contains": lambda operand: lambda value: set(operand) <= set(value),
    "lt": lambda operand: lambda value: value < operand,
    "lte": lambda operand: lambda value: value <= operand,
    "gt": lambda operand: lambda value: value > operand,
    "gte": lambda operand: lambda value: value >= operand,
    "fold_contains": _folded,
    "fold_is": lambda operand: named(composed(operand)),
    "folded_contains": _as_indexed,
    "fold_contains_as_indexed": _as_indexed,
    "fits": fits,
    "within": within,
}
