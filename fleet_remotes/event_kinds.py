"""The kinds of event that fleet remotes publish: the outcome of a command, one to be approved, a silent callback,
used-up wake-ups.

Every payload says in plain words what happened and what to do, so that a mail can be written from it alone. A
command is reported once it has ended; `resolves` names the earlier failures of the same command that a success ends.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from django.utils.translation import gettext_lazy as _

from fleet_remotes.choices import Kind, State
from outbox.choices import Severity
from outbox.event_kinds import EventKind

DOMAIN = "remotes"

SUCCEEDED = "remote.succeeded"
FAILED = "remote.failed"
UNCONFIRMED = "remote.unconfirmed"
BLOCKED = "remote.blocked"
CONTRADICTED = "remote.contradicted"
APPROVAL = "remote.approval"
CALLBACK_SILENT = "callback.silent"
WAKEUPS_EXHAUSTED = "wakeups.exhausted"


class VehicleFacts(msgspec.Struct, kw_only=True):
    """A fleet vehicle as its receivers need it."""

    vin: str
    vehicle_id: str = ""
    fleet: str = ""
    brand: str = ""
    model: str = ""
    plate: str = ""
    name: str = ""
    url: str = ""


class ActionFacts(msgspec.Struct, kw_only=True):
    """A command and how it ended. Times are RFC 3339; `state` and `type` are those of the API."""

    id: int
    type: str
    state: str
    summary: str
    remote_action_id: str = ""
    cause: str = ""
    reason: str = ""
    requested_by: str = ""
    created_at: datetime
    submitted_at: datetime | None = None
    ended_at: datetime
    retry_of: int | None = None
    batch: int | None = None
    error: str = ""


class RemoteOutcome(msgspec.Struct, kw_only=True):
    """Payload of `remote.*`: one command to one vehicle, ended."""

    headline: str
    vehicle: VehicleFacts
    action: ActionFacts
    # What it means and what to do; empty for a success.
    explanation: str = ""
    suggestion: str = ""
    # It stayed held up and was counted as failed; the vendor did not say so.
    inferred: bool = False
    # Two outcomes were reported that contradict each other.
    conflict: bool = False
    # Seconds after our time-out, where the outcome came only then.
    confirmed_late_after_s: int | None = None
    # Earlier actions of the same command on this vehicle whose failure this success ends.
    resolves: list[int] = []
    url: str = ""


class ApprovalAsked(msgspec.Struct, kw_only=True):
    """Payload of `remote.approval`: one dangerous command waits for a second person; `vehicles` are the first 20."""

    headline: str
    summary: str
    reason: str = ""
    requested_by: str = ""
    until: datetime
    count: int = 1
    vehicles: list[VehicleFacts] = []
    batch: int | None = None
    url: str = ""


class CallbackSilence(msgspec.Struct, kw_only=True):
    """Payload of `callback.silent`: `over_at` is set when notifications arrive again."""

    headline: str
    callback: str
    fleet: str
    silent_since: datetime
    last_received_at: datetime | None = None
    over_at: datetime | None = None
    waiting_actions: int = 0
    explanation: str = ""
    suggestion: str = ""
    url: str = ""


class WakeUpsExhausted(msgspec.Struct, kw_only=True):
    """Payload of `wakeups.exhausted`: once per vehicle and month."""

    headline: str
    vehicle: VehicleFacts
    month: str
    used: int
    budget: int | None = None
    refused_by_vendor: bool = False
    explanation: str = ""
    suggestion: str = ""
    url: str = ""


_AT = datetime(2026, 11, 21, 5, 40, tzinfo=UTC)
_VEHICLE = VehicleFacts(
    vin="VR3UHZKXZPT500001",
    vehicle_id="5f2c9a",
    fleet="F-100",
    brand="Peugeot",
    model="e-208",
    plate="K-SB 208",
    name="Pool 7",
    url="https://signalbox.example/…",
)


def _example(
    state: str, headline: str, *, cause: str = "", explanation: str = "", suggestion: str = ""
) -> RemoteOutcome:
    action = ActionFacts(
        id=812,
        type="door",
        state=state,
        summary="Lock the doors",
        remote_action_id="ra01",
        cause=cause,
        requested_by="anna",
        created_at=_AT,
        submitted_at=_AT,
        ended_at=_AT.replace(minute=41),
    )
    return RemoteOutcome(
        headline=headline,
        vehicle=_VEHICLE,
        action=action,
        explanation=explanation,
        suggestion=suggestion,
        url="https://signalbox.example/…",
    )


# Laid out by hand as a table: it is read by its rows.
KINDS = (
    EventKind(
        SUCCEEDED,
        _("Remote command succeeded"),
        _("A vehicle carried out a command, or was in that state already. Ends earlier failures of the same command."),
        DOMAIN,
        RemoteOutcome,
        _example("succeeded", "Lock the doors: succeeded (Pool 7)"),
    ),
    EventKind(
        FAILED,
        _("Remote command failed"),
        _("A command ended without success, after the last try that is made without a person’s doing."),
        DOMAIN,
        RemoteOutcome,
        _example(
            "failed", "Lock the doors: failed (Pool 7)", cause="DoorsOpen", explanation="A door is open.",
            suggestion="Someone must close it at the vehicle.",
        ),
        Severity.WARNING,
    ),
    EventKind(
        UNCONFIRMED,
        _("Remote command unconfirmed"),
        _("A command was sent, but its outcome was not heard of in time. A late word still settles it."),
        DOMAIN,
        RemoteOutcome,
        _example(
            "unconfirmed", "Lock the doors: unconfirmed (Pool 7)",
            explanation="It was sent, but nothing more was heard: it may or may not have been carried out.",
            suggestion="Look at the vehicle before you send it again.",
        ),
        Severity.WARNING,
    ),
    EventKind(
        CONTRADICTED,
        _("Remote command contradicted"),
        _("Two outcomes were reported that contradict each other, and the vendor’s record did not decide in time."),
        DOMAIN,
        RemoteOutcome,
        _example(
            "succeeded", "Lock the doors: outcomes contradict each other (Pool 7)",
            explanation="The vendor reported two outcomes; the earlier counts until its own record decides.",
            suggestion="Look at the vehicle before you rely on it or send it again.",
        ),
        Severity.WARNING,
    ),
    EventKind(
        BLOCKED,
        _("Remote command blocked"),
        _("A command ended because the vehicle’s battery is too low or its wake-ups of the month are used up."),
        DOMAIN,
        RemoteOutcome,
        _example(
            "failed", "Lock the doors: blocked, battery too low (Pool 7)", cause="NotPossibleDueToVehicleBatteryLevel",
            explanation="The battery is too low.", suggestion="Plug the vehicle in.",
        ),
        Severity.WARNING,
    ),
    EventKind(
        APPROVAL,
        _("Remote command to be approved"),
        _("A dangerous command waits for a second person’s yes; mailed to those who may approve it, too."),
        DOMAIN,
        ApprovalAsked,
        ApprovalAsked(
            headline="Unlock the doors: To be approved (Pool 7, K-SB 208)", summary="Unlock the doors",
            reason="key locked inside", requested_by="anna", until=_AT, vehicles=[_VEHICLE],
            url="https://signalbox.example/…",
        ),
        Severity.WARNING,
        mail="fleet_remotes/mail/approval",
    ),
    EventKind(
        CALLBACK_SILENT,
        _("Callback silent"),
        _("Commands were sent, but the vendor’s notifications do not arrive; told again when they do."),
        DOMAIN,
        CallbackSilence,
        CallbackSilence(
            headline="No notifications at callback north", callback="north", fleet="F-100", silent_since=_AT,
            waiting_actions=3, explanation="Commands were sent, but no notification came.",
            suggestion="Look at the callback’s page.", url="https://signalbox.example/…",
        ),
        Severity.CRITICAL,
    ),
    EventKind(
        WAKEUPS_EXHAUSTED,
        _("Wake-ups used up"),
        _("A vehicle was woken up as often in this month as is allowed."),
        DOMAIN,
        WakeUpsExhausted,
        WakeUpsExhausted(
            headline="Wake-ups used up: Pool 7", vehicle=_VEHICLE, month="2026-11", used=40, budget=40,
            explanation="The vehicle was woken up too often this month.", suggestion="Wait for the 1st.",
            url="https://signalbox.example/…",
        ),
        Severity.WARNING,
    ),
)  # fmt: skip

# How mails call what is in the payloads.
FACT_NAMES = {
    "vehicle": _("Vehicle"),
    "vin": _("VIN"),
    "vehicle_id": _("Vendor’s id"),
    "fleet": _("Fleet"),
    "brand": _("Brand"),
    "model": _("Model"),
    "plate": _("Plate"),
    "name": _("Name"),
    "action": _("Command"),
    "type": _("Type"),
    "state": _("State"),
    "summary": _("What for"),
    "remote_action_id": _("Vendor’s action id"),
    "cause": _("Cause"),
    "reason": _("Reason"),
    "requested_by": _("Ordered by"),
    "created_at": _("Ordered"),
    "submitted_at": _("Sent"),
    "ended_at": _("Ended"),
    "retry_of": _("Second try of"),
    "batch": _("Batch"),
    "error": _("The vendor’s words"),
    "inferred": _("Concluded by us"),
    "conflict": _("Contradictory"),
    "confirmed_late_after_s": _("Confirmed late after (s)"),
    "resolves": _("Ends failures of"),
    "until": _("Until"),
    "count": _("Vehicles"),
    "vehicles": _("Of these are named"),
    "callback": _("Callback"),
    "silent_since": _("Silent since"),
    "last_received_at": _("Last received"),
    "over_at": _("Over since"),
    "waiting_actions": _("Commands that wait"),
    "month": _("Month"),
    "used": _("Used"),
    "budget": _("Budget"),
    "refused_by_vendor": _("Refused by the vendor"),
}
FACT_LABELS = {"type": dict(Kind.choices), "state": dict(State.choices)}
