"""When a schedule is due next: days of the week at a time of day of a place."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def next_time(*, days: Collection[int], at: time, zone: str, after: datetime) -> datetime:
    """The first such moment after `after`. On the night on which clocks go forward a time that does not exist is an
    hour later; on the other one the first of two counts."""
    local = after.astimezone(ZoneInfo(zone))
    for ahead in range(9):
        day = local.date() + timedelta(days=ahead)
        moment = datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if day.weekday() in days and moment > after:
            return moment
    raise ValueError("a schedule needs a day")
