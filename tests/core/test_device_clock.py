"""Whose clock counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.device_clock import Clock, ClockMark, Moment, judge, remember, span_text
from tests.clock import DAY, HOUR, MINUTE, NOW, SECOND

RIGHT = ClockMark(NOW - HOUR, NOW - HOUR)
WRONG = ClockMark(NOW - HOUR, NOW - HOUR, -5 * 3600)


@pytest.mark.parametrize(
    ("stamp", "clock", "at"),
    [
        (None, Clock.UNSAID, NOW),
        (NOW, Clock.RIGHT, NOW),
        (NOW - 5 * MINUTE, Clock.RIGHT, NOW - 5 * MINUTE),
        (NOW + MINUTE, Clock.RIGHT, NOW),
        (NOW + 5 * MINUTE, Clock.RIGHT, NOW),
        (NOW + 5 * MINUTE + SECOND, Clock.WRONG, NOW),
        (NOW + 300 * DAY, Clock.WRONG, NOW),
        (datetime(9999, 12, 31, tzinfo=UTC), Clock.WRONG, NOW),
        (NOW - 5 * MINUTE - SECOND, Clock.QUEUED, NOW - 5 * MINUTE - SECOND),
        (NOW - 21 * DAY, Clock.QUEUED, NOW - 21 * DAY),
        (NOW - 30 * DAY, Clock.QUEUED, NOW - 30 * DAY),
        (NOW - 30 * DAY - SECOND, Clock.WRONG, NOW),
        (datetime(1, 1, 1, tzinfo=UTC), Clock.WRONG, NOW),
        (datetime(1970, 1, 1, tzinfo=UTC), Clock.WRONG, NOW),
        (datetime(2000, 1, 1, tzinfo=UTC), Clock.WRONG, NOW),
        (datetime(2020, 1, 1, 0, 0, 12, tzinfo=UTC), Clock.WRONG, NOW),
        (datetime(2024, 12, 31, tzinfo=UTC), Clock.WRONG, NOW),
    ],
)
def test_first_message_of_a_device(stamp: datetime | None, clock: Clock, at: datetime) -> None:
    moment = judge(stamp, NOW)
    assert (moment.clock, moment.at, moment.device_clock) == (clock, at, clock in (Clock.RIGHT, Clock.QUEUED))
    assert (moment.error_s is not None) == (clock == Clock.WRONG)


@pytest.mark.parametrize(
    ("stamp", "mark", "queued", "clock"),
    [
        # It fell back behind what it said an hour ago.
        (NOW - 5 * HOUR, RIGHT, False, Clock.WRONG),
        (NOW - HOUR - 6 * MINUTE, RIGHT, False, Clock.WRONG),
        # Messages overtake each other by minutes.
        (NOW - HOUR - 5 * MINUTE, RIGHT, False, Clock.QUEUED),
        (NOW - 40 * MINUTE, RIGHT, False, Clock.QUEUED),
        # What the device had queued, or was received before, shows no clock that fell back.
        (NOW - 5 * HOUR, RIGHT, True, Clock.QUEUED),
        (NOW - 5 * HOUR, ClockMark(NOW + MINUTE, NOW + MINUTE), False, Clock.QUEUED),
        # A wrong clock is wrong until it is right.
        (NOW - 20 * MINUTE, WRONG, False, Clock.WRONG),
        (NOW - 20 * MINUTE, WRONG, True, Clock.WRONG),
        (NOW - 4 * MINUTE, WRONG, False, Clock.RIGHT),
        # The time zone is forgotten: it is always as far behind.
        (NOW - 5 * HOUR, ClockMark(NOW - 6 * HOUR, NOW - HOUR), False, Clock.WRONG),
        (NOW - 5 * HOUR + 30 * SECOND, ClockMark(NOW - 6 * HOUR, NOW - HOUR), False, Clock.WRONG),
        (NOW - 5 * HOUR + 2 * MINUTE, ClockMark(NOW - 6 * HOUR, NOW - HOUR), False, Clock.QUEUED),
        (NOW - 5 * HOUR, ClockMark(NOW - 5 * HOUR - MINUTE, NOW - MINUTE), False, Clock.QUEUED),
        (NOW - 29 * MINUTE, ClockMark(NOW - 89 * MINUTE, NOW - HOUR), False, Clock.QUEUED),
    ],
)
def test_what_a_device_said_before_tells_a_wrong_clock_from_a_queue(
    stamp: datetime, mark: ClockMark, queued: bool, clock: Clock
) -> None:
    moment = judge(stamp, NOW, mark, queued=queued)
    assert moment.clock == clock
    assert moment.at == (NOW if clock == Clock.WRONG else stamp)


def test_flag_says_by_how_much_and_goes_when_the_clock_is_right_again() -> None:
    fell_back = judge(NOW - 5 * HOUR - 12 * MINUTE, NOW, RIGHT)
    assert span_text(fell_back.error_s or 0) == "5 h 12 min"
    mark = remember(RIGHT, fell_back, NOW)
    assert mark == ClockMark(RIGHT.newest, NOW, -(5 * 3600 + 12 * 60))
    later = NOW + 6 * HOUR
    assert judge(later - 5 * HOUR, later, mark).clock == Clock.WRONG
    right = judge(later, later, mark)
    assert remember(mark, right, later) == ClockMark(later, later)


def test_message_received_before_the_last_one_changes_no_mark() -> None:
    assert remember(RIGHT, judge(NOW - 9 * HOUR, NOW - 2 * HOUR, RIGHT), NOW - 2 * HOUR) == RIGHT


@pytest.mark.parametrize("sender_keeps", [timedelta(days=31), timedelta(days=300)])
def test_senders_with_a_store_of_their_own_may_tell_of_old_times(sender_keeps: timedelta) -> None:
    assert judge(NOW - sender_keeps, NOW, longest_queue=None).clock == Clock.QUEUED


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (-60, "1 min"),
        (3_600, "1 h"),
        (4_500, "1 h 15 min"),
        (-18_720, "5 h 12 min"),
        (86_400 + 30, "1 d"),
        (2**31, "24855 d 3 h"),
    ],
)
def test_span_in_its_two_largest_units(seconds: int, text: str) -> None:
    assert span_text(seconds) == text


SECONDS = st.integers(-40 * 86_400, 3_600)


@given(st.lists(st.tuples(st.integers(0, 7_200), SECONDS, st.booleans()), max_size=20), SECONDS)
def test_moment_never_lies_ahead_and_a_right_clock_is_always_believed(
    said: list[tuple[int, int, bool]], last: int
) -> None:
    received, mark = NOW, None
    for pause, offset, queued in said:
        received += pause * SECOND
        moment = judge(received + offset * SECOND, received, mark, queued=queued)
        assert moment.at <= received
        assert moment.at == received if moment.clock == Clock.WRONG else moment.device_clock
        mark = remember(mark, moment, received)
    assert judge(received, received, mark) == Moment(received, True, received, Clock.RIGHT)
    moment = judge(received + last * SECOND, received, mark)
    assert moment.device_clock or moment.at == received
