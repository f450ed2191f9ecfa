"""What a signal does to an incident. Pure: moments are passed in.

Signals come in any order. What orders them is their receipt by the first of our side (a forwarder's `received_at`, else
ours), never the device's clock: a status tells the present state, whatever its timestamp says. Only what the sender
itself calls queued (OCPP 2.x: `offline`) is ordered by the device's time. `core/device_clock.py` says whose time is
shown.

A status of OCPP 1.6 tells of one code at a time. Beside `Faulted` several may stand, of which a station tells in turn
(EVerest does), so that another code beside `Faulted` ends none. A status that lets one charge says that nothing is left
of what was told beside `Faulted`, whatever code it brings; what such a status itself brought may stand beside another,
and ends with NoError, by its name, or when a warning alone is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from core.device_clock import Moment
from infra_notifications.choices import Case, CloseReason
from infra_notifications.rules.fault_names import NOT_BESIDE, VAGUE, covers, is_same
from infra_notifications.rules.security_events import names_end_of

SILENCE, NEUTRAL, OCPI_OFFLINE = "silence", "signal", "ocpi offline"
# The fault of a charge point whose station's connection closed.
CLOSED = "connection"
# So many ended faults of a charge point are remembered, for raises that are received late.
REMEMBERED_CLEARS = 12
# So many faults of a case are told apart at one charge point; a message that reports more of them is a flood.
MOST_FAULTS = 100


class Signal(msgspec.Struct, frozen=True):
    """One raise or clear of a case at a charge point. A clear with an empty `fault` ends every fault."""

    case: Case
    raised: bool
    fault: str
    moment: Moment
    received_at: datetime
    said: str = ""
    rule_id: int | None = None
    momentary_s: int | None = None
    silent_since: datetime | None = None
    close_reason: CloseReason = CloseReason.CLEARED
    # The faults that a clear may end; empty for all.
    only: tuple[str, ...] = ()
    # The sender says that the device had queued it.
    queued: bool = False
    # It is one of those that end a fault in whichever case it was counted.
    every_case: bool = False
    # The name of the end that the message of a raise tells as well, of another fault.
    ending: str = ""

    @property
    def order(self) -> datetime:
        """What orders signals: the receipt, or the device's time of what had been queued."""
        return self.moment.at if self.queued and self.moment.device_clock else self.received_at


@dataclass
class IncidentState:
    """An incident as the rules see it; `id` is None while it is not yet written."""

    case: Case
    opened_at: datetime
    opened_received_at: datetime
    device_clock: bool
    faults: set[str]
    last_raised_at: datetime
    repeats: int = 0
    said: str = ""
    rule_id: int | None = None
    ends_at: datetime | None = None
    silent_since: datetime | None = None
    closed_at: datetime | None = None
    closed_received_at: datetime | None = None
    close_reason: str = ""
    id: int | None = None
    closed_now: bool = False
    # It was raised anew after a raise that had become too old to be told.
    freshened: bool = False
    # The incident as which it goes on, where that is why it closed.
    goes_on_as: IncidentState | None = None


@dataclass
class CaseHistory:
    """One case at one charge point: the open incident if there is one, and the last that closed.

    `raised` and `cleared` hold by fault what ordered its last raise, while it is open, and its last clear;
    `cleared_everywhere` those clears that ended the fault in every case.
    """

    open: IncidentState | None = None
    last_closed: IncidentState | None = None
    raised: dict[str, datetime] = field(default_factory=dict)
    cleared: dict[str, datetime] = field(default_factory=dict)
    cleared_everywhere: dict[str, datetime] = field(default_factory=dict)
    # What this batch opened or changed, in order.
    touched: list[IncidentState] = field(default_factory=list)

    def touch(self, incident: IncidentState) -> None:
        # From the end, where it stands if it does.
        if not any(one is incident for one in reversed(self.touched)):
            self.touched.append(incident)


class IncidentChange:
    """What a signal did, for the record."""

    OPENED = "opened"
    REPEATED = "repeated"
    CLOSED = "closed"
    EASED = "eased"  # one of several faults ended
    JOINED = "joined"  # "Faulted" without a cause, while the cause is known
    LATE = "late"  # a late copy of something known, or older than what is known
    NOTHING = "nothing"


def apply(signal: Signal, history: CaseHistory, *, news_since: datetime | None = None) -> str:
    """Applies one signal and returns the IncidentChange. At most one incident is open; no raise is ever lost: it opens
    an incident, repeats the open one, or is the late copy of a raise that a closed one holds. No clear is lost either:
    it ends its faults but for those that were raised after it, and a raise from before it opens nothing that lasts.

    What was last raised before `news_since` was too old to be told; raised anew it is news.
    """
    return _raise(signal, history, news_since) if signal.raised else _clear(signal, history)


def _raise(signal: Signal, history: CaseHistory, news_since: datetime | None) -> str:
    incident, over_at = history.open, ended_at(signal, history)
    if incident is None:
        return _open(signal, history, over_at)
    incident.repeats += 1
    history.touch(incident)
    if over_at is not None:
        return IncidentChange.LATE
    if signal.order > incident.last_raised_at:
        stale = news_since is not None and incident.last_raised_at < news_since
        incident.freshened = incident.freshened or stale
        incident.last_raised_at = signal.order
    note_raise(signal, history)
    join(signal, incident)
    return IncidentChange.REPEATED


def _open(signal: Signal, history: CaseHistory, over_at: datetime | None) -> str:
    closed = history.last_closed
    if closed is not None and _is_late_copy(signal, closed):
        closed.repeats += 1
        history.touch(closed)
        return IncidentChange.LATE
    incident = IncidentState(
        case=signal.case,
        opened_at=signal.moment.at,
        opened_received_at=signal.received_at,
        device_clock=signal.moment.device_clock,
        faults={signal.fault},
        last_raised_at=signal.order,
        said=signal.said,
        rule_id=signal.rule_id,
        ends_at=_end_of(signal),
        silent_since=signal.silent_since,
    )
    history.touched.append(incident)
    if over_at is None:
        history.open = incident
        note_raise(signal, history)
    else:
        close(incident, over_at, over_at, CloseReason.CLEARED)
        history.last_closed = incident
    return IncidentChange.OPENED


def note_raise(signal: Signal, history: CaseHistory) -> None:
    if signal.fault not in history.raised and len(history.raised) >= MOST_FAULTS:
        return
    history.raised[signal.fault] = max(signal.order, history.raised.get(signal.fault, signal.order))


def ended_at(signal: Signal, history: CaseHistory) -> datetime | None:
    """When the fault of a raise had ended that was received after its end; None for one that holds."""
    clears = (*history.cleared.items(), *history.cleared_everywhere.items())
    return max((order for fault, order in clears if order > signal.order and _ends(fault, signal.fault)), default=None)


def join(signal: Signal, incident: IncidentState) -> None:
    """Adds a fault to those that hold an incident open. A momentary one, which nobody will clear, ends by time, and
    only while no lasting one is there: `ends_at` is set exactly when all of them are momentary."""
    end = _end_of(signal)
    if len(incident.faults) >= MOST_FAULTS and (end is not None or incident.ends_at is None):
        return
    if end is None and incident.ends_at is not None:
        incident.faults, incident.ends_at = {signal.fault}, None
    elif end is None:
        incident.faults.add(signal.fault)
    elif incident.ends_at is not None:
        incident.faults.add(signal.fault)
        incident.ends_at = max(incident.ends_at, end)


def _end_of(signal: Signal) -> datetime | None:
    return signal.received_at + timedelta(seconds=signal.momentary_s) if signal.momentary_s else None


def _is_late_copy(signal: Signal, closed: IncidentState) -> bool:
    """Whether a raise belongs to a closed incident that the same fault held open: it was received while that was open,
    or it is the very message that opened it, by a clock that went on until the end."""
    if signal.fault not in closed.faults or closed.closed_at is None or closed.closed_received_at is None:
        return False
    if closed.opened_received_at <= signal.order < closed.closed_received_at:
        return True
    if closed.close_reason in (CloseReason.REMOVED, CloseReason.UNREPORTED):
        return False  # nobody said that it was over
    return closed.device_clock and signal.moment.stamp == closed.opened_at < closed.closed_at


def _clear(signal: Signal, history: CaseHistory) -> str:
    if not signal.only:
        note_end(signal.fault, signal.order, history.cleared_everywhere if signal.every_case else history.cleared)
    incident = history.open
    if incident is None:
        return IncidentChange.NOTHING
    meant = {fault for fault in incident.faults if (not signal.only or fault in signal.only)}
    meant = {fault for fault in meant if _ends(signal.fault, fault)}
    if not (signal.fault or signal.every_case) and signal.case != Case.OTHER_FAULT:
        # The end of a case says nothing of "Faulted" without a cause, which belonged to it alone while it was open.
        meant = {fault for fault in meant if not fault.endswith(VAGUE)}
    # A sign of life from before a silence was noticed shows that there was none; a connection closes after such signs.
    ended = {
        fault
        for fault in meant
        if (signal.only and fault != CLOSED) or signal.order >= history.raised.get(fault, incident.last_raised_at)
    }
    if not ended:
        return IncidentChange.LATE if meant else IncidentChange.NOTHING
    for fault in ended:
        history.raised.pop(fault, None)
    history.touch(incident)
    if remaining := incident.faults - ended:
        incident.faults = remaining
        return IncidentChange.EASED
    is_own = signal.close_reason == CloseReason.SIGNAL and ended == {NEUTRAL}
    reason = CloseReason.CLEARED if is_own else signal.close_reason
    close(incident, signal.moment.at, signal.received_at, reason)
    history.last_closed, history.open = incident, None
    return IncidentChange.CLOSED


def note_end(fault: str, order: datetime, cleared: dict[str, datetime]) -> None:
    if (known := cleared.get(fault)) is None or order > known:
        cleared[fault] = order
    if len(cleared) > REMEMBERED_CLEARS:
        del cleared[min(cleared, key=cleared.__getitem__)]


def _ends(clear: str, fault: str) -> bool:
    """Whether a clear of this name ends a fault; one without a name ends all."""
    if not clear or fault == clear:
        return True
    if clear.endswith(NOT_BESIDE):
        return is_same(clear[: -len(NOT_BESIDE)], fault)
    return covers(clear, fault) or names_end_of(clear, fault)


def close(incident: IncidentState, at: datetime, received_at: datetime, reason: CloseReason) -> None:
    """Ends an incident, never before it began."""
    incident.closed_at = max(at, incident.opened_at)
    incident.closed_received_at = received_at
    incident.close_reason = reason
    incident.closed_now = True
