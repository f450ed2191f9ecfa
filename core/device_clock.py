"""Whose clock counts: one policy for charge points, lock boxes, vehicles' facts and the vendor's notifications. Pure.

Receipt orders, the device's time is shown. What is received is compared with what the same device said before (its
`ClockMark`), because a device that says "five hours ago" may have queued the message or may have a wrong clock:

| the device's time is                                                              | the clock is | what counts |
|-----------------------------------------------------------------------------------|--------------|-------------|
| not given, or unreadable                                                          | unsaid       | the receipt |
| more than 5 min after the receipt                                                 | wrong        | the receipt |
| within 5 min of the receipt                                                       | right        | the device  |
| before 2025, when nothing was connected here (1970, 2000, 2020-01-01)             | wrong        | the receipt |
| more than 30 days before the receipt, which no queue explains                     | wrong        | the receipt |
| behind, of a device whose clock was wrong the last time                           | wrong        | the receipt |
| more than 5 min before what the device said in a message that was received before | wrong        | the receipt |
| as far behind as the last time (within 1 min; 30 min or more, 5 min later)        | wrong        | the receipt |
| behind otherwise                                                                  | queued       | the device  |

A sender may say that a message was queued (OCPP 2.x: `offline`); then it proves nothing about a clock that fell back,
and the last three rows but one do not apply. What a device that sends its backlog newest first (`newest_first`) says of
a time before what it said already is history and shows no clock that fell back, unless it is always as far behind. The
device's time is never counted as later than the receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from django.utils.dateparse import parse_datetime

Said = TypeVar("Said")
TOLERANCE = timedelta(minutes=5)
# No device was connected to this product before.
EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
LONGEST_QUEUE = timedelta(days=30)
# 68 years are said of every clock that is wrong by more, so that it fits a column.
LONGEST_ERROR_S = 2**31 - 1
# A queue that is sent catches up; a clock in the wrong time zone, half an hour or more, never does.
STEADY_FROM, STEADY_WITHIN = timedelta(minutes=30), timedelta(minutes=1)


class Clock(StrEnum):
    """What a message shows of its device's clock."""

    UNSAID = "unsaid"
    RIGHT = "right"
    QUEUED = "queued"
    WRONG = "wrong"


class ClockMark(msgspec.Struct, frozen=True):
    """What is remembered of a device's clock.

    `newest`: the latest believed device time; `received_at`: when the last message with a device time was received;
    `error_s`: by how many seconds the clock was wrong then (behind is negative), None unless it was.
    """

    newest: datetime
    received_at: datetime
    error_s: int | None = None


class Moment(msgspec.Struct, frozen=True):
    """When something happened.

    `at` is shown; `device_clock` says whether it is the device's own time. `stamp` is the device's time as it was
    given, believed or not; `error_s` says by how many seconds that was wrong, where `clock` is wrong.
    """

    at: datetime
    device_clock: bool
    stamp: datetime | None = None
    clock: Clock = Clock.UNSAID
    error_s: int | None = None


def judge(
    stamp: datetime | None,
    received_at: datetime,
    mark: ClockMark | None = None,
    *,
    queued: bool = False,
    longest_queue: timedelta | None = LONGEST_QUEUE,
    newest_first: bool = False,
    earliest: datetime = EARLIEST,
) -> Moment:
    """The moment that counts for a message, by the table above.

    `longest_queue` is None where old news is normal, because the sender is a system with a store of its own; before
    `earliest` is nothing that it may have kept.
    """
    if stamp is None:
        return Moment(received_at, False)
    is_early = stamp < earliest and received_at - stamp > TOLERANCE
    if is_early or _is_wrong(stamp, received_at, mark, queued, longest_queue, newest_first):
        error_s = max(-LONGEST_ERROR_S, min(LONGEST_ERROR_S, round((stamp - received_at).total_seconds())))
        return Moment(received_at, False, stamp, Clock.WRONG, error_s)
    clock = Clock.RIGHT if abs(stamp - received_at) <= TOLERANCE else Clock.QUEUED
    return Moment(min(stamp, received_at), True, stamp, clock)


def _is_wrong(
    stamp: datetime,
    received_at: datetime,
    mark: ClockMark | None,
    queued: bool,
    longest_queue: timedelta | None,
    newest_first: bool,
) -> bool:
    behind = received_at - stamp
    if abs(behind) <= TOLERANCE:
        return False
    if behind < timedelta(0) or (longest_queue is not None and behind > longest_queue):
        return True
    if mark is None:
        return False
    if mark.error_s is not None:
        return True
    if queued or received_at < mark.received_at:
        return False
    fell_back = mark.newest - stamp > TOLERANCE and not newest_first
    return fell_back or _is_steady(behind, received_at, mark)


def _is_steady(behind: timedelta, received_at: datetime, mark: ClockMark) -> bool:
    was_behind = mark.received_at - mark.newest
    return (
        behind >= STEADY_FROM
        and abs(behind - was_behind) <= STEADY_WITHIN
        and received_at - mark.received_at >= TOLERANCE
    )


def remember(
    mark: ClockMark | None, moment: Moment, received_at: datetime, *, newest_first: bool = False
) -> ClockMark | None:
    """The mark after a message; one that was received before the last one changes nothing. Of a device that sends its
    backlog newest first the last believed time is remembered, not the latest."""
    if moment.stamp is None or (mark is not None and received_at < mark.received_at):
        return mark
    if moment.clock == Clock.WRONG:
        # Of a clock that was never right nothing is known but that.
        newest = mark.newest if mark is not None else EARLIEST
        return ClockMark(newest, received_at, moment.error_s)
    newest = max(mark.newest, moment.at) if mark is not None and not newest_first else moment.at
    return ClockMark(newest, received_at)


_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def span_text(seconds: int) -> str:
    """A time in its two largest units, ahead or behind: `5 h 12 min`."""
    rest, parts = abs(seconds), list[str]()
    for length, unit in _UNITS:
        count, rest = divmod(rest, length)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(filter(None, parts)) or "0 s"


def in_time(said: Sequence[Said], moment_of: Callable[[Said], datetime | None]) -> Sequence[Said]:
    """What one message tells in the order in which it happened, where each says when; else as it stands there."""
    if len(said) < 2:
        return said
    moments = [moment for each in said if (moment := moment_of(each)) is not None]
    if len(moments) < len(said):
        return said
    return [said[place] for place in sorted(range(len(said)), key=moments.__getitem__)]


def parse_time(value: Any) -> datetime | None:
    """A moment from RFC 3339 text (without offset it is UTC), or None for anything else."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = datetime.fromisoformat(value) if len(value) >= 19 else None
    except ValueError:
        try:
            moment = parse_datetime(value.strip().upper())
        except ValueError:
            return None
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
