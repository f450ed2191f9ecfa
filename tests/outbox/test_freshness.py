"""Mails are brought up to date right before they are sent, and no answer comes before what it answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from outbox.choices import Reason, Verdict
from outbox.contract import ClaimedEvent, Refreshed
from outbox.event_kinds import EventKind, register_kinds
from outbox.services.freshness import bring_up_to_date
from tests.outbox.kit import NOTE, Note, a_claim, a_note, fine, published, settled, taken

pytestmark = pytest.mark.django_db
HERE = "tests.outbox.test_freshness."


def kind(name: str, refresh: str) -> EventKind:
    made = EventKind(f"test.{name}", name, name, "test", Note, Note(), mail=NOTE.mail, is_public=False, refresh=refresh)
    register_kinds([made])
    return made


def renewed(events: Sequence[ClaimedEvent]) -> dict[int, Refreshed]:
    return {event.id: Refreshed(event.payload | {"title": "Now"}) for event in events}


def over(events: Sequence[ClaimedEvent]) -> dict[int, Refreshed]:
    return {event.id: Refreshed(event.payload, is_over=True) for event in events}


def gone(events: Sequence[ClaimedEvent]) -> dict[int, Refreshed]:
    return {event.id: Refreshed(None) for event in events}


def raises(events: Sequence[ClaimedEvent]) -> dict[int, Refreshed]:
    raise KeyError("poison")


def test_payloads_are_those_of_now() -> None:
    kind("renewed", HERE + renewed.__name__)
    batch = bring_up_to_date([a_claim(kind="test.renewed"), a_claim()])
    assert [delivery.event.payload["title"] for delivery in batch.claimed] == ["Now", "A fuse tripped"]
    assert (batch.outcomes, batch.over) == ({}, set())


def test_what_is_gone_is_not_sent_and_says_why() -> None:
    kind("gone", HERE + "gone")
    held, other = a_claim(kind="test.gone"), a_claim()
    (outcome,) = bring_up_to_date([held, other]).outcomes.items()
    assert (outcome[0], outcome[1].verdict, outcome[1].reason) == (held.id, Verdict.HELD_BACK, Reason.OVER)


def test_what_cannot_be_brought_up_to_date_is_sent_as_it_was_written() -> None:
    kind("raises", HERE + "raises")
    kind("renewed", HERE + renewed.__name__)
    batch = bring_up_to_date([a_claim(kind="test.raises"), a_claim(kind="test.renewed")])
    assert [delivery.event.payload["title"] for delivery in batch.claimed] == ["A fuse tripped", "Now"]
    assert batch.outcomes == {}


@pytest.mark.parametrize(("refresh", "verdict"), [("", Verdict.RELEASED), (HERE + renewed.__name__, Verdict.HELD_BACK)])
@pytest.mark.parametrize("together", [True, False])
def test_answer_never_comes_first(refresh: str, verdict: Verdict, together: bool) -> None:
    """It waits for the first mail, or that one says by itself what holds by then."""
    first = a_note("a@example.org", "b@example.org", kind=kind("first", refresh).key)
    published(first)
    if not together:
        settled(fine(), *(held for held in taken() if held.address == "b@example.org"))
    published(a_note("A@example.org", "b@example.org", thread=first.uuid.hex))
    claimed = taken()
    outcomes = bring_up_to_date(claimed).outcomes
    answers = {held.address: outcomes.get(held.id) for held in claimed if held.event.thread}
    waiting = answers["A@example.org"]
    if together and not refresh:  # in their order
        assert waiting is None
        return
    assert waiting is not None
    # Being sent at this moment it may have been written before.
    assert waiting.verdict == (verdict if together else Verdict.RELEASED)
    assert (answers["b@example.org"] is None) is not together


def test_what_told_of_the_end_needs_no_answer() -> None:
    first = a_note("a@example.org", kind=kind("over", HERE + "over").key)
    published(first)
    (held,) = taken()
    assert bring_up_to_date([held]).over == {held.event.id}
