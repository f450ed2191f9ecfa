"""How often a charge point speaks, and so for how long its silence is normal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_notifications.choices import IntervalSource
from infra_notifications.rules.pace import Allowance, Pace
from tests.clock import DAY, HOUR, MINUTE, NOW, SECOND

DEFAULT_S = 4_500


class Listener:
    """A charge point that is heard at moments, and how often its silence would have been an incident."""

    def __init__(self, *, boot_s: int | None = None, default_s: int = DEFAULT_S) -> None:
        self.pace, self.default_s = Pace(boot_s=boot_s), default_s
        self.last_seen: datetime | None = None
        self.alarms = 0

    def hear(self, at: datetime, *, heartbeat: bool = False) -> None:
        if self.last_seen is not None and (at - self.last_seen).total_seconds() >= self.allowed.silence_s:
            self.alarms += 1
        self.pace.hear(self.last_seen, at, heartbeat=heartbeat, default_s=self.default_s)
        self.last_seen = max(at, self.last_seen or at)

    @property
    def allowed(self) -> Allowance:
        return self.pace.allowed(self.last_seen or NOW, self.default_s)

    def hear_all(self, moments: Iterable[datetime], *, heartbeat: bool = False) -> None:
        for at in moments:
            self.hear(at, heartbeat=heartbeat)


def every(seconds: int, times: int, begin: datetime = NOW) -> list[datetime]:
    return [begin + number * seconds * SECOND for number in range(times)]


@pytest.mark.parametrize(
    ("boot_s", "expected"),
    [
        (None, Allowance(4_500, 4_500, IntervalSource.DEFAULT)),
        (10, Allowance(10, 900, IntervalSource.BOOT)),
        (300, Allowance(300, 900, IntervalSource.BOOT)),
        (720, Allowance(720, 900, IntervalSource.BOOT)),
        (900, Allowance(900, 1_125, IntervalSource.BOOT)),
        (3_600, Allowance(3_600, 4_500, IntervalSource.BOOT)),
        (86_400, Allowance(86_400, 108_000, IntervalSource.BOOT)),
    ],
)
def test_interval_of_the_boot_notification_and_a_quarter_more(boot_s: int | None, expected: Allowance) -> None:
    assert Pace(boot_s=boot_s).allowed(NOW, DEFAULT_S) == expected


def test_installation_that_expects_more_is_obeyed_where_nothing_is_learnt_and_bounds_the_least() -> None:
    assert Pace().allowed(NOW, 5) == Allowance(5, 5, IntervalSource.DEFAULT)
    assert Pace(boot_s=1).allowed(NOW, 5).silence_s == 5
    assert Pace(boot_s=300).allowed(NOW, 100_000).silence_s == 900


@pytest.mark.parametrize("jitter_s", [0, 5, 60, 240])
def test_healthy_station_with_hourly_heartbeats_never_alarms(jitter_s: int) -> None:
    dice, station = Random(14), Listener()
    station.hear_all(at + dice.randint(0, jitter_s) * SECOND for at in every(3_600, 24 * 7))
    station = Listener()
    for at in every(3_600, 24 * 7):
        station.hear(at + dice.randint(0, jitter_s) * SECOND, heartbeat=True)
    assert station.alarms == 0
    assert 3_600 * 1.2 <= station.allowed.silence_s <= 2 * 3_600


def test_hourly_station_that_charges_all_day_and_idles_at_night_never_alarms() -> None:
    station = Listener()
    for day in range(7):
        morning = NOW + day * DAY
        station.hear_all(every(60, 8 * 60, morning))
        station.hear_all(every(3_600, 15, morning + 9 * HOUR), heartbeat=True)
    assert station.alarms == 0


def test_quick_messages_do_not_make_a_long_pace_forgotten() -> None:
    station = Listener()
    station.hear_all(every(3_000, 48))
    begin = NOW + 2 * DAY
    station.hear_all(every(4, 8 * 900, begin))
    assert station.allowed.silence_s >= 3_000 * 1.2


def test_three_heartbeats_tell_the_interval() -> None:
    station = Listener()
    station.hear_all(every(300, 2), heartbeat=True)
    assert station.allowed.source == IntervalSource.DEFAULT
    station.hear_all(every(300, 2, NOW + 10 * MINUTE), heartbeat=True)
    assert station.allowed == Allowance(300, 900, IntervalSource.MESSAGES)


def test_heartbeats_that_wait_for_charging_to_end_do_not_tell_a_longer_interval() -> None:
    station = Listener()
    station.hear_all(every(300, 5), heartbeat=True)
    station.hear_all(every(60, 8 * 60, NOW + HOUR))
    station.hear_all(every(300, 5, NOW + 9 * HOUR), heartbeat=True)
    assert station.allowed == Allowance(300, 900, IntervalSource.MESSAGES)


def test_station_without_heartbeats_is_known_after_a_day() -> None:
    station = Listener()
    station.hear_all(every(600, 6 * 23))
    assert station.allowed.source == IntervalSource.DEFAULT
    station.hear_all(every(600, 12, NOW + 23 * HOUR))
    assert (station.allowed.source, station.allowed.silence_s) == (IntervalSource.MESSAGES, 900)


def test_outage_teaches_nothing() -> None:
    station = Listener()
    station.hear_all(every(300, 10), heartbeat=True)
    after = NOW + 10 * HOUR
    station.hear_all([after, after + SECOND, after + 2 * SECOND])
    station.hear_all(every(300, 10, after + MINUTE), heartbeat=True)
    assert station.alarms == 1
    assert station.allowed.silence_s == 900


@pytest.mark.parametrize("heartbeat", [True, False])
def test_station_that_speaks_every_six_hours_alarms_until_that_is_known(heartbeat: bool) -> None:
    station = Listener()
    station.hear_all(every(6 * 3_600, 28), heartbeat=heartbeat)
    assert station.alarms == 2
    assert station.allowed.silence_s >= 6 * 3_600 * 1.2


def test_station_that_does_not_do_what_the_boot_notification_said_is_believed() -> None:
    station = Listener(boot_s=300)
    station.hear_all(every(3_600, 24))
    assert station.alarms == 2
    assert station.allowed.source == IntervalSource.MESSAGES


def test_what_is_received_late_teaches_nothing() -> None:
    station = Listener(boot_s=300)
    station.hear_all(every(300, 5))
    before = station.allowed
    station.hear(NOW - 7 * DAY, heartbeat=True)
    assert station.allowed == before


@given(st.lists(st.tuples(st.integers(0, 200_000), st.booleans()), max_size=40), st.integers(1, 10_000))
def test_allowance_is_positive_and_bounded_whatever_comes(said: list[tuple[int, bool]], default_s: int) -> None:
    station, at = Listener(default_s=default_s), NOW
    for gap, heartbeat in said:
        at += gap * SECOND
        station.hear(at, heartbeat=heartbeat)
        assert 1 <= station.allowed.silence_s <= 1.25 * 7 * 86_400 * 1.25 + default_s
