"""How long a charge point could be used: by what share of the time in which it was known and in no maintenance.

Down is what said that it is Faulted or Unavailable, was silent, or had an open incident other than of its sensors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo

DAYS = 30
Span = tuple[datetime, datetime | None]


@dataclass
class History:
    """What is known of a charge point: since when, and its times of outage and of maintenance, which may overlap.

    A span without an end goes on. `known_since` None: it was never seen.
    """

    known_since: datetime | None = None
    down: list[Span] = field(default_factory=list)
    maintenance: list[Span] = field(default_factory=list)


@dataclass(frozen=True)
class Period:
    """How many seconds of a time are known of; how many of these are maintenance, and how many others are outage."""

    known_s: float
    down_s: float
    maintenance_s: float = 0.0

    @property
    def share(self) -> float | None:
        """The part of the known time outside maintenance in which it could be used, 0 to 1; None without such time."""
        counted = self.known_s - self.maintenance_s
        return 1 - self.down_s / counted if counted > 0 else None

    @property
    def percent(self) -> float | None:
        """The same as people read it, rounded down: what was not whole is not said to be."""
        return _percent(self.share)

    @property
    def maintenance_percent(self) -> float | None:
        return _percent(self.maintenance_s / self.known_s if self.known_s else None)


@dataclass(frozen=True)
class Day:
    """A local day and what is known of it."""

    date: date
    period: Period


def _percent(share: float | None) -> float | None:
    return None if share is None else math.floor(share * 10_000 + 1e-6) / 100


def whole_minute(now: datetime) -> datetime:
    """Up to when it is measured, so that all who ask within a minute read the same number."""
    return now.replace(second=0, microsecond=0)


def last_days(history: History, now: datetime) -> Period:
    """The last 30 days, each of 24 hours, up to the last whole minute: the one number of a charge point."""
    end = whole_minute(now)
    return measure(history, end - timedelta(days=DAYS), end)


def measure(history: History, begin: datetime, end: datetime) -> Period:
    """A charge point's time from begin to end. Maintenance comes first: what is worked at is not down."""
    if history.known_since is None or history.known_since >= end:
        return Period(0.0, 0.0)
    begin = max(begin, history.known_since)

    def seconds(spans: Iterable[Span]) -> float:
        clipped = ((max(start, begin), min(stop or end, end)) for start, stop in spans)
        return sum(stop.timestamp() - start.timestamp() for start, stop in _merged(clipped))

    maintenance = seconds(history.maintenance)
    known = max(0.0, end.timestamp() - begin.timestamp())
    return Period(known, seconds([*history.down, *history.maintenance]) - maintenance, maintenance)


def by_day(history: History, now: datetime, zone: tzinfo) -> list[Day]:
    """The last 30 local days, the oldest first, today up to now.

    A day is as long as its zone makes it: 23 or 25 hours where the clock is set.
    """
    today = now.astimezone(zone).date()
    days = (today - timedelta(days=back) for back in range(DAYS - 1, -1, -1))
    return [
        Day(day, measure(history, _midnight(day, zone), min(_midnight(day + timedelta(days=1), zone), now)))
        for day in days
    ]


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Spans in order, those that overlap or touch as one; empty ones left out."""
    merged: list[tuple[datetime, datetime]] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return merged
