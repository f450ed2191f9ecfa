"""From conditions that hold to what a driver sees: open, hold back, show again, remind, end. Pure.

A notification is held back by the first stage that objects, and the stage's reason is kept, so that "why did the
driver not get it?" always has an answer:

    switched off → ended by hand → root cause → preference → consent → muted → brake → no channel → cooldown
    → quiet hours
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from vehicles.choices import LIVE, SHOWN, DriverChannel, DriverSeverity, NotificationState, Reason, StepKind
from vehicles.rules.clocks import quiet_until
from vehicles.rules.windows import Window

Key = tuple[str, str]  # type, subject


@dataclass(frozen=True, slots=True)
class Policy:
    """A type of the catalogue with what operators changed laid over it."""

    name: str
    condition: str
    ways: tuple[str, ...]
    severity: str
    category: str
    enabled: bool = True
    rank: int = 0
    explains: bool = True
    # Trouble of a car: many at once are the feed's, and a person is asked first.
    is_trouble: bool = False
    once: bool = False
    needs_consent: bool = False
    cooldown: timedelta = timedelta(0)
    reminder: timedelta = timedelta(0)
    thresholds: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_banner(self) -> bool:
        return self.ways == (DriverChannel.BANNER,)


@dataclass(frozen=True, slots=True)
class Person:
    """What decides how a driver may be notified."""

    zone: tzinfo = UTC
    quiet_from: time | None = None
    quiet_until: time | None = None
    unwanted: frozenset[str] = frozenset()
    consents: bool = False
    has_email: bool = False
    push_enabled: bool = True
    # Whether anybody takes pushes to the phones.
    push_is_heard: bool = True
    # Until when which type is muted; "" is every type.
    mutes: Mapping[str, datetime] = field(default_factory=dict)

    def closed(self, channel: str) -> Reason | None:
        """Why a channel does not lead to the driver; None where it does."""
        if channel == DriverChannel.EMAIL and not self.has_email:
            return Reason.NO_CHANNEL
        if channel == DriverChannel.PUSH and not (self.push_enabled and self.push_is_heard):
            return Reason.NO_LISTENER if self.push_enabled else Reason.NO_CHANNEL
        return None

    def usable(self, ways: Sequence[str]) -> tuple[str, ...]:
        return tuple(channel for channel in ways if self.closed(channel) is None)


@dataclass(slots=True)
class Row:
    """A notification as it is kept; `id` is 0 while it is new."""

    type: str
    subject: str
    state: str
    begins: datetime
    created_at: datetime
    id: int = 0
    reason: str = ""
    root: str = ""
    told_at: datetime | None = None
    times_told: int = 0
    repeats: int = 0
    last_seen_at: datetime | None = None
    dismissed_at: datetime | None = None
    due_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def key(self) -> Key:
        return self.type, self.subject


@dataclass(frozen=True, slots=True)
class Hold:
    """Why something is held back, by which other notification, and until when if that is known."""

    reason: Reason
    root: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DecidedStep:
    kind: StepKind
    reason: str = ""
    detail: str = ""


@dataclass(slots=True)
class Change:
    """A row that is new or changed, what happened to it, and what must be sent for it."""

    row: Row
    policy: Policy
    window: Window | None
    steps: list[DecidedStep] = field(default_factory=list)
    notify_by: tuple[str, ...] = ()
    withdraw: bool = False


@dataclass(slots=True)
class Decision:
    changes: list[Change]
    # The next moment at which anything may change by itself.
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """Earlier notifications of the same type and subject: what was notified once for all, and when last."""

    once: frozenset[Key] = frozenset()
    notified: Mapping[Key, datetime] = field(default_factory=dict)
    dismissed: Mapping[Key, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class _Case:
    """One notification before the stages."""

    policy: Policy
    window: Window
    row: Row | None
    person: Person
    history: History
    causes: Sequence[tuple[Policy, Window]]
    now: datetime
    is_braked: bool = False


# ---- the stages: each returns why not, or None ----------------------------------------------------------------------


def _switched_off(case: _Case) -> Hold | None:
    return None if case.policy.enabled else Hold(Reason.SWITCHED_OFF)


def _root_cause(case: _Case) -> Hold | None:
    """The order of the reference, A3: account, not found or revoked, service, privacy, silence, position, session.

    `causes` are those that the driver is shown: what is not seen explains nothing.
    """
    if not case.policy.rank:
        return None
    above = [
        policy for policy, window in case.causes if policy.rank < case.policy.rank and _concerns(window, case.window)
    ]
    root = min(above, key=lambda policy: (policy.rank, policy.name), default=None)
    return Hold(Reason.ROOT_CAUSE, root.name) if root else None


def _concerns(cause: Window, window: Window) -> bool:
    """Whether a cause lies in the same vehicle, or in the account through which the vehicle is reached."""
    if cause.vehicle_id is not None:
        return cause.vehicle_id == window.vehicle_id
    return cause.account_id is not None and cause.account_id == window.account_id


def _by_hand(case: _Case) -> Hold | None:
    """What a person ended or dropped stays so as long as its condition holds."""
    ended = case.row is not None and case.row.reason in (Reason.BY_HAND, Reason.DROPPED)
    return Hold(Reason(case.row.reason)) if ended and case.row is not None else None


def _muted(case: _Case) -> Hold | None:
    mutes = case.person.mutes
    until = max((m for m in (mutes.get(""), mutes.get(case.policy.name)) if m is not None), default=None)
    return Hold(Reason.MUTED, until=until) if until is not None and until > case.now else None


def _brake(case: _Case) -> Hold | None:
    return Hold(Reason.BRAKE) if case.is_braked else None


def _preference(case: _Case) -> Hold | None:
    """What is critical is told all the same."""
    unwanted = case.policy.category in case.person.unwanted and case.policy.severity != DriverSeverity.CRITICAL
    return Hold(Reason.PREFERENCE) if unwanted else None


def _consent(case: _Case) -> Hold | None:
    return Hold(Reason.NO_CONSENT) if case.policy.needs_consent and not case.person.consents else None


def _no_channel(case: _Case) -> Hold | None:
    if case.person.usable(case.policy.ways):
        return None
    reasons = {case.person.closed(channel) for channel in case.policy.ways}
    return Hold(Reason.NO_LISTENER if Reason.NO_LISTENER in reasons else Reason.NO_CHANNEL)


def _cooldown(case: _Case) -> Hold | None:
    """A banner waits after it was dismissed; what rings or mails waits after it was sent. What is critical and was only
    taken back meanwhile, because of its cause, waits for nothing."""
    was_told = case.row is not None and case.row.told_at is not None and case.row.dismissed_at is None
    if was_told and case.policy.severity == DriverSeverity.CRITICAL:
        return None
    memory = case.history.dismissed if case.policy.is_banner else case.history.notified
    own = (case.row.dismissed_at if case.policy.is_banner else case.row.told_at) if case.row else None
    last = max((m for m in (memory.get((case.policy.name, case.window.subject)), own) if m), default=None)
    until = last + case.policy.cooldown if last else None
    return Hold(Reason.COOLDOWN, until=until) if until and until > case.now else None


def _quiet_hours(case: _Case) -> Hold | None:
    """Quiet hours hold back what rings or mails, unless it is critical; a banner disturbs nobody."""
    if case.policy.severity == DriverSeverity.CRITICAL or case.policy.is_banner:
        return None
    person = case.person
    until = quiet_until(case.now, person.quiet_from, person.quiet_until, person.zone)
    return Hold(Reason.QUIET_HOURS, until=until) if until else None


# What also takes back something that is shown already; the others only delay a beginning.
WITHDRAWING = (_switched_off, _by_hand, _root_cause, _preference, _consent)
STAGES: tuple[Callable[[_Case], Hold | None], ...] = (
    *WITHDRAWING,
    _muted,
    _brake,
    _no_channel,
    _cooldown,
    _quiet_hours,
)


def _objection(case: _Case, stages: Iterable[Callable[[_Case], Hold | None]]) -> Hold | None:
    return next((hold for stage in stages if (hold := stage(case)) is not None), None)


# ---- the decision ---------------------------------------------------------------------------------------------------


def decide(
    windows: Iterable[tuple[Policy, Window]],
    rows: Iterable[Row],
    policies: Mapping[str, Policy],
    person: Person,
    history: History,
    now: datetime,
    braked: Collection[Key] = (),
) -> Decision:
    """What becomes of one driver's notifications. `rows` are those that live; they are changed in place. `braked` are
    those that wait for a person, because too many of their feed came at once."""
    in_force = [pair for pair in windows if pair[0].name in policies]
    live = {row.key: row for row in rows}
    holding = {(policy.name, window.subject): (policy, window) for policy, window in in_force if window.holds(now)}
    over = {(policy.name, window.subject): (policy, window) for policy, window in in_force if window.is_over(now)}
    causes: list[tuple[Policy, Window]] = []
    changes = []
    # In the order of causes: whether one is shown is known before what it would hold back.
    for key, (policy, window) in sorted(holding.items(), key=lambda item: item[1][0].rank):
        row = live.get(key)
        if row is None and policy.once and key in history.once:
            continue
        change = _advance(_Case(policy, window, row, person, history, causes, now, key in braked))
        changes += [change] if change else []
        now_shown = change.row if change else row
        if policy.rank and policy.explains and now_shown is not None and now_shown.state in SHOWN:
            causes.append((policy, window))
    for key, row in live.items():
        if key not in holding:
            changes.append(_end(row, policies[row.type], over.get(key, (None, None))[1], now))
    for key, (policy, window) in over.items():
        if policy.once and key not in live and key not in holding and key not in history.once:
            changes.append(_missed(policy, window, now))
    return Decision(changes, _due(in_force, [*live.values(), *(c.row for c in changes)], policies, now))


def _advance(case: _Case) -> Change | None:
    """The next step of a notification whose condition holds; None when nothing changes."""
    if case.row is None:
        row = Row(case.policy.name, case.window.subject, NotificationState.SUPPRESSED, case.window.begins, case.now)
        row.last_seen_at = case.window.seen_at or case.window.begins
        change = Change(row, case.policy, case.window)
        hold = _objection(case, STAGES)
        return _hold(change, hold) if hold else _show(change, case, StepKind.NOTIFIED)
    change = Change(case.row, case.policy, case.window)
    repeated = _count_repeat(case.row, case.window)
    if case.row.state in SHOWN:
        advanced = _shown(change, case)
    elif case.row.state == NotificationState.DISMISSED:
        advanced = _dismissed(change, case)
    else:
        advanced = _held(change, case)
    return advanced or (change if repeated else None)


def _count_repeat(row: Row, window: Window) -> bool:
    if window.seen_at is None or (row.last_seen_at is not None and window.seen_at <= row.last_seen_at):
        return False
    row.last_seen_at, row.repeats = window.seen_at, row.repeats + 1
    return True


def _shown(change: Change, case: _Case) -> Change | None:
    row = change.row
    if hold := _objection(case, WITHDRAWING):
        change.withdraw = True
        change.steps.append(DecidedStep(StepKind.WITHDRAWN, hold.reason, hold.root))
        row.state, row.reason, row.root, row.due_at = NotificationState.SUPPRESSED, hold.reason, hold.root, None
        return change
    if not case.policy.reminder or row.told_at is None or row.told_at + case.policy.reminder > case.now:
        return None
    quiet = _muted(case) or _quiet_hours(case)
    if quiet is None:
        return _show(change, case, StepKind.REMINDED)
    postponed, row.due_at = row.due_at != quiet.until, quiet.until
    return change if postponed else None


def _dismissed(change: Change, case: _Case) -> Change | None:
    """A dismissed banner comes back after the cooldown; without a cooldown, or when notified once, it stays away."""
    back = _returns_at(change.row, case.policy)
    if back is None or back > case.now:
        return None
    hold = _objection(case, STAGES)
    return _hold(change, hold) if hold else _show(change, case, StepKind.RETURNED)


def _returns_at(row: Row, policy: Policy) -> datetime | None:
    stays_away = policy.once or not policy.cooldown or row.dismissed_at is None
    return None if stays_away or row.dismissed_at is None else row.dismissed_at + policy.cooldown


def _held(change: Change, case: _Case) -> Change | None:
    row, hold = change.row, _objection(case, STAGES)
    if hold is None:
        return _show(change, case, StepKind.RETURNED if row.times_told else StepKind.NOTIFIED)
    if (hold.reason, hold.root, hold.until) == (row.reason, row.root, row.due_at):
        return None
    return _hold(change, hold)


def _hold(change: Change, hold: Hold) -> Change:
    row = change.row
    row.state, row.reason, row.root, row.due_at = NotificationState.SUPPRESSED, hold.reason, hold.root, hold.until
    change.steps.append(DecidedStep(StepKind.HELD, hold.reason, hold.root))
    return change


def _show(change: Change, case: _Case, kind: StepKind) -> Change:
    row, usable = change.row, case.person.usable(case.policy.ways)
    row.reason, row.root, row.due_at = "", "", None
    row.told_at, row.times_told = case.now, row.times_told + 1
    if not (kind == StepKind.REMINDED and row.state == NotificationState.READ):
        row.state = NotificationState.OPEN
    change.notify_by = usable
    change.steps.append(DecidedStep(kind, detail=", ".join(usable)))
    skipped = [(channel, reason) for channel in case.policy.ways if (reason := case.person.closed(channel))]
    change.steps += [DecidedStep(StepKind.SKIPPED, reason, channel) for channel, reason in skipped]
    return change


def _end(row: Row, policy: Policy, window: Window | None, now: datetime) -> Change:
    """Ends a notification whose condition holds no more; siblings share the condition, so they end together."""
    expired = window is not None and window.expires
    change = Change(row, policy, window)
    change.withdraw = row.told_at is not None and row.state != NotificationState.SUPPRESSED
    row.state = NotificationState.EXPIRED if expired else NotificationState.RESOLVED
    notified = row.told_at is not None
    ended = Reason.TIME_ENDED if expired else Reason.CONDITION_ENDED
    row.reason = ended if notified else Reason.NEVER_NOTIFIED
    row.ended_at, row.due_at, row.root = now, None, ""
    change.steps.append(DecidedStep(StepKind.EXPIRED if expired else StepKind.RESOLVED, row.reason))
    return change


def _missed(policy: Policy, window: Window, now: datetime) -> Change:
    """Something notified once per subject whose time was over before it was reported: recorded, not sent."""
    row = Row(policy.name, window.subject, NotificationState.SUPPRESSED, window.begins, now)
    row.last_seen_at = window.seen_at or window.begins
    return _end(row, policy, window, now)


def _due(
    windows: Iterable[tuple[Policy, Window]], rows: Iterable[Row], policies: Mapping[str, Policy], now: datetime
) -> datetime | None:
    moments = [window.next_change(now) for _policy, window in windows]
    for row in rows:
        if row.state not in LIVE:
            continue
        policy = policies[row.type]
        moments.append(row.due_at)
        if row.state == NotificationState.DISMISSED:
            moments.append(_returns_at(row, policy))
        elif row.state in SHOWN and policy.reminder and row.told_at:
            moments.append(row.told_at + policy.reminder)
    return min((moment for moment in moments if moment is not None and moment > now), default=None)
