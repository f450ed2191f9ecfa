"""The state machine by itself: ranks, Done beats Pending, soft time-outs, conflicts; permutations change nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_remotes.choices import OPEN, SUCCESS, TERMINAL, State, Verdict
from fleet_remotes.rules.status import ActionStatus, VendorReport, advance, infer_failure, mark_unconfirmed, rank
from tests.clock import NOW

PENDING = (State.ACCEPTED, State.CHECKING, State.WAKING, State.BLOCKED_QUOTA, State.BLOCKED_BATTERY, State.SENT)
OUTCOMES = (*SUCCESS, State.FAILED)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def says(state: State, seconds: float = 0, cause: str = "", *, record: bool = False) -> VendorReport:
    return VendorReport(state, at(seconds), cause, from_record=record)


def play(*reports: VendorReport, start: State = State.SUBMITTED) -> tuple[ActionStatus, list[Verdict]]:
    status, verdicts = ActionStatus(start, NOW), []
    for report in reports:
        status, verdict = advance(status, report)
        verdicts.append(verdict)
    return status, verdicts


def test_every_state_has_a_rank_and_is_either_open_or_terminal() -> None:
    assert {*OPEN, *TERMINAL} == set(State)
    assert not set(OPEN) & set(TERMINAL)
    assert all(rank(state) >= 0 for state in State)


@pytest.mark.parametrize("first", PENDING)
@pytest.mark.parametrize("second", PENDING)
def test_a_pending_report_only_raises_the_rank(first: State, second: State) -> None:
    status, verdicts = play(says(first), says(second, 1))
    assert status.state == max(first, second, key=rank)
    expected = Verdict.APPLIED if rank(second) > rank(first) else Verdict.REGRESSIVE
    assert verdicts == [Verdict.APPLIED, Verdict.REPEATED if first == second else expected]


@pytest.mark.parametrize("done", OUTCOMES)
@pytest.mark.parametrize("before", PENDING)
def test_done_beats_pending_whatever_its_date(before: State, done: State) -> None:
    status, verdicts = play(says(before, 100), says(done, -500))
    assert (status.state, status.since, verdicts[1]) == (done, at(-500), Verdict.APPLIED)


@pytest.mark.parametrize("late", PENDING)
@pytest.mark.parametrize("done", OUTCOMES)
def test_nothing_pending_changes_an_outcome(done: State, late: State) -> None:
    status, verdicts = play(says(done), says(late, 9))
    assert (status.state, verdicts[1]) == (done, Verdict.LATE)


@pytest.mark.parametrize("state", [State.CANCELLED, State.REJECTED, State.REFUSED])
@pytest.mark.parametrize("report", [says(State.SUCCEEDED), says(State.SENT), says(State.FAILED, record=True)])
def test_what_was_never_sent_stays_so(state: State, report: VendorReport) -> None:
    status, verdicts = play(report, start=state)
    assert (status.state, verdicts) == (state, [Verdict.LATE])


@pytest.mark.parametrize("done", OUTCOMES)
def test_a_late_done_settles_what_was_unconfirmed_and_says_how_late(done: State) -> None:
    waited = mark_unconfirmed(play(says(State.SENT, 5))[0], at(600))
    assert waited.state == State.UNCONFIRMED
    settled, verdict = advance(waited, says(done, 600 + 50 * 3600))
    assert (settled.state, verdict) == (done, Verdict.APPLIED)
    assert settled.confirmed_late_after_s == 50 * 3600
    assert advance(waited, says(State.SENT, 700))[0] == waited


def test_a_done_that_happened_before_the_time_out_is_confirmed_after_no_time() -> None:
    waited = mark_unconfirmed(play(says(State.SENT, 5))[0], at(600))
    assert advance(waited, says(State.SUCCEEDED, 30))[0].confirmed_late_after_s == 0
    assert play(says(State.SUCCEEDED))[0].confirmed_late_after_s is None


@pytest.mark.parametrize("state", [*OUTCOMES, State.CANCELLED, State.REJECTED, State.REFUSED])
def test_what_ended_cannot_time_out(state: State) -> None:
    status = ActionStatus(state, NOW)
    assert mark_unconfirmed(status, at(9)) is status


@pytest.mark.parametrize(
    ("blocked", "cause"),
    [
        (State.BLOCKED_QUOTA, "TooManyWakeUpsOverMonth"),
        (State.BLOCKED_BATTERY, "NotPossibleDueToVehicleBatteryLevel"),
    ],
)
@pytest.mark.parametrize("done", OUTCOMES)
def test_a_failure_by_inference_gives_way_to_a_real_word(blocked: State, cause: str, done: State) -> None:
    failed = infer_failure(play(says(blocked))[0], at(300))
    assert (failed.state, failed.cause, failed.inferred) == (State.FAILED, cause, True)
    assert advance(failed, says(State.SENT, 301)) == (failed, Verdict.LATE)
    settled, verdict = advance(failed, says(done, 900, "DoorsOpen" if done == State.FAILED else ""))
    assert (settled.state, settled.inferred, verdict) == (done, False, Verdict.APPLIED)


def test_only_what_is_blocked_fails_by_inference() -> None:
    for state in set(State) - {State.BLOCKED_QUOTA, State.BLOCKED_BATTERY}:
        status = ActionStatus(state, NOW)
        assert infer_failure(status, at(1)) is status


def test_of_two_outcomes_the_earlier_counts_and_both_are_known_to_differ() -> None:
    for reports in ((says(State.SUCCEEDED, 5), says(State.FAILED, 3, "DoorsOpen")),):
        for order in (reports, reports[::-1]):
            status, verdicts = play(*order)
            assert (status.state, status.cause, status.conflict) == (State.FAILED, "DoorsOpen", True)
            assert verdicts == [Verdict.APPLIED, Verdict.CONFLICT]


def test_the_vendors_record_settles_a_conflict_for_good() -> None:
    status, _verdicts = play(says(State.SUCCEEDED, 5), says(State.FAILED, 3, "DoorsOpen"))
    settled, verdict = advance(status, says(State.SUCCEEDED, 60, record=True))
    assert (settled.state, settled.cause, settled.conflict, settled.reconciled) == (State.SUCCEEDED, "", True, True)
    assert verdict == Verdict.APPLIED
    assert advance(settled, says(State.FAILED, 1))[0].state == State.SUCCEEDED


def test_a_record_that_agrees_closes_the_question() -> None:
    status, _verdicts = play(says(State.SUCCEEDED, 5), says(State.FAILED, 9, "DoorsOpen"))
    settled, verdict = advance(status, says(State.ALREADY_DONE, 60, record=True))
    assert (settled.state, settled.reconciled, verdict) == (State.SUCCEEDED, True, Verdict.REPEATED)


# ---- histories ------------------------------------------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> list[VendorReport]:
    """A path through the vendor's flow chart: pending reports in its order, then maybe an outcome."""
    steps = [state for state in PENDING if draw(st.booleans())]
    reports = [says(state, 10 * place) for place, state in enumerate(steps)]
    outcome = draw(st.sampled_from([None, *OUTCOMES]))
    if outcome is not None:
        cause = draw(st.sampled_from(["DoorsOpen", "GeneralError"])) if outcome == State.FAILED else ""
        reports.append(says(outcome, 10 * len(steps), cause))
    return reports


@given(histories(), st.data())
@settings(max_examples=400)
def test_any_permutation_and_repetition_ends_in_the_same_status(
    history: list[VendorReport], data: st.DataObject
) -> None:
    straight, _verdicts = play(*history)
    repeated = history + data.draw(st.lists(st.sampled_from(history), max_size=6)) if history else []
    shuffled, verdicts = play(*data.draw(st.permutations(repeated)))
    assert shuffled == straight
    assert Verdict.CONFLICT not in verdicts


@given(histories(), st.data())
def test_our_time_out_at_any_moment_does_not_change_an_outcome(
    history: list[VendorReport], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(history))
    place = data.draw(st.integers(0, len(history)))
    status, _verdicts = play(*shuffled[:place])
    status = mark_unconfirmed(status, at(1_000))
    for report in shuffled[place:]:
        status, _verdict = advance(status, report)
    straight, _verdicts = play(*history)
    assert status.state == (straight.state if straight.is_settled else State.UNCONFIRMED)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(OUTCOMES), st.integers(0, 5), st.sampled_from(["A", "B", "VehicleConnectionTimeout"])
        ),
        max_size=6,
    ),
    st.data(),
)
def test_contradicting_outcomes_end_alike_in_any_order(
    given_outcomes: list[tuple[State, int, str]], data: st.DataObject
) -> None:
    reports = [says(state, second, cause if state == State.FAILED else "") for state, second, cause in given_outcomes]
    straight, _verdicts = play(*reports)
    shuffled, _verdicts = play(*data.draw(st.permutations(reports)))
    assert shuffled == straight
    lasting = [r for r in reports if not r.is_provisional]
    families = {report.state in SUCCESS for report in lasting}
    assert straight.conflict == (len(families) == 2)
