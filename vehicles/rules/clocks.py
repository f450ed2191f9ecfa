"""Calendar and clock: quiet hours, days and months in a zone, across the changes of daylight saving time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)


def local_moment(day: date, clock: time, zone: tzinfo) -> datetime:
    """The instant of a wall-clock time, in UTC. A time that a change skips is read as if the clock had not changed
    yet, so it comes out after the gap; of a time that comes twice, the first is meant (PEP 495)."""
    return datetime.combine(day, clock, zone).astimezone(UTC)


def days_before(moment: datetime, days: int, zone: tzinfo) -> datetime:
    """The same wall-clock time so many calendar days earlier: 24 h a day, but for the days of a change."""
    local = moment.astimezone(zone)
    return local_moment(local.date() - DAY * days, local.time(), zone)


def end_of_day(day: date, zone: tzinfo) -> datetime:
    """The midnight that ends a day."""
    return local_moment(day + DAY, time.min, zone)


def end_of_month(period: str, zone: tzinfo) -> datetime | None:
    """The midnight that ends a month written as 2026-10; None when it is no month."""
    match = re.fullmatch(r"(\d{4})-(\d{2})", period)
    if match is None or not 1 <= int(match.group(2)) <= 12 or int(match.group(1)) < 2000:
        return None
    year, month = int(match.group(1)), int(match.group(2))
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    return local_moment(first_of_next, time.min, zone)


def quiet_until(now: datetime, begins: time | None, ends: time | None, zone: tzinfo) -> datetime | None:
    """When the quiet hours end that `now` lies in; None outside of them. They may pass midnight: 22:00 to 07:00."""
    if begins is None or ends is None or begins == ends:
        return None
    today = now.astimezone(zone).date()
    for day in (today - DAY, today):
        start = local_moment(day, begins, zone)
        end = local_moment(day if begins < ends else day + DAY, ends, zone)
        if start <= now < end:
            return end
    return None


def as_day(value: object, zone: tzinfo = UTC) -> date | None:
    """The day that a fact names: 2026-12-01, or that of a moment by the clock of a zone."""
    text = str(value)
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(zone).date() if moment.tzinfo else moment.date()
    except ValueError:
        return None


def end_of(value: object, zone: tzinfo) -> datetime | None:
    """When what lasts until a day or a moment is over; a day alone lasts to its own midnight."""
    day = as_day(value, zone) if len(str(value)) == len("2026-12-01") else None
    return end_of_day(day, zone) if day else as_moment(value)


def as_moment(value: object) -> datetime | None:
    """A moment of a fact (RFC 3339, kept as text); None for none or for what is none."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
