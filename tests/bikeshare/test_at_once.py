"""Several workers and people at once, on a database that commits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from bikeshare.choices import TripStatus
from bikeshare.models import Trip
from bikeshare.services import trips
from bikeshare.services.refused import Refused
from bikeshare.services.renting import start_trip
from tests.bikeshare.kit import NOW, at, at_once, message, say, take, told
from tests.factories.bikeshare import DockFactory, TripFactory, VehiculeFactory, ZoneFactory, rider


def test_case_13_the_same_entry_from_many_workers_is_told_once(committed: None) -> None:
    """The last of the thirteen cases of forbidden zones."""
    trip = TripFactory()
    ZoneFactory()
    say(trip, "position", at(0), latitude=48.79, longitude=2.35)

    def work(late_s: int) -> None:
        for turn in range(5):
            when: datetime = at(5 + 5 * turn)
            inside = message(trip, "position", when, latitude=48.85, longitude=2.35)
            take(inside, now=when + timedelta(seconds=late_s))

    assert at_once([partial(work, number) for number in range(4)]) == [None] * 4
    assert len(told("vehicule.position.forbidden")) == 1


def test_of_those_who_rent_at_once_one_gets_the_vehicle(committed: None) -> None:
    cyclists, bike = [rider() for _number in range(4)], VehiculeFactory()
    answers = at_once(
        [partial(start_trip, cyclist_id=cyclist.pk, vehicule_id=bike.pk, now=NOW) for cyclist in cyclists]
    )
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert [error.code for error in refused] == ["rent_locked_vehicule"] * 3
    assert len(told("trip.created")) == Trip.objects.count() == 1


def test_a_trip_that_is_closed_and_locked_at_once_ends_once(committed: None) -> None:
    dock, trip = DockFactory(), TripFactory()
    works: list[Callable[[], object]] = [
        partial(trips.close, trip_id=trip.pk, now=NOW),
        partial(say, trip, "lock", state="locked", rfid=dock.rfid),
    ]
    errors = [answer for answer in at_once(works) if isinstance(answer, Exception)]
    assert all(isinstance(error, Refused) for error in errors), errors
    assert Trip.objects.get().status == TripStatus.COMPLETED
    assert len(told("trip.terminated")) == 1
