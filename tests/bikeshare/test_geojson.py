"""Zones as GeoJSON: by API and page, what the search finds, and read again the same zones."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.test import Client
from django.urls import reverse

from bikeshare.choices import OpenStatus, ZoneType
from bikeshare.ingest.areas import zones_of_areas
from bikeshare.ingest.gbfs import feed_from
from bikeshare.models import Zone
from bikeshare.rules.geometry import area_of
from bikeshare.services.gbfs_import import import_feed
from tests.bikeshare.kit import NOW
from tests.conftest import ApiClient
from tests.factories.bikeshare import ProgramFactory, ZoneFactory

pytestmark = pytest.mark.django_db
SLOW = {"ride_start_allowed": True, "ride_end_allowed": True, "ride_through_allowed": True, "maximum_speed_kph": 10}


@pytest.fixture
def zones() -> list[Zone]:
    program = ProgramFactory()
    more: list[dict[str, Any]] = [
        {"name": "Jardin", "type": ZoneType.FORBIDDEN, "rules": [], "precedence": 2},
        {"name": "Marché", "type": ZoneType.LIMITED_TRAFFIC, "rules": [SLOW], "precedence": 1, "vehicule_type": "vae"},
        {"name": "Quai", "type": ZoneType.PARKING, "rules": [], "precedence": 3, "status": OpenStatus.CLOSED},
        {"name": "Fête", "rules": [], "precedence": 4, "start": NOW, "end": NOW + timedelta(days=1)},
    ]
    return [ZoneFactory(program=program, **values) for values in more]


def collection(api: ApiClient, query: str = "") -> Any:
    answer = api.get(f"/bikeshare/zones.geojson{query}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/geo+json")
    return answer.json()


def test_zones_stand_in_their_order_with_what_they_mean(api: ApiClient, zones: list[Zone]) -> None:
    features = collection(api)["features"]
    assert [feature["properties"]["name"] for feature in features] == ["Marché", "Jardin", "Quai", "Fête"]
    assert [feature["id"] for feature in features] == [zones[place].pk for place in (1, 0, 2, 3)]
    market, garden = features[0]["properties"], features[1]["properties"]
    assert market["rules"] == [{"vehicle_type_ids": ["vae"]} | SLOW]
    assert garden["rules"][0]["ride_through_allowed"] is False
    assert [f["properties"]["name"] for f in collection(api, "?q=type:limited_traffic")["features"]] == ["Marché"]
    assert api.get("/bikeshare/zones.geojson?q=size:9").status_code == 422
    assert api.get("/bikeshare/zones.geojson?program=x").status_code == 422


@pytest.mark.usefixtures("zones")
def test_what_is_exported_is_imported_as_the_same_zones(api: ApiClient) -> None:
    exported = collection(api)
    held = feed_from({"geofencing_zones": zones_of_areas(exported)}, types={}, ring_direction_counts=True)
    assert held.problems == []
    import_feed(program_id="copy", feed=held, now=NOW)
    copied = collection(api, "?q=program:copy")["features"]
    for before, after in zip(exported["features"], copied, strict=True):
        own = ("program", "precedence")
        assert {k: v for k, v in after["properties"].items() if k not in own} == {
            k: v for k, v in before["properties"].items() if k not in own
        }
        assert area_of(after["geometry"]).equals(area_of(before["geometry"]))


def test_the_page_saves_what_its_search_finds(viewer: Client, zones: list[Zone]) -> None:
    page = viewer.get(f"{reverse('bikeshare:zones')}?q=quai").content.decode()
    link = f"{reverse('bikeshare:zones_geojson')}?q=quai"
    assert link in page
    file = viewer.get(link)
    assert file["Content-Disposition"] == 'attachment; filename="zones.geojson"'
    assert [feature["id"] for feature in json.loads(file.content)["features"]] == [zones[2].pk]
    assert viewer.get(f"{reverse('bikeshare:zones_geojson')}?q=size:9").status_code == 302


SQUARE = {"type": "Polygon", "coordinates": [[[2.0, 48.0], [2.1, 48.0], [2.1, 48.1], [2.0, 48.0]]]}


@pytest.mark.parametrize("word", ["forbidden", "Forbidden", "FORBIDDEN ", "no_ride", "interdit", "Verboten"])
def test_the_type_of_a_zone_is_read_in_any_spelling(word: str) -> None:
    area = {"type": "Feature", "geometry": SQUARE, "properties": {"name": "a", "type": word}}
    feed = feed_from({"geofencing_zones": zones_of_areas(area)})
    assert feed.zones is not None
    assert ([zone["type"] for zone in feed.zones], feed.notes) == (["forbidden"], [])


def test_a_type_that_nobody_knows_and_an_area_that_is_none_are_said() -> None:
    odd = {"type": "Feature", "geometry": SQUARE, "properties": {"type": "playground"}}
    geographies = [
        {"geography_id": "a", "geography_json": msgspec.json.encode(SQUARE).decode()},
        {"geography_id": "b", "geography_json": None},
        {"geography_id": "c", "geography_json": odd},
    ]
    feed = feed_from({"geofencing_zones": zones_of_areas({"geographies": geographies})})
    assert feed.zones is not None
    assert ([zone["external_id"] for zone in feed.zones], len(feed.problems)) == (["a", "c"], 1)
    assert "playground is none of" in str(feed.notes)
