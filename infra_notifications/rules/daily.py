"""What comes once a day: a group's digest, and the look at a charge point that flaps. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo

# Opened more often than this within the window: it flaps.
FLAPPING_OPENINGS = 5
FLAPPING_WINDOW = timedelta(hours=24)


def next_daily(at: time, zone: tzinfo, after: datetime) -> datetime:
    """The next moment after `after` at which a wall clock in this zone shows `at`.

    A time that summer time leaves out comes as much later as the clock jumps; one that comes twice counts once, the
    first time.
    """
    day = after.astimezone(zone).date()
    for offset in (0, 1, 2):
        # By way of a timestamp, because a moment within a jump compares by its wall clock alone.
        wanted = datetime.combine(day + timedelta(days=offset), at, tzinfo=zone).timestamp()
        if wanted > after.timestamp():
            return datetime.fromtimestamp(wanted, tz=after.tzinfo)
    raise AssertionError("a wall clock shows every time of the day within three days")


def next_flapping_check(now: datetime) -> datetime:
    """A day later, at the full hour that follows: what flaps at many charge points then comes in few mails."""
    due = now + FLAPPING_WINDOW
    full = due.replace(minute=0, second=0, microsecond=0)
    return full if full == due else full + timedelta(hours=1)
