"""Pages of big lists without counting them: at most 10,000 matches are counted and paged through, and of a table of
hundreds of thousands of rows only as many as can be counted quickly."""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django.db import OperationalError, connection, transaction
from django.db.models import AutoField, Max, Min, Model, QuerySet

COUNT_CAP = 10_000
# Beyond so many rows (as PostgreSQL estimates them) counting stops when its time is up; "3,200+" is shown then.
LONG_TABLE = 200_000
COUNT_FOR_S = 0.025
# How long the walk to an uncounted page may take before everything is counted after all.
WALK_FOR_S = 0.06
_CHUNK, _STEP = 200, 50
# Of so many rows taken by chance, how many must match for a walk in order to find a page soon; and how many for any
# walk to find 10,001 as soon.
_SAMPLE = 500
_SOME, _MANY = 3, 100
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


@dataclass(frozen=True)
class _Length:
    """Whether a table is long, and rows of it taken by chance; known for a minute."""

    until: float
    is_long: bool
    sample: Sequence[int] = ()


_lengths: dict[type[Model], _Length] = {}


def _length(model: type[Model]) -> _Length:
    known = _lengths.get(model)
    if known is None or time.monotonic() >= known.until:
        known = _lengths[model] = _asked(model)
    return known


def _asked(model: type[Model]) -> _Length:
    until, sample = time.monotonic() + _ESTIMATE_FOR_S, range(0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        is_long = cursor.fetchone()[0] > LONG_TABLE
    if is_long and isinstance(model._meta.pk, AutoField):
        ends = model._base_manager.aggregate(first=Min("pk"), last=Max("pk"))
        sample = range(ends["first"] or 0, (ends["last"] or 0) + 1)
    return _Length(until, is_long, random.sample(sample, min(_SAMPLE, len(sample))))


def _how_many_of(sample: Sequence[int], matching: QuerySet[Any]) -> int:
    """How many of these rows match; each is looked up by its key."""
    with settings_of_postgres(0, "enable_bitmapscan"):
        return len(set(matching.order_by().filter(pk__any_of=list(sample)).values_list("pk", flat=True)))


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
    after; above that, matches are frequent and the sorted walk ends soon. Of a long table a sample says what to do
    first, and where the time to count was up and many had been found, the walk says how many there are at least.
    """
    length = _length(matching.model)
    if length.is_long:
        page, ids = _found_in_time(base, matching, order_by, number, size, length.sample)
        if page is not None:
            return page
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


def _found_in_time(
    base: QuerySet[ModelT],
    matching: QuerySet[ModelT],
    order_by: tuple[str, ...],
    number: int,
    size: int,
    sample: Sequence[int],
) -> tuple[Page[ModelT] | None, list[Any]]:
    """A page of a long table, or up to 10,001 keys of what matches."""
    matched = _how_many_of(sample, matching) if sample else 1
    if matched == 0 or matched >= _MANY:
        return None, capped_ids(matching)
    if matched >= _SOME:
        page = _walked(base, matching, order_by, number, size, count_for_s=COUNT_FOR_S)
        if page is not None:
            return page, []
    ids, complete = ids_in_time(matching)
    if not complete:
        page = _walked(base, matching, order_by, number, size, at_least=len(ids))
        if page is not None:
            return page, []
    return None, ids if complete else capped_ids(matching)


def _walked(
    base: QuerySet[ModelT],
    matching: QuerySet[ModelT],
    order_by: tuple[str, ...],
    number: int,
    size: int,
    *,
    count_for_s: float = 0,
    at_least: int = 0,
) -> Page[ModelT] | None:
    """A page whose matches are found in its order, and counted by the way for so many seconds.

    None where that takes too long, and for a page beyond the end.
    """
    number = min(max(1, number), COUNT_CAP // size)
    start = (number - 1) * size
    ids: list[Any] = []
    began, goes_on = time.monotonic(), False
    try:
        with walking_indexes(WALK_FOR_S):
            found = matching.order_by(*order_by).values_list("pk", flat=True)[: COUNT_CAP + 1]
            with closing(cast("Generator[Any]", found.iterator(chunk_size=_STEP))) as keys:
                for pk in keys:
                    ids.append(pk)
                    took = time.monotonic() - began
                    if took > WALK_FOR_S and len(ids) <= start + size:
                        return None
                    if goes_on := took > count_for_s and len(ids) > start + size and len(ids) % _STEP == 0:
                        break
    except OperationalError:
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
    at_least = max(at_least, len(ids)) // 100 * 100
    return Page(rows, number, size, max(at_least, start + size + 1), capped=True)


def walking_indexes(for_s: float = 0) -> AbstractContextManager[None]:
    """Has the planner walk an index in the order asked for: it cannot know that what matches is frequent, and would
    rather sort a tenth of a million rows."""
    return settings_of_postgres(for_s, *_DETOURS)


@contextmanager
def settings_of_postgres(for_s: float, *off: str) -> Iterator[None]:
    """Switches some of the planner's ways off, and limits each statement to so many seconds; 0 is no limit.

    Raises OperationalError when a statement is ended by that.
    """
    values = dict.fromkeys(off, "off") | ({"statement_timeout": f"{for_s * 1000:.0f}ms"} if for_s else {})
    is_inner = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS given(name, value)",
            [list(values), list(values.values())],
        )
        yield
        if is_inner:  # else they end with the transaction
            cursor.execute(
                "SELECT set_config(name, reset_val, true) FROM pg_settings WHERE name = ANY(%s)", [list(values)]
            )
