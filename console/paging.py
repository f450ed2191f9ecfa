"""Pages of big lists without counting them: at most 10,000 matches are counted and paged through, and of a table of
hundreds of thousands of rows only as many as can be counted quickly."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import Model, QuerySet

from core.cache import Cache

COUNT_CAP = 10_000
# Beyond so many rows (as PostgreSQL estimates them) counting stops when its time is up; "3,200+" is shown then.
LONG_TABLE = 200_000
COUNT_FOR_S = 0.015
# What finding the matches may cost, in PostgreSQL's unit (some microseconds), for it to be done without a question; and
# how much less a walk must be expected to cost to be tried before. It is the surer guess that is to win.
CHEAP = 1_500
_CHEAPER = 4
# A walk is left after so long, or sooner where less was expected.
WALK_FOR_S, _LEAST_WALK_S, _UNIT_S = 0.05, 0.01, 5e-6
_DETOURS = ("enable_sort", "enable_incremental_sort", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin")
ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True)
class Page(Generic[ModelT]):
    """One page: `total` is exact, or with `capped` what there is at least: 10,000, or what could be counted in time."""

    rows: list[ModelT]
    number: int
    size: int
    total: int
    capped: bool

    @property
    def last_number(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def first_row(self) -> int:
        return (self.number - 1) * self.size + 1 if self.rows else 0

    @property
    def last_row(self) -> int:
        return (self.number - 1) * self.size + len(self.rows)

    @property
    def previous_number(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next_number(self) -> int | None:
        return self.number + 1 if self.number < self.last_number else None


def capped_ids(queryset: QuerySet[Any]) -> list[Any]:
    """Up to 10,001 primary keys of what matches, in no order: one walk through the index finds and counts."""
    return list(queryset.order_by().values_list("pk", flat=True)[: COUNT_CAP + 1])


# Whether PostgreSQL believes a table to be long; known for a minute.
long_tables: Cache[type[Model], bool] = Cache(age_s=60.0)


def _asked_whether_long(model: type[Model]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        rows: float = cursor.fetchone()[0]
    return rows > LONG_TABLE


@dataclass(frozen=True)
class _Keys:
    """A statement that finds the primary keys of up to 10,001 matches: written once, explained and then asked."""

    sql: str
    params: tuple[Any, ...]

    @classmethod
    def of(cls, matching: QuerySet[Any], *order_by: str) -> _Keys:
        """Raises EmptyResultSet where nothing can match."""
        query = matching.order_by(*order_by).values_list("pk")[: COUNT_CAP + 1].query
        sql, params = query.sql_with_params()
        return cls(sql, tuple(params))

    def found(self) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.params)
            return [pk for (pk,) in cursor.fetchall()]

    def cost(self, rows: int = COUNT_CAP + 1) -> float:
        """What PostgreSQL expects it to cost to find so many, in its own unit."""
        with connection.cursor() as cursor:
            first = f"SELECT * FROM ({self.sql}) AS keys LIMIT {rows}"  # noqa: S608 - of the ORM, and a number
            cursor.execute(f"EXPLAIN (FORMAT JSON) {first}", self.params)
            (plan,) = cursor.fetchone()
        return float(plan[0]["Plan"]["Total Cost"])

    def in_steps(self, step: int) -> Generator[tuple[list[Any], bool]]:
        """The keys, so many at first and twice as many each time, and whether there may be more; in a transaction."""
        with connection.cursor() as cursor:
            cursor.execute(f"DECLARE walk NO SCROLL CURSOR FOR {self.sql}", self.params)
            with suppress(GeneratorExit):
                goes_on = True
                while goes_on:
                    cursor.execute(f"FETCH {step} FROM walk")
                    keys = [pk for (pk,) in cursor.fetchall()]
                    goes_on = len(keys) == step
                    yield keys, goes_on
                    step *= 2
            cursor.execute("CLOSE walk")


def page_of_rows(
    base: QuerySet[ModelT],
    matching: QuerySet[ModelT],
    *,
    order_by: tuple[str, ...],
    number: int,
    size: int = 50,
) -> Page[ModelT]:
    """A page of `matching`, which is `base` (with its joins and annotations) narrowed by a search.

    A rare match sorted by an index would walk the whole index, so up to 10,000 matches are found first and sorted
    after; above that, matches are frequent and the sorted walk ends soon. Of a long table PostgreSQL's estimate says
    which of the two to do first, and a walk says how many matches there are at least.
    """
    try:
        keys = _Keys.of(matching)
    except EmptyResultSet:
        return Page([], 1, size, 0, capped=False)
    is_long = long_tables.get(matching.model, lambda: _asked_whether_long(matching.model))
    if is_long and (at_once := keys.cost()) > CHEAP:
        page = _walked(base, _Keys.of(matching, *order_by), order_by, number, size, at_once)
        if page is not None:
            return page
    ids = keys.found()
    capped = len(ids) > COUNT_CAP
    if not capped:
        ids = list(dict.fromkeys(ids))  # a join may have found a row several times
    total = min(len(ids), COUNT_CAP)
    number = min(max(1, number), max(1, -(-total // size)))
    start = (number - 1) * size
    if capped:
        with walking_indexes():
            rows = list(matching.order_by(*order_by)[start : start + size])
    else:
        rows = list(base.filter(pk__any_of=ids).order_by(*order_by)[start : start + size])
    return Page(rows, number, size, total, capped)


def _walked(
    base: QuerySet[ModelT], keys: _Keys, order_by: tuple[str, ...], number: int, size: int, at_once: float
) -> Page[ModelT] | None:
    """A page whose matches are found in its order, and counted by the way as long as there is time for that.

    None where that is not expected to cost much less than `at_once`, where it takes longer than expected, and for a
    page beyond the end.
    """
    number = min(max(1, number), COUNT_CAP // size)
    start = (number - 1) * size
    ids: list[Any] = []
    goes_on = True
    try:
        with walking_indexes():
            cost = keys.cost(start + size)
            if cost * _CHEAPER > at_once:
                return None
            limit_postgres(min(max(_LEAST_WALK_S, cost * _UNIT_S), WALK_FOR_S))
            began = time.monotonic()
            with closing(keys.in_steps(size + 1)) as steps:
                for found, more in steps:
                    ids += found
                    goes_on = more
                    if time.monotonic() - began > COUNT_FOR_S and len(ids) > start + size:
                        break
    except OperationalError:  # the statement's time was up
        if len(ids) <= start + size:
            return None
    ids = list(dict.fromkeys(ids))
    shown = ids[start : start + size]
    if not shown and number > 1:
        return None
    rows = list(base.filter(pk__any_of=shown).order_by(*order_by))
    if len(ids) > COUNT_CAP:
        return Page(rows, number, size, COUNT_CAP, capped=True)
    if not goes_on:
        return Page(rows, number, size, len(ids), capped=False)
    return Page(rows, number, size, max(len(ids) // 100 * 100, start + size + 1), capped=True)


def walking_indexes() -> AbstractContextManager[None]:
    """Has the planner walk an index in the order asked for: it cannot know that what matches is frequent, and would
    rather sort a tenth of a million rows."""
    return settings_of_postgres(**dict.fromkeys(_DETOURS, "off"))


def limit_postgres(for_s: float) -> None:
    """Within `settings_of_postgres`: ends each further statement after so many seconds, by OperationalError."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{for_s * 1000:.0f}ms"])


@contextmanager
def settings_of_postgres(**values: str) -> Iterator[None]:
    """Settings of PostgreSQL that end with the block, and so does a limit on its statements."""
    is_inner = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS given(name, value)",
            [list(values), list(values.values())],
        )
        yield
        if is_inner:  # else they end with the transaction
            cursor.execute(
                "SELECT set_config(name, reset_val, true) FROM pg_settings WHERE name = ANY(%s)",
                [[*values, "statement_timeout"]],
            )
