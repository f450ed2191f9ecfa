"""Pages of big lists without counting them: at most 10,000 matches are counted and paged through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection, transaction
from django.db.models import Model, QuerySet

COUNT_CAP = 10_000
_DETOURS = ("enable_sort", "enable_incremental_sort", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin")
ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True)
class Page(Generic[ModelT]):
    """One page: `total` is exact up to 10,000, and `capped` says that there are more."""

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
    after; above that, matches are frequent and the sorted walk ends soon.
    """
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


@contextmanager
def walking_indexes() -> Iterator[None]:
    """Has the planner walk an index in the order asked for: it cannot know that what matches is frequent, and would
    rather sort a tenth of a million rows."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config(name, 'off', true) FROM unnest(%s::text[]) name", [list(_DETOURS)])
        yield
        cursor.execute("SELECT set_config(name, 'on', true) FROM unnest(%s::text[]) name", [list(_DETOURS)])
