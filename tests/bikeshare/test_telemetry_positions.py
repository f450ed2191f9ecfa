"""Positions through the whole way: forbidden zones from the database, late and repeated ones."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from bikeshare.choices import TripStatus, ZoneType
from bikeshare.models import Program, Trip
from bikeshare.rules.zones import WatchSettings
from bikeshare.services.zones import watch_settings
from tests.bikeshare.kit import NOW, at, delete, last, message, patch, say, take, told, verdicts
from tests.clock import iso
from tests.factories.bikeshare import BikeFactory, ProgramFactory, TripFactory, ZoneFactory

FORBIDDEN = "vehicule.position.forbidden"
OUTSIDE, INSIDE = {"latitude": 48.79, "longitude": 2.35}, {"latitude": 48.85, "longitude": 2.35}
pytestmark = pytest.mark.django_db


def ride(trip: Trip, *places: dict[str, Any], start: float = 0) -> int:
    """Positions every five seconds; how many entries were told so far."""
    for number, place in enumerate(places):
        say(trip, "position", at(start + 5 * number), **place)
    return len(told(FORBIDDEN))


def test_an_entry_tells_who_where_and_why() -> None:
    trip, zone = TripFactory(), ZoneFactory(name="Parc")
    assert ride(trip, OUTSIDE, INSIDE | {"accuracy": 8}) == 1
    payload = last(FORBIDDEN)
    assert payload["object"]["id"] == trip.vehicule_id
    assert payload["trip"] == trip.pk
    assert payload["cyclist"] == trip.cyclist_id
    assert payload["zone"] == {"id": zone.pk, "name": "Parc"}
    assert payload["position"] == INSIDE
    assert payload["accuracy"] == 8
    assert payload["rule"]["ride_through_allowed"] is False
    assert payload["reported_at"] == iso(at(5))


@pytest.mark.parametrize("status", [s for s in TripStatus if s != TripStatus.RENTING])
def test_only_a_renting_trip_goes_in(status: TripStatus) -> None:
    ended = {"end_at": NOW} if status == TripStatus.COMPLETED else {}
    trip = TripFactory(status=status, **ended)
    ZoneFactory()
    assert ride(trip, OUTSIDE, INSIDE) == 0


def test_without_a_trip_nothing_is_entered() -> None:
    ZoneFactory()
    bike = BikeFactory()
    say(bike, "position", at(0), **OUTSIDE)
    say(bike, "position", at(5), **INSIDE)
    assert told("vehicule.position.forbidden") == []


def test_a_zone_that_is_changed_counts_from_then_on() -> None:
    trip, zone = TripFactory(), ZoneFactory(status="closed")
    assert ride(trip, OUTSIDE, INSIDE, OUTSIDE) == 0
    patch(zone, status="open")
    assert ride(trip, INSIDE, OUTSIDE, start=100) == 1
    patch(zone, type=ZoneType.LIMITED_TRAFFIC)
    assert ride(trip, INSIDE, OUTSIDE, start=200) == 1
    patch(zone, type=ZoneType.FORBIDDEN)
    assert ride(trip, INSIDE, OUTSIDE, start=300) == 2
    delete(zone)
    assert ride(trip, INSIDE, OUTSIDE, start=400) == 2


def test_case_2_a_zone_opened_over_a_riding_vehicle_is_not_entered() -> None:
    trip, zone = TripFactory(), ZoneFactory(status="closed")
    ride(trip, OUTSIDE, INSIDE)
    patch(zone, status="open")
    assert ride(trip, INSIDE | {"latitude": 48.86}, start=100) == 0


def test_case_5_a_new_trip_that_begins_inside_did_not_go_in() -> None:
    first = TripFactory()
    ZoneFactory()
    assert ride(first, OUTSIDE, INSIDE) == 1
    Trip.objects.filter(pk=first.pk).update(status=TripStatus.COMPLETED, end_at=at(6))
    second = TripFactory(vehicule=first.vehicule, start_at=at(7))
    assert ride(second, INSIDE, INSIDE | {"latitude": 48.86}, start=10) == 1
    assert ride(second, OUTSIDE, INSIDE, start=30) == 2


def test_case_5_a_position_from_before_the_trip_is_not_its_beginning() -> None:
    trip = TripFactory(start_at=at(100))
    ZoneFactory()
    take(message(trip, "position", at(50), **OUTSIDE), now=at(120))
    assert ride(trip, INSIDE, start=130) == 0


def test_case_7_a_late_position_changes_nothing() -> None:
    trip = TripFactory()
    ZoneFactory()
    say(trip, "position", at(0), **OUTSIDE)
    say(trip, "position", at(20), **(OUTSIDE | {"latitude": 48.78}))
    take(message(trip, "position", at(10), **INSIDE), now=at(25))
    assert verdicts() == ["state", "state", "late"]
    assert told() == []
    assert ride(trip, INSIDE, start=30) == 1


def test_case_7_disorder_within_a_batch_is_put_in_order() -> None:
    trip = TripFactory()
    ZoneFactory()
    take(message(trip, "position", at(5), **INSIDE), message(trip, "position", at(0), **OUTSIDE), now=at(6))
    assert len(told(FORBIDDEN)) == 1


def test_case_12_a_repeated_position_is_no_second_one() -> None:
    ProgramFactory(confirm_fixes=2)
    trip = TripFactory()
    ZoneFactory()
    say(trip, "position", at(0), **OUTSIDE)
    for _repetition in range(3):
        take(message(trip, "position", at(5), **INSIDE), now=at(6))
    assert told() == []
    assert verdicts()[2:] == ["late", "late"]
    assert ride(trip, INSIDE, start=10) == 1


def test_a_program_is_strict_unless_it_says_otherwise() -> None:
    assert watch_settings(ProgramFactory()) == WatchSettings() == WatchSettings(0, 0, 1, 0)


def test_the_settings_of_the_program_count() -> None:
    ProgramFactory(accuracy_factor=2, exit_margin_m=15)
    trip = TripFactory()
    ZoneFactory()
    assert ride(trip, OUTSIDE, {"latitude": 48.8001, "longitude": 2.35, "accuracy": 10}) == 0
    assert ride(trip, INSIDE | {"accuracy": 10}, start=20) == 1
    assert ride(trip, {"latitude": 48.7999, "longitude": 2.35, "accuracy": 3}, INSIDE, start=30) == 1


def test_leaving_the_operating_area_names_no_zone() -> None:
    rules = [{"ride_start_allowed": False, "ride_end_allowed": False, "ride_through_allowed": False}]
    ProgramFactory(global_rules=rules)
    trip = TripFactory()
    ZoneFactory(type=ZoneType.GEOFENCING, rules=[dict.fromkeys(rules[0], True)])
    assert ride(trip, INSIDE, OUTSIDE) == 1
    assert last(FORBIDDEN)["zone"] is None


@pytest.mark.parametrize("kind", [kind for kind in ZoneType if kind != ZoneType.FORBIDDEN])
def test_a_zone_without_rules_has_no_say(kind: ZoneType, client: Client) -> None:
    program = ProgramFactory(publish_gbfs=True)
    ZoneFactory(type=kind, precedence=0)
    zone = ZoneFactory(precedence=1)
    trip = TripFactory()
    assert ride(trip, OUTSIDE, INSIDE) == 1
    assert last(FORBIDDEN)["zone"]["id"] == zone.pk
    for version in ("", "2.3/"):
        data = client.get(f"/gbfs/{program.pk}/{version}geofencing_zones.json").json()["data"]
        says = [bool(feature["properties"]["rules"]) for feature in data["geofencing_zones"]["features"]]
        assert says == [False, True]


def test_each_program_has_its_own_zones() -> None:
    here, there = TripFactory(), TripFactory(program__id="elsewhere")
    ZoneFactory(program=here.program)
    ride(there, OUTSIDE, INSIDE)
    assert told() == []
    assert ride(here, OUTSIDE, INSIDE) == 1


def test_every_zone_change_counts_the_programs_zones_anew() -> None:
    zone = ZoneFactory()
    before = Program.objects.get().zones_version
    patch(zone, name=zone.name)
    assert Program.objects.get().zones_version == before
    patch(zone, name="Other")
    assert Program.objects.get().zones_version == before + 1
