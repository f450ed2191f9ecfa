"""claim → settle: nobody holds a row twice, a lost lease overwrites nothing, every attempt is recorded."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from outbox.checks import check_oldest_due
from outbox.choices import Channel, DeliveryState, Reason, Verdict
from outbox.contract import RELEASED, Outcome, Result, failed, postponed, retry
from outbox.models import Address, Attempt, Delivery
from outbox.rules.retrying import RETRY_PAUSES_S
from outbox.selectors import oldest_due, refused_addresses
from outbox.services.settling import (
    ALONE_FROM,
    LOST_PAUSES_S,
    MOST_LOST,
    claim,
    claimer_alone,
    mend_times,
    reclaim_lost,
    settle,
    waits_alone,
)
from tests.outbox.kit import (
    NOW,
    a_delivery,
    a_note,
    days,
    fine,
    fresh,
    in_one_transaction,
    in_threads,
    published,
    settled,
    taken,
)
from tests.waiting import PATIENCE_S

LATER = timedelta(seconds=1)
NOT_WAITING = [state for state in DeliveryState if state not in (DeliveryState.PENDING, DeliveryState.RETRYING)]
REFUSED = failed(Reason.ADDRESS_REFUSED, 550, "550 5.1.1 no such user")


# ---- claim --------------------------------------------------------------------------------------------------------


def test_claimed_delivery_is_being_sent_until_its_lease_ends(db: None) -> None:
    delivery = a_delivery()
    (held,) = taken(lease_s=120)
    row = fresh(delivery)
    assert (row.state, row.lease, row.lease_until) == (DeliveryState.SENDING, held.lease, NOW + timedelta(seconds=120))


def test_claimed_delivery_carries_all_that_its_mail_needs(db: None) -> None:
    note = a_note("a@example.org", list_key="group:7", thread="ab" * 16)
    (delivery,) = published(note)
    (held,) = taken()
    assert (held.id, held.address, held.list_key, held.channel) == (delivery.pk, "a@example.org", "group:7", "email")
    assert (held.event.uuid, held.event.kind, held.event.thread) == (note.uuid, "test.note", "ab" * 16)
    assert held.event.payload == {"title": "A fuse tripped", "words": "Deck 2 is dark"}
    assert (held.attempts, held.created_at) == (0, NOW)


def test_what_is_not_due_yet_is_left(db: None) -> None:
    a_delivery(next_attempt_at=NOW + LATER)
    assert taken() == []
    assert len(taken(now=NOW + LATER)) == 1


@pytest.mark.parametrize("state", NOT_WAITING)
def test_only_what_waits_is_claimed(db: None, state: str) -> None:
    a_delivery(state=state)
    assert taken() == []


def test_nothing_is_claimed_twice(db: None) -> None:
    a_delivery()
    assert len(taken()) == 1
    assert taken() == []


def test_oldest_come_first_and_never_more_than_asked_for(db: None) -> None:
    times = (3, 1, 2, 5, 4)
    rows = {n: a_delivery(f"a{n}@example.org", next_attempt_at=NOW - n * LATER) for n in times}
    assert {held.id for held in taken(2)} == {rows[5].pk, rows[4].pk}
    assert {held.id for held in taken(2)} == {rows[3].pk, rows[2].pk}


def test_other_channels_and_busy_destinations_are_left(db: None) -> None:
    a_delivery(channel=Channel.WEBHOOK)
    a_delivery(destination="slow")
    a_delivery(destination="quick")
    held = claim(channel=Channel.EMAIL, limit=10, lease_s=60, now=NOW, busy=["slow", "slower"])
    assert [one.destination for one in held] == ["quick"]


def test_row_that_another_transaction_holds_is_skipped_without_waiting(committed: None) -> None:
    published(a_note("a@example.org", "b@example.org"))
    with transaction.atomic():
        (mine,) = taken(1)
        (others,) = in_threads(taken)
    assert len(others) == 1
    assert others[0].id != mine.id


def test_workers_that_claim_at_once_never_get_the_same_row(committed: None) -> None:
    published(*[a_note(*[f"a{n}@example.org" for n in range(20)]) for _ in range(20)])
    start = threading.Barrier(4)

    def work() -> list[int]:
        start.wait(PATIENCE_S)
        found: list[int] = []
        while batch := taken(7):
            assert len(batch) <= 7
            found += [held.id for held in batch]
        return found

    found = [pk for part in in_threads(work, work, work, work) for pk in part]
    assert len(found) == len(set(found)) == 400


@pytest.mark.parametrize("number", [1, 100, 1_000])
def test_claiming_costs_two_queries_whatever_the_batch(db: None, number: int) -> None:
    published(*[a_note("a@example.org") for _ in range(number)])
    with CaptureQueriesContext(connection) as queries:
        assert len(taken(1_000)) == number
    assert len(queries) == 2


# ---- settle -------------------------------------------------------------------------------------------------------


def test_delivered_mail_has_ended_with_its_attempt(db: None) -> None:
    delivery = a_delivery()
    assert settled(fine(), now=NOW) == 1
    row, attempt = fresh(delivery), Attempt.objects.get()
    assert (row.state, row.reason, row.attempts, row.settled_at) == ("delivered", "accepted", 1, NOW)
    assert (row.lease, row.lease_until, row.next_attempt_at) == (None, None, None)
    assert (attempt.delivery_id, attempt.verdict, attempt.reason) == (delivery.pk, "delivered", "accepted")
    assert (attempt.at, attempt.duration_ms, attempt.code, attempt.answer) == (NOW, 250, 250, "250 OK")


def test_refusal_for_now_is_retried_by_the_schedule(db: None) -> None:
    delivery = a_delivery()
    settled(retry(Reason.TEMPORARY, 451, "451 busy"))
    row = fresh(delivery)
    assert (row.state, row.reason, row.attempts, row.settled_at) == ("retrying", "temporary", 1, None)
    assert row.next_attempt_at is not None
    assert NOW + timedelta(seconds=5) <= row.next_attempt_at <= NOW + timedelta(seconds=5.5)


def test_schedule_ends_visibly_after_eleven_attempts(db: None) -> None:
    delivery, now = a_delivery(), NOW
    while delivery.next_attempt_at is not None:
        now = delivery.next_attempt_at
        settled(retry(Reason.TEMPORARY, 451, "451 busy"), now=now)
        delivery = fresh(delivery)
    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, Reason.EXHAUSTED)
    assert delivery.attempts == Attempt.objects.count() == 11
    assert timedelta(seconds=sum(RETRY_PAUSES_S)) <= now - NOW <= timedelta(seconds=1.1 * sum(RETRY_PAUSES_S))


def test_server_that_is_away_delays_without_counting(db: None) -> None:
    delivery = a_delivery(attempts=2)
    settled(postponed(Reason.CONNECTION, "refused"), pause_s=20)
    row = fresh(delivery)
    assert (row.state, row.reason, row.attempts) == (DeliveryState.RETRYING, Reason.CONNECTION, 2)
    assert row.next_attempt_at == NOW + timedelta(seconds=20)
    assert Attempt.objects.get().verdict == Verdict.POSTPONED


def test_what_an_away_server_delayed_for_seven_days_has_failed_visibly(db: None) -> None:
    delivery = a_delivery()
    settled(postponed(Reason.CONNECTION), now=NOW + days(7.1))
    row = fresh(delivery)
    assert (row.state, row.reason, row.settled_at) == (DeliveryState.FAILED, Reason.EXPIRED, NOW + days(7.1))


def test_what_was_given_back_unsent_is_due_at_once_and_was_no_attempt(db: None) -> None:
    delivery = a_delivery()
    settled(RELEASED)
    row = fresh(delivery)
    assert (row.state, row.attempts, row.next_attempt_at) == (DeliveryState.RETRYING, 0, NOW)
    assert not Attempt.objects.exists()
    assert len(taken()) == 1


def test_lost_lease_is_not_overwritten_but_its_attempt_is_recorded(db: None) -> None:
    delivery = a_delivery()
    (lost,) = taken(lease_s=10)
    reclaim_lost(now=NOW + timedelta(seconds=11))
    (held,) = taken(now=NOW + timedelta(seconds=16))
    assert settled(failed(Reason.CONTENT_REFUSED, 554, "late"), lost) == 0
    assert (fresh(delivery).state, fresh(delivery).lease) == (DeliveryState.SENDING, held.lease)
    assert Attempt.objects.filter(delivery=delivery, answer="late").count() == 1
    assert settled(fine(), held) == 1


def test_settling_twice_changes_nothing_the_second_time(db: None) -> None:
    delivery = a_delivery()
    (held,) = taken()
    settled(fine(), held)
    assert settled(failed(Reason.CONTENT_REFUSED), held) == 0
    assert fresh(delivery).state == DeliveryState.DELIVERED


def test_cancelled_delivery_keeps_that_state_when_a_lost_worker_reports(db: None) -> None:
    delivery = a_delivery()
    (held,) = taken()
    Delivery.objects.update(state=DeliveryState.CANCELLED)
    assert settled(fine(), held) == 0
    assert fresh(delivery).state == DeliveryState.CANCELLED


def test_each_delivery_of_a_batch_gets_its_own_outcome(db: None) -> None:
    rows = [a_delivery(f"a{n}@example.org") for n in range(3)]
    outcomes = (fine(), REFUSED, retry(Reason.TEMPORARY, 450))
    settle(results=[Result(held, what, NOW, 0.1) for held, what in zip(taken(), outcomes, strict=True)], now=NOW)
    assert [fresh(row).state for row in rows] == ["delivered", "failed", "retrying"]
    assert [row.tries.get().code for row in rows] == [250, 550, 450]


@in_one_transaction
@given(answer=st.text())
def test_whatever_the_server_said_is_kept(db: None, answer: str) -> None:
    (held,) = (a_delivery(), taken())[1]
    settled(retry(Reason.TEMPORARY, 451, answer), held)
    assert Attempt.objects.get(delivery_id=held.id).answer == answer.replace("\x00", "")


@pytest.mark.parametrize("outcome", [fine(), REFUSED, retry(Reason.TEMPORARY, 450)])
@pytest.mark.parametrize("number", [1, 100, 1_000])
def test_queries_of_settling_do_not_grow_with_the_batch(db: None, number: int, outcome: Outcome) -> None:
    published(*[a_note(f"a{n}@example.org") for n in range(number)])
    held = taken(1_000)
    with CaptureQueriesContext(connection) as queries:
        assert settled(outcome, *held) == number
    assert len(queries) <= 2
    assert Attempt.objects.count() == number


def test_settling_nothing_asks_nothing(db: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert settle(results=[], now=NOW) == 0
    assert len(queries) == 0


# ---- what is learnt of addresses ----------------------------------------------------------------------------------


def test_refused_address_is_marked_with_the_servers_words(db: None) -> None:
    a_delivery("Gone@example.org")
    settled(REFUSED)
    mark = refused_addresses(["gone@EXAMPLE.org"])["gone@example.org"]
    assert (mark.failing_since, mark.last_failure_at, mark.last_answer) == (NOW, NOW, "550 5.1.1 no such user")


def test_second_refusal_keeps_since_when(db: None) -> None:
    for day in (0, 1):
        a_delivery("gone@example.org", now=NOW + days(day))
        settled(failed(Reason.ADDRESS_REFUSED, 550, f"day {day}"), now=NOW + days(day))
    mark = Address.objects.get()
    assert (mark.failing_since, mark.last_failure_at, mark.last_answer) == (NOW, NOW + days(1), "day 1")


def test_later_success_clears_the_mark(db: None) -> None:
    a_delivery("back@example.org")
    settled(REFUSED)
    a_delivery("BACK@example.org")
    settled(fine())
    assert Address.objects.get().failing_since is None
    assert refused_addresses(["back@example.org"]) == {}


@pytest.mark.parametrize(("outcomes", "marked"), [((REFUSED, fine()), False), ((fine(), REFUSED), True)])
def test_last_word_of_a_batch_decides_on_the_mark(db: None, outcomes: tuple[Outcome, ...], marked: bool) -> None:
    published(a_note("a@example.org"), a_note("a@example.org"))
    settle(results=[Result(held, what, NOW, 0) for held, what in zip(taken(), outcomes, strict=True)], now=NOW)
    assert bool(refused_addresses(["a@example.org"])) is marked


@pytest.mark.parametrize("outcome", [retry(Reason.TEMPORARY, 450), failed(Reason.CONTENT_REFUSED, 554), RELEASED])
def test_other_outcomes_say_nothing_of_the_address(db: None, outcome: Outcome) -> None:
    a_delivery()
    settled(outcome)
    assert not Address.objects.exists()


def test_block_of_an_address_outlives_a_success(db: None) -> None:
    Address.objects.create(channel=Channel.EMAIL, address="a@example.org", blocked_reason=Reason.ERASED)
    a_delivery("a@example.org", state=DeliveryState.PENDING, next_attempt_at=NOW)
    settled(fine())
    assert Address.objects.get().blocked_reason == Reason.ERASED


def test_webhooks_and_banners_mark_no_mail_address(db: None) -> None:
    a_delivery(channel=Channel.WEBHOOK)
    held = claim(channel=Channel.WEBHOOK, limit=1, lease_s=60, now=NOW)
    settled(REFUSED, *held)
    assert not Address.objects.exists()


# ---- lost workers -------------------------------------------------------------------------------------------------


def test_lease_that_ran_out_is_given_back_and_recorded(db: None) -> None:
    delivery = a_delivery(attempts=3)
    taken(lease_s=60)
    then = NOW + timedelta(seconds=61)
    assert reclaim_lost(now=then) == 1
    row, attempt = fresh(delivery), Attempt.objects.get()
    assert (row.state, row.reason, row.attempts, row.lost) == (DeliveryState.RETRYING, Reason.WORKER_LOST, 4, 1)
    pause = timedelta(seconds=LOST_PAUSES_S[0])
    assert (row.lease, row.lease_until, row.next_attempt_at) == (None, None, then + pause)
    assert (attempt.verdict, attempt.reason, attempt.at) == (Verdict.RETRY, Reason.WORKER_LOST, then)


def test_delivery_at_which_worker_after_worker_dies_backs_off_is_taken_alone_and_fails(db: None) -> None:
    poison, now = a_delivery(), NOW
    for lost in range(1, MOST_LOST + 1):
        is_alone = lost > ALONE_FROM
        assert [each.id for each in taken(now=now, lease_s=60)] == ([] if is_alone else [poison.id])
        assert waits_alone(now=now) == is_alone
        if is_alone:
            assert [each.id for each in claimer_alone(Channel.EMAIL, 60)(now)] == [poison.id]
        assert reclaim_lost(now=now + timedelta(seconds=61)) == 1
        assert taken(now=now + timedelta(seconds=62)) == []
        check = check_oldest_due(now + timedelta(seconds=62))
        assert "workers died" in check.text or lost == MOST_LOST
        now += HOUR
        assert lost == MOST_LOST or not check_oldest_due(now).ok
    row = fresh(poison)
    assert (row.state, row.reason, row.attempts) == (DeliveryState.FAILED, Reason.WORKER_LOST, MOST_LOST)
    verdicts = list(Attempt.objects.filter(delivery=poison).order_by("pk").values_list("verdict", flat=True))
    assert verdicts == [Verdict.RETRY] * (MOST_LOST - 1) + [Verdict.FAILED]


def test_lease_that_still_holds_is_left(db: None) -> None:
    a_delivery()
    taken(lease_s=60)
    assert reclaim_lost(now=NOW + timedelta(seconds=60)) == 0


def test_two_sweepers_record_a_lost_attempt_once(committed: None) -> None:
    published(a_note(*[f"a{n}@example.org" for n in range(50)]))
    taken(lease_s=60)
    counts = in_threads(*[lambda: reclaim_lost(now=NOW + days(1))] * 3)
    assert sum(counts) == Attempt.objects.count() == 50


def test_oldest_due_is_what_waits_for_the_longest(db: None) -> None:
    assert oldest_due(NOW) is None
    a_delivery(next_attempt_at=NOW + LATER)
    a_delivery(next_attempt_at=NOW - days(9), state=DeliveryState.FAILED, lease=uuid.uuid4())
    assert oldest_due(NOW) is None
    a_delivery(next_attempt_at=NOW - LATER)
    a_delivery(next_attempt_at=NOW - 2 * LATER)
    assert oldest_due(NOW) == NOW - 2 * LATER


# ---- a clock that is set back -------------------------------------------------------------------------------------

HOUR = timedelta(hours=1)


def test_what_was_written_before_the_clock_was_set_back_is_due_now(db: None) -> None:
    waiting = a_delivery(now=NOW + HOUR)
    assert taken() == []
    assert mend_times(now=NOW, lease_s=120) == 1
    assert [held.id for held in taken()] == [waiting.pk]


def test_what_is_to_be_tried_later_keeps_its_time(db: None) -> None:
    later = a_delivery(state=DeliveryState.RETRYING, next_attempt_at=NOW + 5 * HOUR)
    assert mend_times(now=NOW, lease_s=120) == 0
    assert fresh(later).next_attempt_at == NOW + 5 * HOUR


def test_lease_of_a_worker_that_died_before_the_clock_was_set_back_ends_all_the_same(db: None) -> None:
    a_delivery()
    taken(now=NOW + HOUR, lease_s=120)
    assert mend_times(now=NOW, lease_s=120) == 1
    assert mend_times(now=NOW, lease_s=120) == 0
    assert reclaim_lost(now=NOW + timedelta(seconds=121)) == 1


def test_lease_of_a_worker_that_lives_is_not_cut_short_by_a_clock_that_is_set_back(db: None) -> None:
    delivery = a_delivery()
    held = taken(now=NOW + HOUR, lease_s=120)
    mend_times(now=NOW, lease_s=120)
    assert reclaim_lost(now=NOW + timedelta(seconds=119)) == 0
    assert settled(fine(), *held) == 1
    assert fresh(delivery).state == DeliveryState.DELIVERED
