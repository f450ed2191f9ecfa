"""Our own feed in both versions: judged by a validator that others wrote, true, cacheable, without inventions."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from gbfs_validator import GBFS

from bikeshare.models import Station
from bikeshare.services import renting, trips
from tests.bikeshare.kit import DAY, HOUR, NOW, patch, say
from tests.bikeshare.test_gbfs import InProcess, a_city
from tests.factories.bikeshare import BikeFactory, DockFactory, ProgramFactory, StationFactory, ZoneFactory, rider

pytestmark = pytest.mark.django_db
HERE = {"latitude": 48.85, "longitude": 2.35}
BASE = {"3.0": "/gbfs/lutece/", "2.3": "/gbfs/lutece/2.3/"}
VEHICLES = {"3.0": ("vehicle_status", "vehicles"), "2.3": ("free_bike_status", "bikes")}


def read(client: Client, name: str, version: str = "3.0") -> Any:
    return client.get(f"{BASE[version]}{name}.json").json()["data"]


@pytest.mark.parametrize("version", BASE)
def test_a_validator_that_others_wrote_finds_no_error(version: str) -> None:
    a_city()
    BikeFactory(boitier__said=HERE)  # nobody knows how far it goes
    BikeFactory(type="scooter", boitier__said=HERE)
    url = f"http://testserver{BASE[version]}gbfs.json"
    report: Any = GBFS(url, docked=True, freefloating=True, fetcher=InProcess()).validation()
    assert report["summary"]["version"]["validated"] == version
    assert not report["summary"]["hasErrors"], [f["errors"] for f in report["files"] if f.get("hasErrors")]
    there = {file["file"] for file in report["files"] if file["exists"]}
    wanted = "gbfs gbfs_versions system_information vehicle_types station_information station_status geofencing_zones"
    assert {f"{name}.json" for name in (*wanted.split(), VEHICLES[version][0])} <= there
    assert version == "2.3" or "manifest.json" in there


@pytest.mark.parametrize("version", BASE)
def test_what_nobody_knows_is_not_published_as_nothing(client: Client, version: str) -> None:
    ProgramFactory(publish_gbfs=True)
    for said in ({}, {"battery_vae": 50.0}, {"battery_vae_range_m": 9000.0}):
        BikeFactory(boitier__said=HERE | said)
    name, key = VEHICLES[version]
    vehicles = read(client, name, version)[key]
    energy = {"current_range_meters", "current_fuel_percent"}
    found = sorted(((v["vehicle_type_id"], {k: v[k] for k in energy & v.keys()}) for v in vehicles), key=str)
    assert found == [
        ("vae", {"current_range_meters": 30_000, "current_fuel_percent": 0.5}),
        ("vae", {"current_range_meters": 9000}),
        ("vae_range_unknown", {}),
    ]
    assert all("last_reported" not in vehicle for vehicle in vehicles)


def test_a_station_that_only_a_feed_knows_is_not_empty(client: Client) -> None:
    ProgramFactory(publish_gbfs=True)
    StationFactory(external_id="a")
    StationFactory(external_id="b", reported_vehicules=3, reported_docks=5, reported_at=NOW)
    (told,) = read(client, "station_status")["stations"]
    assert (told["num_vehicles_available"], told["num_docks_available"]) == (3, 5)
    (kind,) = told["vehicle_types_available"]
    assert kind["count"] == 3
    assert kind["vehicle_type_id"] in {one["vehicle_type_id"] for one in read(client, "vehicle_types")["vehicle_types"]}
    assert "num_vehicles_disabled" not in told
    assert (told["is_renting"], told["is_returning"]) == (True, True)
    Station.objects.filter(external_id="b").update(reported_renting=False)
    (told,) = read(client, "station_status")["stations"]
    assert (told["is_renting"], told["is_returning"]) == (False, True)


def test_a_station_was_last_reported_when_something_was_said_of_it(client: Client) -> None:
    ProgramFactory(publish_gbfs=True)
    station = StationFactory()

    def reported() -> datetime:
        (status,) = read(client, "station_status")["stations"]
        return datetime.fromisoformat(status["last_reported"])

    assert reported() == station.created
    dock = DockFactory(station=station)
    bike = BikeFactory()
    patch(dock, vehicule=bike.pk, now=NOW - DAY)
    assert reported() == NOW - DAY
    say(bike, "battery", NOW, value=50)
    assert reported() == NOW
    trip, _pin = renting.start_trip(cyclist_id=rider().pk, vehicule_id=bike.pk, now=NOW + HOUR)
    trips.close(trip.pk, now=NOW + 2 * HOUR)
    assert reported() == NOW + HOUR
    assert Station.objects.get().version == 1


def test_zones_of_2_3_turn_with_the_clock_and_know_one_way_to_ride(client: Client) -> None:
    ProgramFactory(publish_gbfs=True, global_rules=[{"ride_start_allowed": True, "ride_end_allowed": True}])
    rule = {"ride_start_allowed": True, "ride_end_allowed": False, "ride_through_allowed": True}
    ZoneFactory(
        rules=[rule | {"vehicle_type_ids": ["vae", "hover"]}, rule | {"vehicle_type_ids": ["hover"]}], start=NOW
    )
    data = read(client, "geofencing_zones", "2.3")
    (feature,) = data["geofencing_zones"]["features"]
    ring = feature["geometry"]["coordinates"][0][0]
    turning = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring))
    assert turning > 0
    assert feature["properties"]["rules"] == [
        {"ride_allowed": False, "ride_through_allowed": True, "vehicle_type_id": ["vae", "vae_range_unknown"]}
    ]
    assert feature["properties"]["start"] == int(NOW.timestamp())
    assert "global_rules" not in data


@pytest.mark.parametrize("path", ["/gbfs/lutece/station_status.json", "/gbfs/manifest.json"])
def test_a_feed_is_the_same_for_everyone_and_is_not_sent_twice(client: Client, viewer: Client, path: str) -> None:
    ProgramFactory(publish_gbfs=True, name="Vélos " * 12)
    # So much that what gzip saves outweighs Django's padding against BREACH, which is a random length up to 100 bytes.
    StationFactory.create_batch(12)
    for system in ("nord", "sud", "ouest"):
        ProgramFactory(id=system, publish_gbfs=True)
    for asking in (client, viewer):
        answer = asking.get(path, headers={"Accept-Language": "de"})
        assert (answer["Cache-Control"], answer["Vary"]) == ("public, max-age=60", "Accept-Encoding")
        assert not answer.cookies
    again = client.get(path, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", answer["ETag"])
    assert again["Vary"] == "Accept-Encoding"
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.content))["data"] == answer.json()["data"]
    Station.objects.update(name="Gare", reported_at=NOW)
    ProgramFactory(id="nemo", publish_gbfs=True)
    assert client.get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 200


def test_the_manifest_names_every_published_feed_in_every_version(client: Client) -> None:
    ProgramFactory(publish_gbfs=True)
    ProgramFactory(id="nemo")
    (one,) = client.get("/gbfs/manifest.json").json()["data"]["datasets"]
    assert (one["system_id"], [each["version"] for each in one["versions"]]) == ("lutece", ["2.3", "3.0"])
    for each in (*one["versions"], *read(client, "gbfs_versions", "2.3")["versions"]):
        assert client.get(each["url"].partition("testserver")[2] or each["url"]).json()["version"] == each["version"]


def test_times_are_those_of_the_version(client: Client) -> None:
    ProgramFactory(publish_gbfs=True)
    BikeFactory(boitier__said=HERE | {"last_seen": NOW}, type="classic")
    assert read(client, "vehicle_status")["vehicles"][0]["last_reported"] == f"{NOW:%Y-%m-%dT%H:%M:%S.000Z}"
    assert read(client, "free_bike_status", "2.3")["bikes"][0]["last_reported"] == int(NOW.timestamp())
