"""All cases at one charge point, and to which of them a fault belongs. Pure: moments are passed in."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from infra_notifications.choices import Case, CloseReason
from infra_notifications.ingest import FAULTED
from infra_notifications.rules.fault_names import (
    CAUSED,
    CODE,
    VAGUE,
    covers,
    is_known_as,
    is_never_ended,
    is_told_again,
)
from infra_notifications.rules.lifecycle import (
    NEUTRAL,
    CaseHistory,
    IncidentChange,
    IncidentState,
    Signal,
    apply,
    close,
    ended_at,
    join,
    note_end,
    note_raise,
)
from infra_notifications.rules.placeholders import told_by

Orders = dict[str, dict[str, datetime]]


class PointHistory:
    """All cases at one charge point, among which a fault belongs to one: to OTHER_FAULT only as long as no other case
    has it. "Faulted" without a cause belongs to what is open with a cause, and to OTHER_FAULT when that has ended."""

    def __init__(self, raised: Orders | None = None, cleared: Orders | None = None) -> None:
        """`raised` and `cleared` are what is remembered, by case ("": every case) and fault; they change with it."""
        self.cases: dict[Case, CaseHistory] = {}
        self.raised: Orders = raised if raised is not None else {}
        self.cleared: Orders = cleared if cleared is not None else {}

    def of(self, case: Case) -> CaseHistory:
        history = self.cases.get(case)
        if history is None:
            raised, cleared = self.raised.setdefault(case.value, {}), self.cleared.setdefault(case.value, {})
            everywhere = self.cleared.setdefault("", {})
            history = self.cases[case] = CaseHistory(raised=raised, cleared=cleared, cleared_everywhere=everywhere)
        return history

    def is_open(self, case: Case) -> bool:
        return case in self.cases and self.cases[case].open is not None

    @property
    def open_incidents(self) -> list[IncidentState]:
        return [history.open for history in self.cases.values() if history.open is not None]

    def apply(self, signal: Signal, *, news_since: datetime | None = None) -> str:
        """Applies one signal and returns the IncidentChange."""
        if not signal.raised and not self.is_open(signal.case):
            # Most clears, by far: they are remembered for raises that are received late.
            if not signal.only:
                note_end(
                    signal.fault,
                    signal.order,
                    self.cleared.setdefault("" if signal.every_case else signal.case.value, {}),
                )
            return IncidentChange.NOTHING
        cause = self._cause_of(signal)
        if cause is not None:
            if ended_at(signal, self.of(signal.case)) is not None:
                return IncidentChange.LATE
            join(signal, cause)
            self.of(cause.case).touch(cause)
            note_raise(signal, self.of(cause.case))
            return IncidentChange.JOINED
        if signal.raised and CODE in signal.fault:
            signal = replace(signal, fault=self._known_as(signal))
        step = apply(signal, self.of(signal.case), news_since=news_since)
        if signal.case == Case.OTHER_FAULT:
            return step
        if signal.raised and step in (IncidentChange.OPENED, IncidentChange.REPEATED):
            self._take_over(signal)
        elif step == IncidentChange.EASED:
            self._give_back(signal)
        return step

    def _cause_of(self, signal: Signal) -> IncidentState | None:
        """What is open and explains a fault that no rule knows: "Faulted" without a word, or with none but its own; and
        what explains that another fault, which is named or not, stops the charging."""
        if not signal.raised or signal.fault == NEUTRAL:
            return None
        if signal.fault.endswith(CAUSED):
            causes = sorted(self.open_incidents, key=lambda one: (one.case != signal.case, not _is_cause(one)))
            return next((one for one in causes if one.case != Case.UNAVAILABLE), None)
        if signal.case != Case.OTHER_FAULT:
            return None
        is_vague, causes = signal.fault.endswith(VAGUE), [*filter(_is_cause, self.open_incidents)]
        return next((cause for cause in causes if is_vague or _repeats(signal, cause)), None)

    def _known_as(self, signal: Signal) -> str:
        """What a fault is called that tells of codes: as the one that is open and told by them and more, if there is
        one; what stops the charging and names a cause that is not open is that cause."""
        if signal.fault.endswith(CAUSED):
            return signal.fault if signal.case == Case.OTHER_FAULT else signal.fault.removesuffix(CAUSED)
        incident = self.of(signal.case).open
        known = sorted(incident.faults) if incident is not None and signal.fault not in incident.faults else ()
        again = (fault for fault in known if is_known_as(signal.fault, fault) and not covers(signal.ending, fault))
        return next(again, signal.fault)

    def end_everywhere(self, signal: Signal) -> list[tuple[Case, str]]:
        """Applies a clear that ends its fault in whichever case it was counted; returns what it did to which."""
        if not self.open_incidents:
            note_end(signal.fault, signal.order, self.cleared.setdefault("", {}))
            return [(signal.case, IncidentChange.NOTHING)]
        return [(case, self.apply(replace(signal, case=case))) for case in Case]

    def _share(self, incident: IncidentState, faults: set[str]) -> None:
        if faults <= incident.faults:
            return
        # What ends by time goes on for as long as that, as in `join`.
        incident.faults = incident.faults | faults if incident.ends_at is None else faults
        incident.ends_at = None
        self.of(incident.case).touch(incident)

    def _take_over(self, signal: Signal) -> None:
        """What was counted as OTHER_FAULT turns out to be this: what had no cause, and what was told by nothing but
        what tells this. What has a code or words of its own is another fault, and so is what a signal names."""
        other, mine = self.of(Case.OTHER_FAULT), self.of(signal.case).open
        if other.open is None or mine is None or signal.order < other.open.last_raised_at:
            return
        vague = {fault for fault in other.open.faults if fault.endswith(VAGUE)} if _is_cause(mine) else set()
        rest = other.open.faults - vague
        if signal.fault != NEUTRAL and told_by(other.open.said) <= told_by(signal.said):
            rest = {fault for fault in rest if not is_told_again(fault, signal.fault)}
        if rest == other.open.faults:
            return
        self._share(mine, vague)
        other.touch(other.open)
        if rest:
            other.open.faults = rest
            return
        other.open.goes_on_as = mine
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


def _repeats(signal: Signal, cause: IncidentState) -> bool:
    is_again = any(is_known_as(signal.fault, fault) for fault in cause.faults)
    return is_again and told_by(signal.said) <= told_by(cause.said)


def _is_cause(incident: IncidentState) -> bool:
    """Whether an incident explains that a charge point is Faulted: neither silence does, nor what is but a moment. What
    ends by time because nobody says its end does."""
    if incident.case in (Case.OTHER_FAULT, Case.UNAVAILABLE):
        return False
    return incident.ends_at is None or any(map(is_never_ended, incident.faults))
