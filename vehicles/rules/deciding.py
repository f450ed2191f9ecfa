"""From conditions that hold to what a driver sees: open, hold back, show again, remind, end. Pure.

A notification is held back by the first stage that objects (`rules.stages`), and the stage's reason is kept, so that
"why did the driver not get it?" always has an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from vehicles.choices import LIVE, SHOWN, NotificationState, Reason, StepKind
from vehicles.rules.stages import (
    STAGES,
    WITHDRAWING,
    Case,
    History,
    Hold,
    Key,
    Person,
    Policy,
    Row,
    muted,
    objection,
    quiet_hours,
)
from vehicles.rules.windows import Window

__all__ = ["Case", "Change", "DecidedStep", "Decision", "History", "Key", "Person", "Policy", "Row", "decide"]


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


# ---- the decision ---------------------------------------------------------------------------------------------------


def decide(
    windows: Iterable[tuple[Policy, Window]],
    rows: Iterable[Row],
    policies: Mapping[str, Policy],
    person: Person,
    history: History,
    now: datetime,
    braked: Collection[Key] = (),
    hears: Callable[[Case], bool] = lambda _case: True,
) -> Decision:
    """What becomes of one driver's notifications. `rows` are those that live; they are changed in place. `braked` are
    those that wait for a person, because too many of their feed came at once; `hears` says whether anybody takes the
    push of one."""
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
        change = _advance(Case(policy, window, row, person, history, causes, now, key in braked, hears))
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


def _advance(case: Case) -> Change | None:
    """The next step of a notification whose condition holds; None when nothing changes."""
    if case.row is None:
        row = Row(case.policy.name, case.window.subject, NotificationState.SUPPRESSED, case.window.begins, case.now)
        row.last_seen_at = case.window.seen_at or case.window.begins
        change = Change(row, case.policy, case.window)
        hold = objection(case, STAGES)
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


def _shown(change: Change, case: Case) -> Change | None:
    row = change.row
    if hold := objection(case, WITHDRAWING):
        change.withdraw = True
        change.steps.append(DecidedStep(StepKind.WITHDRAWN, hold.reason, hold.root))
        row.state, row.reason, row.root, row.due_at = NotificationState.SUPPRESSED, hold.reason, hold.root, None
        return change
    if not case.policy.reminder or row.told_at is None or row.told_at + case.policy.reminder > case.now:
        return None
    quiet = muted(case) or quiet_hours(case)
    if quiet is None:
        return _show(change, case, StepKind.REMINDED)
    postponed, row.due_at = row.due_at != quiet.until, quiet.until
    return change if postponed else None


def _dismissed(change: Change, case: Case) -> Change | None:
    """A dismissed banner comes back after the cooldown; without a cooldown, or when notified once, it stays away."""
    back = _returns_at(change.row, case.policy)
    if back is None or back > case.now:
        return None
    hold = objection(case, STAGES)
    return _hold(change, hold) if hold else _show(change, case, StepKind.RETURNED)


def _returns_at(row: Row, policy: Policy) -> datetime | None:
    stays_away = policy.once or not policy.cooldown or row.dismissed_at is None
    return None if stays_away or row.dismissed_at is None else row.dismissed_at + policy.cooldown


def _held(change: Change, case: Case) -> Change | None:
    row, hold = change.row, objection(case, STAGES)
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


def _show(change: Change, case: Case, kind: StepKind) -> Change:
    row, closed = change.row, case.closed()
    usable = tuple(channel for channel in case.policy.ways if channel not in closed)
    row.reason, row.root, row.due_at = "", "", None
    row.told_at, row.times_told = case.now, row.times_told + 1
    if not (kind == StepKind.REMINDED and row.state == NotificationState.READ):
        row.state = NotificationState.OPEN
    change.notify_by = usable
    change.steps.append(DecidedStep(kind, detail=", ".join(usable)))
    change.steps += [DecidedStep(StepKind.SKIPPED, reason, channel) for channel, reason in closed.items()]
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
