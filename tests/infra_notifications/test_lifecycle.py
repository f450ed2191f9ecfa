"""What a signal does to an incident, and whose clock is believed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.device_clock import Moment, judge, remember
from infra_notifications.choices import Case, CloseReason
from infra_notifications.rules.lifecycle import (
    NEUTRAL,
    SILENCE,
    CaseHistory,
    IncidentChange,
    IncidentState,
    Signal,
    apply,
)
from infra_notifications.rules.signals import last_seen_signal, silence_signal
from tests.infra_notifications.helpers import HOUR, MINUTE, NOW, at


def raised(
    fault: str = "a", second: float = 0, *, late_s: float = 0, device: bool = True, momentary_s: int | None = None
) -> Signal:
    """A raise of a device at this second, received `late_s` later."""
    return _signal(True, fault, second, late_s, device, momentary_s)


def cleared(fault: str = "a", second: float = 0, *, late_s: float = 0, device: bool = True) -> Signal:
    return _signal(False, fault, second, late_s, device, None)


def _signal(raises: bool, fault: str, second: float, late_s: float, device: bool, momentary_s: int | None) -> Signal:
    received = at(second + late_s)
    moment = Moment(at(second), True, at(second)) if device else Moment(received, False)
    return Signal(Case.SENSORS, raises, fault, moment, received, "said", 5, momentary_s)


def play(*signals: Signal) -> tuple[CaseHistory, list[str]]:
    history = CaseHistory()
    return history, [apply(signal, history) for signal in signals]


def opened(history: CaseHistory) -> IncidentState:
    assert history.open is not None
    return history.open


# ---- opening, repeating, closing ------------------------------------------------------------------------------------


def test_first_raise_opens_by_the_devices_time_with_the_receipt_beside_it() -> None:
    incident = opened(play(raised(late_s=90))[0])
    assert (incident.opened_at, incident.opened_received_at, incident.device_clock) == (NOW, at(90), True)
    assert (incident.faults, incident.said, incident.rule_id, incident.repeats) == ({"a"}, "said", 5, 0)


def test_further_raises_count_up_and_keep_the_beginning() -> None:
    history, steps = play(raised(), raised(second=60), raised(second=120))
    assert steps == [IncidentChange.OPENED, IncidentChange.REPEATED, IncidentChange.REPEATED]
    assert (opened(history).repeats, opened(history).opened_at, opened(history).last_raised_at) == (2, NOW, at(120))


def test_clear_closes_by_the_devices_time() -> None:
    history, steps = play(raised(), cleared(second=60, late_s=30))
    assert steps[-1] == IncidentChange.CLOSED
    assert history.open is None
    assert history.last_closed is not None
    assert (history.last_closed.closed_at, history.last_closed.closed_received_at) == (at(60), at(90))
    assert history.last_closed.close_reason == CloseReason.CLEARED


def test_clear_for_nothing_is_a_no_op() -> None:
    history, steps = play(cleared(), cleared("b"))
    assert steps == [IncidentChange.NOTHING, IncidentChange.NOTHING]
    assert history.touched == []


def test_clear_never_ends_before_the_beginning() -> None:
    history, _steps = play(raised(device=False), cleared(second=-500, late_s=500))
    assert history.last_closed is not None
    assert history.last_closed.closed_at == NOW


def test_clear_of_another_fault_ends_nothing() -> None:
    history, steps = play(raised("a"), cleared("b", 5))
    assert steps[-1] == IncidentChange.NOTHING
    assert opened(history).faults == {"a"}


def test_incident_lasts_until_its_last_fault_is_over() -> None:
    history, steps = play(raised("a"), raised("b", 1), cleared("a", 2), cleared("b", 3))
    assert steps == [IncidentChange.OPENED, IncidentChange.REPEATED, IncidentChange.EASED, IncidentChange.CLOSED]
    assert history.open is None


def test_raise_after_the_end_opens_anew() -> None:
    history, steps = play(raised(), cleared(second=5), raised(second=6))
    assert steps[-1] == IncidentChange.OPENED
    assert len(history.touched) == 2


@pytest.mark.parametrize(
    ("held", "clear", "ends"),
    [
        ("EVSE/Problem@1#CX004", "EVSE/Problem@1#CX004", True),
        ("EVSE/Problem@1#CX004", "EVSE/Problem@1#CX002", False),
        ("EVSE/Problem@1#CX004", "EVSE/Problem@1", True),
        ("EVSE/Problem@1", "EVSE/Problem@1#CX004", True),
        ("EVSE/Problem@1#CX004", "EVSE/Problem@2", False),
        ("EVSE/Problem@11", "EVSE/Problem@1", False),
        ("RCD/Tripped@1", "RCD/Operated@1", False),
        ("status", "status@0", False),
        ("status@0", "status", False),
        ("anything", "", True),
    ],
)
def test_clear_ends_its_own_fault_with_or_without_a_code(held: str, clear: str, ends: bool) -> None:
    assert (play(raised(held), cleared(clear, 1))[1][-1] == IncidentChange.CLOSED) is ends


# ---- in any order ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "received", "step"),
    [
        (50, 110, IncidentChange.CLOSED),
        (-5 * 3600, 110, IncidentChange.CLOSED),
        (150, 110, IncidentChange.CLOSED),
        (100, 100, IncidentChange.CLOSED),
        (50, 99, IncidentChange.LATE),
        (150, 99, IncidentChange.LATE),
    ],
)
def test_clear_ends_what_was_received_before_it_whatever_the_device_says(
    second: float, received: float, step: str
) -> None:
    history, steps = play(raised(second=100), cleared(second=second, late_s=received - second))
    assert (steps[-1], history.open is None) == (step, step == IncidentChange.CLOSED)


def test_clear_that_is_received_late_ends_the_fault_that_it_follows_and_no_newer_one() -> None:
    history, steps = play(raised("a", 10), raised("b", 30), cleared("a", 20), cleared("b", 20))
    assert steps[2:] == [IncidentChange.EASED, IncidentChange.LATE]
    assert opened(history).faults == {"b"}


def test_raise_that_is_received_after_its_clear_opens_and_is_over() -> None:
    history, steps = play(cleared(second=60), raised(second=0))
    assert (steps, history.open) == ([IncidentChange.NOTHING, IncidentChange.OPENED], None)
    (incident,) = history.touched
    assert (incident.opened_at, incident.closed_at, incident.close_reason) == (NOW, at(60), CloseReason.CLEARED)


def test_raise_that_is_over_does_not_hold_another_faults_incident_open() -> None:
    history, steps = play(cleared("a", 60), raised("b", 70), raised("a", 50), cleared("b", 80))
    assert (steps[2:], history.open) == ([IncidentChange.LATE, IncidentChange.CLOSED], None)


def test_queued_signals_are_ordered_by_the_device() -> None:
    queued = replace(cleared(second=50, late_s=100), queued=True)
    assert play(raised(second=100), queued)[1][-1] == IncidentChange.LATE
    unbelieved = replace(queued, moment=Moment(at(150), False, at(50)))
    assert play(raised(second=100), unbelieved)[1][-1] == IncidentChange.CLOSED


def test_late_copy_of_a_raise_belongs_to_the_closed_incident() -> None:
    history, steps = play(raised(), cleared(second=60), raised(second=0, late_s=100), raised(second=59))
    assert steps[2:] == [IncidentChange.LATE, IncidentChange.LATE]
    assert history.last_closed is not None
    assert history.last_closed.repeats == 2


@pytest.mark.parametrize(
    "late",
    [
        raised(second=60, late_s=100),
        raised(second=59, late_s=100),
        raised(second=-1, late_s=100),
        raised("b", 30, late_s=100),
        raised(second=30, late_s=100, device=False),
    ],
)
def test_raise_that_may_be_another_one_opens(late: Signal) -> None:
    """Received after the end and no copy of the first: a clock that fell back tells of a new fault in old times."""
    assert play(raised(), cleared(second=60), late)[1][-1] == IncidentChange.OPENED


def test_repeat_from_earlier_keeps_the_newest_time() -> None:
    assert opened(play(raised(second=60), raised(second=30))[0]).last_raised_at == at(60)


# ---- what nobody clears ---------------------------------------------------------------------------------------------


def test_momentary_event_knows_its_end_by_our_clock() -> None:
    assert opened(play(raised(late_s=10, momentary_s=3600))[0]).ends_at == at(3610)


def test_repeated_momentary_event_ends_later() -> None:
    assert opened(play(raised(momentary_s=3600), raised(second=60, momentary_s=3600))[0]).ends_at == at(3660)


def test_lasting_fault_keeps_a_momentary_incident_open() -> None:
    history, _steps = play(raised("shock", momentary_s=3600), raised("tilt", 1))
    assert (opened(history).ends_at, opened(history).faults) == (None, {"tilt"})


@pytest.mark.parametrize("shock_second", [0, 2])
def test_incident_with_a_momentary_fault_ends_with_its_lasting_one(shock_second: int) -> None:
    signals = sorted(
        [raised("shock", shock_second, momentary_s=3600), raised("tilt", 1)], key=lambda one: one.received_at
    )
    assert play(*signals, cleared("tilt", 5))[1][-1] == IncidentChange.CLOSED


# ---- silence and life -----------------------------------------------------------------------------------------------


def test_silence_says_for_how_long_and_begins_when_it_was_due() -> None:
    signal = silence_signal(NOW - HOUR, NOW - HOUR + 15 * MINUTE, NOW - 20 * MINUTE, NOW)
    assert (signal.said, signal.moment) == ("No message for 60 min", Moment(NOW - 45 * MINUTE, False))
    assert signal.silent_since == NOW - 20 * MINUTE


def test_life_ends_silence_and_another_systems_word_for_it() -> None:
    for fault in (SILENCE, NEUTRAL):
        history, _steps = play(_unavailable(fault))
        assert apply(last_seen_signal(at(60)), history) == IncidentChange.CLOSED


def test_life_does_not_end_a_reported_status() -> None:
    history, _steps = play(_unavailable("status"), _unavailable(SILENCE))
    assert apply(last_seen_signal(at(60)), history) == IncidentChange.EASED
    assert opened(history).faults == {"status"}


def _unavailable(fault: str) -> Signal:
    return Signal(Case.UNAVAILABLE, True, fault, Moment(NOW, False), NOW)


# ---- too old, and then anew -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("second", "fresh"), [(2 * 86_400, True), (60, True), (-60, False), (0, False)])
def test_raise_anew_is_news_after_one_that_was_too_old(second: float, fresh: bool) -> None:
    history, _steps = play(raised())
    apply(raised(second=second), history, news_since=at(30))
    assert opened(history).freshened is fresh


def test_raise_anew_is_no_news_where_the_last_one_was() -> None:
    history, _steps = play(raised())
    apply(raised(second=3600), history, news_since=at(-30))
    assert opened(history).freshened is False


# ---- whatever comes, in whatever order ------------------------------------------------------------------------------

SECONDS = st.integers(0, 600)
RAISES = st.builds(
    raised,
    st.sampled_from("ab"),
    SECONDS,
    late_s=SECONDS,
    device=st.booleans(),
)
CLEARS = st.builds(cleared, st.sampled_from(["a", "b", ""]), SECONDS, late_s=SECONDS, device=st.booleans())


def _event(signal: Signal) -> tuple[object, ...]:
    """What makes two signals the same event: a device does not report a fault twice at one moment."""
    return signal.raised, signal.fault, signal.moment.stamp or (signal.received_at,)


@given(st.lists(RAISES | CLEARS, max_size=25, unique_by=_event))
def test_no_order_of_signals_loses_a_raise_or_a_clear(signals: list[Signal]) -> None:
    """Judged by a plain model: all signals of a fault by receipt, the last one of them says whether it holds."""
    history = CaseHistory()
    for signal in signals:
        before = history.open
        step = apply(signal, history)
        if signal.raised:
            _check_raise(signal, step, before, history)
        else:
            assert (history.open is None) == (before is None or step == IncidentChange.CLOSED)
        _check_all(history)
    in_order = sorted(signals, key=lambda signal: signal.received_at)
    holds = {fault for fault in "ab" if _holds(fault, in_order)}
    assert (history.open is not None) == bool(holds)
    if history.open is not None:
        assert history.open.faults == holds


def _holds(fault: str, in_order: list[Signal]) -> bool:
    last: Signal | None = None
    for signal in in_order:
        if signal.fault == fault or (not signal.raised and not signal.fault):
            last = signal
    return last is not None and last.raised


def _check_raise(signal: Signal, step: str, before: IncidentState | None, history: CaseHistory) -> None:
    """No raise is lost: an incident that began before its receipt and, if it is over, ended no earlier counts it."""
    if step == IncidentChange.OPENED:
        assert before is None
        return
    incident = history.open or history.last_closed
    assert incident is not None
    assert any(one is incident for one in history.touched)
    if step == IncidentChange.REPEATED:
        assert incident is before
        assert signal.fault in incident.faults


def _check_all(history: CaseHistory) -> None:
    still_open = [incident for incident in history.touched if incident.closed_at is None]
    assert still_open == ([history.open] if history.open else [])
    for incident in history.touched:
        assert incident.faults
        assert incident.closed_at is None or incident.closed_at >= incident.opened_at
        assert incident.opened_at <= incident.opened_received_at
        assert incident.ends_at is None or incident.ends_at - incident.opened_received_at >= timedelta(seconds=0)


LIVE = st.tuples(st.booleans(), st.integers(0, 3_600), st.integers(-40 * 86_400, 7_200) | st.integers(-120, 0))


@given(st.lists(LIVE, max_size=25), st.booleans())
def test_no_clock_loses_a_raise_or_a_clear_or_tells_one_twice(
    said: list[tuple[bool, int, int]], stands_still: bool
) -> None:
    """Judged by a plain model: what is received live holds from its receipt, whatever the device's clock says. Only the
    very raise that opened the last incident, at the same moment by a clock that went on, is the same again."""
    history, mark, received, is_open = CaseHistory(), None, NOW, False
    for raises, pause, offset in said:
        received += timedelta(seconds=pause)
        stamp = NOW - 24 * HOUR if stands_still else received + timedelta(seconds=offset)
        moment = judge(stamp, received, mark)
        mark = remember(mark, moment, received)
        last = history.last_closed
        is_copy = last is not None and stamp == last.opened_at and last.device_clock
        step = apply(Signal(Case.SENSORS, raises, "a", moment, received), history)
        if raises and not is_open and is_copy:
            is_open = step == IncidentChange.OPENED
            continue
        expected = {
            (True, False): IncidentChange.OPENED,
            (True, True): IncidentChange.REPEATED,
            (False, True): IncidentChange.CLOSED,
            (False, False): IncidentChange.NOTHING,
        }
        assert step == expected[raises, is_open]
        is_open = raises
        _check_all(history)


@given(st.lists(st.integers(0, 599), min_size=1, max_size=5), st.data())
def test_copies_of_a_closed_incidents_signals_only_count_up(seconds: list[int], data: st.DataObject) -> None:
    raises = [raised(second=second) for second in sorted(seconds)]
    history, _steps = play(*raises, cleared(second=600))
    for copy in data.draw(st.lists(st.sampled_from([*raises, cleared(second=600)]), max_size=10)):
        assert apply(copy, history) in (IncidentChange.LATE, IncidentChange.NOTHING)
    assert (history.open, len(history.touched)) == (None, 1)
