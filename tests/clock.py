"""The time that tests and the code under test share: computed once from the clock that the code reads as well.

A test that means one particular date (a change to summer time, the end of a month) names it and passes it in as
`now`, or travels there with time-machine; every other test reckons from NOW. `tests/other_day.py` moves the clock
before this is computed, and NOW with it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BEGAN = datetime.fromisoformat(os.environ["TESTS_BEGAN"])


def last(hour: int, ago: timedelta = timedelta()) -> datetime:
    """The last time at which it was this hour in UTC, so long before the tests began at least; to the second."""
    return (BEGAN - ago - hour * HOUR).replace(hour=hour, minute=0, second=0, microsecond=0)


def iso(moment: datetime) -> str:
    """As events' payloads and senders write it, with Z for UTC."""
    return moment.isoformat().replace("+00:00", "Z")


# Nine in the morning, so that what follows within hours is still the same day; neither NOW nor those hours lie in the
# future of a clock that the code reads itself.
NOW = last(9, ago=6 * HOUR)


def local(zone: str, hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    """What the clocks of a zone show so many days after NOW's day, in UTC."""
    return datetime.combine(NOW.date() + days * DAY, time(hour, minute), ZoneInfo(zone)).astimezone(UTC)
