"""The event log: one order for all readers, without gaps, whoever writes meanwhile."""

from __future__ import annotations

import random
import threading
import time

import pytest
from django.db import transaction

from outbox.models import Event
from outbox.selectors import log_after
from outbox.services import publish
from outbox.services.publishing import number_events
from tests.conftest import ApiClient
from tests.factories.console import make_key
from tests.outbox.kit import NOW, a_note, in_threads, published


def positions() -> list[int | None]:
    return list(Event.objects.order_by("id").values_list("position", flat=True))


def test_committed_events_get_their_places_once(db: None) -> None:
    published(a_note(), a_note())
    assert positions() == [None, None]
    assert [number_events(), number_events()] == [2, 0]
    published(a_note())
    assert number_events() == 1
    assert positions() == [1, 2, 3]


def test_event_of_a_longer_transaction_gets_its_place_behind_those_that_were_committed_before(committed: None) -> None:
    with transaction.atomic():
        publish(events=[a_note(dedup_key="began first")], now=NOW)
        in_threads(lambda: published(a_note(dedup_key="ended first")))
        assert in_threads(number_events) == [1]
    number_events()
    assert [event.dedup_key for event in log_after(0, kind="*", limit=9)] == ["ended first", "began first"]


def test_place_never_changes(db: None) -> None:
    published(a_note(dedup_key="a"), a_note(dedup_key="b"))
    number_events()
    Event.objects.filter(dedup_key="a").delete()
    published(a_note(dedup_key="c"))
    number_events()
    assert dict(Event.objects.values_list("dedup_key", "position")) == {"b": 2, "c": 3}


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("*", ["test.note", "test.trip.mark.updated", "test.notes", "testing"]),
        ("", ["test.note", "test.trip.mark.updated", "test.notes", "testing"]),
        ("test.note", ["test.note"]),
        ("test.*", ["test.note", "test.trip.mark.updated", "test.notes"]),
        ("test.trip.*", ["test.trip.mark.updated"]),
        ("test%.*", []),
        ("test_note", []),
        ("t*", []),
    ],
)
def test_log_can_be_read_by_kind_or_topic(db: None, kind: str, found: list[str]) -> None:
    published(*[a_note() for _ in range(4)])
    for event, name in zip(
        Event.objects.order_by("id"), ["test.note", "test.trip.mark.updated", "test.notes", "testing"], strict=True
    ):
        Event.objects.filter(pk=event.pk).update(kind=name)
    number_events()
    assert [event.kind for event in log_after(0, kind=kind, limit=9)] == found


def test_reader_that_follows_four_writers_sees_every_event_once_and_in_order(committed: None) -> None:
    """Transactions of different lengths commit in another order than their rows got their identities."""
    client, done = ApiClient(make_key("outbox:read")[1]), threading.Event()
    seen: list[int] = []
    writing = [4]

    def write() -> None:
        chance = random.Random(threading.get_ident())
        try:
            for _ in range(40):
                with transaction.atomic():
                    publish(events=[a_note() for _ in range(chance.randint(1, 3))], now=NOW)
                    time.sleep(chance.random() * 0.008)
        finally:
            writing[0] -= 1
            if not writing[0]:
                done.set()

    def read() -> None:
        after = ""
        while True:
            last_turn = done.is_set()
            answer = client.get(f"/events?limit=7&after={after}").json()
            seen.extend(item["sequence"] for item in answer["items"])
            after = answer["next"]
            if last_turn and not answer["items"]:
                return

    in_threads(write, write, write, write, read)
    assert Event.objects.count() == len(seen) >= 160
    assert seen == list(range(1, len(seen) + 1))


def test_numbering_at_once_gives_each_place_once(committed: None) -> None:
    published(*[a_note() for _ in range(200)])
    assert sum(in_threads(*[number_events] * 4)) == 200
    assert positions() == list(range(1, 201))
