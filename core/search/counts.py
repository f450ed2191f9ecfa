"""Counts the values of facets: all of a list's in one statement, which reads its rows once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, F, QuerySet

from core.search.base import Facet, SearchContext
from core.search.tally import ByArray, ByColumn, ByCondition, ByRelation, Tally

# Of lists with more rows than this the values are counted beforehand, by beat.
LIVE_ROWS = 10_000
MOST_VALUES = 5_000


@dataclass(frozen=True)
class Value:
    """A value of a facet as it is typed, and in how many rows it stands; None where they are too many to count."""

    value: str
    count: int | None


@dataclass(frozen=True)
class Counts:
    """The values of each facet, the most frequent first."""

    values: Mapping[str, list[Value]] = field(default_factory=dict)
    rows: int = 0

    def of(self, facet: str) -> list[Value]:
        return self.values.get(facet, [])


def fold(text: str) -> str:
    """Case and accents ignored, near enough to `signalbox_fold` to compare short values by."""
    parted = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in parted if not unicodedata.combining(char))


def count_live(
    rows: QuerySet[Any], facets: Iterable[Facet], context: SearchContext, limit: int | None = LIVE_ROWS
) -> Counts:
    """The values in `rows`; of more than `limit` rows the first ones say which values there are, but not how many."""
    statement = _Statement(context)
    for facet in facets:
        statement.add(facet)
    matches = rows.order_by() if limit is None else rows.order_by()[: limit + 1]
    counts = statement.run(matches)
    if limit is None or counts.rows <= limit:
        return counts
    return Counts({name: [Value(v.value, None) for v in values] for name, values in counts.values.items()}, counts.rows)


class _Statement:
    """WITH the columns of the rows, a UNION of one counting query per facet."""

    def __init__(self, context: SearchContext) -> None:
        self.context = context
        self.columns: dict[str, Any] = {"pk": F("pk")}
        self.parts: list[str] = ["SELECT -1, '', count(*) FROM found"]
        self.params: list[Any] = []
        self.keys: list[tuple[str, Mapping[Any, str] | None]] = []

    def add(self, facet: Facet) -> None:
        tally = facet.tally(self.context)
        if tally is None:
            return
        number = len(self.keys)
        self.keys.append((facet.name, tally.keys if isinstance(tally, ByColumn) else None))
        self._add_tally(number, tally)

    def _add_tally(self, number: int, tally: Tally) -> None:
        match tally:
            case ByColumn(path):
                self._group(number, self._column(F(path)), "found")
            case ByArray(path):
                self._group(number, "x", f"found, unnest(found.{self._column(F(path))}) AS x")
            case ByCondition(conditions):
                self._conditions(number, conditions)
            case ByRelation(pairs, conditions):
                self._conditions(number, conditions)
                sql, params = pairs().order_by().query.sql_with_params()
                self.params += params
                source = f"({sql}) AS pair(row_id, name) JOIN found ON found.c_pk = pair.row_id"
                # "=" tells a group that is named "none" from the word.
                self._group(number, "'=' || pair.name", source)

    def _column(self, expression: Any) -> str:
        name = str(len(self.columns))
        self.columns[name] = expression
        return f"c_{name}"

    def _conditions(self, number: int, conditions: Mapping[str, Any]) -> None:
        for key, condition in conditions.items():
            column = self._column(ExpressionWrapper(condition, output_field=BooleanField()))
            self.parts.append(f"SELECT {number}, %s, count(*) FILTER (WHERE {column}) FROM found")  # noqa: S608
            self.params.append(key)

    def _group(self, number: int, column: str, source: str) -> None:
        self.parts.append(
            f"(SELECT {number}, ({column})::text, count(*) FROM {source}"  # noqa: S608 - names of our own alone
            f" GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT {MOST_VALUES})"
        )

    def run(self, rows: QuerySet[Any]) -> Counts:
        annotated = rows.annotate(**{f"c_{name}": expression for name, expression in self.columns.items()})
        try:
            sql, params = annotated.values_list(*(f"c_{name}" for name in self.columns)).query.sql_with_params()
        except EmptyResultSet:
            return Counts()
        names = ", ".join(f"c_{name}" for name in self.columns)
        union = " UNION ALL ".join(self.parts)
        with connection.cursor() as cursor:
            cursor.execute(f"WITH found({names}) AS MATERIALIZED ({sql}) {union}", [*params, *self.params])
            return self._read(cursor.fetchall())

    def _read(self, rows: list[tuple[int, str | None, int]]) -> Counts:
        total = next(n for number, _value, n in rows if number == -1)
        found: dict[str, list[Value]] = {name: [] for name, _keys in self.keys}
        for number, value, n in rows:
            if number < 0 or not value or not n:
                continue
            name, keys = self.keys[number]
            if keys is not None:
                value = {str(target): key for target, key in keys.items()}.get(value, "")
            if value:
                found[name].append(Value(value, n))
        return Counts(found, total)
