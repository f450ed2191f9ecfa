"""The wake-up budget of a vehicle: how much of the month's is used, and how long the rest will last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


def month_of(moment: datetime) -> date:
    """The first day of a moment's month. The vendor names no time zone for its month; UTC is ours."""
    return moment.astimezone(UTC).date().replace(day=1)


def next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


@dataclass(frozen=True, slots=True)
class Budget:
    """What is known of a vehicle's wake-ups of one month."""

    used: int = 0
    # Set by a person, for the vehicle or the installation; None for no limit of ours.
    limit: int | None = None
    # The count at which the vendor first refused, in a month that was counted from its beginning.
    learnt: int | None = None
    # The vendor refused in this month.
    refused: bool = False
    # When six wake-ups in 20 minutes will be less than six again; None when they are.
    resting_until: datetime | None = None

    @property
    def effective(self) -> int | None:
        """The number that counts: what a person set, else what the vendor taught."""
        return self.limit if self.limit is not None else self.learnt

    @property
    def is_exhausted(self) -> bool:
        """By what a person set; without that by what the vendor taught, or its refusal in this month."""
        if self.limit is None and self.refused:
            return True
        return self.effective is not None and self.used >= self.effective

    @property
    def left(self) -> int | None:
        return None if self.effective is None else 0 if self.is_exhausted else self.effective - self.used


def resting_until(wakes: Sequence[datetime], *, burst: int, burst_s: int) -> datetime | None:
    """When a vehicle may be woken up again that was woken up at `wakes`, the last first, within `burst_s` seconds.

    Six in 20 minutes is what every known client keeps to; one that did not was shut out (reference B7).
    """
    return wakes[burst - 1] + timedelta(seconds=burst_s) if 0 < burst <= len(wakes) else None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where the month is heading: wake-ups at its end, and the day on which the budget will be used up."""

    at_month_end: int
    used_up_on: date | None


def forecast_of(budget: Budget, now: datetime) -> Forecast:
    """Goes on as the month began: a straight line, from at least one day."""
    month = month_of(now)
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    following = next_month(month)
    length = datetime(following.year, following.month, 1, tzinfo=UTC) - start
    elapsed = max(now - start, timedelta(days=1))
    per_day = budget.used / (elapsed / timedelta(days=1))
    at_end = round(budget.used * (length / elapsed)) if budget.used else 0
    if budget.is_exhausted:
        return Forecast(max(at_end, budget.used), now.astimezone(UTC).date())
    if budget.left is None or per_day == 0:
        return Forecast(at_end, None)
    ends = now + timedelta(days=min(budget.left / per_day, 10_000))
    return Forecast(at_end, ends.date() if ends < start + length else None)
