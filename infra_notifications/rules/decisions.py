"""Whether a group is told of an incident now, later, or not, and why. Pure: the moment is passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra_notifications.choices import NotificationReason

# Windows can be ended early and memberships change: what waits for a maintenance to end is asked again this often.
MAINTENANCE_RECHECK = timedelta(hours=1)
# What goes on as another case is asked again when that is over, and this often in case that was missed; and so soon
# after that was to be told, where it was over before.
RENAMED_RECHECK, RENAMED_TOLD = timedelta(hours=1), timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Listener:
    """What deciding needs of a group. `digest_at` is its next daily digest; None: it gets single mails."""

    cases: frozenset[str]
    hold_off_s: dict[str, int]
    has_address: bool
    notify_recovery: bool
    digest_at: datetime | None = None
    # It has addresses, and mail goes to none of them.
    is_paused: bool = False

    @property
    def without_address(self) -> Decision | None:
        """Why nobody can be told; None where somebody can."""
        if self.has_address:
            return None
        return Decision(NotificationReason.PAUSED if self.is_paused else NotificationReason.NO_ADDRESS)


@dataclass(frozen=True, slots=True)
class Waited:
    """What a notification has waited for, and until when."""

    reason: NotificationReason
    until: datetime


@dataclass(frozen=True, slots=True)
class Successor:
    """The incident as which another goes on: whether it is over, and whether a group was told of it; `due_at` is when
    that is to be told, where it waits."""

    case: str
    is_over: bool
    is_told: bool
    due_at: datetime | None

    def is_told_by(self, now: datetime) -> bool:
        """Whether it is told, or goes on and is to be told now: then what it was before is no error of its own."""
        return self.is_told or (not self.is_over and self.due_at is not None and self.due_at <= now)


@dataclass(frozen=True, slots=True)
class Situation:
    """What deciding needs of an incident and of what surrounds it.

    `maintenance_until`: its charge point is in maintenance until then. `flapping_until`: its charge point opens the
    case again and again, and this is the next time at which somebody hears of that. `open_again`: the case is open
    at its charge point, by this incident or a later one. `acknowledged`: somebody takes care of it. `silent_since`: the
    last message before its silence.
    `source_silent_until`: it is a silence, and until then the source of the charge point is silent itself, or the
    charge point had no time yet to speak again.
    """

    case: str
    opened_at: datetime
    last_raised_at: datetime
    closed_at: datetime | None
    transient: bool = False
    maintenance_until: datetime | None = None
    flapping_until: datetime | None = None
    left_group: bool = False
    open_again: bool = False
    acknowledged: bool = False
    # That as which it goes on, where that is why it closed.
    goes_on_as: Successor | None = None
    source_silent_until: datetime | None = None
    waited: Waited | None = None
    silent_since: datetime | None = None

    @property
    def delay_from(self) -> datetime:
        """From when on a group's delay counts: a silence has lasted since the last message."""
        return self.silent_since or self.opened_at

    def waited_for(self, reason: NotificationReason) -> bool:
        return self.waited is not None and self.waited.reason == reason


@dataclass(frozen=True, slots=True)
class Decision:
    """Tell now (no reason), wait until `due_at`, or never (a reason and no `due_at`)."""

    reason: NotificationReason
    due_at: datetime | None = None

    @property
    def notifies(self) -> bool:
        return self.reason == NotificationReason.NONE


NOTIFY = Decision(NotificationReason.NONE)
Stage = Callable[[Situation, Listener, datetime, timedelta], Decision | None]


def _is_member(situation: Situation, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    return Decision(NotificationReason.LEFT_GROUP) if situation.left_group else None


def _listens(situation: Situation, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    return None if situation.case in listener.cases else Decision(NotificationReason.CASE_NOT_SELECTED)


def _reaches_someone(situation: Situation, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    return listener.without_address


def _is_news(situation: Situation, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    return None if now - situation.last_raised_at <= max_age else Decision(NotificationReason.TOO_OLD)


def _is_no_maintenance(situation: Situation, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    """What is over when the maintenance ends is never told; what is still broken is told then."""
    if situation.maintenance_until is not None and now < situation.maintenance_until:
        if situation.closed_at is not None:
            return Decision(NotificationReason.MAINTENANCE)
        return Decision(NotificationReason.MAINTENANCE, _recheck(situation.maintenance_until, now))
    if situation.waited is not None and situation.waited_for(NotificationReason.MAINTENANCE):
        was_over = situation.closed_at is not None and situation.closed_at < situation.waited.until
        return Decision(NotificationReason.MAINTENANCE) if was_over else None
    return None


def _source_is_heard(situation: Situation, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    """A charge point whose source is silent may be well: it is told when it stays silent although its source speaks."""
    if situation.source_silent_until is None or now >= situation.source_silent_until:
        return None
    if situation.closed_at is not None:
        return Decision(NotificationReason.OVER)
    return Decision(NotificationReason.SOURCE_SILENT, situation.source_silent_until)


def _recheck(until: datetime, now: datetime) -> datetime:
    return min(until, now + MAINTENANCE_RECHECK)


def _is_no_flapping(situation: Situation, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    """While a charge point flaps its openings are told together, once a day; a digest is such a mail already.

    What is due before the daily look has come stays due: it is told, or not, together with the others.
    """
    if listener.digest_at is not None or situation.waited_for(NotificationReason.DIGEST):
        return None
    if situation.flapping_until is None:
        is_over = situation.closed_at is not None and situation.waited_for(NotificationReason.FLAPPING)
        return Decision(NotificationReason.FLAPPING) if is_over else None
    if is_flapping_news(situation, now):
        return None
    return Decision(NotificationReason.FLAPPING, situation.flapping_until)


def is_flapping_news(situation: Situation, now: datetime) -> bool:
    """Whether a notification stands in the flapping mail that is due now: what it waited for has come, and goes on."""
    return (
        situation.flapping_until is not None
        and situation.waited is not None
        and situation.waited.reason == NotificationReason.FLAPPING
        and situation.waited.until <= now < situation.flapping_until
    )


def _is_not_over(situation: Situation, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    """What ended while it waited for the group's next mail is not told; an event that nothing ends (a shock) is."""
    if situation.closed_at is None or situation.transient or situation.waited is None:
        return None
    is_over = situation.waited.reason == NotificationReason.GATHERED and situation.closed_at < situation.waited.until
    return Decision(NotificationReason.OVER) if is_over else None


def _lasted(situation: Situation, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    if is_flapping_news(situation, now):
        return None
    due = situation.delay_from + timedelta(seconds=listener.hold_off_s.get(situation.case, 0))
    if situation.closed_at is not None:
        return Decision(NotificationReason.RECOVERED_IN_TIME) if situation.closed_at < due else None
    return Decision(NotificationReason.HOLD_OFF, due) if now < due else None


def _is_no_digest(situation: Situation, listener: Listener, now: datetime, max_age: timedelta) -> Decision | None:
    return Decision(NotificationReason.DIGEST, listener.digest_at) if listener.digest_at is not None else None


# The pipeline, to be read aloud: the charge point is a member, the group listens to the case, reaches someone, it is
# news, there is no maintenance, its source is heard, it does not flap, it goes on, it lasted, and the group wants
# single mails.
OPENING_STAGES: tuple[Stage, ...] = (
    _is_member,
    _listens,
    _reaches_someone,
    _is_news,
    _is_no_maintenance,
    _source_is_heard,
    _is_no_flapping,
    _is_not_over,
    _lasted,
    _is_no_digest,
)
# What waited was news when it came in; a long hold-off, or workers that were away, do not make it old.
WAITING_STAGES = tuple(stage for stage in OPENING_STAGES if stage is not _is_news)


def decide_opening(situation: Situation, listener: Listener, now: datetime, max_age: timedelta) -> Decision:
    """Whether a group is told of an incident that just came in now, later, or not, and why."""
    return next((d for stage in OPENING_STAGES if (d := stage(situation, listener, now, max_age))), NOTIFY)


def decide_waiting(situation: Situation, listener: Listener, now: datetime) -> Decision:
    """The same for what has waited and is due: group, incident and surroundings may have changed meanwhile."""
    return next((d for stage in WAITING_STAGES if (d := stage(situation, listener, now, timedelta.max))), NOTIFY)


def decide_open(situation: Situation, listener: Listener, now: datetime) -> Decision:
    """The same for what is open already when a member, an address or a case comes: however old it is, it goes on.

    What somebody acknowledged alarms nobody: a mail that is sent anyway lists it.
    """
    decision = decide_waiting(situation, listener, now)
    waits = decision.reason in (NotificationReason.NONE, NotificationReason.HOLD_OFF)
    return Decision(NotificationReason.ACKNOWLEDGED) if situation.acknowledged and waits else decision


def decide_recovery(situation: Situation, listener: Listener, now: datetime) -> Decision:
    """Whether a group that was told of an incident gets the all-clear now, later, or not, and why."""
    if situation.transient:
        return Decision(NotificationReason.TRANSIENT)
    if (going_on := _goes_on(situation.goes_on_as, listener, now)) is not None:
        return going_on
    if not listener.notify_recovery:
        return Decision(NotificationReason.NO_RECOVERY_MAILS)
    if (unreachable := listener.without_address) is not None:
        return unreachable
    if situation.maintenance_until is not None and now < situation.maintenance_until:
        return Decision(NotificationReason.MAINTENANCE, _recheck(situation.maintenance_until, now))
    if listener.digest_at is not None:
        return Decision(NotificationReason.DIGEST, listener.digest_at)
    return _decide_recovery_of_flapping(situation, now)


def _goes_on(successor: Successor | None, listener: Listener, now: datetime) -> Decision | None:
    """What goes on as another case is over when that is. If that was told, its all-clear is of both; if not, the
    all-clear of what was told is still owed."""
    if successor is None:
        return None
    if successor.is_told:
        return Decision(NotificationReason.RENAMED)
    if successor.case not in listener.cases or (successor.is_over and successor.due_at is None):
        return None
    soon = max(now, successor.due_at or now) + RENAMED_TOLD
    return Decision(NotificationReason.RENAMED, soon if successor.is_over else now + RENAMED_RECHECK)


def _decide_recovery_of_flapping(situation: Situation, now: datetime) -> Decision:
    """An end is told when it lasts: while the charge point flaps, its comings and goings stand in the daily mail."""
    if situation.flapping_until is None or situation.waited_for(NotificationReason.DIGEST):
        is_open = situation.open_again and situation.waited_for(NotificationReason.FLAPPING)
        return Decision(NotificationReason.FLAPPING) if is_open else NOTIFY
    if is_flapping_news(situation, now):
        return Decision(NotificationReason.FLAPPING)
    return Decision(NotificationReason.FLAPPING, situation.flapping_until)
