"""Whether a topic list is told of an event now, later, or not, and why. Pure: the moment is passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from outbox.choices import DecisionReason

# Workers' clocks differ a little, so that a window which another one opened may end later than our own would. One that
# ends much later was made by a clock that was wrong, and does not count.
CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """What deciding needs of one event and one list. `fits` is None when the list's condition cannot be read."""

    takes_kind: bool
    fits: bool | None
    enabled: bool
    has_address: bool
    is_news: bool = True


Stage = Callable[[DecisionInput], DecisionReason | None]


def _listens(decision_input: DecisionInput) -> DecisionReason | None:
    return None if decision_input.takes_kind else DecisionReason.TOPIC


def _fits(decision_input: DecisionInput) -> DecisionReason | None:
    if decision_input.fits is None:
        return DecisionReason.CONDITION_BROKEN
    return None if decision_input.fits else DecisionReason.CONDITION


def _is_on(decision_input: DecisionInput) -> DecisionReason | None:
    return None if decision_input.enabled else DecisionReason.DISABLED


def _reaches_someone(decision_input: DecisionInput) -> DecisionReason | None:
    return None if decision_input.has_address else DecisionReason.NO_ADDRESS


def _is_news(decision_input: DecisionInput) -> DecisionReason | None:
    return None if decision_input.is_news else DecisionReason.TOO_OLD


# The pipeline, to be read aloud: the list listens to the kind, the event fits its condition, the list is on, it reaches
# someone, and it is news.
STAGES: tuple[Stage, ...] = (_listens, _fits, _is_on, _reaches_someone, _is_news)


def why_not_notified(decision_input: DecisionInput) -> DecisionReason:
    """The first reason not to tell a list of an event, or NONE."""
    return next((reason for stage in STAGES if (reason := stage(decision_input))), DecisionReason.NONE)


def window_end(gathering_until: datetime | None, gather_s: int, now: datetime) -> datetime | None:
    """The end of the window in which a list gathers now, or None when the next mail may go at once."""
    if not gather_s or gathering_until is None:
        return None
    return gathering_until if now < gathering_until <= now + timedelta(seconds=gather_s) + CLOCK_SLACK else None
