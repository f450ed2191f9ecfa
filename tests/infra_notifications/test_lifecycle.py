"""What a signal does to an incident, and whose clock is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_notifications.choices import Case, CloseReason
from infra_notifications.rules.lifecycle import (
    NEUTRAL,
    SILENCE,
    CaseHistory,
    IncidentChange,
    IncidentState,
    Moment,
    Signal,
    apply,
    believable,
    last_seen_signal,
    silence_signal,
)
from tests.infra_notifications.helpers import DAY, HOUR, MINUTE, NOW, at


def raised(
    fault: str = "a", second: float = 0, *, late_s: float = 0, device: bool = True, momentary_s: int | None = None
) -> Signal:
    """A raise of a device at this second, received `late_s` later."""
    return _signal(True, fault, second, late_s, device, momentary_s)


def cleared(fault: str = "a", second: float = 0, *, late_s: float = 0, device: bool = True) -> Signal:
    return _signal(False, fault, second, late_s, device, None)


def _signal(raises: bool, fault: str, second: float, late_s: float, device: bool, momentary_s: int | None) -> Signal:
    received = at(second + late_s)
    moment = Moment(at(second), True) if device else Moment(received, False)
    return Signal(Case.SENSORS, raises, fault, moment, received, "said", 5, momentary_s)


def play(*signals: Signal) -> tuple[CaseHistory, list[str]]:
    history = CaseHistory()
    return history, [apply(signal, history) for signal in signals]


def opened(history: CaseHistory) -> IncidentState:
    assert history.open is not None
    return history.open


# ---- whose clock ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "moment"),
    [
        (NOW, Moment(NOW, True)),
        (NOW - HOUR, Moment(NOW - HOUR, True)),
        (NOW - 21 * DAY, Moment(NOW - 21 * DAY, True)),
        (NOW + MINUTE, Moment(NOW, True)),
        (NOW + 5 * MINUTE, Moment(NOW, True)),
        (NOW + 6 * MINUTE, Moment(NOW, False)),
        (NOW + 300 * DAY, Moment(NOW, False)),
        (datetime(1970, 1, 1, tzinfo=UTC), Moment(NOW, False)),
        (datetime(2014, 12, 31, tzinfo=UTC), Moment(NOW, False)),
        (None, Moment(NOW, False)),
    ],
)
def test_device_is_believed_unless_its_clock_was_never_set_or_runs_ahead(
    device: datetime | None, moment: Moment
) -> None:
    assert believable(device, NOW) == moment


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
    history, _steps = play(raised(device=False), cleared(second=-500))
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


def test_clear_from_before_the_last_raise_is_late() -> None:
    history, steps = play(raised(second=100), cleared(second=50, late_s=60))
    assert steps[-1] == IncidentChange.LATE
    assert history.open is not None


def test_late_copy_of_a_raise_belongs_to_the_closed_incident() -> None:
    history, steps = play(raised(), cleared(second=60), raised(second=0, late_s=100), raised(second=59, late_s=100))
    assert steps[2:] == [IncidentChange.LATE, IncidentChange.LATE]
    assert history.last_closed is not None
    assert history.last_closed.repeats == 2


@pytest.mark.parametrize(
    "late",
    [
        raised(second=60, late_s=100),
        raised(second=-1, late_s=100),
        raised("b", 30, late_s=100),
        raised(second=30, late_s=100, device=False),
    ],
)
def test_raise_that_may_be_another_one_opens(late: Signal) -> None:
    """At the very end, from before it, of another fault, or without a clock to tell."""
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
    signal = silence_signal(NOW - HOUR, NOW - HOUR + 15 * MINUTE, NOW)
    assert (signal.said, signal.moment) == ("No message for 60 min", Moment(NOW - 45 * MINUTE, False))


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


@pytest.mark.parametrize(
    ("first_late_s", "second", "fresh"),
    [(2 * 86_400, 2 * 86_400, True), (2 * 86_400, 600, True), (59, 3600, False), (2 * 86_400, 0, False)],
)
def test_raise_anew_may_be_news_after_one_that_was_reported_late(
    first_late_s: float, second: float, fresh: bool
) -> None:
    history, _steps = play(raised(late_s=first_late_s), raised(second=second, late_s=first_late_s))
    assert opened(history).freshened is fresh


# ---- whatever comes, in whatever order ------------------------------------------------------------------------------

SECONDS = st.integers(0, 600)
RAISES = st.builds(
    raised,
    st.sampled_from("ab"),
    SECONDS,
    late_s=SECONDS,
    device=st.booleans(),
    momentary_s=st.sampled_from([None, 60]),
)
CLEARS = st.builds(cleared, st.sampled_from(["a", "b", ""]), SECONDS, late_s=SECONDS, device=st.booleans())


@given(st.lists(RAISES | CLEARS, max_size=25))
def test_no_order_of_signals_breaks_an_incident(signals: list[Signal]) -> None:
    history = CaseHistory()
    for signal in signals:
        before = history.open
        step = apply(signal, history)
        if signal.raised:
            _check_raise(signal, step, before, history)
        else:
            assert step in (IncidentChange.NOTHING, IncidentChange.LATE, IncidentChange.EASED, IncidentChange.CLOSED)
            assert (history.open is None) == (before is None or step == IncidentChange.CLOSED)
        _check_all(history)


def _check_raise(signal: Signal, step: str, before: IncidentState | None, history: CaseHistory) -> None:
    """No raise is lost: it opens, repeats, or lies within the closed incident that its own fault held open."""
    if before is not None:
        assert (step, history.open) == (IncidentChange.REPEATED, before)
    elif step == IncidentChange.LATE:
        closed = history.last_closed
        assert closed is not None
        assert closed.closed_at is not None
        assert closed.opened_at <= signal.moment.at < closed.closed_at
        assert signal.fault in closed.faults
    else:
        assert step == IncidentChange.OPENED
        assert opened(history).faults == {signal.fault}


def _check_all(history: CaseHistory) -> None:
    still_open = [incident for incident in history.touched if incident.closed_at is None]
    assert still_open == ([history.open] if history.open else [])
    for incident in history.touched:
        assert incident.faults
        assert incident.closed_at is None or incident.closed_at >= incident.opened_at
        assert incident.opened_at <= incident.opened_received_at
        assert incident.last_raised_at >= incident.opened_at
        assert incident.ends_at is None or incident.ends_at - incident.opened_received_at >= timedelta(seconds=0)


@given(st.lists(st.integers(0, 599), min_size=1, max_size=5), st.data())
def test_copies_of_a_closed_incidents_signals_only_count_up(seconds: list[int], data: st.DataObject) -> None:
    raises = [raised(second=second) for second in sorted(seconds)]
    history, _steps = play(*raises, cleared(second=600))
    for copy in data.draw(st.lists(st.sampled_from([*raises, cleared(second=600)]), max_size=10)):
        assert apply(copy, history) in (IncidentChange.LATE, IncidentChange.NOTHING)
    assert (history.open, len(history.touched)) == (None, 1)
