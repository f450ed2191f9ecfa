"""A mail server that refuses, hangs, drops, says 4xx first, or has no room: nothing is lost and nothing comes twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.plant import Plant
from tests.faults.sink import DROP, DROP_IN_DATA, HANG

pytestmark = [pytest.mark.processes, pytest.mark.faults]
EACH = 20


def once(trouble: dict[str, str]) -> Callable[[str], str | None]:
    """Answers an address with its prefix's trouble the first time, and with yes from then on."""
    seen: set[str] = set()

    def answer(address: str) -> str | None:
        prefix = address.partition("@")[0].rstrip("0123456789")
        if prefix not in trouble or address in seen:
            return None
        seen.add(address)
        return trouble[prefix]

    return answer


def test_every_trouble_with_a_mail_passes_and_each_arrives_once(plant: Plant) -> None:
    """All at once, because each waits for the same first step of the schedule (5 s)."""
    plant.sink.rcpt = once(
        {
            "later": "451 4.7.1 greylisted, try again",
            "full": "452 4.2.2 mailbox full",
            "disk": "452 4.3.1 insufficient system storage",
            "drop": DROP,
            "half": DROP_IN_DATA,
            "stuck": HANG,
        }
    )
    plant.sink.content = once({"after": "451 4.3.0 not now", "space": "452 4.3.1 no space left on device"})
    prefixes = ("later", "full", "disk", "drop", "half", "stuck", "after", "space", "fine")
    for prefix in prefixes:
        plant.write(prefix, EACH)
    plant.wait_until(lambda: plant.states("fine")["delivered"] == EACH, "what has no trouble is not held up", 10)
    for prefix in prefixes:
        assert plant.wait_ended(prefix, EACH) == {"delivered": EACH}, prefix
        plant.arrived_once(prefix, EACH)
    plant.is_well()


def test_mailbox_that_stays_full_and_one_that_is_not_there_end_visibly(plant: Plant) -> None:
    plant.sink.rcpt = lambda address: "550 5.1.1 no such user" if address.startswith("nobody") else None
    plant.sink.content = lambda address: "552 5.3.4 too big" if address.startswith("big") else None
    plant.write("nobody", 5)
    plant.write("big", 5)
    assert plant.wait_ended("nobody", 5) == {"failed": 5}
    assert plant.wait_ended("big", 5) == {"failed": 5}
    reasons = plant.rows("SELECT DISTINCT reason FROM outbox_delivery WHERE state = 'failed' ORDER BY 1")
    assert {("address_refused",), ("content_refused",)} <= set(reasons)
    plant.is_well()


def test_server_that_refuses_connections_delays_and_counts_against_nobody(plant: Plant) -> None:
    plant.sink.shut()
    plant.write("shut", 100)
    plant.wait_until(lambda: plant.states("shut")["retrying"] == 100, "all wait for the server")
    assert plant.rows("SELECT DISTINCT attempts FROM outbox_delivery WHERE address LIKE 'shut%%'") == [(0,)]
    well, told = plant.doctor()
    assert not well
    assert told["mail server"].startswith("FAILS")
    plant.sink.open()
    assert plant.wait_ended("shut", 100) == {"delivered": 100}
    plant.arrived_once("shut", 100)
    plant.is_well()


@pytest.mark.parametrize(
    ("prefix", "greeting"), [("mute", HANG), ("busy", "421 too busy"), ("wrong", "554 no SMTP service here")]
)
def test_server_that_does_not_greet_is_left_alone_and_asked_again(plant: Plant, prefix: str, greeting: str) -> None:
    plant.sink.shut()
    plant.sink.greeting = greeting
    plant.sink.open()
    plant.write(prefix, 30)
    plant.wait_until(lambda: plant.states(prefix)["retrying"] == 30, "all wait for the server")
    plant.sink.behave()
    assert plant.wait_ended(prefix, 30) == {"delivered": 30}
    plant.arrived_once(prefix, 30)


def test_server_that_closes_extra_connections_without_a_word_is_used_with_as_many_as_it_takes(plant: Plant) -> None:
    """Two take turns where there would be many; nothing counts as an attempt, and nothing waits long for it."""
    plant.sink.most_connections, plant.sink.pause_s = 2, 0.01
    plant.write("narrow", 400)
    assert plant.wait_ended("narrow", 400) == {"delivered": 400}
    plant.arrived_once("narrow", 400)
    tried = "SELECT max(attempts) FROM outbox_delivery WHERE address LIKE 'narrow%%'"
    assert plant.rows(tried) == [(1,)]
    plant.is_well()
