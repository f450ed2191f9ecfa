"""The timeline of an action: what we did and what the vendor said, in one order, with the time each step took."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from fleet_remotes.choices import VERDICT_COLOURS, Kind, State, Verdict, advice_of
from fleet_remotes.ingest import believed_date
from fleet_remotes.models import ActionStep, RemoteAction, RemoteNotification

# What the vendor says next, as its flow chart has it (reference B4).
_EXPECTED: dict[State, tuple[State, ...]] = {
    State.QUEUED: (State.SUBMITTED,),
    State.SUBMITTING: (State.SUBMITTED,),
    State.SUBMITTED: (State.ACCEPTED, State.FAILED),
    State.ACCEPTED: (State.WAKING, State.SENT),
    State.CHECKING: (State.WAKING, State.SENT),
    State.WAKING: (State.SENT, State.FAILED),
    State.SENT: (State.SUCCEEDED, State.ALREADY_DONE, State.FAILED),
    State.BLOCKED_QUOTA: (State.FAILED,),
    State.BLOCKED_BATTERY: (State.FAILED,),
    State.UNCONFIRMED: (State.SUCCEEDED, State.FAILED),
}


@dataclass(slots=True)
class Moment:
    """One line of the timeline. `source` is "us" or "vendor"; `took_s` is the time since the line before it."""

    at: datetime
    source: str
    title: str
    detail: str = ""
    colour: str = ""
    verdict: str = ""
    received_at: datetime | None = None
    flags: list[str] = field(default_factory=list)
    duplicates: int = 0
    # The dot's meaning: "good", "bad", or "quiet".
    tone: str = "quiet"
    took_s: float | None = None

    @property
    def lag_s(self) -> float | None:
        """How much later it was received than it happened."""
        return None if self.received_at is None else (self.received_at - self.at).total_seconds()


def timeline_of(action: RemoteAction) -> list[Moment]:
    """Everything about an action, oldest first: by the vendor's clock where it is believed."""
    moments = [_of_step(step) for step in ActionStep.objects.filter(action=action).order_by("at", "id")]
    rows = RemoteNotification.objects.filter(action=action).order_by("id").defer("raw")
    moments += [_of_notification(row) for row in rows]
    moments.sort(key=lambda moment: moment.at)
    for before, after in pairwise(moments):
        after.took_s = (after.at - before.at).total_seconds()
    return moments


def _of_step(step: ActionStep) -> Moment:
    return Moment(step.at, "us", str(step.get_kind_display()), step.detail)


def _of_notification(row: RemoteNotification) -> Moment:
    at, _flag = believed_date(row.event_date, row.received_at)
    cause = f"{row.cause}: {advice_of(row.cause).meaning}" if row.cause else ""
    return Moment(
        at=at,
        source="vendor",
        title=f"{row.type} / {row.status}",
        detail=" · ".join(filter(None, (cause, row.feedback))),
        colour=VERDICT_COLOURS[Verdict(row.verdict)],
        verdict=str(row.get_verdict_display()),
        received_at=row.received_at,
        flags=row.flag_labels,
        duplicates=row.duplicates,
        tone=_tone(row),
    )


def _tone(row: RemoteNotification) -> str:
    if row.verdict != Verdict.APPLIED:
        return "bad" if row.verdict == Verdict.CONFLICT else "quiet"
    return "bad" if row.cause or row.status == "Failed" else "good"


def expected_next(action: RemoteAction) -> list[str]:
    """What is expected next, in words; nothing for what has ended. Navigation is never announced (seed 003)."""
    expected = _EXPECTED.get(State(action.state), ())
    if action.kind == Kind.NAVIGATION and action.state == State.SUBMITTED:
        expected = (State.SENT, State.SUCCEEDED)
    return [str(state.label) for state in expected]
