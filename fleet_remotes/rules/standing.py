"""The state machine of a remote action (reference B6): what a report of the vendor does to where it stands.

The vendor's notifications come up to 72 h late, several times and in any order. So each state has a rank, a report can
only raise it, and a Done beats everything that is pending. Any permutation and repetition of the same reports ends in
the same standing. docs/fleet_remotes.md draws it.
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
# What a blocked action failed of when it stayed blocked.
_INFERRED_CAUSE = {
    State.BLOCKED_QUOTA: "TooManyWakeUpsOverMonth",
    State.BLOCKED_BATTERY: "NotPossibleDueToVehicleBatteryLevel",
}


def rank(state: str) -> int:
    return _RANK[State(state)]


@dataclass(frozen=True, slots=True)
class Report:
    """What the vendor says of an action: by a notification, or (`from_record`) when its own record was asked for."""

    state: State
    at: datetime
    cause: str = ""
    feedback: str = ""
    from_record: bool = False

    @property
    def is_done(self) -> bool:
        return self.state in _OUTCOMES


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an action stands. `since` is by the vendor's clock where it is believed."""

    state: State
    since: datetime
    cause: str = ""
    feedback: str = ""
    # Failed because it stayed blocked, not because the vendor said Failed.
    inferred: bool = False
    # Two outcomes that contradict each other were reported …
    conflict: bool = False
    # … and the vendor's record settled which of them holds.
    reconciled: bool = False
    unconfirmed_at: datetime | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the vendor said how it ended."""
        return self.state in _OUTCOMES and not self.inferred

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
    def of(cls, action: Any) -> Standing:
        """Where a RemoteAction stands, which has these fields too."""
        return cls(State(action.state), **{name: getattr(action, name) for name in _FIELDS})

    def write_to(self, action: Any) -> None:
        for name in ("state", *_FIELDS):
            setattr(action, name, getattr(self, name))


_FIELDS = tuple(field.name for field in fields(Standing) if field.name != "state")


def advance(standing: Standing, report: Report) -> tuple[Standing, Verdict]:
    """What one report makes of a standing, and what became of the report itself."""
    if standing.state in _NEVER_SENT:
        return standing, Verdict.LATE
    if report.is_done:
        return _settle(standing, report) if standing.is_settled else (_ended(standing, report), Verdict.APPLIED)
    if standing.is_terminal:
        return standing, Verdict.LATE
    if rank(report.state) > rank(standing.state):
        return replace(standing, state=report.state, since=report.at), Verdict.APPLIED
    same = report.state == standing.state
    return standing, Verdict.REPEATED if same else Verdict.REGRESSIVE


def _ended(standing: Standing, report: Report) -> Standing:
    return replace(
        standing, state=report.state, since=report.at, cause=report.cause, feedback=report.feedback, inferred=False
    )


def _settle(standing: Standing, report: Report) -> tuple[Standing, Verdict]:
    """Another outcome of an action that has one: the earlier counts, unless the vendor's record says which."""
    agrees = (report.state in SUCCESS) == (standing.state in SUCCESS)
    if report.from_record and not agrees:
        settled = replace(_ended(standing, report), since=standing.since, conflict=True, reconciled=True)
        return settled, Verdict.APPLIED
    if report.from_record:
        return replace(standing, reconciled=standing.reconciled or standing.conflict), Verdict.REPEATED
    if standing.reconciled:
        return standing, Verdict.LATE if agrees else Verdict.CONFLICT
    earlier = _order(report.at, report.state, report.cause) < _order(standing.since, standing.state, standing.cause)
    result = _ended(standing, report) if earlier else standing
    result = replace(result, conflict=standing.conflict or not agrees)
    if not agrees:
        return result, Verdict.CONFLICT
    return result, Verdict.REPEATED


def _order(at: datetime, state: State, cause: str) -> tuple[datetime, int, str]:
    return at, _PRECEDENCE[state], cause


def mark_unconfirmed(standing: Standing, now: datetime) -> Standing:
    """Our hard time-out: nothing more was heard. A later Done still settles it, however late."""
    if standing.is_terminal:
        return standing
    return replace(standing, state=State.UNCONFIRMED, since=now, unconfirmed_at=now)


def infer_failure(standing: Standing, now: datetime) -> Standing:
    """A blocked action that stayed blocked has failed, though nobody said so. A real Done of any kind replaces it."""
    cause = _INFERRED_CAUSE.get(standing.state)
    if cause is None:
        return standing
    return replace(standing, state=State.FAILED, since=now, cause=cause, inferred=True)
