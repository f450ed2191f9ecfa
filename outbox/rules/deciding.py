"""Whether a topic list is told of an event now, later, or not, and why. Pure: the moment is passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from outbox.choices import NoticeReason

# Workers' clocks differ a little, so that a window which another one opened may end later than our own would. One that
# ends much later was made by a clock that was wrong, and does not count.
CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Matter:
    """What deciding needs of one event and one list. `fits` is None when the list's condition cannot be read."""

    takes_kind: bool
    fits: bool | None
    enabled: bool
    has_address: bool
    is_news: bool = True


Stage = Callable[[Matter], NoticeReason | None]


def _listens(matter: Matter) -> NoticeReason | None:
    return None if matter.takes_kind else NoticeReason.TOPIC


def _fits(matter: Matter) -> NoticeReason | None:
    if matter.fits is None:
        return NoticeReason.CONDITION_BROKEN
    return None if matter.fits else NoticeReason.CONDITION


def _is_on(matter: Matter) -> NoticeReason | None:
    return None if matter.enabled else NoticeReason.DISABLED


def _reaches_someone(matter: Matter) -> NoticeReason | None:
    return None if matter.has_address else NoticeReason.NO_ADDRESS


def _is_news(matter: Matter) -> NoticeReason | None:
    return None if matter.is_news else NoticeReason.TOO_OLD


# The pipeline, to be read aloud: the list listens to the kind, the event fits its condition, the list is on, it reaches
# someone, and it is news.
STAGES: tuple[Stage, ...] = (_listens, _fits, _is_on, _reaches_someone, _is_news)


def why_not_told(matter: Matter) -> NoticeReason:
    """The first reason not to tell a list of an event, or NONE."""
    return next((reason for stage in STAGES if (reason := stage(matter))), NoticeReason.NONE)


def window_end(gathering_until: datetime | None, gather_s: int, now: datetime) -> datetime | None:
    """The end of the window in which a list gathers now, or None when the next mail may go at once."""
    if not gather_s or gathering_until is None:
        return None
    return gathering_until if now < gathering_until <= now + timedelta(seconds=gather_s) + CLOCK_SLACK else None
