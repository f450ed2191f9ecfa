"""Listeners: who hears of an event without having been named, right across processes and transactions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from outbox.choices import Channel, DeliveryState, Reason
from outbox.contract import Recipient
from outbox.models import Delivery
from outbox.subscriptions.conditions import compile_condition
from outbox.subscriptions.matching import Listener, register_listeners
from outbox.subscriptions.stamps import listeners_changed
from tests.outbox.kit import NOW, Note, a_note, in_threads, published, to

SILENT, TRIP = "test.silent", "test.trip.mark.updated"


class Register:
    """A source whose listeners a test sets; counts how often it is read."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.reads = 0

    def read(self) -> list[Listener]:
        self.reads += 1
        return list(self.listeners)

    def set(self, *listeners: Listener) -> None:
        self.listeners = list(listeners)
        listeners_changed("test")


# One source for all of these tests: it has no listeners outside them, and none is read while its stamp is none.
REGISTER = Register()
register_listeners("test", REGISTER.read)


@pytest.fixture
def register() -> Iterator[Register]:
    REGISTER.listeners, REGISTER.reads = [], 0
    yield REGISTER
    REGISTER.listeners = []


def hook(number: int = 1) -> Recipient:
    key = f"webhook:{number}"
    return Recipient("https://hooks.example/in", Channel.WEBHOOK, list_key=key, destination=key)


def a_listener(*topics: str, condition: str = "", **more: object) -> Listener:
    values: dict[str, object] = {"recipients": (hook(),)} | more
    return Listener(topics, condition=compile_condition(condition) if condition else None, **values)  # type: ignore[arg-type]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("topic", "kinds"),
    [
        ("*", [SILENT, TRIP]),
        ("test.*", [SILENT, TRIP]),
        ("test.trip.*", [TRIP]),
        ("test.trip.mark.updated", [TRIP]),
        ("test.silent", [SILENT]),
        ("trip.*", []),
        ("test.trip", []),
    ],
)
def test_listener_hears_of_the_kinds_of_its_topics(register: Register, topic: str, kinds: list[str]) -> None:
    register.set(a_listener(topic))
    deliveries = published(*(a_note(kind=kind) for kind in (SILENT, TRIP)))
    assert sorted(one.event.kind for one in deliveries) == kinds


@pytest.mark.django_db
def test_kinds_that_only_carry_a_mail_have_no_listeners(register: Register) -> None:
    register.set(a_listener("*"))
    assert published(a_note()) == []


@pytest.mark.django_db
def test_condition_decides_for_each_event(register: Register) -> None:
    register.set(a_listener("*", condition="words:dark -title:fuse"))
    published(
        a_note(kind=SILENT, payload=Note(title="A sensor", words="It is dark"), dedup_key="taken"),
        a_note(kind=SILENT, payload=Note(title="A fuse", words="It is dark")),
        a_note(kind=SILENT, payload=Note(title="A sensor", words="It is bright")),
    )
    assert list(Delivery.objects.values_list("event__dedup_key", flat=True)) == ["taken"]


@pytest.mark.django_db
def test_two_endpoints_at_one_address_hear_both_and_one_mail_address_once(register: Register) -> None:
    register.set(
        a_listener("*", recipients=(hook(1),)),
        a_listener("test.*", recipients=(hook(1), hook(2))),
        a_listener("*", recipients=to("OPS@example.org", list_key="topics:1")),
    )
    deliveries = published(a_note("ops@example.org", kind=SILENT))
    assert sorted((one.channel, one.list_key) for one in deliveries) == [
        ("email", ""),
        ("webhook", "webhook:1"),
        ("webhook", "webhook:2"),
    ]


@pytest.mark.django_db
def test_listener_that_holds_back_leaves_a_delivery_with_its_reason(register: Register) -> None:
    register.set(a_listener("*", recipients=(replace(hook(), held_back=Reason.BY_HAND),)))
    (delivery,) = published(a_note(kind=SILENT))
    assert (delivery.state, delivery.reason) == (DeliveryState.SUPPRESSED, Reason.BY_HAND)
    assert (delivery.next_attempt_at, delivery.settled_at) == (None, NOW)


@pytest.mark.django_db
def test_listeners_are_read_once_until_they_change(register: Register) -> None:
    register.set(a_listener("*"))
    for _ in range(3):
        published(a_note(kind=SILENT))
    assert register.reads == 1
    register.set()
    assert published(a_note(kind=SILENT)) == []
    assert register.reads == 2


@pytest.mark.django_db
def test_listeners_cost_no_further_statement(register: Register) -> None:
    register.set(*(a_listener("*", recipients=(hook(n),), condition="words:dark") for n in range(20)))
    published(a_note(kind=SILENT))
    counts = []
    for size in (1, 50):
        with CaptureQueriesContext(connection) as captured:
            published(*(a_note(kind=SILENT) for _ in range(size)))
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 6
    assert Delivery.objects.count() == 52 * 20


def test_change_that_another_process_committed_is_heeded_at_once(register: Register, committed: None) -> None:
    published(a_note(kind=SILENT))
    in_threads(lambda: register.set(a_listener("*")))
    assert len(published(a_note(kind=SILENT))) == 1
    in_threads(register.set)
    assert published(a_note(kind=SILENT)) == []


def test_listeners_of_a_rolled_back_change_are_forgotten(register: Register, committed: None) -> None:
    with transaction.atomic():
        register.set(a_listener("*"))
        assert len(published(a_note(kind=SILENT))) == 1
        transaction.set_rollback(True)
    register.listeners = []
    assert published(a_note(kind=SILENT)) == []
    register.set(a_listener("test.trip.*"))  # a stamp of its own, not the lost one's
    assert published(a_note(kind=SILENT)) == []
    assert len(published(a_note(kind=TRIP))) == 1
