"""Whether a group is told of an incident now, later, or not, and why. Pure: the moment is passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra_notifications.choices import NoticeReason


@dataclass(frozen=True, slots=True)
class Listener:
    """What deciding needs of a group."""

    cases: frozenset[str]
    hold_off_s: dict[str, int]
    has_address: bool
    notify_recovery: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What deciding needs of an incident."""

    case: str
    opened_at: datetime
    last_raised_at: datetime
    closed_at: datetime | None
    momentary: bool = False
    in_maintenance: bool = False
    left_group: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Tell now (no reason), wait until `due_at`, or never (a reason and no `due_at`)."""

    reason: NoticeReason
    due_at: datetime | None = None

    @property
    def tells(self) -> bool:
        return self.reason == NoticeReason.NONE


TELL = Decision(NoticeReason.NONE)
Stage = Callable[[Facts, Listener, datetime, timedelta], Decision | None]


def _is_member(facts: Facts, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    return Decision(NoticeReason.LEFT_GROUP) if facts.left_group else None


def _listens(facts: Facts, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    return None if facts.case in listener.cases else Decision(NoticeReason.CASE_NOT_SELECTED)


def _reaches_someone(facts: Facts, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    return None if listener.has_address else Decision(NoticeReason.NO_ADDRESS)


def _is_news(facts: Facts, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    return None if now - facts.last_raised_at <= max_age else Decision(NoticeReason.TOO_OLD)


def _is_no_maintenance(facts: Facts, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    return Decision(NoticeReason.MAINTENANCE) if facts.in_maintenance else None


def _lasted(facts: Facts, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    due = facts.opened_at + timedelta(seconds=listener.hold_off_s.get(facts.case, 0))
    if facts.closed_at is not None:
        return Decision(NoticeReason.RECOVERED_IN_TIME) if facts.closed_at < due else None
    return Decision(NoticeReason.HOLD_OFF, due) if now < due else None


# The pipeline, to be read aloud: the charge point is a member, the group listens to the case, reaches someone, it is
# news, there is no maintenance, and it lasted.
OPENING_STAGES: tuple[Stage, ...] = (_is_member, _listens, _reaches_someone, _is_news, _is_no_maintenance, _lasted)
# What waited was news when it came in; a long hold-off, or workers that were away, do not make it old.
WAITING_STAGES = tuple(stage for stage in OPENING_STAGES if stage is not _is_news)


def decide_opening(facts: Facts, listener: Listener, now: datetime, max_age: timedelta) -> Decision:
    """Whether a group is told of an incident that just came in now, later, or not, and why."""
    return next((d for stage in OPENING_STAGES if (d := stage(facts, listener, now, max_age))), TELL)


def decide_waiting(facts: Facts, listener: Listener, now: datetime) -> Decision:
    """The same for what has waited and is due: group and incident may have changed meanwhile."""
    return next((d for stage in WAITING_STAGES if (d := stage(facts, listener, now, timedelta.max))), TELL)


def decide_recovery(facts: Facts, listener: Listener) -> Decision:
    """Whether a group that was told of an incident gets the all-clear."""
    if facts.momentary:
        return Decision(NoticeReason.MOMENTARY)
    if not listener.notify_recovery:
        return Decision(NoticeReason.NO_RECOVERY_MAILS)
    return TELL if listener.has_address else Decision(NoticeReason.NO_ADDRESS)
