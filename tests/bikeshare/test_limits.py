"""Both sides of each limit, both ends of each window, rows of another program, and two states that meet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from bikeshare.choices import TelemetryVerdict, TripStatus
from bikeshare.models import Dock, Program, Trip
from bikeshare.services import trips
from bikeshare.services.renting import start_trip
from core.refusal import Refused
from tests.bikeshare.kit import NOW, at, last, say, state_of, told, topics, verdicts
from tests.factories.bikeshare import (
    BikeFactory,
    CyclistFactory,
    DockFactory,
    PassFactory,
    ProgramFactory,
    RegistrationFactory,
    TripFactory,
    rider,
)
from tests.racing import at_once, or_refusal

PHOTO = "https://photos.example.org/1.jpg"


# ---- limits of a rental ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("charge", "is_rented"), [(9.9, False), (10, True), (10.1, True), (None, True)])
def test_a_vehicle_is_rented_from_the_least_battery_on(charge: float | None, is_rented: bool) -> None:
    cyclist, bike = rider(), BikeFactory(boitier__said={"battery": charge})
    Program.objects.update(min_rent_battery=10)
    rent = partial(start_trip, cyclist_id=cyclist.pk, vehicule_id=bike.pk, now=NOW)
    if is_rented:
        rent()
    else:
        with pytest.raises(Refused) as error:
            rent()
        assert error.value.code == "low_battery"
    assert Trip.objects.exists() is is_rented


@pytest.mark.django_db
def test_a_cyclist_rents_as_many_vehicles_as_allowed_and_no_more() -> None:
    cyclist = rider()
    Program.objects.update(max_renting=2)
    for _number in range(2):
        start_trip(cyclist_id=cyclist.pk, vehicule_id=BikeFactory().pk, now=NOW)
    with pytest.raises(Refused) as error:
        start_trip(cyclist_id=cyclist.pk, vehicule_id=BikeFactory().pk, now=NOW)
    assert error.value.code == "max_renting_count_reached"


def test_a_cyclist_who_rents_at_once_gets_no_more_than_allowed(committed: None) -> None:
    cyclist = rider()
    bikes = [BikeFactory() for _number in range(4)]
    rents = [partial(or_refusal, start_trip, cyclist_id=cyclist.pk, vehicule_id=bike.pk, now=NOW) for bike in bikes]
    answers = at_once(rents)
    refused = [answer.code for answer in answers if isinstance(answer, Refused)]
    assert refused == ["max_renting_count_reached"] * 3, answers
    assert Trip.objects.count() == 1


# ---- ends of windows ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("type_", "first", "then"),
    [
        ("lock", {"state": "unlocked"}, {"state": "locked"}),
        ("chain_type", {"chain_type": "valid"}, {"chain_type": "checking"}),
        ("battery", {"value": 60}, {"value": 15}),
        ("battery_vae", {"value": 60}, {"value": 15}),
    ],
)
@pytest.mark.parametrize(("second", "is_late"), [(-1, True), (0, False), (1, False)])
def test_what_is_said_of_the_same_second_counts_and_what_is_older_is_late(
    type_: str, first: dict[str, Any], then: dict[str, Any], second: int, is_late: bool
) -> None:
    bike = BikeFactory()
    say(bike, type_, NOW, **first)
    say(bike, type_, at(second), **then)
    assert verdicts()[-1] == (TelemetryVerdict.LATE if is_late else TelemetryVerdict.EVENT)
    shown = next(iter((first if is_late else then).values()))
    assert getattr(state_of(bike), type_) == shown


@pytest.mark.django_db
@pytest.mark.parametrize(("second", "is_late"), [(-1, True), (0, True), (1, False)])
def test_a_position_of_the_same_second_is_a_repetition(second: int, is_late: bool) -> None:
    bike = BikeFactory()
    say(bike, "position", NOW, latitude=48.0, longitude=2.0)
    say(bike, "position", at(second), latitude=48.001, longitude=2.0)
    assert verdicts()[-1] == (TelemetryVerdict.LATE if is_late else TelemetryVerdict.STATE)
    assert state_of(bike).latitude == (48.0 if is_late else 48.001)


@pytest.mark.django_db
@pytest.mark.parametrize(("second", "is_accepted"), [(-1, False), (0, True), (60, True), (61, False)])
def test_a_requests_date_lies_between_the_start_and_now_both_included(second: int, is_accepted: bool) -> None:
    trip = TripFactory(start_at=NOW)
    trips.request_end(trip.pk, photo=PHOTO, now=at(30))
    edit = partial(trips.edit_request, trip.pk, changes={"date": at(second)}, now=at(60))
    if is_accepted:
        edit()
        assert Trip.objects.get().termination_requested_at == at(second)
    else:
        with pytest.raises(Refused, match="between the trip"):
            edit()


# ---- rows of another program ----------------------------------------------------------------------------------------


def _elsewhere() -> Program:
    program: Program = ProgramFactory(id="nemo", name="Némo", city="Nantes")
    return program


def _swipe_their_card(trip: Trip) -> None:
    PassFactory(program=_elsewhere(), uid="04AABBCCDDEE09", user=CyclistFactory())
    say(trip, "pass", at(5), uid="04AABBCCDDEE09")
    assert topics() == ["boitier.pass.unrecognized"]


def _lock_at_their_dock(trip: Trip) -> None:
    DockFactory(program=_elsewhere(), station__program_id="nemo", rfid="E2NEMO0001")
    say(trip, "lock", at(5), state="locked", rfid="E2NEMO0001")
    assert Trip.objects.get().status == TripStatus.TERMINATING


def _end_by_their_code(trip: Trip) -> None:
    DockFactory(program=_elsewhere(), station__program_id="nemo", end_code="99N")
    with pytest.raises(Refused) as error:
        trips.request_end(trip.pk, end_code="99N", now=at(5))
    assert error.value.code == "end_code_wrong_program_dock"


def _rent_with_their_registration(trip: Trip) -> None:
    cyclist = CyclistFactory()
    RegistrationFactory(cyclist=cyclist, program=_elsewhere())
    with pytest.raises(Refused) as error:
        start_trip(cyclist_id=cyclist.pk, vehicule_id=BikeFactory().pk, now=NOW)
    assert error.value.code == "unconfirmed_registration"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "attempt", [_swipe_their_card, _lock_at_their_dock, _end_by_their_code, _rent_with_their_registration]
)
def test_rows_of_another_program_count_for_nothing(attempt: Callable[[Trip], None]) -> None:
    trip = TripFactory(start_at=NOW)
    attempt(trip)
    assert Trip.objects.get().end_at is None
    assert not Dock.objects.filter(program_id="nemo", vehicule__isnull=False).exists()


# ---- two states that meet -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_end_that_is_asked_for_during_a_pause_ends_the_pause() -> None:
    """The rider pays for the ride to the pause and from its end on, not for what lies between."""
    trip = TripFactory(start_at=NOW)
    trips.pause(trip.pk, now=at(60))
    trips.request_end(trip.pk, photo=PHOTO, now=at(360))
    trips.decide(trip.pk, accept=False, now=at(400))
    trips.close(trip.pk, now=at(600))
    trip.refresh_from_db()
    assert (trip.duration_total, trip.duration, trip.paused_s, trip.paused_at) == (600, 300, 300, None)


@pytest.mark.django_db
def test_a_trip_that_an_operator_closes_during_a_pause_is_not_billed_for_it() -> None:
    trip = TripFactory(start_at=NOW)
    trips.pause(trip.pk, now=at(60))
    trips.close(trip.pk, now=at(360))
    trip.refresh_from_db()
    assert (trip.duration_total, trip.duration, trip.paused_s) == (360, 60, 300)
    assert last("trip.terminated")["object"]["duration"] == 60
    assert len(told("trip.terminated")) == 1
