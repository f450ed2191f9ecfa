"""Feeds as they are: what stations say, values in every spelling, packed and unchanged answers, areas of other kinds.

The odd values are of public feeds and of reports to their readers (Vélib', PBSC, Cyclocity, Pony, HOPR), written anew.
"""

from __future__ import annotations

import gzip
import http.server
import json
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from pytest_django import Settings

from bikeshare.client import CannotRead, read_feed
from bikeshare.ingest.areas import zones_of_areas
from bikeshare.ingest.gbfs import feed_from
from bikeshare.ingest.rules import BadRule, rules_from
from bikeshare.models import Station, Zone
from bikeshare.services.gbfs_import import import_feed
from tests.bikeshare.kit import NOW, told
from tests.bikeshare.test_gbfs import NO_RIDE_3, document, feature, load, station, zones
from tests.factories.bikeshare import SQUARE, ProgramFactory, StationFactory, ZoneFactory

pytestmark = pytest.mark.django_db
STAMP = int(NOW.timestamp())
OPEN = {"is_installed": True, "is_renting": True, "is_returning": True}


def status(**more: Any) -> dict[str, Any]:
    return {
        "station_id": "1",
        **OPEN,
        "num_bikes_available": 3,
        "num_docks_available": 5,
        "last_reported": STAMP,
    } | more


def loaded(*statuses: Any, **files: Any) -> Station:
    given = {"station_information": document("2.3", stations=[station(1, "2.3")])} | files
    load(given | {"station_status": document("2.3", stations=list(statuses))})
    found: Station = Station.objects.get()
    return found


# Each line: what a feed says of a station, and whether it is open, what is there, and when that was.
SAID: list[tuple[dict[str, Any], tuple[str, int | None, int | None, datetime | None]]] = [
    (status(), ("open", 3, 5, NOW)),
    (status(is_installed=1, is_renting=1, is_returning=1), ("open", 3, 5, NOW)),
    (status(is_installed=0, is_renting=0, is_returning=0), ("closed", 3, 5, NOW)),
    (status(is_installed="false"), ("closed", 3, 5, NOW)),
    (status(is_installed="NON", is_renting="OUI", is_returning="OUI"), ("closed", 3, 5, NOW)),
    (status(is_installed="OUI", is_renting="NON", is_returning="NON"), ("closed", 3, 5, NOW)),
    (status(is_renting=False), ("open", 3, 5, NOW)),
    (status(is_installed=None, is_renting=None, is_returning=None), ("open", 3, 5, NOW)),
    (status(num_bikes_available="7", num_docks_available="2.0"), ("open", 7, 2, NOW)),
    (status(num_bikes_available=None, num_docks_available=-1), ("open", None, None, NOW)),
    (status(num_bikes_available=None, numBikesAvailable=4), ("open", 4, 5, NOW)),
    (status(num_bikes_available=None, num_vehicles_available=4), ("open", 4, 5, NOW)),
    (status(last_reported=f"{NOW:%Y-%m-%dT%H:%M:%SZ}"), ("open", 3, 5, NOW)),
    (status(last_reported=str(STAMP)), ("open", 3, 5, NOW)),
    (status(last_reported=STAMP * 1000), ("open", 3, 5, NOW)),
    (status(last_reported=float(STAMP)), ("open", 3, 5, NOW)),
    (status(last_reported=-62_135_596_800_000), ("open", 3, 5, None)),
    (status(last_reported="never"), ("open", 3, 5, None)),
    (status(last_reported=None), ("open", 3, 5, None)),
    (status(last_reported=0), ("open", 3, 5, None)),
    (status(last_reported=""), ("open", 3, 5, None)),
    (status(last_reported=STAMP * 1_000_000), ("open", 3, 5, NOW)),
    (status(last_reported=f"{NOW:%Y-%m-%d %H:%M:%S} UTC"), ("open", 3, 5, NOW)),
    ({"stationId": "1", "isInstalled": False, "lastReported": STAMP}, ("closed", None, None, NOW)),
    (status(station_id=1), ("open", 3, 5, NOW)),
    # counts and states as feeds of PBSC, Smoove and of before GBFS have them
    ({"station_id": "1", "bikes_available": 19, "docks_available": 41}, ("open", 19, 41, None)),
    ({"station_id": "1", "availableBikes": "19", "availableDocks": "12"}, ("open", 19, 12, None)),
    ({"station_id": "1", "num_bikes_available_types": [{"mechanical": 1}, {"ebike": 2}]}, ("open", 3, None, None)),
    ({"station_id": "1", "num_bikes_available_types": {"mechanical": 1, "ebike": 0}}, ("open", 1, None, None)),
    (
        {
            "station_id": "1",
            "vehicle_types_available": [{"vehicle_type_id": "x", "count": 2}, {"vehicle_type_id": "y", "count": 0}],
            "vehicle_docks_available": [{"vehicle_type_ids": ["x"], "count": 7}],
        },
        ("open", 2, 7, None),
    ),
    ({"station_id": "1", "num_bikes_available_types": [{"mechanical": "many"}]}, ("open", None, None, None)),
    ({"station_id": "1", "status": "END_OF_LIFE"}, ("closed", None, None, None)),
    ({"station_id": "1", "status": "IN_SERVICE"}, ("open", None, None, None)),
    (status(status="MAINTENANCE"), ("open", 3, 5, NOW)),
]


def test_places_names_and_rules_are_read_wherever_feeds_write_them() -> None:
    bare = {"station_id": "1", "name": {"en": "Gate", "fr": "Porte"}, "capacity": "", "station_area": {}}
    places: list[dict[str, Any]] = [
        {"position": {"lat": 48.1, "lng": "2,1"}},
        {"location": {"type": "Point", "coordinates": [2.1, 48.1]}},
        {"coordinates": {"latitude": 48.1, "longitude": 2.1}},
        {"lat": 48.1, "long": 2.1},
    ]
    for place in places:
        held = feed_from({"station_information": document("2.3", stations=[bare | place])})
        (found,) = held.stations
        assert (found["latitude"], found["longitude"], found["name"]) == (48.1, 2.1, "Gate")
        assert (held.problems, held.notes) == ([], [])
    forbids = [{"rideAllowed": False, "rideThroughAllowed": "false", "stationParking": 1}]
    for rules in (forbids, json.dumps(forbids)):
        assert rules_from(rules) == [NO_RIDE_3 | {"station_parking": True}]
    for said, meant in (("OPEN", "open"), ("closed ", "closed"), ("inactive", "closed")):
        shown = feature("Parc", []) | {"properties": {"status": said, "type": "slow_zone"}}
        [zone] = feed_from({"geofencing_zones": zones("3.0", shown)}).zones or [{}]
        assert (zone["status"], zone["type"]) == (meant, "limited_traffic")


@pytest.mark.parametrize(("said", "holds"), SAID)
def test_what_a_feed_says_of_a_station_holds(said: dict[str, Any], holds: Any) -> None:
    StationFactory.reset_sequence()
    row = loaded(said)
    # An import that tells a station's creation is a report of it, too.
    at = row.reported_at if holds[3] else None
    assert (row.status, row.reported_vehicules, row.reported_docks, at) == holds


def test_what_a_status_file_says_wrongly_is_named() -> None:
    said = [status(is_renting="N", num_bikes_available=-1), status(station_id=99)]
    information = document("2.3", stations=[{"station_id": "1", "name": "a", "lat": 48.1, "lon": 2.1}])
    held = feed_from({"station_information": information, "station_status": document("2.3", stations=said)})
    assert (held.statuses["1"].rents, held.statuses["1"].takes_back) == (False, True)
    assert [where.rpartition(".")[2] for where, _why in held.notes] == ["num_bikes_available", "station_id"]


def test_zones_may_be_a_list_of_collections() -> None:
    held = zones("2.1", feature("Parc", [NO_RIDE_3]))
    collection = held["data"]["geofencing_zones"]
    held["data"]["geofencing_zones"] = [collection, feature("Quai", [])]
    feed = feed_from({"geofencing_zones": held})
    assert ([zone["name"] for zone in feed.zones or ()], feed.problems) == (["Parc", "Quai"], [])


def test_a_station_closes_and_opens_by_its_status_alone_and_counts_tell_nothing() -> None:
    loaded(status())
    before = len(told())
    load({"station_status": document("2.3", stations=[status(num_bikes_available=1)])})
    assert (len(told()), Station.objects.get().reported_vehicules) == (before, 1)
    load({"station_status": document("2.3", stations=[status(is_installed=False)])})
    assert [(event.kind, event.payload["object"]["status"]) for event in told()[before:]] == [
        ("station.updated", "closed")
    ]
    report = load({"station_status": document("2.3", stations=status())})
    assert (report.missing_stations, Station.objects.get().status) == (0, "open")


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"is_virtual_station": "true"}, {"is_virtual": True}),
        ({"is_virtual_station": 1}, {"is_virtual": True}),
        ({"is_charging_station": "OUI"}, {"electrical": True}),
        ({"is_charging_station": "no"}, {"electrical": False}),
        ({"is_charging_station": None}, {"electrical": False}),
        ({"capacity": "17"}, {"capacity": 17}),
        ({"capacity": 17.0}, {"capacity": 17}),
        ({"capacity": None}, {"capacity": None}),
        ({"station_id": 131094294}, {"external_id": "131094294"}),
        ({"lat": "48.85", "lon": " 2.35 "}, {"latitude": 48.85, "longitude": 2.35}),
        ({"name": [{"text": "Gare", "language": "fr"}]}, {"name": "Gare"}),
        ({"name": {"text": "Gare", "language": "fr"}}, {"name": "Gare"}),
        ({"name": None}, {"name": "1"}),
        ({"name": " Gare\u200b"}, {"name": "Gare"}),
        ({"station_id": 12.0}, {"external_id": "12"}),
        ({"lat": None, "lon": None, "latitude": "48,85", "lng": 2.35}, {"latitude": 48.85, "longitude": 2.35}),
        ({"rental_methods": "KEY", "address": None}, {"address": ""}),
    ],
)
def test_a_station_is_read_in_its_own_spelling(given: dict[str, Any], holds: dict[str, Any]) -> None:
    feed = feed_from({"station_information": document("2.3", stations=station(1, "2.3") | given)})
    assert feed.problems == []
    assert {name: feed.stations[0][name] for name in holds} == holds


@pytest.mark.parametrize("no", [False, 0, "false", "0", "no"])
def test_rules_are_read_in_any_spelling(no: Any) -> None:
    rule = {"ride_start_allowed": no, "ride_end_allowed": no, "ride_through_allowed": no}
    given = zones("3.0", feature("Parc", rule))  # type: ignore[arg-type]
    given["data"]["geofencing_zones"]["features"] = given["data"]["geofencing_zones"]["features"][0]
    feed = feed_from({"geofencing_zones": given})
    assert feed.zones is not None
    assert feed.zones[0]["rules"] == [NO_RIDE_3]


# ---- areas of other kinds -------------------------------------------------------------------------------------------

POLYGON = {"type": "Polygon", "coordinates": [SQUARE]}
COLLECTION: Any = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "properties": {"name": "Parc", "type": "forbidden"}, "geometry": POLYGON},
        {"type": "Feature", "properties": None, "geometry": POLYGON},
    ],
}
GEOGRAPHY = {
    "geography_id": "8ad39dc3",
    "name": "Downtown",
    "effective_date": STAMP * 1000,
    "geography_json": COLLECTION,
}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (COLLECTION, ["Parc", ""]),
        (COLLECTION["features"][0], ["Parc"]),
        (POLYGON, [""]),
        ({"version": "2.0.0", "geographies": [GEOGRAPHY]}, ["Parc", "Downtown"]),
        ({"version": "1.2.0", "data": {"geographies": [GEOGRAPHY]}}, ["Parc", "Downtown"]),
        (GEOGRAPHY, ["Parc", "Downtown"]),
    ],
)
def test_geojson_and_mds_geographies_are_zones(tmp_path: Path, given: Any, names: list[str]) -> None:
    ProgramFactory()
    ours = ZoneFactory(external_id="gbfs:x", precedence=0)
    path = tmp_path / "areas.json"
    path.write_text(json.dumps(given))
    for _time in range(2):
        import_feed(program_id="lutece", feed=feed_from(read_feed(str(path)).files), now=NOW)
    rows = list(Zone.objects.exclude(pk=ours.pk).order_by("precedence"))
    assert [row.name for row in rows] == names
    assert [row.type for row in rows] == ["forbidden" if row.name == "Parc" else "geofencing" for row in rows]
    assert Zone.objects.filter(pk=ours.pk).exists()


@pytest.mark.parametrize("given", [{}, [], 5, {"data": {"stations": []}}, {"type": "Topology"}])
def test_what_is_no_area_is_none(given: Any, tmp_path: Path) -> None:
    assert zones_of_areas(given) is None
    path = tmp_path / "areas.json"
    path.write_text(json.dumps(given))
    with pytest.raises(CannotRead, match="neither GeoJSON nor"):
        read_feed(str(path))


# ---- over HTTP ------------------------------------------------------------------------------------------------------


class Feeds(http.server.BaseHTTPRequestHandler):
    """Packs without being asked, and says when nothing changed."""

    files: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[tuple[str, str, int]]] = []
    encoding: ClassVar[str] = "gzip"
    pack: ClassVar[Callable[[bytes], bytes]] = gzip.compress

    def do_GET(self) -> None:
        body = self.files[self.path]
        etag = f'"{hash(body)}"'
        is_known = self.headers.get("If-None-Match") == etag
        self.asked.append((self.path, self.headers.get("Accept-Encoding", ""), 304 if is_known else 200))
        self.send_response(304 if is_known else 200)
        packed = b"" if is_known else type(self).pack(body)
        encoding = ("Content-Encoding", self.encoding)
        for name, value in (("ETag", etag), encoding, ("Content-Length", str(len(packed)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(packed)

    def log_message(self, *_words: Any) -> None:
        return


@pytest.fixture
def feeds(settings: Settings) -> Iterator[str]:
    settings.OUTBOX_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Feeds) as server:
        base = f"http://127.0.0.1:{server.server_port}"
        given = {
            "vehicle_types": document("2.3", vehicle_types=[]),
            "station_information": document("2.3", stations=[station(1, "2.3")]),
            "station_status": document("2.3", stations=[status()]),
        }
        index = document("2.3", fr={"feeds": [{"name": name, "url": f"{base}/{name}"} for name in given]})
        Feeds.files = {f"/{name}": json.dumps(held).encode() for name, held in (given | {"gbfs": index}).items()}
        Feeds.files["/areas"] = json.dumps(COLLECTION).encode()
        Feeds.asked = []
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield base
        server.shutdown()


def test_a_packed_feed_is_read_and_asked_for_again_only_where_it_changed(feeds: str) -> None:
    first = read_feed(f"{feeds}/gbfs")
    assert (set(first.files), first.problems) == ({"vehicle_types", "station_information", "station_status"}, [])
    assert {encoding for _path, encoding, _status in Feeds.asked} == {"gzip"}
    Feeds.files["/station_status"] = json.dumps(document("2.3", stations=[status(num_bikes_available=9)])).encode()
    Feeds.asked.clear()
    again = read_feed(f"{feeds}/gbfs", first.tags)
    assert (set(again.files), again.unchanged) == ({"vehicle_types", "station_status"}, {"station_information"})
    assert {path: answered for path, _encoding, answered in Feeds.asked}["/station_information"] == 304
    assert read_feed(f"{feeds}/gbfs", again.tags).unchanged == {"station_information", "station_status"}


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("identity", lambda body: body),
        ("identity", lambda body: b"\xef\xbb\xbf" + body),
        ("identity", lambda body: body.decode().encode("utf-16")),
        ("identity", lambda body: body.decode().encode("utf-16-be")),
        ("gzip", lambda body: gzip.compress(b"\xef\xbb\xbf" + body)),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("deflate", lambda body: body),
        ("identity", zlib.compress),
    ],
)
def test_a_feed_is_read_in_any_encoding_and_by_addresses_seen_from_its_index(
    feeds: str, monkeypatch: pytest.MonkeyPatch, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(Feeds, "encoding", encoding)
    monkeypatch.setattr(Feeds, "pack", staticmethod(pack))
    monkeypatch.setitem(Feeds.files, "/gbfs", Feeds.files["/gbfs"].replace(f"{feeds}/station_s".encode(), b"station_s"))
    held = read_feed(f"{feeds}/gbfs")
    assert (len(held.files), held.problems) == (3, [])
    assert read_feed(f"{feeds}/areas").files


def test_geojson_at_an_address_is_zones(feeds: str) -> None:
    feed = feed_from(read_feed(f"{feeds}/areas").files)
    assert feed.zones is not None
    assert len(feed.zones) == 2


def test_what_is_packed_too_well_or_broken_off_is_said(feeds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bikeshare.client.MAX_BYTES", 1000)
    Feeds.files["/station_status"] = b" " * 100_000
    ((path, said),) = read_feed(f"{feeds}/gbfs").problems
    assert path == "station_status.json"
    assert "too large or broken off" in said


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"maximum_speed_kph": "10"}, {"maximum_speed_kph": 10}),
        ({"maximum_speed_kph": "12,5 km/h"}, {"maximum_speed_kph": 12}),
        ({"vehicle_type_ids": [1, "2 "]}, {"vehicle_type_ids": ["1", "2"]}),
        ({"vehicle_type_id": 7}, {"vehicle_type_ids": ["7"]}),
    ],
)
def test_a_rule_is_read_in_its_own_spelling(given: dict[str, Any], kept: dict[str, Any]) -> None:
    (rule,) = rules_from([NO_RIDE_3 | given], said=[])
    assert {name: rule[name] for name in kept} == kept


def test_what_nobody_reads_of_a_feeds_rule_is_named() -> None:
    said: list[str] = []
    given = {"vehicule_types": ["SCOOTER"], "maxSpeed": "6,5", "zzz": 1}
    (rule,) = rules_from([NO_RIDE_3 | given], said=said)
    assert (rule["vehicle_type_ids"], rule["maximum_speed_kph"]) == (["scooter"], 6)
    assert [
        word for word in ("`vehicle_type_ids`", "`maximum_speed_kph`", "`zzz`", "6.5") if word not in str(said)
    ] == []


@pytest.mark.parametrize("speed", ["fast", -1, "10 mph", True, []])
def test_a_speed_that_nobody_knows_binds_nobody(speed: Any) -> None:
    with pytest.raises(BadRule, match="kilometres"):
        rules_from([NO_RIDE_3 | {"maximum_speed_kph": speed}])
