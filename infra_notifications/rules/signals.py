"""What readings of messages, silence and connections do to incidents: the signals that they make. Pure."""

from __future__ import annotations

from datetime import datetime

from core.device_clock import Moment
from infra_notifications.choices import Case, CloseReason, Effect
from infra_notifications.ingest import Observation
from infra_notifications.rules.fault_names import CAUSED, VAGUE, end_beside, ending_what_faulted, told_by_codes
from infra_notifications.rules.lifecycle import CLOSED, NEUTRAL, OCPI_OFFLINE, SILENCE, Signal
from infra_notifications.rules.matching import ENDS_OF_CODE, Reading

# For how long a fault holds that nobody says the end of.
TRANSIENT_S = 3_600


def signals_of(
    observation: Observation, reading: Reading, effect: Effect, moment: Moment, received_at: datetime, queued: bool
) -> list[Signal]:
    """What a rule makes of an observation, in the order in which it counts.

    A fault that says itself that it is over ends in whichever case it was counted: its clear need not repeat the
    code that raised it, and the rules may have changed meanwhile.
    """
    signals, rule, fault = [], reading.rule, observation.fault
    end = fault.removesuffix(CAUSED)
    over = told_by_codes(end.rstrip(VAGUE), reading.over) if reading.over else ""

    def signal(case: Case | None, raised: bool, fault: str) -> Signal:
        every_case, momentary_s = case is None, rule.momentary_s if rule else None
        if observation.transient:
            momentary_s = momentary_s or TRANSIENT_S
        if observation.faulted:  # that lasts until another state, whatever the rule says of its cause
            momentary_s = None
        fault = told_by_codes(fault, reading.codes) if raised else end_beside(fault, observation.status)
        said, ending = (reading.left or reading.said, over) if raised and over else (reading.said, "")
        about = (case or Case.OTHER_FAULT, raised, fault, moment, received_at, said, rule.id if rule else None)
        return Signal(*about, momentary_s, queued=queued, every_case=every_case, ending=ending)

    if reading.ended and not over:
        signals.append(signal(Case(reading.ended), False, end))
    if (effect != Effect.INFO or observation.over) and rule is not ENDS_OF_CODE[reading.ended]:
        case = Case(rule.case) if rule and rule.case and not observation.over else None
        unnamed = fault.rstrip(VAGUE) + VAGUE if reading.is_vague else fault
        signals.append(signal(case, effect == Effect.RAISE, unnamed if effect == Effect.RAISE else end))
        if effect == Effect.RAISE:
            signals += [signal(Case(each.case), True, fault) for each in reading.further]
    # After the raise, so that what goes on in the same case does not end.
    if over:
        signals.append(signal(None, False, over))
        if reading.ended:
            signals.append(signal(Case(reading.ended), False, told_by_codes(over, ("",))))
    if observation.operative and (over or not (signals and signals[-1].every_case)):
        signals.append(signal(None, False, ending_what_faulted(fault)))
    return signals


# ---- what nobody says in words --------------------------------------------------------------------------------------


def last_seen_signal(seen_at: datetime) -> Signal:
    """Any message ends what silence, a closed connection, or another system's word for it, had raised."""
    return Signal(
        Case.UNAVAILABLE,
        False,
        "",
        Moment(seen_at, False),
        seen_at,
        close_reason=CloseReason.SEEN,
        only=(SILENCE, NEUTRAL, CLOSED, OCPI_OFFLINE),
    )


def silence_signal(last_seen: datetime, silent_at: datetime, counted_from: datetime, now: datetime) -> Signal:
    """`counted_from`: since when it was silent while somebody listened, not before the last message."""
    minutes = max(1, round((now - last_seen).total_seconds() / 60))
    said = f"No message for {minutes} min"
    return Signal(Case.UNAVAILABLE, True, SILENCE, Moment(silent_at, False), now, said=said, silent_since=counted_from)


def closed_signal(closed_at: datetime, said: str) -> Signal:
    """The connection of its station closed; the delay of groups counts from then."""
    return Signal(Case.UNAVAILABLE, True, CLOSED, Moment(closed_at, False), closed_at, said=said)


def connected_signal(at: datetime) -> Signal:
    """Its station is connected. `at` is not before the moment at which an earlier connection closed."""
    return Signal(Case.UNAVAILABLE, False, "", Moment(at, False), at, close_reason=CloseReason.SEEN, only=(CLOSED,))
