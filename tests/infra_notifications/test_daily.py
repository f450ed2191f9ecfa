"""What comes once a day: at a wall clock's time, whatever summer time does to it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_notifications.rules.daily import next_daily, next_flapping_check
from tests.infra_notifications.helpers import DAY, HOUR, NOW

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "zone", "after", "due"),
    [
        ("07:00", "Europe/Berlin", "2026-11-21T05:59:59", "2026-11-21T06:00:00"),
        ("07:00", "Europe/Berlin", "2026-11-21T06:00:00", "2026-11-22T06:00:00"),
        ("07:00", "Europe/Berlin", "2026-07-01T00:00:00", "2026-07-01T05:00:00"),
        ("07:00", "UTC", "2026-11-21T06:59:00", "2026-11-21T07:00:00"),
        ("00:30", "Pacific/Auckland", "2026-11-21T11:29:00", "2026-11-21T11:30:00"),
        # 29 March 2026: the clock jumps from 2 to 3, and 02:30 comes an hour later by it.
        ("02:30", "Europe/Berlin", "2026-03-28T12:00:00", "2026-03-29T01:30:00"),
        ("02:30", "Europe/Berlin", "2026-03-29T01:30:00", "2026-03-30T00:30:00"),
        # 25 October 2026: 02:30 comes twice and counts once.
        ("02:30", "Europe/Berlin", "2026-10-24T12:00:00", "2026-10-25T00:30:00"),
        ("02:30", "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
    ],
)
def test_next_daily(at: str, zone: str, after: str, due: str) -> None:
    assert next_daily(time.fromisoformat(at), ZoneInfo(zone), utc(after)) == utc(due)


@given(st.times(), st.integers(0, 400 * 24 * 60), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]))
def test_next_daily_comes_within_a_day_and_shows_its_time(at: time, minutes: int, zone: str) -> None:
    after = NOW + timedelta(minutes=minutes)
    due = next_daily(at, ZoneInfo(zone), after)
    assert after < due <= after + timedelta(hours=25)
    assert next_daily(at, ZoneInfo(zone), due) > due
    if zone != "Europe/Berlin":
        assert due.astimezone(ZoneInfo(zone)).time().replace(microsecond=0) == at.replace(microsecond=0)


@pytest.mark.parametrize(
    ("now", "due"), [(NOW, NOW + DAY), (NOW + timedelta(seconds=1), NOW + DAY + HOUR), (NOW + HOUR, NOW + DAY + HOUR)]
)
def test_flapping_is_looked_at_a_day_later_at_the_full_hour(now: datetime, due: datetime) -> None:
    assert next_flapping_check(now) == due
