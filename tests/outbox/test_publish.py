"""publish: events and their deliveries belong to the transaction of what they tell about."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from outbox.choices import Channel, DeliveryState, Reason
from outbox.contract import Recipient
from outbox.event_kinds import UnknownKind
from outbox.models import Address, Delivery, Event
from outbox.services import publish
from tests.outbox.kit import NOW, Note, a_note, days, in_one_transaction, in_threads, published, to


def block(address: str, reason: Reason = Reason.ERASED, channel: Channel = Channel.EMAIL) -> None:
    Address.objects.create(channel=channel, address=address, blocked_reason=reason)


# ---- one transaction ----------------------------------------------------------------------------------------------


def test_event_and_its_deliveries_are_committed_together(committed: None) -> None:
    published(a_note("a@example.org", "b@example.org"))
    seen = in_threads(lambda: (Event.objects.count(), Delivery.objects.count()))
    assert seen == [(1, 2)]


def test_rolled_back_event_never_existed(committed: None) -> None:
    with transaction.atomic():
        publish(events=[a_note("a@example.org")], now=NOW)
        assert Delivery.objects.count() == 1
        transaction.set_rollback(True)
    assert (Event.objects.count(), Delivery.objects.count()) == (0, 0)


def test_publishing_outside_a_transaction_is_refused(committed: None) -> None:
    with pytest.raises(TransactionManagementError, match="transaction"):
        publish(events=[a_note("a@example.org")], now=NOW)
    assert Event.objects.count() == 0


def test_unknown_kind_is_refused_and_nothing_is_written(db: None) -> None:
    with pytest.raises(UnknownKind, match=r"no\.such\.kind"):
        publish(events=[a_note("a@example.org"), a_note(kind="no.such.kind")], now=NOW)
    assert Event.objects.count() == 0


def test_publishing_nothing_does_nothing(db: None) -> None:
    assert publish(events=[], now=NOW) == {}


# ---- once ---------------------------------------------------------------------------------------------------------


def test_publishing_twice_is_a_no_op(db: None) -> None:
    first = publish(events=[a_note("a@example.org", dedup_key="once")], now=NOW)
    again = publish(events=[a_note("other@example.org", dedup_key="once")], now=NOW + days(1))
    assert (list(first), again) == (["once"], {})
    assert Delivery.objects.get().address == "a@example.org"


def test_one_batch_with_the_same_key_twice_writes_it_once(db: None) -> None:
    ids = publish(events=[a_note("a@example.org", dedup_key="k"), a_note("b@example.org", dedup_key="k")], now=NOW)
    assert Event.objects.get().pk == ids["k"]
    assert Delivery.objects.count() == 1


def test_new_events_of_a_batch_are_written_beside_known_ones(db: None) -> None:
    publish(events=[a_note(dedup_key="old")], now=NOW)
    ids = publish(events=[a_note("a@example.org", dedup_key="new"), a_note(dedup_key="old")], now=NOW)
    assert list(ids) == ["new"]
    assert Delivery.objects.get().event_id == ids["new"]


def test_two_transactions_with_the_same_events_publish_them_once(committed: None) -> None:
    def work(keys: list[str]) -> int:
        with transaction.atomic():
            return len(publish(events=[a_note("a@example.org", dedup_key=key) for key in keys], now=NOW))

    keys = [f"k{n}" for n in range(40)]
    written = in_threads(*[partial(work, order) for order in (keys, keys[::-1]) * 3])
    assert sum(written) == Event.objects.count() == Delivery.objects.count() == 40


# ---- what is written ----------------------------------------------------------------------------------------------


def test_event_is_written_as_it_was_told(db: None) -> None:
    note = a_note(dedup_key="k", payload=Note(title="Süß ✓"), thread="ab" * 16)
    publish(events=[note], now=NOW + days(1))
    event = Event.objects.get(dedup_key="k")
    assert (event.uuid, event.kind, event.subject, event.thread) == (note.uuid, "test.note", note.subject, "ab" * 16)
    assert event.payload == {"title": "Süß ✓", "words": "Deck 2 is dark"}
    assert (event.occurred_at, event.created_at, event.position) == (NOW, NOW + days(1), None)


def test_delivery_is_due_at_once(db: None) -> None:
    (delivery,) = published(a_note(recipients=to("a@example.org", list_key="group:7", language="de")), now=NOW)
    assert (delivery.state, delivery.reason, delivery.next_attempt_at) == (DeliveryState.PENDING, "", NOW)
    assert (delivery.channel, delivery.list_key, delivery.language) == ("email", "group:7", "de")
    assert (delivery.attempts, delivery.settled_at, delivery.lease) == (0, None, None)


def test_address_that_is_named_twice_gets_one_delivery(db: None) -> None:
    assert len(published(a_note("a@example.org", "A@Example.ORG", "b@example.org"))) == 2


def test_one_address_has_a_delivery_per_channel_and_event(db: None) -> None:
    both = (Recipient("a@example.org"), Recipient("a@example.org", Channel.WEBHOOK))
    assert len(published(a_note(recipients=both), a_note("a@example.org"))) == 3


def test_mails_to_one_domain_share_a_fate(db: None) -> None:
    named = Recipient("x@c.example", destination="elsewhere")
    deliveries = published(a_note(recipients=(*to("a@EXAMPLE.org", "b@example.org"), named)))
    assert [delivery.destination for delivery in deliveries] == ["email:example.org", "email:example.org", "elsewhere"]


def test_event_for_nobody_is_an_event_all_the_same(db: None) -> None:
    assert published(a_note()) == []
    assert Event.objects.count() == 1


def test_long_subject_is_cut_to_its_column(db: None) -> None:
    published(a_note(subject="x" * 500))
    assert len(Event.objects.get().subject) == 120


@in_one_transaction
@given(title=st.text(), words=st.text(), subject=st.text())
def test_whatever_a_text_holds_the_event_is_kept(db: None, title: str, words: str, subject: str) -> None:
    """A NUL, which PostgreSQL cannot store, must not take the caller's transaction with it."""
    with transaction.atomic():
        (pk,) = publish(events=[a_note(subject=subject, payload=Note(title=title, words=words))], now=NOW).values()
    event = Event.objects.get(pk=pk)
    assert event.payload == {"title": title.replace("\x00", ""), "words": words.replace("\x00", "")}
    assert event.subject == subject.replace("\x00", "")[:120]


def test_escaped_backslash_before_u0000_is_no_nul(db: None) -> None:
    published(a_note(payload=Note(title="\\u0000", words="\\\x00")))
    assert Event.objects.get().payload == {"title": "\\u0000", "words": "\\"}


# ---- what is held back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["gone@example.org", "GONE@example.ORG"])
def test_blocked_address_is_suppressed_with_its_reason(db: None, address: str) -> None:
    block("Gone@Example.org")
    held_back, due = published(a_note(address, "here@example.org"), now=NOW)
    assert (held_back.state, held_back.reason) == (DeliveryState.SUPPRESSED, Reason.ERASED)
    assert (held_back.next_attempt_at, held_back.settled_at) == (None, NOW)
    assert due.state == DeliveryState.PENDING


def test_block_of_one_channel_does_not_hold_for_another(db: None) -> None:
    block("a@example.org", channel=Channel.BANNER)
    (delivery,) = published(a_note("a@example.org"))
    assert delivery.state == DeliveryState.PENDING


def test_refused_address_that_is_not_blocked_is_tried_again(db: None) -> None:
    Address.objects.create(channel=Channel.EMAIL, address="a@example.org", failing_since=NOW)
    (delivery,) = published(a_note("a@example.org"))
    assert delivery.state == DeliveryState.PENDING


# ---- what it costs ------------------------------------------------------------------------------------------------


def queries_of(number: int, recipients: tuple[Any, ...]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        publish(events=[a_note(recipients=recipients) for _ in range(number)], now=NOW)
    return len(queries)


@pytest.mark.parametrize("number", [1, 100, 1_000])
def test_queries_do_not_grow_with_the_batch(db: None, number: int) -> None:
    block("b@example.org")
    assert queries_of(number, to("a@example.org", "b@example.org")) == 3
    assert Delivery.objects.count() == 2 * number
