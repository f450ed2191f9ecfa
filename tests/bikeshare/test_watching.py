"""The topics of our own, x.*: each once per occurrence, what is no occurrence, and the settings that turn them off."""

from __future__ import annotations

from typing import Any

import pytest

from bikeshare.choices import BikeStatus
from bikeshare.event_kinds.watching import OWN
from bikeshare.models import Bike, Dock, Program, Station
from bikeshare.services import renting, trips
from bikeshare.services.watching import watch_fleets
from outbox.event_kinds import all_kinds, matches_topic
from outbox.subscriptions.conditions import EventView, compile_condition
from tests.bikeshare.kit import DAY, HOUR, MINUTE, NOW, at, last, patch, say, told
from tests.factories.bikeshare import BikeFactory, DockFactory, StationFactory, TripFactory, rider

pytestmark = pytest.mark.django_db
HERE = {"latitude": 48.85, "longitude": 2.35}
NEAR, AWAY, FARTHER = ({"latitude": 48.85 + n, "longitude": 2.35} for n in (0.001, 0.01, 0.02))
LOST, RESTORED = "x.vehicule.connection.lost", "x.vehicule.connection.restored"
MOVED, UNLOCKED, UNSEEN, UNRIDDEN = (f"x.vehicule.{name}" for name in ("moved", "unlocked", "unseen", "unridden"))
EMPTY, FULL = "x.station.empty", "x.station.full"


def seen(ago: Any, **more: Any) -> Bike:
    bike: Bike = BikeFactory(boitier__said={"last_seen": NOW - ago}, created=NOW, **more)
    return bike


def ways(kind: str) -> list[str]:
    return [event.subject for event in told(kind)]


def test_every_one_of_them_is_met_by_x_and_by_none_of_the_customers() -> None:
    assert all(matches_topic("x.*", topic.key) and not matches_topic("vehicule.*", topic.key) for topic in OWN)


def test_a_star_takes_them_too_and_a_condition_leaves_them_out() -> None:
    fits = compile_condition("-kind:x.*")
    for topic in all_kinds():
        view = EventView(topic.key, topic.domain, "", "info", topic.example_data())
        assert matches_topic("*", topic.key)
        assert fits(view) is not topic.key.startswith("x.")


# ---- connection -----------------------------------------------------------------------------------------------------


def test_a_lost_connection_is_told_once_and_its_return() -> None:
    bike, other = seen(3 * HOUR), seen(MINUTE)
    for minutes in (0, 1):
        watch_fleets(now=NOW + minutes * MINUTE)
    assert ways(LOST) == [bike.pk]
    say(bike, "battery", at(120), value=50)
    say(bike, "battery", at(130), value=50)
    assert ways(RESTORED) == [bike.pk]
    for seconds in (180, 190):
        say(other, "battery", NOW + 3 * HOUR + seconds * (MINUTE / 60), value=50)
        watch_fleets(now=NOW + 3 * HOUR + seconds * (MINUTE / 60))
    assert ways(LOST) == [bike.pk, bike.pk]


def test_where_nothing_is_heard_it_is_the_source_that_is_silent() -> None:
    seen(3 * HOUR)
    seen(4 * HOUR)
    watch_fleets(now=NOW)
    assert told() == []


@pytest.mark.parametrize("status", [BikeStatus.STOCK, BikeStatus.MAINTENANCE, BikeStatus.LOST, BikeStatus.DESTROYED])
def test_who_is_not_in_use_may_be_silent(status: BikeStatus) -> None:
    seen(9 * DAY, status=status)
    seen(MINUTE)
    watch_fleets(now=NOW)
    assert told() == []


# ---- moved and unlocked ---------------------------------------------------------------------------------------------


def test_a_vehicle_that_moves_without_a_trip_is_told_once_per_journey() -> None:
    bike = BikeFactory()
    for seconds, place in ((0, HERE), (60, NEAR), (120, AWAY), (180, FARTHER), (240, AWAY)):
        say(bike, "position", at(seconds), **place)
    payload = last(MOVED)
    assert (ways(MOVED), payload["distance"], payload["rested"]) == ([bike.pk], 1112, HERE)
    say(bike, "position", NOW + HOUR, **HERE)
    assert len(told(MOVED)) == 2


@pytest.mark.parametrize("accuracy", [None, 2000])
def test_a_position_that_is_not_sure_is_no_move(accuracy: float | None) -> None:
    bike = BikeFactory()
    say(bike, "position", at(0), **HERE)
    say(bike, "position", at(9), **AWAY, accuracy=accuracy)
    assert len(told(MOVED)) == (0 if accuracy else 1)


def test_a_ride_is_no_move_and_where_it_ends_is_a_new_rest() -> None:
    bike = BikeFactory()
    say(bike, "position", at(0), **HERE)
    trip, _pin = renting.start_trip(cyclist_id=rider().pk, vehicule_id=bike.pk, now=at(10))
    say(bike, "lock", at(11), state="unlocked")
    say(bike, "position", at(60), **AWAY)
    trips.close(trip.pk, now=at(90))
    say(bike, "position", at(120), **FARTHER)
    assert [event.kind for event in told() if event.kind.startswith("x.")] == []
    say(bike, "position", at(180), **HERE)
    assert len(told(MOVED)) == 1


@pytest.mark.parametrize("status", [BikeStatus.READY, BikeStatus.HS, BikeStatus.LOST, BikeStatus.SERVICE])
def test_staff_may_move_and_open_what_is_in_their_hands(status: BikeStatus) -> None:
    bike = BikeFactory(status=status, program__watch_unlocking=True)
    for seconds, place in ((0, HERE), (60, AWAY)):
        say(bike, "position", at(seconds), **place)
    say(bike, "lock", at(61), state="unlocked")
    told_of = [] if status == BikeStatus.SERVICE else [bike.pk]
    assert (ways(MOVED), ways(UNLOCKED)) == (told_of, told_of)


def test_a_lock_opened_on_a_trip_is_none_of_ours() -> None:
    trip = TripFactory()
    say(trip, "lock", at(0), state="unlocked")
    assert [event.kind for event in told()] == ["boitier.unlocked"]


# ---- not seen, not ridden -------------------------------------------------------------------------------------------


def test_not_seen_for_days_is_told_once_until_it_is_seen() -> None:
    bike = seen(4 * DAY)
    seen(2 * DAY)
    for _time in range(2):
        watch_fleets(now=NOW)
    assert ways(UNSEEN) == [bike.pk]
    assert last(UNSEEN)["days"] == 3
    say(bike, "battery", NOW, value=50)
    say(BikeFactory(), "battery", NOW + 4 * DAY, value=50)
    watch_fleets(now=NOW + 4 * DAY)
    assert ways(UNSEEN).count(bike.pk) == 2


def test_not_ridden_for_days_is_told_once_until_it_is_ridden() -> None:
    bike, new = BikeFactory(created=NOW - 15 * DAY), BikeFactory(created=NOW - DAY)
    BikeFactory(created=NOW - 15 * DAY, status=BikeStatus.MAINTENANCE)
    for _time in range(2):
        watch_fleets(now=NOW)
    assert ways(UNRIDDEN) == [bike.pk]
    assert last(UNRIDDEN)["last_ridden"] is None
    trip, _pin = renting.start_trip(cyclist_id=rider().pk, vehicule_id=bike.pk, now=NOW)
    watch_fleets(now=NOW + 20 * DAY)
    assert ways(UNRIDDEN) == [bike.pk, new.pk]
    trips.close(trip.pk, now=NOW + 20 * DAY)
    watch_fleets(now=NOW + 35 * DAY)
    assert ways(UNRIDDEN) == [bike.pk, new.pk, bike.pk]


# ---- stations -------------------------------------------------------------------------------------------------------


def test_a_station_is_told_full_and_empty_once_each_time() -> None:
    station, bikes = StationFactory(), [BikeFactory(), BikeFactory()]
    docks = [DockFactory(station=station) for _bike in bikes]

    def stand(*standing: Bike | None) -> None:
        for dock, bike in zip(docks, standing, strict=True):
            patch(Dock.objects.get(pk=dock.pk), vehicule=bike.pk if bike else None)
        for minutes in (1, 2):
            watch_fleets(now=NOW + minutes * MINUTE)

    stand(bikes[0], None)
    assert told(EMPTY) == told(FULL) == []
    stand(bikes[0], bikes[1])
    assert (last(FULL)["vehicules"], last(FULL)["free_docks"], len(told(FULL))) == (2, 0, 1)
    stand(None, None)
    assert (last(EMPTY)["vehicules"], last(EMPTY)["free_docks"], len(told(EMPTY))) == (0, 2, 1)
    assert len(told(FULL)) == 1


@pytest.mark.parametrize(
    ("reported", "kinds"),
    [
        ({"reported_vehicules": 0, "reported_docks": 9}, [EMPTY]),
        ({"reported_vehicules": 9, "reported_docks": 0}, [FULL]),
        ({"reported_vehicules": 3, "reported_docks": 3}, []),
        ({}, []),
        ({"reported_vehicules": 0, "status": "closed"}, []),
    ],
)
def test_an_imported_station_is_what_its_feed_says(reported: dict[str, Any], kinds: list[str]) -> None:
    station = StationFactory(external_id="7", reported_vehicules=3, reported_docks=3)
    watch_fleets(now=NOW)
    Station.objects.filter(pk=station.pk).update(**{"reported_vehicules": None, "reported_docks": None} | reported)
    for minutes in (1, 2):
        watch_fleets(now=NOW + minutes * MINUTE)
    assert [event.kind for event in told()] == kinds


@pytest.mark.parametrize("reported", [(0, 9), (9, 0), (None, None), (0, None), (0, 0)])
def test_a_station_that_is_new_here_lost_and_got_nothing(reported: tuple[int | None, int | None]) -> None:
    """Made by hand or by the first import of a city: nobody left, and nobody came."""
    StationFactory(capacity=4)
    StationFactory(external_id="7", reported_vehicules=reported[0], reported_docks=reported[1])
    for minutes in (0, 1):
        watch_fleets(now=NOW + minutes * MINUTE)
    assert told() == []


def test_a_station_that_is_closed_for_a_while_is_not_told_anew() -> None:
    station = StationFactory(external_id="7", reported_vehicules=3)
    for vehicules, status in ((3, "open"), (0, "open"), (0, "closed"), (0, "open")):
        Station.objects.filter(pk=station.pk).update(reported_vehicules=vehicules, status=status)
        watch_fleets(now=NOW)
    assert len(told(EMPTY)) == 1


def test_settings_turn_each_of_them_off() -> None:
    off = {"connection_lost_min": 0, "unseen_days": 0, "unridden_days": 0, "moved_m": 0}
    bike = seen(9 * DAY)
    Program.objects.update(**off, watch_stations=False)
    StationFactory()
    seen(MINUTE)
    for seconds, place in ((0, HERE), (60, AWAY)):
        say(bike, "position", at(seconds), **place)
    say(bike, "lock", at(61), state="unlocked")
    watch_fleets(now=NOW + 20 * DAY)
    assert [event.kind for event in told()] == ["boitier.unlocked"]
