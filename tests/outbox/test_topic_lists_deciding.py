"""What topic lists hear of, decided in the transaction in which it happened, and what that costs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from outbox.event_kinds import EventKind, registered
from outbox.models import Event, TopicDecision, TopicList, TopicListAddress
from outbox.services import publish
from outbox.services.topic_lists.deciding import lists_changed
from outbox.services.topic_lists.lists import TOPIC_LISTS, delete_list, update_list
from outbox.subscriptions.conditions import EventView
from tests.outbox.kit import NOW, Note, a_note, days, in_threads
from tests.outbox.topic_kit import ADDRESS, SILENT, TRIP, a_list, at, decisions, happening, happens, tell, told

pytestmark = pytest.mark.usefixtures("db")


class Trip(msgspec.Struct, kw_only=True):
    city: str = "Paris"
    battery: int = 19


BATTERY = EventKind("vehicule.battery.low", "Battery low", "Below 20 %.", "bikes", Trip, Trip())


@pytest.fixture(autouse=True)
def _battery(_kinds: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registered, BATTERY.key, BATTERY)


def a_battery(**payload: Any) -> Any:
    return a_note(kind=BATTERY.key, payload=Trip(**payload))


# ---- what is heard --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "kinds"),
    [
        ("*", [SILENT, TRIP]),
        ("test.*", [SILENT, TRIP]),
        ("test.trip.*", [TRIP]),
        (TRIP, [TRIP]),
        (SILENT, [SILENT]),
        ("vehicule.*", []),
    ],
)
def test_list_hears_of_the_kinds_of_its_topics(topic: str, kinds: list[str]) -> None:
    a_list(topic)
    happens(happening(kind=SILENT), happening(kind=TRIP))
    assert list(TopicDecision.objects.order_by("event__kind").values_list("event__kind", flat=True)) == kinds


def test_kind_that_two_topics_take_is_heard_once() -> None:
    a_list("*", "test.*", SILENT)
    happens(happening())
    assert decisions() == [("waiting", "")]


def test_kinds_that_only_carry_a_mail_are_not_heard() -> None:
    a_list("*")
    happens(a_note(), happening())
    tell()
    tell(1_000)
    assert len(decisions()) == 1


@pytest.mark.parametrize(("domain", "heard"), [("", 2), ("test", 1), ("bikes", 1)])
def test_list_of_one_domain_hears_of_no_other(domain: str, heard: int) -> None:
    a_list("*", domain=domain)
    happens(happening(), a_battery())
    assert len(decisions()) == heard


@pytest.mark.parametrize(
    ("condition", "cities"),
    [
        ("", ["Paris", "Lyon"]),
        ("vehicule.battery.low city:paris", ["Paris"]),
        ("city:lyon,nantes", ["Lyon"]),
        ("-city:lyon battery:<20", ["Paris"]),
        ("battery:<10", []),
        ("severity:>=warning", []),
    ],
)
def test_condition_says_what_of_its_topics_a_list_is_told(condition: str, cities: list[str]) -> None:
    found = a_list("vehicule.*", condition=condition)
    happens(a_battery(city="Paris", battery=19), a_battery(city="Lyon", battery=20))
    waiting = TopicDecision.objects.filter(topic_list=found, state="waiting").order_by("event__payload__city")
    assert sorted(waiting.values_list("event__payload__city", flat=True)) == sorted(cities)
    assert decisions().count(("skipped", "condition")) == 2 - len(cities)


def test_every_list_decides_for_itself() -> None:
    first, off, other = a_list(), a_list(enabled=False), a_list("vehicule.*")
    happens(happening())
    assert [decisions(one) for one in (first, off, other)] == [[("waiting", "")], [("skipped", "disabled")], []]


# ---- why not --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"enabled": False}, "disabled"),
        ({"emails": ()}, "no_address"),
        ({"condition": "nothing-like-this"}, "condition"),
        ({"condition": "nothing-like-this", "enabled": False, "emails": ()}, "condition"),
        ({"enabled": False, "emails": ()}, "disabled"),
    ],
)
def test_what_is_not_told_is_recorded_with_its_reason(settings: dict[str, Any], reason: str) -> None:
    a_list(**settings)
    happens(happening())
    decision = TopicDecision.objects.get()
    assert (decision.state, decision.reason, decision.due_at, decision.decided_at) == ("skipped", reason, None, NOW)
    assert tell(1_000) == 0
    assert told() == []


@pytest.mark.parametrize(("age", "expected"), [(3_600, ("waiting", "")), (3_601, ("skipped", "too_old"))])
def test_what_happened_long_ago_is_recorded_not_told(settings: Settings, age: int, expected: tuple[str, str]) -> None:
    settings.OUTBOX_MAIL_MAX_AGE_S = 3_600
    a_list()
    happens(happening(seconds=-age))
    assert decisions() == [expected]


def test_condition_that_cannot_be_read_any_more_ends_no_transaction() -> None:
    found = a_list()
    TopicList.objects.filter(pk=found.pk).update(condition="severity:>=odd")
    lists_changed()
    (pk,) = happens(happening())
    assert Event.objects.filter(pk=pk).exists()
    assert decisions() == [("skipped", "condition_broken")]


def test_condition_that_raises_ends_no_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_facts: Any) -> bool:
        raise RecursionError

    monkeypatch.setattr("outbox.services.topic_lists.deciding.compile_condition", lambda text: broken)
    a_list(condition="a")
    happens(happening())
    assert decisions() == [("skipped", "condition_broken")]


# ---- in the caller's transaction ------------------------------------------------------------------------------------


def test_publishing_twice_is_decided_once() -> None:
    a_list()
    event = happening()
    assert [len(happens(event)), len(happens(event))] == [1, 0]
    assert decisions() == [("waiting", "")]


def test_rolled_back_event_was_never_heard(committed: None) -> None:
    a_list()
    with transaction.atomic():
        publish(events=[happening()], now=NOW)
        transaction.set_rollback(True)
    assert decisions() == []


def test_change_of_a_list_holds_for_the_next_event_in_every_process(committed: None) -> None:
    found = a_list()
    happens(happening())
    in_threads(lambda: update_list(topic_list=found, settings={"topics": ["vehicule.*"]}, now=NOW))
    happens(happening())
    in_threads(lambda: update_list(topic_list=found, settings={"topics": ["test.*"]}, now=NOW))
    happens(happening())
    assert len(decisions()) == 2


def test_change_that_is_rolled_back_holds_for_nobody(committed: None) -> None:
    found = a_list()
    with transaction.atomic():
        update_list(topic_list=found, settings={"topics": ["vehicule.*"]}, now=NOW)
        publish(events=[happening()], now=NOW)
        transaction.set_rollback(True)
    happens(happening())
    assert decisions() == [("waiting", "")]


def test_last_address_that_leaves_leaves_a_list_that_reaches_nobody() -> None:
    found = a_list()
    happens(happening())
    TOPIC_LISTS.leave(found.list_key, ADDRESS.upper())
    happens(happening())
    tell()
    assert decisions() == [("skipped", "no_address"), ("skipped", "no_address")]


def test_publishing_does_not_wait_for_a_list_that_is_being_told(committed: None) -> None:
    found = a_list()
    happens(happening())
    with transaction.atomic():
        list(TopicList.objects.select_for_update(no_key=True).filter(pk=found.pk))
        in_threads(lambda: happens(happening()))
    assert len(decisions()) == 2


def test_list_that_is_deleted_meanwhile_fails_no_publisher(committed: None) -> None:
    found = a_list()
    with transaction.atomic():
        publish(events=[happening()], now=NOW)
        in_threads(lambda: delete_list(topic_list=TopicList.objects.get(pk=found.pk), now=NOW))
    assert decisions() == [("waiting", "")]
    tell(1)
    assert decisions() == [("skipped", "list_deleted")]


# ---- while a list gathers -------------------------------------------------------------------------------------------


def test_what_comes_while_a_list_gathers_waits_for_its_end_from_the_start() -> None:
    found = a_list()
    happens(happening())
    tell()
    happens(happening(), seconds=10)
    decision = TopicDecision.objects.order_by("id")[1]
    assert (decision.state, decision.reason, decision.due_at) == ("waiting", "gathered", at(60))
    assert decisions(found) == [("told", ""), ("waiting", "gathered")]


def test_window_that_a_wrong_clock_made_does_not_count() -> None:
    found = a_list()
    TopicList.objects.filter(pk=found.pk).update(gathering_until=NOW + days(30))
    happens(happening())
    assert decisions() == [("waiting", "")]
    tell()
    assert decisions() == [("told", "")]


# ---- what it costs --------------------------------------------------------------------------------------------------


def statements(number: int, kind: str = SILENT) -> int:
    events = [happening(kind=kind) for _ in range(number)]
    with CaptureQueriesContext(connection) as captured:
        publish(events=events, now=NOW)
    return len(captured.captured_queries)


@pytest.mark.parametrize("number", [1, 100, 1_000])
def test_statements_do_not_grow_with_the_batch_nor_with_the_lists(number: int) -> None:
    for n in range(5):
        a_list(condition="fuse" if n % 2 else "", emails=() if n == 4 else (ADDRESS,))
    statements(1)
    assert statements(number) == 2
    assert TopicDecision.objects.count() == 5 * (number + 1)


@pytest.mark.parametrize("number", [1, 1_000])
def test_lists_cost_nothing_where_none_takes_the_kind(number: int) -> None:
    a_list("vehicule.*")
    statements(1)
    assert statements(number) == 1


def test_lists_are_read_once_after_a_change() -> None:
    a_list()
    assert [statements(1), statements(1)] == [3, 2]
    TopicListAddress.objects.all().delete()
    lists_changed()
    assert [statements(1), statements(1)] == [3, 2]
    assert decisions()[-1] == ("skipped", "no_address")


def test_payload_is_taken_apart_only_for_a_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventView, "of_new", lambda *_args: pytest.fail("taken apart"))
    a_list()
    happens(happening(), a_note(kind=TRIP, payload=Note()))
    assert len(decisions()) == 2
