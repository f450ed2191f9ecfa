"""Zones as pure functions: precedence, geometry, and the thirteen cases of going into a forbidden zone."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bikeshare.rules.geometry import (
    BadArea,
    area_of,
    area_of_bounds,
    geojson_of,
    is_counter_clockwise,
    turned_inside_out,
)
from bikeshare.rules.zones import FORBIDS_ALL, Entry, Fix, Rule, Watch, WatchSettings, ZoneArea, ZoneMap, rule_of, step
from tests.clock import NOW

DATA = Path(__file__).parent / "data" / "paris_zones.json"
# About 111 m from south to north.
STEP = 0.001


def box(west: float, south: float, east: float, north: float) -> Any:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return area_of({"type": "Polygon", "coordinates": [ring]})


def zone(name: str, area: Any, *rules: Rule, **more: Any) -> ZoneArea:
    return ZoneArea(name, name, area, rules or (FORBIDS_ALL,), **more)


PARK = zone("park", box(2.30, 48.80, 2.40, 48.90))
ALLOWED = Rule()


class Ride:
    """A trip along a street to the north at 2.35° east, judged position by position."""

    def __init__(self, *zones: ZoneArea, outside: tuple[Rule, ...] = (), kind: str = "vae", **settings: Any) -> None:
        self.draw(*zones, outside=outside)
        self.kind, self.settings = kind, WatchSettings(**settings)
        self.watch, self.at, self.is_renting = Watch(), NOW, True

    def draw(self, *zones: ZoneArea, outside: tuple[Rule, ...] = ()) -> None:
        """Other zones from now on; what contains the anchor is asked anew, as each batch does."""
        self.map = ZoneMap(zones, outside)
        anchor = getattr(self, "watch", Watch()).anchor
        if anchor is not None:
            inside = self.map.inside([(anchor.latitude, anchor.longitude)])[0]
            self.watch = Watch(
                Fix(anchor.latitude, anchor.longitude, anchor.at, anchor.accuracy, inside), self.watch.streak
            )

    def to(self, latitude: float, longitude: float = 2.35, accuracy: float | None = None) -> Entry | None:
        self.at += timedelta(seconds=5)
        inside = self.map.inside([(latitude, longitude)])[0]
        fix = Fix(latitude, longitude, self.at, accuracy, inside)
        self.watch, entry = step(
            self.map, self.watch, fix, settings=self.settings, vehicule_type=self.kind, is_renting=self.is_renting
        )
        return entry

    def along(self, *latitudes: float, accuracy: float | None = None) -> list[str]:
        """The names of the zones that were entered on the way."""
        entries = [self.to(latitude, accuracy=accuracy) for latitude in latitudes]
        return [entry.zone.name if entry.zone else "outside" for entry in entries if entry]


def test_riding_in_is_told_once_for_each_time() -> None:
    assert Ride(PARK).along(48.79, 48.81, 48.82, 48.83) == ["park"]


# ---- the thirteen cases of the reference, § 4.2 ---------------------------------------------------------------------


def test_case_1_a_trip_that_begins_inside_did_not_go_in() -> None:
    assert Ride(PARK).along(48.81, 48.82) == []


def test_case_2_a_zone_drawn_around_a_riding_vehicle_is_not_entered() -> None:
    ride = Ride()
    assert ride.along(48.81, 48.82) == []
    ride.draw(PARK)
    assert ride.along(48.83, 48.79, 48.81) == ["park"]


def test_case_3_the_rule_that_is_in_force_decides_where_zones_overlap() -> None:
    street = zone("street", box(2.30, 48.83, 2.40, 48.85), ALLOWED)
    assert Ride(street, PARK).along(48.79, 48.81, 48.84, 48.86) == ["park", "park"]
    assert Ride(PARK, street).along(48.79, 48.81, 48.84, 48.86) == ["park"]


def test_case_3_a_second_forbidden_zone_is_entered_when_it_was_not_entered_before() -> None:
    first, second = zone("first", box(2.3, 48.80, 2.4, 48.82)), zone("second", box(2.3, 48.81, 2.4, 48.84))
    assert Ride(first, second).along(48.79, 48.805, 48.83) == ["first", "second"]
    # In the overlap the first decides; the second was entered there already.
    assert Ride(first, second).along(48.79, 48.815, 48.83) == ["first"]


def test_case_4_leaving_and_coming_back_is_a_new_entry() -> None:
    assert Ride(PARK).along(48.79, 48.81, 48.79, 48.81) == ["park", "park"]


def test_case_4_within_the_exit_margin_it_has_not_left() -> None:
    ride = Ride(PARK, exit_margin_m=15)
    assert ride.along(48.79, 48.81, 48.7999, 48.8001) == ["park"]
    assert ride.along(48.7995, 48.8001) == ["park"]


def test_case_5_a_new_trip_that_begins_inside_did_not_go_in() -> None:
    ride = Ride(PARK)
    assert ride.along(48.79, 48.81) == ["park"]
    ride.watch = Watch()
    assert ride.along(48.82, 48.83) == []


def test_case_6_what_was_entered_while_not_renting_is_not_entered_on_resuming() -> None:
    ride = Ride(PARK)
    ride.to(48.79)
    ride.is_renting = False
    assert ride.along(48.81) == []
    ride.is_renting = True
    assert ride.along(48.82) == []


def test_case_6_resumed_outside_it_is_entered_afterwards() -> None:
    ride = Ride(PARK)
    ride.to(48.78)
    ride.is_renting = False
    ride.to(48.79)
    ride.is_renting = True
    assert ride.along(48.81) == ["park"]


# Cases 7 (late) and 12 (repeated) are decided before a position gets here: test_telemetry_positions.py. So is 13.


def test_case_8_a_jump_across_a_thin_zone_is_no_entry() -> None:
    thin = zone("thin", box(2.30, 48.80, 2.40, 48.8002))
    assert Ride(thin).along(48.79, 48.81) == []


def test_case_9_a_zone_that_begins_by_its_clock_is_not_entered_by_who_stands_in_it() -> None:
    later = zone("later", PARK.area, start=NOW + timedelta(seconds=12), end=NOW + timedelta(seconds=40))
    ride = Ride(later)
    assert ride.along(48.79, 48.81) == []  # at 5 and 10 s: not yet
    assert ride.along(48.82) == []  # at 15 s: it stood inside
    assert ride.along(48.79, 48.81) == ["later"]
    ride.at = NOW + timedelta(minutes=1)
    assert ride.along(48.79, 48.81) == []  # over


def test_case_10_rules_bind_the_types_that_they_name() -> None:
    scooters = zone("no scooters", PARK.area, Rule(frozenset({"scooter"}), through=False), ALLOWED)
    assert Ride(scooters, kind="vae").along(48.79, 48.81) == []
    assert Ride(scooters, kind="scooter").along(48.79, 48.81) == ["no scooters"]


def test_case_10_a_zone_without_a_rule_for_the_type_is_passed_over() -> None:
    boats = zone("boats", PARK.area, Rule(frozenset({"boat"})))
    assert Ride(boats, PARK).along(48.79, 48.81) == ["park"]


def test_case_11_a_position_without_accuracy_counts_by_the_fixed_depth_alone() -> None:
    assert Ride(PARK, accuracy_factor=2).along(48.79, 48.80001) == ["park"]
    assert Ride(PARK, accuracy_factor=2, min_depth_m=10).along(48.79, 48.80001) == []
    assert Ride(PARK, accuracy_factor=2, min_depth_m=10).along(48.79, 48.81) == ["park"]


def test_an_inaccurate_position_near_the_border_decides_nothing() -> None:
    ride = Ride(PARK, accuracy_factor=2)
    assert ride.along(48.79, 48.8001, accuracy=10) == []  # 11 m inside, 20 m asked
    assert ride.along(48.8003, accuracy=10) == ["park"]


def test_so_many_positions_in_a_row_confirm() -> None:
    assert Ride(PARK, confirm_fixes=2).along(48.79, 48.81, 48.79, 48.81) == []
    assert Ride(PARK, confirm_fixes=3).along(48.79, 48.81, 48.82, 48.83, 48.84) == ["park"]


def test_leaving_the_operating_area_is_forbidden_where_the_program_says_so() -> None:
    city = zone("city", PARK.area, ALLOWED)
    assert Ride(city, outside=(FORBIDS_ALL,)).along(48.81, 48.79, 48.78, 48.81, 48.79) == ["outside", "outside"]
    assert Ride(city).along(48.81, 48.79) == []


def test_a_border_is_not_in_the_zone() -> None:
    assert Ride(PARK).along(48.79, 48.80) == []


# ---- the oracle -----------------------------------------------------------------------------------------------------


def paris() -> tuple[list[ZoneArea], list[Rule], list[dict[str, Any]]]:
    data = json.loads(DATA.read_text())["data"]
    features = data["geofencing_zones"]["features"]
    zones = [
        ZoneArea(str(n), "", area_of(f["geometry"]), tuple(map(rule_of, f["properties"]["rules"])))
        for n, f in enumerate(features)
    ]
    return zones, [rule_of(rule) for rule in data["global_rules"]], features


def in_ring(x: float, y: float, ring: list[list[float]]) -> bool:
    """Ray casting, without any library."""
    inside = False
    for (ax, ay), (bx, by) in pairwise(ring):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside


def oracle(
    x: float, y: float, kind: str, features: list[dict[str, Any]], outside: list[Rule]
) -> tuple[int | None, bool]:
    """The first feature in the file that contains the point and has a rule for the type; and whether that forbids."""
    for number, feature in enumerate(features):
        for shell, *holes in feature["geometry"]["coordinates"]:
            if in_ring(x, y, shell) and not any(in_ring(x, y, hole) for hole in holes):
                for rule in feature["properties"]["rules"]:
                    if kind in rule.get("vehicle_type_ids", [kind]):
                        return number, not rule["ride_through_allowed"]
    return None, any(not rule.through for rule in outside)


@pytest.mark.parametrize("kind", ["vae", "scooter"])
def test_positions_meet_the_rule_that_a_brute_force_search_finds(kind: str) -> None:
    zones, outside, features = paris()
    chance = random.Random(7)
    points = [(chance.uniform(48.80, 48.92), chance.uniform(2.24, 2.45)) for _ in range(20_000)]
    found = ZoneMap(zones, outside)
    seen = set()
    for (latitude, longitude), inside in zip(points, found.inside(points), strict=True):
        place = found.place(inside, NOW, kind)
        expected = oracle(longitude, latitude, kind, features, outside)
        assert (place.zone, place.is_forbidden) == expected, (latitude, longitude)
        seen.add(expected)
    assert len(seen) > 50  # most zones were met


# ---- areas ----------------------------------------------------------------------------------------------------------

TRIANGLE = [[2.3, 48.8], [2.4, 48.8], [2.4, 48.9]]


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        (None, "GeoJSON object"),
        ({"type": "Point", "coordinates": [2, 48]}, "not Point"),
        ({"type": "Polygon", "coordinates": []}, "must be a list of rings"),
        ({"type": "MultiPolygon", "coordinates": "x"}, "no coordinates"),
        ({"type": "Polygon", "coordinates": [[[2.3, 48.8], [2.4, 48.8], [2.3, 48.8]]]}, "three different"),
        ({"type": "Polygon", "coordinates": [[[48.8, 2.3], [48.8, 92.4], [48.9, 2.4]]]}, "seem to be swapped"),
        ({"type": "Polygon", "coordinates": [[[200, 48.8], [2.4, 48.8], [2.4, 48.9]]]}, "longitude of 200"),
        ({"type": "Polygon", "coordinates": [[["2.3", 48.8], [2.4, 48.8], [2.4, 48.9]]]}, "must hold numbers"),
        ({"type": "Polygon", "coordinates": [[[float("nan"), 48.8], [2.4, 48.8], [2.4, 48.9]]]}, "must hold numbers"),
        ({"type": "Polygon", "coordinates": [[[2, 48], [3, 49], [3, 48], [2, 49]]]}, "not simple"),
        ({"type": "Polygon", "coordinates": [[[2.0, 48.0]] * 20_001]}, "more than 20000"),
    ],
)
def test_an_area_that_cannot_be_used_says_why(geometry: Any, said: str) -> None:
    with pytest.raises(BadArea, match=said):
        area_of(geometry)


def test_an_open_ring_is_closed_and_turned_as_geojson_wants_it() -> None:
    area = area_of({"type": "Polygon", "coordinates": [TRIANGLE[::-1]]})
    (ring,) = geojson_of(area)["coordinates"][0]
    assert ring[0] == ring[-1]
    assert is_counter_clockwise(ring)


def test_bounds_are_one_ring() -> None:
    bounds = [{"latitude": y, "longitude": x} for x, y in TRIANGLE]
    assert area_of_bounds(bounds).equals(area_of({"type": "Polygon", "coordinates": [TRIANGLE]}))
    with pytest.raises(BadArea, match=r"bounds\[0\]"):
        area_of_bounds([[2.3, 48.8]])


def test_an_area_turned_inside_out_holds_what_it_did_not() -> None:
    outside = zone("outside", turned_inside_out(PARK.area))
    assert Ride(outside).along(48.85, 48.95) == ["outside"]
