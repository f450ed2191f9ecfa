"""Device messages: what each type tells, edges, masks, and that late, repeated and disordered ones do no harm."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from bikeshare.ingest.telemetry import DeviceMessage
from bikeshare.models import LockBoxState, TelemetryMessage
from bikeshare.rules.telemetry import battery_step, masked
from outbox.models import Event
from tests.bikeshare.kit import DAY, NOW, at, last, message, say, state_of, take, told, topics, verdicts
from tests.clock import iso
from tests.factories.bikeshare import (
    PIN,
    BikeFactory,
    CyclistFactory,
    LockBoxFactory,
    PassFactory,
    TripFactory,
)

pytestmark = pytest.mark.django_db


# ---- each type ------------------------------------------------------------------------------------------------------


def test_a_lock_tells_its_edges() -> None:
    bike = BikeFactory()
    for seconds, said in enumerate(["locked", "locked", "undefined", "locked", "unlocked", "unlocked", "jammed"]):
        say(bike, "lock", at(seconds), state=said)
    assert [event.kind for event in told()] == ["boitier.locked", "boitier.unlocked"]
    assert state_of(bike).lock == "jammed"


def test_an_event_shows_the_box_as_it_was_at_that_moment() -> None:
    bike = BikeFactory()
    take(message(bike, "lock", at(0), state="locked"), message(bike, "lock", at(9), state="unlocked"), now=at(10))
    assert last("boitier.locked")["object"]["lock"] == "locked"
    unlocked = last("boitier.unlocked")
    assert (unlocked["object"]["lock"], unlocked["previous"]) == ("unlocked", "locked")
    assert unlocked["reported_at"] == iso(at(9))
    assert (unlocked["vehicule"], unlocked["trip"]) == (bike.pk, None)


def test_an_unknown_card_is_told_each_time_and_masked() -> None:
    bike = BikeFactory()
    say(bike, "pass", at(0), uid="04AABBCCDDEE")
    say(bike, "pass", at(5), uid="04AABBCCDDEE")
    assert [event.payload["uid"] for event in told("boitier.pass.unrecognized")] == ["••••DDEE"] * 2
    assert TelemetryMessage.objects.latest("id").value == {"uid": "••••DDEE"}


def test_a_card_of_a_cyclist_is_recognised_unless_disabled_or_of_another_program() -> None:
    bike, card = BikeFactory(), PassFactory(user=CyclistFactory())
    say(bike, "pass", uid=card.uid)
    assert told() == []
    for unknown in (PassFactory(), PassFactory(user=CyclistFactory(), disabled_at=NOW)):
        say(bike, "pass", uid=unknown.uid)
    say(BikeFactory(program__id="elsewhere"), "pass", uid=card.uid)
    assert len(told("boitier.pass.unrecognized")) == 3


def test_a_wrong_pin_is_told_each_time_with_the_number_of_attempts_and_never_kept() -> None:
    trip = TripFactory()
    for seconds, pin in enumerate(["0000", "1111", PIN, "2222"]):
        say(trip, "pin", at(seconds), pin=pin)
    assert [event.payload["attempts"] for event in told("boitier.pin.incorrect")] == [1, 2, 1]
    kept = str(list(TelemetryMessage.objects.values())) + str(list(Event.objects.values()))
    assert "1111" not in kept
    assert PIN not in kept


def test_a_box_that_checks_the_pin_itself_says_so() -> None:
    bike = BikeFactory()
    say(bike, "pin", at(0), correct=False)
    say(bike, "pin", at(1), correct=True)
    say(bike, "pin", at(2), pin="1234")  # without a trip every PIN is wrong
    assert len(told("boitier.pin.incorrect")) == 2


def test_a_changed_chain_is_told_with_both_readings() -> None:
    bike = BikeFactory()
    for seconds, said in enumerate(["checking", "valid", "valid", "invalid"]):
        say(bike, "chain_type", at(seconds), chain_type=said)
    pairs = [(e.payload["previous"], e.payload["chain_type"]) for e in told("boitier.chain_type.updated")]
    assert pairs == [("", "checking"), ("checking", "valid"), ("valid", "invalid")]


@pytest.mark.parametrize("kind", ["battery", "battery_vae"])
@pytest.mark.parametrize(
    ("values", "times"),
    [
        ([19], 1),
        ([20], 0),
        ([21], 0),
        ([0], 1),
        ([80, 5], 1),
        ([19, 18, 17], 1),
        ([19, 21, 19], 1),
        ([19, 24.9, 19], 1),
        ([19, 25, 19], 2),
        ([19, 100, 21, 19.99], 2),
        ([20, 19.999], 1),
    ],
)
def test_a_battery_is_told_low_on_crossing_and_again_after_it_was_charged(
    kind: str, values: list[float], times: int
) -> None:
    bike = BikeFactory()
    for seconds, value in enumerate(values):
        say(bike, kind, at(seconds), value=value)
    assert len(told(f"vehicule.{kind}.low")) == times
    assert getattr(state_of(bike), kind) == values[-1]


def test_a_low_battery_says_what_it_was_before() -> None:
    bike = BikeFactory()
    say(bike, "battery", at(0), value=31)
    say(bike, "battery", at(1), value=12)
    payload = last("vehicule.battery.low")
    assert (payload["value"], payload["previous"], payload["threshold"]) == (12, 31, 20)
    assert payload["object"]["battery"] == 12


def test_a_battery_of_a_box_on_no_vehicle_is_kept_and_told_to_nobody() -> None:
    box = LockBoxFactory()
    say(box, "battery", value=5)
    assert told() == []
    assert LockBoxState.objects.get(boitier=box).battery == 5


# ---- what cannot be taken -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        ("speed", {}, "`type` must be one of"),
        ("lock", {}, "`state` must be a word"),
        ("pass", {}, "number of a card"),
        ("pin", {}, "Give the `pin`"),
        ("chain_type", {"chain_type": " "}, "`chain_type` must be a word"),
        ("battery", {}, "from 0 to 100"),
        ("battery", {"value": 101}, "from 0 to 100"),
        ("battery", {"value": -1}, "from 0 to 100"),
        ("battery_vae", {"value": float("nan")}, "from 0 to 100"),
        ("position", {"latitude": 91, "longitude": 0}, "degrees on the earth"),
        ("position", {"latitude": 0, "longitude": 0}, "no position"),
    ],
)
def test_a_message_that_cannot_be_taken_says_why(kind: str, more: dict[str, Any], said: str) -> None:
    bike = BikeFactory()
    good = message(bike, "battery", value=50)
    intake = take(message(bike, kind, **more), good)
    assert intake.accepted == 1
    ((index, sentence),) = intake.rejected
    assert index == 0
    assert said in sentence


def test_an_unknown_box_is_named_and_its_neighbours_are_taken() -> None:
    intake = take(message("BX-nobody", "battery", value=5), message(BikeFactory(), "battery", value=5))
    assert intake.accepted == 1
    assert "There is no boitier BX-nobody" in intake.rejected[0][1]


# ---- late, repeated, disordered -------------------------------------------------------------------------------------


def test_the_same_id_of_the_same_key_is_a_duplicate() -> None:
    bike = BikeFactory()
    first = message(bike, "pass", uid="04AABBCCDD", id="m-1")
    assert (take(first).accepted, take(first).duplicates) == (1, 1)
    assert take(first, key=2).accepted == 1
    # Ids begin anew when a box boots.
    assert take(message(bike, "pass", at(9), uid="04FFFFFFFF", id="m-1")).accepted == 1
    assert len(told("boitier.pass.unrecognized")) == 2


def test_a_rejected_message_can_be_sent_again_under_its_id() -> None:
    box = "BX-1"
    assert take(message(box, "battery", value=50, id="m-1")).accepted == 0
    LockBoxFactory(number=box)
    assert take(message(box, "battery", value=50, id="m-1")).accepted == 1


def test_a_repetition_without_id_tells_nothing_again() -> None:
    bike = BikeFactory()
    batch = [
        message(bike, "lock", at(0), state="locked"),
        message(bike, "pass", at(1), uid="04AABBCCDD"),
        message(bike, "pin", at(2), pin="0000"),
        message(bike, "chain_type", at(3), chain_type="valid"),
        message(bike, "battery", at(4), value=5),
    ]
    take(*batch, now=at(5))
    before = topics()
    take(*batch, now=at(6))
    assert topics() == before
    assert len(before) == 5


def test_a_late_message_changes_nothing_and_is_kept_as_late() -> None:
    bike = BikeFactory()
    for kind, new, old in (
        ("lock", {"state": "unlocked"}, {"state": "locked"}),
        ("battery", {"value": 80}, {"value": 5}),
        ("battery_vae", {"value": 80}, {"value": 5}),
        ("chain_type", {"chain_type": "valid"}, {"chain_type": "invalid"}),
        ("position", {"latitude": 48.1, "longitude": 2.1}, {"latitude": 48.2, "longitude": 2.2}),
    ):
        say(bike, kind, at(60), **new)
        say(bike, kind, at(0), **old)
    state = state_of(bike)
    assert (state.lock, state.battery, state.battery_vae, state.chain_type) == ("unlocked", 80, 80, "valid")
    assert state.latitude == 48.1
    assert verdicts()[1::2] == ["late"] * 5
    assert topics() == ["boitier.chain_type.updated", "boitier.unlocked"]


WRONG_TIMES = [
    datetime(1970, 1, 1, tzinfo=NOW.tzinfo),
    datetime(2020, 1, 1, 0, 0, 12, tzinfo=NOW.tzinfo),
    NOW - 300 * DAY,
    NOW + DAY,
]


@pytest.mark.parametrize("wrong", WRONG_TIMES)
def test_a_box_whose_clock_is_wrong_goes_on_and_is_flagged_until_it_is_right(wrong: datetime) -> None:
    bike = BikeFactory()
    said: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
        ("lock", {"state": "unlocked"}, {"state": "locked"}),
        ("battery", {"value": 80}, {"value": 5}),
        ("position", {"latitude": 48.1, "longitude": 2.1}, {"latitude": 48.2, "longitude": 2.2}),
    )
    for kind, before, _after in said:
        take(message(bike, kind, NOW, **before), now=NOW)
    for number, (kind, _before, after) in enumerate(said):
        intake = take(message(bike, kind, wrong + timedelta(seconds=number), **after), now=at(60 + number))
        assert "The box's clock is wrong by " in intake.warnings[0][1]
    state = state_of(bike)
    assert (state.lock, state.battery, state.latitude, state.clock_error_s is None) == ("locked", 5, 48.2, False)
    take(message(bike, "battery", at(600), value=50), now=at(601))
    assert (state_of(bike).battery, state_of(bike).clock_error_s) == (50, None)


def test_a_batch_in_disorder_and_a_copy_are_no_wrong_clock() -> None:
    bike = BikeFactory()
    newer, older = (message(bike, "lock", at(-n), state=s) for n, s in ((0, "locked"), (7200, "unlocked")))
    take(newer, older, now=NOW)
    take(older, now=at(60))
    state = state_of(bike)
    assert (state.lock, state.clock_error_s) == ("locked", None)


def test_a_clock_ahead_does_not_silence_what_follows() -> None:
    bike = BikeFactory()
    say(bike, "lock", NOW + 0 * DAY, state="locked")
    take(message(bike, "lock", NOW + DAY, state="unlocked"), now=at(1))
    take(message(bike, "lock", at(60), state="locked"), now=at(60))
    assert [event.kind for event in told()] == ["boitier.locked", "boitier.unlocked", "boitier.locked"]


HISTORY = [
    ("lock", 0, {"state": "locked"}),
    ("lock", 10, {"state": "unlocked"}),
    ("lock", 20, {"state": "locked"}),
    ("battery", 5, {"value": 40}),
    ("battery", 15, {"value": 10}),
    ("battery", 25, {"value": 30}),
    ("battery", 35, {"value": 12}),
    ("chain_type", 7, {"chain_type": "checking"}),
    ("chain_type", 17, {"chain_type": "valid"}),
    ("pass", 18, {"uid": "04AABBCCDD"}),
    ("position", 30, {"latitude": 48.85, "longitude": 2.35}),
]


@settings(max_examples=25)
@given(order=st.permutations(HISTORY), extra=st.lists(st.sampled_from(HISTORY), max_size=5))
def test_disorder_and_repetition_within_a_batch_tell_what_order_tells(
    order: list[Any], extra: list[Any], django_user_model: Any
) -> None:
    """Ids make repetitions known; the times of the device make the order."""
    bike = BikeFactory()
    batch = [message(bike, kind, at(s), id=f"{bike.pk}:{kind}:{s}", **more) for kind, s, more in (*order, *extra)]
    take(*batch, now=at(60))
    kinds = sorted(event.kind for event in told() if bike.pk in str(event.payload))
    assert kinds == [
        "boitier.chain_type.updated",
        "boitier.chain_type.updated",
        "boitier.locked",
        "boitier.locked",
        "boitier.pass.unrecognized",
        "boitier.unlocked",
        "vehicule.battery.low",
        "vehicule.battery.low",
    ]
    state = state_of(bike)
    assert (state.lock, state.battery, state.chain_type, state.latitude) == ("locked", 12, "valid", 48.85)


@settings(max_examples=25)
@given(order=st.permutations(HISTORY))
def test_disorder_over_many_batches_ends_in_the_newest_state(order: list[Any], django_user_model: Any) -> None:
    bike = BikeFactory()
    for kind, seconds, more in order:
        take(message(bike, kind, at(seconds), **more), now=at(60))
    state = state_of(bike)
    assert (state.lock, state.battery, state.chain_type, state.latitude) == ("locked", 12, "valid", 48.85)


# ---- statements -----------------------------------------------------------------------------------------------------


def _statements(batch: list[DeviceMessage]) -> int:
    with CaptureQueriesContext(connection) as captured:
        take(*batch, now=at(60))
    return len([one for one in captured.captured_queries if "SAVEPOINT" not in one["sql"]])


@pytest.mark.parametrize("count", [2, 60])
def test_statements_of_a_batch_do_not_grow_with_it(count: int) -> None:
    trips = [TripFactory() for _ in range(count)]
    chance = random.Random(1)
    quiet = [message(t, "battery", at(1), value=chance.uniform(30, 90), id=f"a{t.pk}") for t in trips]
    riding = [message(t, "position", at(2), latitude=48.8, longitude=2.3, id=f"b{t.pk}") for t in trips]
    telling = [message(t, "battery", at(3), value=5) for t in trips]
    ending = [message(t, "lock", at(4), state="locked") for t in trips]
    assert _statements(quiet + riding) <= 7
    assert _statements(telling) <= 9
    assert _statements(ending) <= 18
    assert len(told("trip.marked")) == len(told("vehicule.battery.low")) == count


def test_rules_of_values() -> None:
    assert battery_step(False, 19.9).crossed
    assert not battery_step(True, 19.9).crossed
    assert masked("12345678") == "••••5678"
    assert masked("1234") == "••••"
