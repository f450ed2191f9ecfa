"""What several feeds bring is kept apart, and what one brings is found again when it brings it anew."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from bikeshare.ingest.areas import zones_of_areas
from bikeshare.ingest.gbfs import feed_from
from bikeshare.ingest.resources import FeedBody
from bikeshare.models import FeedSource, Program, Station, Zone
from bikeshare.rules.order import precedences
from bikeshare.services.feeds import patch_feed
from bikeshare.services.gbfs_import import Report, import_feed
from tests.bikeshare.kit import NOW, told, topics
from tests.bikeshare.test_gbfs import NO_RIDE_3, document, feature, station, zones
from tests.factories.bikeshare import ProgramFactory, StationFactory, ZoneFactory

pytestmark = pytest.mark.django_db
URL = "https://feeds.example/"


def square(n: int) -> list[list[float]]:
    return [[n, 40], [n + 0.5, 40], [n + 0.5, 40.5], [n, 40.5], [n, 40]]


def area(n: int, name: str = "", **more: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": [square(n)]}
    return {"type": "Feature", "geometry": geometry, "properties": {"name": name}, **more}


def geography(n: int, **more: Any) -> dict[str, Any]:
    held = {"type": "FeatureCollection", "features": [area(n)]}
    return {"geography_id": f"g-{n}", "name": "No parking", "geography_json": held, **more}


def bring(name: str, *features: Any, held: Any = None) -> Report:
    given = held or {"type": "FeatureCollection", "features": list(features)}
    return import_feed(
        program_id="lutece", feed=feed_from({"geofencing_zones": zones_of_areas(given)}), now=NOW, url=URL + name
    )


def in_order() -> list[Zone]:
    return list(Zone.objects.order_by("precedence", "pk"))


def test_feeds_of_all_kinds_leave_one_another_alone() -> None:
    ProgramFactory()
    ZoneFactory()
    StationFactory(external_id="9")
    given = document("3.0", stations=[station(1), station(2)])
    ruled = zones("3.0", feature("Parc", [NO_RIDE_3]), global_rules=[NO_RIDE_3])

    def turn() -> None:
        bring("a", area(1, "Parc"), area(2))
        bring("b", area(1, "Parc"))
        bring("mds", held={"version": "2.0.0", "geographies": [geography(1), geography(5)]})
        for name, files in (
            ("gbfs", {"station_information": given, "geofencing_zones": ruled}),
            ("other", {"station_information": given}),
        ):
            import_feed(program_id="lutece", feed=feed_from(files), now=NOW, url=URL + name)

    turn()
    assert (Zone.objects.count(), Station.objects.count()) == (7, 5)
    known = topics()
    turn()
    assert topics() == known
    assert Program.objects.get().global_rules == [NO_RIDE_3]
    bring("a")
    assert Zone.objects.count() == 5


def test_a_feed_keeps_what_it_brought_when_it_moves_and_under_a_new_secret_key(settings: Settings) -> None:
    bring("old", area(1, "Parc"))
    source = FeedSource.objects.create(program_id="lutece", url=URL + "old")
    patch_feed(feed=source, body=FeedBody(url=URL + "new"), now=NOW)
    known = topics()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 9, [settings.SECRET_KEY]
    bring("new", area(1, "Parc"))
    assert topics() == known


def test_a_feed_changes_none_but_its_own_rules_outside_all_zones() -> None:
    slow, own = (
        NO_RIDE_3 | {"ride_through_allowed": True, "maximum_speed_kph": 6},
        NO_RIDE_3 | {"station_parking": True},
    )
    ProgramFactory(global_rules=[own])

    def say(name: str, *rules: dict[str, Any]) -> list[dict[str, Any]]:
        held = {"geofencing_zones": zones("3.0", feature("Parc", [NO_RIDE_3]), global_rules=list(rules))}
        import_feed(program_id="lutece", feed=feed_from(held), now=NOW, url=URL + name)
        return list(Program.objects.get().global_rules)

    assert say("none") == [own]
    assert say("a", NO_RIDE_3) == [own, NO_RIDE_3]
    assert say("b", slow) == say("a", NO_RIDE_3) == [own, NO_RIDE_3, slow]
    assert say("a") == [own, slow]


def test_a_retired_geography_ends() -> None:
    day, now = 86_400_000, round(NOW.timestamp() * 1000)
    given = [
        geography(1, effective_date=now - 9 * day, retire_date=now - day),
        geography(2, effective_date=now, retire_date=now - 9 * day),
        geography(3, effective_date=now),
    ]
    bring("mds", held={"version": "2.0.0", "data": {"geographies": given}})
    assert [(zone.external_id, zone.start, zone.end) for zone in in_order()] == [
        ("g-1", NOW - timedelta(days=9), NOW - timedelta(days=1)),
        ("g-2", None, NOW - timedelta(days=9)),
        ("g-3", NOW, None),
    ]


@pytest.mark.parametrize("ids", [False, True])
@settings(max_examples=15, deadline=None)
@given(st.permutations(range(8)), st.sets(st.integers(0, 7), max_size=3), st.integers(0, 99))
def test_order_alone_makes_no_zone_another(ids: bool, order: list[int], gone: set[int], seed: int) -> None:
    """Four without a name, four of the same name; with ids that only count them, as many tools write them."""
    Zone.everything.all().delete()
    chance = random.Random(seed)
    every = [area(n, "No parking" if n % 2 else "") for n in range(8)]
    more = area(20, chance.choice(("", "No parking", "Parc")))

    def numbered(features: list[Any]) -> list[Any]:
        return [one | {"id": n} for n, one in enumerate(features)] if ids else features

    bring("a", *numbered(every))
    pks = {zone.geometry["coordinates"][0][0][0][0]: zone.pk for zone in in_order()}
    left = [every[n] for n in range(8) if n not in gone]
    before = len(told())
    report = bring("a", *numbered(left))
    assert (report.zones.changed, report.zones.deleted, len(told()) - before) == (0, len(gone), len(gone))
    shuffled = [every[n] for n in order if n not in gone]
    shuffled.insert(chance.randint(0, len(shuffled)), more)
    report = bring("a", *numbered(shuffled))
    assert (report.zones.created, report.zones.deleted) == (1, 0)
    corners = [zone.geometry["coordinates"][0][0][0][0] for zone in in_order()]
    assert corners == [one["geometry"]["coordinates"][0][0][0] for one in shuffled]
    assert all(pks.get(n, zone.pk) == zone.pk for n, zone in zip(corners, in_order(), strict=True))


def test_a_zone_is_found_by_its_id_then_its_name_then_its_area() -> None:
    bring("a", area(1, "A", id="x"), area(2, "B"), area(3, "C"))
    pks = [zone.pk for zone in in_order()]
    bring("a", area(4, "Z", id="x"), area(5, "B"), area(3, "D"))
    assert [(zone.pk, zone.name) for zone in in_order()] == list(zip(pks, ("Z", "B", "D"), strict=True))


class Row:
    def __init__(self, precedence: int, pk: str) -> None:
        self.precedence, self.pk = precedence, pk


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=12), st.randoms())
def test_precedences_hold_the_order_whatever_was_before(before: list[tuple[int, bool]], chance: random.Random) -> None:
    rows = [Row(number, f"{place:03}") if known else None for place, (number, known) in enumerate(before)]
    chance.shuffle(rows)
    found = precedences(rows)
    keys = [(n, row.pk if row else f"~{place:03}") for place, (n, row) in enumerate(zip(found, rows, strict=True))]
    assert keys == sorted(keys)
    ordered = sorted(filter(None, rows), key=lambda row: (row.precedence, row.pk))
    assert precedences(ordered) == [row.precedence for row in ordered]


def test_a_station_that_vanishes_is_closed_until_it_is_there_again() -> None:
    def bring_stations(*stations: Any, **more: Any) -> None:
        files = {"station_information": document("3.0", stations=list(stations)), **more}
        import_feed(program_id="lutece", feed=feed_from(files), now=NOW, url=URL)

    ProgramFactory()
    hand = StationFactory(external_id="9")
    bring_stations(station(1), station(2), station(3))
    for _time in range(2):
        bring_stations(station(1), station(3, lat="bad"))
    closed = Station.objects.filter(status="closed").values_list("external_id", flat=True)
    assert (list(closed), hand.external_id in closed, Station.objects.count()) == (["2"], False, 4)
    assert len(told("station.updated")) == 1
    bring_stations()
    bring_stations(station(1), station(2), station(3))
    assert set(Station.objects.values_list("status", flat=True)) == {"open"}
