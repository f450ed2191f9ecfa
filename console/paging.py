"""Pages of big lists without counting them: at most 10,000 matches are counted and paged through, and of a table of
hundreds of thousands of rows only as many as can be counted quickly."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django.db import OperationalError, connection, transaction
from django.db.models import Model, QuerySet

COUNT_CAP = 10_000
# Beyond so many rows (as PostgreSQL estimates them) counting stops when its time is up; "3,200+" is shown then.
LONG_TABLE = 200_000
COUNT_FOR_S = 0.035
# How long the walk to an uncounted page may take before everything is counted after all.
WALK_FOR_S = 0.15
_CHUNK = 100
# With fewer found by then, matches are rare, and a walk would be long.
_FREQUENT = 300
_ESTIMATE_FOR_S = 60.0
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


def ids_in_time(queryset: QuerySet[Any]) -> tuple[list[Any], bool]:
    """The same, but only as many as are found in a moment; and whether these are all."""
    ids: list[Any] = []
    until = time.monotonic() + COUNT_FOR_S
    try:
        # Joins that first gather everything would be interrupted with nothing in hand.
        with settings_of_postgres(COUNT_FOR_S, "enable_hashjoin", "enable_mergejoin"):
            found = queryset.order_by().values_list("pk", flat=True)[: COUNT_CAP + 1]
            with closing(cast("Generator[Any]", found.iterator(chunk_size=_CHUNK))) as keys:
                for pk in keys:
                    ids.append(pk)
                    if len(ids) % _CHUNK == 0 and time.monotonic() > until:
                        return ids, False
    except OperationalError:  # the statement's time was up
        return ids, False
    return ids, True


_long_until: dict[type[Model], tuple[float, bool]] = {}


def _is_long(model: type[Model]) -> bool:
    """Whether a table is so long that counting may take long; asked once a minute."""
    until, known = _long_until.get(model, (0.0, False))
    if time.monotonic() >= until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
            known = cursor.fetchone()[0] > LONG_TABLE
        _long_until[model] = (time.monotonic() + _ESTIMATE_FOR_S, known)
    return known


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
    after; above that, matches are frequent and the sorted walk ends soon. It does so too where the time to count them
    was up and many had been found; if not, everything is counted after all.
    """
    if _is_long(matching.model):
        ids, complete = ids_in_time(matching)
        if not complete and len(ids) >= _FREQUENT:
            page = _uncounted(matching, order_by, number, size, len(ids))
            if page is not None:
                return page
        ids = ids if complete else capped_ids(matching)
    else:
        ids = capped_ids(matching)
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


def _uncounted(
    matching: QuerySet[ModelT], order_by: tuple[str, ...], number: int, size: int, counted: int
) -> Page[ModelT] | None:
    """A page whose matches are only known to be at least so many; None where that takes too long, too."""
    number = min(max(1, number), COUNT_CAP // size)
    start = (number - 1) * size
    try:
        with walking_indexes(WALK_FOR_S):
            rows = list(matching.order_by(*order_by)[start : start + size + 1])
    except OperationalError:
        return None
    if not rows and number > 1:
        return None
    goes_on = len(rows) > size
    total = max(counted // 100 * 100, start + len(rows)) if goes_on else start + len(rows)
    return Page(rows[:size], number, size, total, capped=goes_on)


def walking_indexes(for_s: float = 0) -> AbstractContextManager[None]:
    """Has the planner walk an index in the order asked for: it cannot know that what matches is frequent, and would
    rather sort a tenth of a million rows."""
    return settings_of_postgres(for_s, *_DETOURS)


@contextmanager
def settings_of_postgres(for_s: float, *off: str) -> Iterator[None]:
    """Switches some of the planner's ways off, and limits each statement to so many seconds; 0 is no limit.

    Raises OperationalError when a statement is ended by that.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config(name, 'off', true) FROM unnest(%s::text[]) name", [list(off)])
        if for_s:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{for_s * 1000:.0f}ms"])
        yield
        cursor.execute("SELECT set_config(name, 'on', true) FROM unnest(%s::text[]) name", [list(off)])
        if for_s:
            cursor.execute(
                "SELECT set_config('statement_timeout', reset_val, true) FROM pg_settings"
                " WHERE name = 'statement_timeout'"
            )
