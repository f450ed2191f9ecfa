"""When a delivery is tried again, and when that ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.choices import DeliveryState, Reason, Verdict
from outbox.contract import ANSWER_BYTES, RELEASED, Outcome, delivered, failed, held_back, postponed, retry
from outbox.rules import retrying
from outbox.rules.retrying import MAX_AGE, RETRY_PAUSES_S, SERVER_PAUSES_S, Settlement, retry_pause, server_pause
from tests.outbox.kit import NOW, days

chances = st.floats(0, 1, exclude_max=True)


def settle(
    outcome: Outcome, *, attempts: int = 1, age: timedelta = timedelta(0), chance: float = 0, pause_s: float = 0
) -> Settlement:
    return retrying.settle(
        outcome, counted_attempts=attempts, created_at=NOW - age, now=NOW, chance=chance, pause_s=pause_s
    )


def wait(settlement: Settlement) -> float:
    assert settlement.next_attempt_at is not None
    return (settlement.next_attempt_at - NOW).total_seconds()


def test_pauses_are_those_of_the_schedule() -> None:
    pauses = [retry_pause(counted, 0) for counted in range(1, 12)]
    assert pauses == [5, 30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, None]


@given(counted=st.integers(1, 10), chance=chances)
def test_jitter_adds_a_tenth_at_most_and_takes_nothing_away(counted: int, chance: float) -> None:
    pause = retry_pause(counted, chance)
    assert pause is not None
    assert RETRY_PAUSES_S[counted - 1] <= pause <= RETRY_PAUSES_S[counted - 1] * 1.1


@given(chance=chances, other=chances)
def test_pauses_grow_whatever_the_chance(chance: float, other: float) -> None:
    for counted in range(1, 10):
        assert (retry_pause(counted, chance) or 0) < (retry_pause(counted + 1, other) or 0)


@given(failures=st.integers(0, 1_000), chance=chances)
def test_server_is_left_alone_for_a_minute_at_most(failures: int, chance: float) -> None:
    assert SERVER_PAUSES_S[0] <= server_pause(failures, chance) <= SERVER_PAUSES_S[-1] * 1.1
    assert server_pause(failures, 0) <= server_pause(failures + 1, 0)


def test_accepted_delivery_has_ended() -> None:
    assert settle(delivered(250, "OK")) == Settlement(DeliveryState.DELIVERED, Reason.ACCEPTED, None)


def test_delivery_refused_for_good_has_failed_with_the_reason() -> None:
    after = settle(failed(Reason.ADDRESS_REFUSED, 550, "unknown"))
    assert after == Settlement(DeliveryState.FAILED, Reason.ADDRESS_REFUSED, None)


@pytest.mark.parametrize(("attempts", "pause"), list(enumerate(RETRY_PAUSES_S, start=1)))
def test_delivery_refused_for_now_is_retried_by_the_schedule(attempts: int, pause: float) -> None:
    after = settle(retry(Reason.TEMPORARY, 451, "later"), attempts=attempts)
    assert (after.state, after.reason, wait(after)) == (DeliveryState.RETRYING, Reason.TEMPORARY, pause)


def test_delivery_has_failed_when_the_schedule_is_used_up() -> None:
    after = settle(retry(Reason.TEMPORARY, 451), attempts=len(RETRY_PAUSES_S) + 1)
    assert after == Settlement(DeliveryState.FAILED, Reason.EXHAUSTED, None)


def test_receiver_may_ask_for_a_longer_pause_but_not_for_a_shorter_one() -> None:
    assert wait(settle(retry(Reason.TEMPORARY, 429, retry_after_s=90))) == 90
    assert wait(settle(retry(Reason.TEMPORARY, 429, retry_after_s=1))) == RETRY_PAUSES_S[0]


def test_receiver_cannot_ask_for_more_than_our_own_longest_pause() -> None:
    assert wait(settle(retry(Reason.TEMPORARY, 429, retry_after_s=1e9))) == RETRY_PAUSES_S[-1]


def test_away_server_delays_by_its_own_pause_however_many_attempts_there_were() -> None:
    after = settle(postponed(Reason.CONNECTION), attempts=99, pause_s=10)
    assert (after.state, after.reason, wait(after)) == (DeliveryState.RETRYING, Reason.CONNECTION, 10)


def test_delivery_whose_server_is_away_expires_visibly_after_seven_days() -> None:
    assert days(7) == MAX_AGE
    assert settle(postponed(Reason.LOGIN), age=days(7)).state == DeliveryState.RETRYING
    after = settle(postponed(Reason.LOGIN), age=days(7) + timedelta(seconds=1))
    assert after == Settlement(DeliveryState.FAILED, Reason.EXPIRED, None)


def test_delivery_given_back_unsent_is_due_at_once() -> None:
    assert settle(RELEASED, attempts=3) == Settlement(DeliveryState.RETRYING, Reason.NONE, NOW)


def test_delivery_given_back_for_a_pause_is_due_after_it() -> None:
    assert settle(RELEASED, attempts=3, pause_s=30).next_attempt_at == NOW + timedelta(seconds=30)


def test_what_is_held_back_ends_as_not_sent_with_its_reason() -> None:
    assert settle(held_back(Reason.PAUSED)) == Settlement(DeliveryState.SUPPRESSED, Reason.PAUSED, None)


@pytest.mark.parametrize("verdict", Verdict)
def test_only_a_word_about_the_message_counts_against_the_schedule(verdict: Verdict) -> None:
    assert Outcome(verdict, Reason.NONE).counts == (verdict in {Verdict.DELIVERED, Verdict.RETRY, Verdict.FAILED})


def test_answer_is_kept_up_to_four_kilobytes() -> None:
    outcomes = (
        delivered(250, "x" * 9_999),
        retry(Reason.TEMPORARY, 450, "x" * 9_999),
        failed(Reason.TLS, 5, "x" * 9_999),
    )
    assert {len(outcome.answer) for outcome in (*outcomes, postponed(Reason.TLS, "x" * 9_999))} == {ANSWER_BYTES}


@given(attempts=st.integers(1, 40), chance=chances, pause=st.floats(0, 70), verdict=st.sampled_from(Verdict))
def test_every_settlement_either_ends_or_says_when_it_goes_on(
    attempts: int, chance: float, pause: float, verdict: Verdict
) -> None:
    after = settle(Outcome(verdict, Reason.NONE), attempts=attempts, chance=chance, pause_s=pause)
    ended = {DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.SUPPRESSED}
    assert (after.next_attempt_at is None) == (after.state in ended)
    assert after.next_attempt_at is None or after.next_attempt_at >= NOW
