"""What a box sends late, newest first, again or in vain: history is told of as history, and its box is heard."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

import pytest

from bikeshare.ingest.telemetry import DeviceMessage
from bikeshare.models import Bike, LockBoxState, Trip
from tests.bikeshare.kit import DAY, HOUR, MINUTE, NOW, message, number_of, state_of, take, topics
from tests.clock import iso
from tests.conftest import ApiClient
from tests.factories.bikeshare import PIN, BikeFactory, TripFactory

pytestmark = pytest.mark.django_db
HERE, THERE = {"latitude": 48.1, "longitude": 2.1}, {"latitude": 48.3, "longitude": 2.3}


def present(bike: Bike) -> dict[str, Any]:
    names = ("lock", "battery", "battery_vae", "chain_type", "latitude", "position_at", "pin_attempts", "clock_error_s")
    return {name: getattr(state_of(bike), name) for name in names}


def history(bike: Bike, hours: int) -> list[DeviceMessage]:
    """What would be told falsely if it were of now, newest first."""
    moments = (NOW - hours * HOUR - n * MINUTE for n in range(7))
    return [
        message(bike, "battery", next(moments), value=10),
        message(bike, "battery_vae", next(moments), value=10),
        message(bike, "position", next(moments), **THERE),
        message(bike, "lock", next(moments), state="locked"),
        message(bike, "lock", next(moments), state="unlocked"),
        message(bike, "pin", next(moments), pin="0000"),
        message(bike, "chain_type", next(moments), chain_type="invalid"),
    ]


def speak(bike: Bike, when: datetime) -> None:
    said: dict[str, dict[str, Any]] = {
        "battery": {"value": 80},
        "battery_vae": {"value": 80},
        "position": HERE,
        "lock": {"state": "locked"},
        "chain_type": {"chain_type": "valid"},
    }
    take(*(message(bike, kind, when, **more) for kind, more in said.items()), now=when)


@pytest.mark.parametrize("size", [1, 3, 50])
def test_a_backlog_newest_first_changes_nothing_and_tells_nothing(size: int) -> None:
    bike = BikeFactory()
    speak(bike, NOW)
    known, told = present(bike), topics()
    backlog = [said for hours in (3, 4, 9, 30) for said in history(bike, hours)]
    for start in range(0, len(backlog), size):
        intake = take(*backlog[start : start + size], now=NOW + MINUTE)
        assert not intake.rejected
    assert (present(bike), topics()) == (known, told)
    speak(bike, NOW + 2 * MINUTE)
    assert topics() == told


def test_a_trip_that_is_about_to_end_is_not_resumed_by_history() -> None:
    trip = TripFactory(start_at=NOW - 5 * HOUR)
    take(message(trip, "lock", NOW, state="locked"), now=NOW)
    take(*history(trip.vehicule, 3), now=NOW + MINUTE)
    assert Trip.objects.get().status == "terminating"
    assert "trip.resumed" not in topics()


def test_a_pin_of_a_running_trip_is_judged_however_late() -> None:
    trip = TripFactory(start_at=NOW - 5 * HOUR)
    right, wrong = (message(trip, "pin", NOW - n * HOUR, pin=pin) for n, pin in ((1, PIN), (2, "0000")))
    take(right, wrong, now=NOW)
    assert topics() == ["boitier.pin.incorrect"]


def test_any_order_of_batches_ends_in_the_newest_state() -> None:
    chance = random.Random(7)
    for _attempt in range(10):
        bike = BikeFactory()
        said = [
            message(bike, "lock", NOW - n * 10 * MINUTE, state=("locked", "unlocked", "undefined")[n % 3])
            for n in range(12)
        ]
        chance.shuffle(said)
        while said:
            count = chance.randint(1, 4)
            take(*said[:count], now=NOW)
            said = said[count:]
        assert state_of(bike).lock == "locked"


def test_a_clock_that_fell_back_is_known_by_being_always_as_far_behind() -> None:
    bike = BikeFactory()
    speak(bike, NOW)
    behind = 5 * HOUR
    for minutes, value in ((1, 60), (7, 50), (8, 40)):
        now = NOW + minutes * MINUTE
        take(message(bike, "battery", now - behind, value=value), now=now)
    assert (state_of(bike).battery, state_of(bike).clock_error_s) == (40, -5 * 3600)
    take(message(bike, "battery", NOW + HOUR, value=30), now=NOW + HOUR)
    assert (state_of(bike).battery, state_of(bike).clock_error_s) == (30, None)


# ---- ids that begin anew --------------------------------------------------------------------------------------------


def test_the_same_words_under_the_same_id_are_taken_where_something_else_was_said_since() -> None:
    bike = BikeFactory()
    box = number_of(bike)
    lock, unlock = (DeviceMessage(boitier=box, type="lock", id=1, state=state) for state in ("locked", "unlocked"))
    assert take(lock, now=NOW).accepted == 1
    assert take(lock, now=NOW + MINUTE).duplicates == 1
    assert take(unlock, now=NOW + 2 * MINUTE).accepted == 1
    again = take(lock, now=NOW + 3 * MINUTE)
    assert (again.accepted, "something else was told since" in again.warnings[0][1]) == (1, True)
    assert topics() == ["boitier.locked", "boitier.locked", "boitier.unlocked"]
    # Sent as a whole again it changes nothing.
    assert take(lock, unlock, lock, now=NOW + 4 * MINUTE).duplicates == 3


def test_who_says_when_or_has_an_id_of_the_world_repeats_always() -> None:
    bike = BikeFactory()
    for more in ({"at": NOW, "id": 1}, {"id": "6f1c9b1e-4a52-4c53"}):
        lock = DeviceMessage(boitier=number_of(bike), type="lock", state="locked", **more)
        assert take(lock, now=NOW).accepted == 1
        take(message(bike, "lock", NOW + MINUTE, state="unlocked"), now=NOW + MINUTE)
        assert take(lock, now=NOW + 3 * HOUR).duplicates == 1


def test_a_card_under_the_same_id_is_the_same_only_for_a_while() -> None:
    swipe = DeviceMessage(boitier=number_of(BikeFactory()), type="pass", id=1, uid="04AABBCC")
    took = [take(swipe, now=NOW + minutes * MINUTE).accepted for minutes in (0, 5, 90)]
    assert took == [1, 0, 1]


# ---- any message proves life ----------------------------------------------------------------------------------------

HEARD: list[dict[str, Any]] = [
    {"type": "heartbeat"},
    {"type": "position", "latitude": 0, "longitude": 0},
    {"type": "position", "latitude": "north", "longitude": {}},
    {"type": "battery", "value": 4000},
    {"type": "battery", "value": "?"},
    {"type": "battery"},
    {"type": "pin"},
    {"type": "lock", "state": {"a": 1}},
    {},
]


@pytest.mark.parametrize("said", HEARD)
def test_a_rejected_message_proves_life(api: ApiClient, said: dict[str, Any]) -> None:
    bike = BikeFactory(told={"connection_lost_at": NOW - DAY, "unseen_at": NOW - DAY})
    answer = api.post("/bikeshare/telemetry", {"boitier": f" {number_of(bike).lower()}", "at": iso(NOW), **said})
    assert answer.json()["accepted"] == 0, answer.json()
    assert LockBoxState.objects.get().last_seen is not None
    bike.refresh_from_db()
    assert (bike.told.connection_lost_at, bike.told.unseen_at) == (None, None)
    assert topics() == ["x.vehicule.connection.restored"]


def test_a_repetition_proves_life_too() -> None:
    bike = BikeFactory()
    said = message(bike, "battery", NOW, value=50, id="1")
    for minutes in (0, 30):
        take(said, now=NOW + minutes * MINUTE)
    assert state_of(bike).last_seen == NOW + 30 * MINUTE
