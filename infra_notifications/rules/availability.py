"""How long a charge point could be used, day by day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

DAYS = 30


@dataclass(frozen=True)
class Day:
    """A local day: how many seconds of it are known of, and in how many of these it could not be used."""

    date: date
    known_s: float
    down_s: float

    @property
    def share(self) -> float | None:
        """The part of the known time in which it could be used, 0 to 1; None before it was known."""
        return 1 - self.down_s / self.known_s if self.known_s else None


def availability(
    outages: Iterable[tuple[datetime, datetime | None]], *, known_since: datetime, now: datetime, zone: tzinfo
) -> list[Day]:
    """The last 30 days, the oldest first, today up to now. Outages (begin, end or None) may overlap.

    A day is as long as its zone makes it: 23 or 25 hours where the clock is set.
    """
    spans = _merged((max(begin, known_since), min(end or now, now)) for begin, end in outages)
    today = now.astimezone(zone).date()
    days = []
    for back in range(DAYS - 1, -1, -1):
        one = today - timedelta(days=back)
        begin, end = _midnight(one, zone), min(_midnight(one + timedelta(days=1), zone), now)
        known = _overlap((begin, end), (known_since, now))
        days.append(Day(one, known, sum(_overlap((begin, end), span) for span in spans)))
    return days


def share_of(days: Sequence[Day]) -> float | None:
    """The part of all known time in which it could be used, 0 to 1; None where nothing is known."""
    known = sum(day.known_s for day in days)
    return 1 - sum(day.down_s for day in days) / known if known else None


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> float:
    # By instants: subtracting two times of one zone would leave out the hour by which its clock was set.
    return max(0.0, min(one[1], other[1]).timestamp() - max(one[0], other[0]).timestamp())


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Spans in order, those that overlap or touch as one; empty ones left out."""
    merged: list[tuple[datetime, datetime]] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return merged
