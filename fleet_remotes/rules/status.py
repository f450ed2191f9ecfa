"""The state machine of a remote action (reference B6): what a report of the vendor does to its status.

The vendor's notifications come up to 72 h late, several times and in any order. So each state has a rank, a report can
only raise it, and a Done beats everything that is pending. Any permutation and repetition of the same reports ends in
the same status. docs/fleet_remotes.md draws it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from fleet_remotes.choices import SUCCESS, State, Verdict

_RANK = {
    State.DRAFT: 0,
    State.QUEUED: 1,
    State.SUBMITTING: 2,
    State.UNKNOWN: 3,
    State.SUBMITTED: 10,
    State.ACCEPTED: 20,
    State.CHECKING: 25,
    State.WAKING: 30,
    # The vendor checks the quota before the battery (its flow chart), so the latter is the later of the two.
    State.BLOCKED_QUOTA: 35,
    State.BLOCKED_BATTERY: 36,
    State.SENT: 40,
    State.UNCONFIRMED: 90,
    State.CANCELLED: 99,
    State.REJECTED: 99,
    State.REFUSED: 99,
    State.SUCCEEDED: 100,
    State.ALREADY_DONE: 100,
    State.FAILED: 100,
}
_NEVER_SENT = (State.CANCELLED, State.REJECTED, State.REFUSED)
_OUTCOMES = (*SUCCESS, State.FAILED)
# Which of two outcomes of the same moment counts: an arbitrary order, but the same whichever came first.
_PRECEDENCE = {state: place for place, state in enumerate(_OUTCOMES)}
# "In this case an error notification will be received until the vehicle is available again" (seed 003): the vendor goes
# on, so any other outcome replaces it and none is contradicted by it.
_PROVISIONAL_CAUSE = "VehicleConnectionTimeout"
# What a blocked action failed of when it stayed blocked.
_INFERRED_CAUSE = {
    State.BLOCKED_QUOTA: "TooManyWakeUpsOverMonth",
    State.BLOCKED_BATTERY: "NotPossibleDueToVehicleBatteryLevel",
}


def rank(state: str) -> int:
    return _RANK[State(state)]


@dataclass(frozen=True, slots=True)
class VendorReport:
    """What the vendor says of an action: by a notification, or (`from_record`) when its own record was asked for."""

    state: State
    at: datetime
    cause: str = ""
    feedback: str = ""
    from_record: bool = False

    @property
    def is_done(self) -> bool:
        return self.state in _OUTCOMES

    @property
    def is_provisional(self) -> bool:
        return self.state == State.FAILED and self.cause == _PROVISIONAL_CAUSE


@dataclass(frozen=True, slots=True)
class ActionStatus:
    """The status of an action. `since` is by the vendor's clock where it is believed."""

    state: State
    since: datetime
    cause: str = ""
    feedback: str = ""
    # Failed because it stayed blocked, not because the vendor reported Failed.
    inferred: bool = False
    # Two outcomes that contradict each other were reported …
    conflict: bool = False
    # … and the vendor's record settled which of them holds.
    reconciled: bool = False
    unconfirmed_at: datetime | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the vendor reported its outcome."""
        return self.state in _OUTCOMES and not self.inferred

    @property
    def is_provisional(self) -> bool:
        """Whether the vendor reported that it did not reach the vehicle, which may still change."""
        return self.state == State.FAILED and self.cause == _PROVISIONAL_CAUSE

    @property
    def is_terminal(self) -> bool:
        return rank(self.state) >= rank(State.UNCONFIRMED)

    @property
    def confirmed_late_after_s(self) -> int | None:
        """Seconds from our time-out to its outcome, as it happened or was learnt; None when there was no time-out."""
        if self.unconfirmed_at is None or not self.is_settled:
            return None
        return int(max(timedelta(), self.since - self.unconfirmed_at).total_seconds())

    @classmethod
    def of(cls, action: Any) -> ActionStatus:
        """The status of a RemoteAction, which has these fields too."""
        return cls(State(action.state), **{name: getattr(action, name) for name in _FIELDS})

    def write_to(self, action: Any) -> None:
        for name in ("state", *_FIELDS):
            setattr(action, name, getattr(self, name))


_FIELDS = tuple(field.name for field in fields(ActionStatus) if field.name != "state")


def advance(status: ActionStatus, report: VendorReport) -> tuple[ActionStatus, Verdict]:
    """The status after one report, and the verdict on the report itself."""
    if status.state in _NEVER_SENT:
        return status, Verdict.LATE
    if report.is_done:
        if not status.is_settled or (status.is_provisional and not report.is_provisional):
            return _ended(status, report), Verdict.APPLIED
        return _settle(status, report)
    if status.is_terminal:
        return status, Verdict.LATE
    if rank(report.state) > rank(status.state):
        return replace(status, state=report.state, since=report.at), Verdict.APPLIED
    same = report.state == status.state
    return status, Verdict.REPEATED if same else Verdict.REGRESSIVE


def _ended(status: ActionStatus, report: VendorReport) -> ActionStatus:
    return replace(
        status, state=report.state, since=report.at, cause=report.cause, feedback=report.feedback, inferred=False
    )


def _settle(status: ActionStatus, report: VendorReport) -> tuple[ActionStatus, Verdict]:
    """Another outcome of an action that has one: the earlier counts, unless the vendor's record says which."""
    if report.is_provisional and not status.is_provisional:
        return status, Verdict.LATE
    agrees = (report.state in SUCCESS) == (status.state in SUCCESS)
    if report.from_record and not agrees:
        settled = replace(_ended(status, report), since=status.since, conflict=True, reconciled=True)
        return settled, Verdict.APPLIED
    if report.from_record:
        return replace(status, reconciled=status.reconciled or status.conflict), Verdict.REPEATED
    if status.reconciled:
        return status, Verdict.LATE if agrees else Verdict.CONFLICT
    earlier = _order(report.at, report.state, report.cause) < _order(status.since, status.state, status.cause)
    result = _ended(status, report) if earlier else status
    result = replace(result, conflict=status.conflict or not agrees)
    if not agrees:
        return result, Verdict.CONFLICT
    return result, Verdict.REPEATED


def _order(at: datetime, state: State, cause: str) -> tuple[datetime, int, str]:
    return at, _PRECEDENCE[state], cause


def mark_unconfirmed(status: ActionStatus, now: datetime) -> ActionStatus:
    """Our hard time-out: no more was reported. A later Done still settles it, however late."""
    if status.is_terminal:
        return status
    return replace(status, state=State.UNCONFIRMED, since=now, unconfirmed_at=now)


def infer_failure(status: ActionStatus, now: datetime) -> ActionStatus:
    """A blocked action that stayed blocked has failed, though nobody reported it. A real Done replaces it."""
    cause = _INFERRED_CAUSE.get(status.state)
    if cause is None:
        return status
    return replace(status, state=State.FAILED, since=now, cause=cause, inferred=True)
