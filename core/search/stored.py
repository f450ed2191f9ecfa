"""Where counts of facets come from: counted beforehand for long lists, at once for short ones.

An app registers the lists that may become long. Beat has each of them counted again now and then: a count that took
a second is not repeated for a minute and a half, so that counting never takes more than about a hundredth of a core.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import OperationalError, connection, transaction
from django.db.models import F, Func, QuerySet, TextField, Window
from django.db.models import Value as SqlValue
from django.db.models.functions import RowNumber
from django.utils import timezone

from core.models import FacetCensus, FacetCount
from core.registry import Registry
from core.search.base import Facet, SearchContext
from core.search.counts import LIVE_ROWS, Counts, Value, count_live, fold
from core.search.schema import SearchSchema
from core.search.suggest import LEAST_LETTERS, MOST_OF_A_FIELD
from core.sql import columns, insert_rows

log = structlog.get_logger("signalbox.facets")
LEAST_AGE = timedelta(minutes=1)
REST_PER_WORK = 100
LONGEST_VALUE = 300
BEGINNINGS = 12
# How long a count may take before it is given up: the list then goes without.
GIVEN_UP_AFTER_S = 120.0


@dataclass(frozen=True)
class LongList:
    key: str
    rows: Callable[[], QuerySet[Any]]
    search: SearchSchema


long_lists: Registry[LongList] = Registry("long list")


def register_long_list(key: str, *, rows: Callable[[], QuerySet[Any]], search: SearchSchema) -> None:
    """Names a list whose facets are counted beforehand once it has more than 10,000 rows."""
    long_lists.add(key, LongList(key, rows, search))


# ---- counting beforehand ----------------------------------------------------------------------------------------


def refresh_counts(*, now: datetime) -> int:
    """Counts the long lists whose counts are old enough; says how many were counted."""
    return sum(_refresh(one, now) for one in long_lists.values())


def _refresh(one: LongList, now: datetime) -> bool:
    census = FacetCensus.objects.filter(pk=one.key).first()
    if census is not None and now < census.counted_at + max(
        LEAST_AGE, timedelta(milliseconds=census.took_ms * REST_PER_WORK)
    ):
        return False
    if len(one.rows().order_by().values_list("pk")[: LIVE_ROWS + 1]) <= LIVE_ROWS:
        _store(one, Counts(), now, 0)
        return False
    started = time.monotonic()
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{GIVEN_UP_AFTER_S * 1000:.0f}ms"])
            counts = count_live(one.rows(), one.search.facets, _context(now), limit=None)
    except OperationalError as error:
        log.warning("facets not counted", list=one.key, error=str(error).strip())
        given_up = {"counted_at": now, "took_ms": int(GIVEN_UP_AFTER_S * 1000)}
        FacetCensus.objects.update_or_create(pk=one.key, defaults=given_up, create_defaults=given_up | {"rows": 0})
        return False
    _store(one, counts, now, int((time.monotonic() - started) * 1000))
    return True


def _store(one: LongList, counts: Counts, now: datetime, took_ms: int) -> None:
    """Replaces a list's counts; its census row is the lock that keeps two workers apart."""
    rows = [
        (one.key, facet, value.value, value.value.removeprefix("="), value.count, rank)
        for facet, values in counts.values.items()
        for rank, value in enumerate(values)
        if len(value.value) <= LONGEST_VALUE
    ]
    with transaction.atomic():
        FacetCensus.objects.update_or_create(
            pk=one.key, defaults={"counted_at": now, "took_ms": took_ms, "rows": counts.rows}
        )
        FacetCount.objects.filter(list_key=one.key).delete()
        insert_rows(
            "console_facetcount",
            columns(
                FacetCount,
                "list_key",
                "facet",
                "value",
                "folded",
                "count",
                "rank",
                computed={"folded": "signalbox_fold(x.folded)"},
            ),
            rows,
        )


# ---- reading ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FacetSource:
    """The counts of one list as a request needs them; `key` is empty for a list that is always counted at once."""

    key: str
    rows: Callable[[], QuerySet[Any]]
    search: SearchSchema

    def first_values(self, names: Iterable[str], each: int) -> Counts:
        """The most frequent values of some facets, at most so many of each."""
        wanted = list(names)
        stored = FacetCount.objects.filter(list_key=self.key, facet__in=wanted, rank__lt=each).order_by("rank")
        if self.key and (found := list(stored)):
            return _by_facet(found)
        facets = [facet for facet in self.search.facets if facet.name in wanted]
        live = count_live(self.rows(), facets, _context())
        return Counts({name: values[:each] for name, values in live.values.items()}, live.rows)

    def values_of(self, facet: Facet, text: str) -> list[Value]:
        """The values of one facet that contain a text, those that begin with it first."""
        if self._is_stored():
            found = FacetCount.objects.filter(list_key=self.key, facet=facet.name)
            if text:
                found = found.filter(folded__contains=_folded(text))
            values = [Value(value, n) for value, n in found.order_by("rank").values_list("value", "count")[:200]]
        else:
            live = count_live(self.rows(), [facet], _context())
            values = [v for v in live.of(facet.name) if fold(text) in fold(v.value)]
        return sorted(values, key=lambda v: not fold(v.value.removeprefix("=")).startswith(fold(text)))

    def values_beginning(self, text: str) -> Iterator[tuple[str, Value]]:
        """The most frequent values of all facets that begin with a text, by facet."""
        if len(text) < LEAST_LETTERS:
            return
        if self._is_stored():
            named = [facet.name for facet in self.search.facets]
            found = FacetCount.objects.filter(list_key=self.key, facet__in=named, folded__startswith=_folded(text))
            place = Window(RowNumber(), partition_by=F("facet"), order_by=F("rank").asc())
            ranked = found.annotate(place=place).filter(place__lte=MOST_OF_A_FIELD).order_by("-count", "facet")
            for row in ranked[:BEGINNINGS]:
                yield row.facet, Value(row.value, row.count)
            return
        live = count_live(self.rows(), self.search.facets, _context())
        every = [
            (name, value)
            for name, values in live.values.items()
            for value in values
            if fold(value.value.removeprefix("=")).startswith(fold(text))
        ]
        yield from sorted(every, key=lambda pair: (-(pair[1].count or 0), pair[0]))[:BEGINNINGS]

    def _is_stored(self) -> bool:
        return bool(self.key) and FacetCensus.objects.filter(pk=self.key, rows__gt=0).exists()


def _by_facet(rows: Iterable[FacetCount]) -> Counts:
    values: dict[str, list[Value]] = {}
    for row in rows:
        values.setdefault(row.facet, []).append(Value(row.value, row.count))
    return Counts(values)


def _folded(text: str) -> Func:
    return Func(SqlValue(text), function="signalbox_fold", output_field=TextField())


def _context(now: datetime | None = None) -> SearchContext:
    return SearchContext(now or timezone.now(), timezone.get_current_timezone())
