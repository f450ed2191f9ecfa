"""What a signal does to an incident, and whose clock to believe. Pure: moments are passed in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from infra_notifications.choices import Case, CloseReason
from infra_notifications.ingest import FAULTED, VAGUE

CLOCK_TOLERANCE = timedelta(minutes=5)
# A clock before this was never set.
CLOCK_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened, and whether the device's own clock says so."""

    at: datetime
    device_clock: bool


def believable(device: datetime | None, received_at: datetime) -> Moment:
    """The device's time unless it is missing, in the future, or of a clock that was never set."""
    if device is None or device > received_at + CLOCK_TOLERANCE or device < CLOCK_EPOCH:
        return Moment(received_at, False)
    return Moment(min(device, received_at), True)


SILENCE, NEUTRAL = "silence", "signal"
# What was reported this long after it happened may have been too old to be told; raised anew, it may be news.
REPORTED_LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Signal:
    """One raise or clear of a case at a charge point. A clear with an empty `fault` ends every fault."""

    case: Case
    raised: bool
    fault: str
    moment: Moment
    received_at: datetime
    said: str = ""
    rule_id: int | None = None
    momentary_s: int | None = None
    close_reason: CloseReason = CloseReason.CLEARED
    # The faults that a clear may end; empty for all.
    only: tuple[str, ...] = ()


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
    closed_at: datetime | None = None
    closed_received_at: datetime | None = None
    close_reason: str = ""
    id: int | None = None
    closed_now: bool = False
    # It was raised anew after a raise that was too old to be told.
    freshened: bool = False
    # The case as which it goes on, where that is why it closed.
    goes_on_as: str = ""


@dataclass
class CaseHistory:
    """One case at one charge point: the open incident if there is one, and the last that closed."""

    open: IncidentState | None = None
    last_closed: IncidentState | None = None
    # What this batch opened or changed, in order.
    touched: list[IncidentState] = field(default_factory=list)

    def touch(self, incident: IncidentState) -> None:
        if not any(one is incident for one in self.touched):
            self.touched.append(incident)


class IncidentChange:
    """What a signal did, for the record."""

    OPENED = "opened"
    REPEATED = "repeated"
    CLOSED = "closed"
    EASED = "eased"  # one of several faults ended
    JOINED = "joined"  # "Faulted" without a cause, while the cause is known
    LATE = "late"  # a late copy of something known
    NOTHING = "nothing"


def apply(signal: Signal, history: CaseHistory) -> str:
    """Applies one signal and returns the IncidentChange. At most one incident is open; no raise is ever lost:
    it opens an incident, repeats the open one, or is the late copy of a raise that a closed one holds."""
    return _raise(signal, history) if signal.raised else _clear(signal, history)


def _raise(signal: Signal, history: CaseHistory) -> str:
    incident = history.open
    if incident is None:
        if _is_late_copy(signal, history.last_closed):
            assert history.last_closed is not None
            history.last_closed.repeats += 1
            history.touch(history.last_closed)
            return IncidentChange.LATE
        history.open = IncidentState(
            case=signal.case,
            opened_at=signal.moment.at,
            opened_received_at=signal.received_at,
            device_clock=signal.moment.device_clock,
            faults={signal.fault},
            last_raised_at=_news_time(signal),
            said=signal.said,
            rule_id=signal.rule_id,
            ends_at=_end_of(signal),
        )
        history.touch(history.open)
        return IncidentChange.OPENED
    incident.repeats += 1
    raised_at = _news_time(signal)
    if raised_at > incident.last_raised_at:
        late = incident.opened_received_at - incident.opened_at >= REPORTED_LATE
        incident.freshened = incident.freshened or late
        incident.last_raised_at = raised_at
    _join(signal, incident)
    history.touch(incident)
    return IncidentChange.REPEATED


def _join(signal: Signal, incident: IncidentState) -> None:
    """Adds a fault to those that hold an incident open. A momentary one, which nobody will clear, ends by time, and
    only while no lasting one is there: `ends_at` is set exactly when all of them are momentary."""
    end = _end_of(signal)
    if end is None and incident.ends_at is not None:
        incident.faults, incident.ends_at = {signal.fault}, None
    elif end is None:
        incident.faults.add(signal.fault)
    elif incident.ends_at is not None:
        incident.faults.add(signal.fault)
        incident.ends_at = max(incident.ends_at, end)


def _news_time(signal: Signal) -> datetime:
    """When the condition was last said to hold: silence holds as long as it is found."""
    return signal.moment.at if signal.moment.device_clock else signal.received_at


def _end_of(signal: Signal) -> datetime | None:
    return signal.received_at + timedelta(seconds=signal.momentary_s) if signal.momentary_s else None


def _is_late_copy(signal: Signal, closed: IncidentState | None) -> bool:
    """Whether a raise lies, by the device's own clock, within a closed incident that the same fault held open."""
    return (
        closed is not None
        and closed.closed_at is not None
        and closed.device_clock
        and signal.moment.device_clock
        and signal.fault in closed.faults
        and closed.opened_at <= signal.moment.at < closed.closed_at
    )


def _clear(signal: Signal, history: CaseHistory) -> str:
    incident = history.open
    if incident is None:
        return IncidentChange.NOTHING
    if signal.moment.device_clock and incident.device_clock and signal.moment.at < incident.last_raised_at:
        return IncidentChange.LATE
    remaining = {f for f in incident.faults if not _ends(signal, f)}
    if remaining == incident.faults:
        return IncidentChange.NOTHING
    if remaining:
        incident.faults = remaining
        history.touch(incident)
        return IncidentChange.EASED
    close(incident, signal.moment.at, signal.received_at, signal.close_reason)
    history.touch(incident)
    history.last_closed, history.open = incident, None
    return IncidentChange.CLOSED


def _ends(signal: Signal, fault: str) -> bool:
    if signal.only and fault not in signal.only:
        return False
    if not signal.fault or fault == signal.fault:
        return True
    return _covers(signal.fault, fault)


def _covers(fault: str, other: str) -> bool:
    """Whether two names mean the same fault: one without techCode (2.x) or connector means all of its place, one with
    it also the one without."""
    fault, other = fault.rstrip(VAGUE), other.rstrip(VAGUE)
    place, _hash, code = fault.partition("#")
    return other == fault or (other == place if code else other.startswith(place + "#"))


class PointHistory:
    """All cases at one charge point, among which a fault belongs to one: to OTHER_FAULT only as long as no other case
    has it. "Faulted" without a cause belongs to what is open with a cause, and to OTHER_FAULT when that has ended."""

    def __init__(self) -> None:
        self.cases: dict[Case, CaseHistory] = {}

    def of(self, case: Case) -> CaseHistory:
        return self.cases.setdefault(case, CaseHistory())

    def is_open(self, case: Case) -> bool:
        return case in self.cases and self.cases[case].open is not None

    @property
    def open_incidents(self) -> list[IncidentState]:
        return [history.open for history in self.cases.values() if history.open is not None]

    def apply(self, signal: Signal) -> str:
        """Applies one signal and returns the IncidentChange."""
        is_vague = signal.raised and signal.case == Case.OTHER_FAULT and signal.fault.endswith(VAGUE)
        if is_vague and (cause := next(filter(_is_cause, self.open_incidents), None)):
            self._share(cause, {signal.fault})
            return IncidentChange.JOINED
        step = apply(signal, self.of(signal.case))
        if signal.case == Case.OTHER_FAULT:
            return step
        if signal.raised and step in (IncidentChange.OPENED, IncidentChange.REPEATED):
            self._take_over(signal)
        elif step == IncidentChange.EASED:
            self._give_back(signal)
        return step

    def _share(self, incident: IncidentState, faults: set[str]) -> None:
        if not faults <= incident.faults:
            incident.faults |= faults
            self.of(incident.case).touch(incident)

    def _take_over(self, signal: Signal) -> None:
        """What was counted as OTHER_FAULT turns out to be this."""
        other, mine = self.of(Case.OTHER_FAULT), self.of(signal.case).open
        is_stale = other.open is not None and signal.moment.device_clock and other.open.device_clock
        if other.open is None or mine is None or (is_stale and signal.moment.at < other.open.last_raised_at):
            return
        vague = {fault for fault in other.open.faults if fault.endswith(VAGUE)} if _is_cause(mine) else set()
        rest = {fault for fault in other.open.faults - vague if not _covers(signal.fault, fault)}
        if rest == other.open.faults:
            return
        self._share(mine, vague)
        other.touch(other.open)
        if rest:
            other.open.faults = rest
            return
        other.open.goes_on_as = signal.case.value
        close(other.open, signal.moment.at, signal.received_at, CloseReason.RENAMED)
        other.last_closed, other.open = other.open, None

    def _give_back(self, signal: Signal) -> None:
        """What is left without a cause is OTHER_FAULT."""
        history = self.of(signal.case)
        incident = history.open
        if incident is None or not all(fault.endswith(VAGUE) for fault in incident.faults):
            return
        close(incident, signal.moment.at, signal.received_at, signal.close_reason)
        history.last_closed, history.open = incident, None
        for fault in sorted(incident.faults):
            apply(
                replace(signal, case=Case.OTHER_FAULT, raised=True, fault=fault, said=FAULTED.title(), rule_id=None),
                self.of(Case.OTHER_FAULT),
            )


def _is_cause(incident: IncidentState) -> bool:
    """Whether an incident explains that a charge point is Faulted: neither silence does, nor what ends by time."""
    return incident.case not in (Case.OTHER_FAULT, Case.UNAVAILABLE) and incident.ends_at is None


def close(incident: IncidentState, at: datetime, received_at: datetime, reason: CloseReason) -> None:
    """Ends an incident, never before it began."""
    incident.closed_at = max(at, incident.opened_at)
    incident.closed_received_at = received_at
    incident.close_reason = reason
    incident.closed_now = True


def last_seen_signal(seen_at: datetime) -> Signal:
    """Any message ends what silence, or another system's word for it, had raised."""
    return Signal(
        Case.UNAVAILABLE,
        False,
        "",
        Moment(seen_at, False),
        seen_at,
        close_reason=CloseReason.SEEN,
        only=(SILENCE, NEUTRAL),
    )


def silence_signal(last_seen: datetime, silent_at: datetime, now: datetime) -> Signal:
    minutes = max(1, round((now - last_seen).total_seconds() / 60))
    return Signal(Case.UNAVAILABLE, True, SILENCE, Moment(silent_at, False), now, said=f"No message for {minutes} min")
