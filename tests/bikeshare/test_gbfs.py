"""GBFS in and out: dirty feeds of three versions, the dry run, and our own feed judged by a third party."""

from __future__ import annotations

import asyncio
import copy
import http.server
import json
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from typing import Any

import hypothesis
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from gbfs_validator import GBFS
from hypothesis import strategies as st
from pytest_django import Settings

from bikeshare.api.gbfs import FILES
from bikeshare.client import CannotRead, read_feed
from bikeshare.ingest.gbfs import feed_from
from bikeshare.models import Bike, Program, Station, Zone
from bikeshare.rules.zones import Place, ZoneMap
from bikeshare.services.gbfs_import import import_feed
from bikeshare.services.zones import zone_map
from tests.bikeshare.kit import MINUTE, NOW, told
from tests.factories.bikeshare import (
    SQUARE,
    BikeFactory,
    DockFactory,
    ProgramFactory,
    StationFactory,
    TripFactory,
    ZoneFactory,
)
from tests.mailserver import ScriptedServer

pytestmark = pytest.mark.django_db
PARIS = json.loads((Path(__file__).parent / "data" / "paris_zones.json").read_text())
NO_RIDE_3 = {"ride_start_allowed": False, "ride_end_allowed": False, "ride_through_allowed": False}
NO_RIDE_2 = {"ride_allowed": False, "ride_through_allowed": False}
CLOCKWISE = SQUARE[::-1]


def place_at(zones: ZoneMap, latitude: float, longitude: float, at: datetime, vehicule_type: str) -> Place:
    return zones.place(zones.inside([(latitude, longitude)])[0], at, vehicule_type)


def text(value: str, version: str) -> Any:
    return [{"text": value, "language": "fr"}] if version.startswith("3") else value


def document(version: str, **data: Any) -> dict[str, Any]:
    return {"last_updated": 0, "ttl": 0, "version": version, "data": data}


def station(n: int = 1, version: str = "3.0", **more: Any) -> dict[str, Any]:
    found = {"station_id": str(n), "name": text(f"Gare {n}", version), "lat": 48.85, "lon": 2.35, "capacity": 8}
    return found | more


def feature(name: str, rules: list[Any], ring: Any = None, version: str = "3.0", **more: Any) -> dict[str, Any]:
    ring = ring or (SQUARE if version.startswith("3") else CLOCKWISE)
    geometry = {"type": "MultiPolygon", "coordinates": [[ring]]}
    return {
        "type": "Feature",
        "geometry": geometry,
        "properties": {"name": text(name, version), "rules": rules, **more},
    }


def zones(version: str, *features: Any, **data: Any) -> dict[str, Any]:
    return document(version, geofencing_zones={"type": "FeatureCollection", "features": list(features)}, **data)


def files(version: str = "3.0") -> dict[str, Any]:
    rule = NO_RIDE_3 if version.startswith("3") else NO_RIDE_2
    return {
        "system_information": document(version, name=text("Vélos", version), timezone="Europe/Paris", language="fr"),
        "station_information": document(version, stations=[station(1, version), station(2, version)]),
        "geofencing_zones": zones(version, feature("Parc", [rule], version=version)),
    }


def load(given: dict[str, Any], **more: Any) -> Any:
    return import_feed(program_id="lutece", feed=feed_from(given, **more), now=NOW)


# ---- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.2", "2.3", "3.0"])
def test_each_version_is_read(version: str) -> None:
    report = load(files(version))
    assert (report.is_new, report.program.name, report.stations.created, report.zones.created) == (True, "Vélos", 2, 1)
    gare = Station.objects.get(external_id="1")
    assert (gare.name, gare.latitude, gare.capacity) == ("Gare 1", 48.85, 8)
    zone = Zone.objects.get()
    assert (zone.name, zone.type, zone.rules) == ("Parc", "forbidden", [NO_RIDE_3])
    assert place_at(zone_map(Program.objects.get()), 48.85, 2.35, NOW, "vae").is_forbidden
    assert len(told("station.created")) == 2
    assert len(told("zone.created")) == 1


@pytest.mark.parametrize("version", ["2.2", "2.3", "3.0"])
def test_a_dry_run_of_each_version_says_the_same_and_writes_nothing(version: str) -> None:
    dry = import_feed(program_id="lutece", feed=feed_from(files(version)), now=NOW, dry_run=True)
    assert not Program.objects.exists()
    assert not Station.objects.exists()
    assert not Zone.objects.exists()
    assert told() == []
    wet = load(files(version))
    assert (dry.stations, dry.zones, dry.is_new) == (wet.stations, wet.zones, wet.is_new)


def test_a_version_that_is_a_number_counts_too() -> None:
    given = {"geofencing_zones": zones("2.3", feature("Ville", [NO_RIDE_2], ring=SQUARE, version="2.3"))}
    given["geofencing_zones"]["version"] = 2.3
    assert "means everything outside it" in feed_from(given).notes[0][1]


@pytest.mark.parametrize(
    ("version", "value"),
    [("2.3", 1_795_239_600), ("3.0", "2026-11-21T05:40:00Z"), ("3.0", "2026-11-21T06:40:00+01:00")],
)
def test_times_are_unix_seconds_or_rfc_3339(version: str, value: Any) -> None:
    rule = NO_RIDE_3 if version == "3.0" else NO_RIDE_2
    load({"geofencing_zones": zones(version, feature("Parc", [rule], version=version, start=value))})
    start = Zone.objects.get().start
    assert start is not None
    assert start.isoformat() == "2026-11-21T05:40:00+00:00"


@pytest.mark.parametrize("key", ["vehicle_type_id", "vehicle_type_ids"])
@pytest.mark.parametrize("value", ["ebike", ["ebike"]])
def test_a_rule_bound_to_a_type_stays_bound_however_the_feed_writes_it(key: str, value: Any) -> None:
    given = {"geofencing_zones": zones("3.0", feature("Parc", [NO_RIDE_3 | {key: value}]))}
    feed = feed_from(given, types={"ebike": "vae"})
    assert feed.zones is not None
    assert feed.zones[0]["rules"] == [NO_RIDE_3 | {"vehicle_type_ids": ["vae"]}]
    unknown = feed_from(given)
    assert "which no vehicle here has" in unknown.notes[0][1]


def test_a_feeds_own_vehicle_types_say_which_of_ours_they_are() -> None:
    types = [
        {"vehicle_type_id": "a", "form_factor": "bicycle", "propulsion_type": "human"},
        {"vehicle_type_id": "b", "form_factor": "cargo_bicycle", "propulsion_type": "electric_assist"},
        {"vehicle_type_id": "c", "form_factor": "scooter_standing", "propulsion_type": "electric"},
        {"vehicle_type_id": "d", "form_factor": "car", "propulsion_type": "combustion"},
    ]
    rule = NO_RIDE_3 | {"vehicle_type_ids": ["a", "b", "c", "d"]}
    given = {
        "vehicle_types": document("3.0", vehicle_types=types),
        "geofencing_zones": zones("3.0", feature("P", [rule])),
    }
    feed = feed_from(given)
    assert feed.zones is not None
    assert feed.zones[0]["rules"][0]["vehicle_type_ids"] == ["classic", "vae", "scooter", "d"]


def test_against_the_clock_means_outside_in_version_2_and_is_said() -> None:
    given = {"geofencing_zones": zones("2.3", feature("Ville", [NO_RIDE_2], ring=SQUARE, version="2.3"))}
    assert "means everything outside it" in feed_from(given).notes[0][1]
    load(given)
    here = zone_map(Program.objects.get())
    assert not place_at(here, 48.85, 2.35, NOW, "vae").is_forbidden
    assert place_at(here, 48.95, 2.35, NOW, "vae").is_forbidden


def test_a_feed_that_does_not_know_its_version_is_read_as_rfc_7946() -> None:
    given = {"geofencing_zones": zones("2.3", feature("Parc", [NO_RIDE_2], ring=SQUARE, version="2.3"))}
    load(given, ring_direction_counts=False)
    assert place_at(zone_map(Program.objects.get()), 48.85, 2.35, NOW, "vae").is_forbidden


def test_outside_all_zones_the_global_rules_hold() -> None:
    load({"geofencing_zones": PARIS})
    program = Program.objects.get()
    assert program.global_rules == [NO_RIDE_3]
    assert place_at(zone_map(program), 49.5, 2.35, NOW, "vae").is_forbidden
    assert Zone.objects.count() == len(PARIS["data"]["geofencing_zones"]["features"])


BAD_STATIONS: list[tuple[Any, str]] = [
    (5, "stations[0]: must be an object"),
    (station(lat=91), "stations[0].lat: 91, 2.35 is no position"),
    (station(lat=0, lon=0), "stations[0].lat"),
    (station(lat="north"), "stations[0].lat"),
    (station(station_id=None), "stations[0].station_id"),
    (station(n=2), "stations[1].station_id: 2 stands in the file twice"),
]


@pytest.mark.parametrize(("bad", "said"), BAD_STATIONS)
def test_a_bad_station_is_named_and_the_rest_imported(bad: Any, said: str) -> None:
    feed = feed_from({"station_information": document("3.0", stations=[bad, station(2)])})
    ((path, sentence),) = feed.problems
    assert f"{path.removeprefix('station_information.json data.')}: {sentence}".startswith(said)
    assert len(feed.stations) == 1


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (feature("x", [{"ride_start_allowed": True}]), "rules[0] lacks ride_end_allowed"),
        (feature("x", ["no"]), "rules[0] must be an object"),
        (feature("x", [NO_RIDE_3], ring=[[2, 48], [3, 49], [3, 48], [2, 49]]), "not simple"),
        (feature("x", [NO_RIDE_3], ring=[[48.8, 2.3], [48.9, 92.3], [48.9, 2.4]]), "seem to be swapped"),
        (feature("x", [NO_RIDE_3], start="soon"), "must be a time"),
        (feature("x", [NO_RIDE_3], start="2026-11-21T05:40:00Z", end="2026-11-20T05:40:00Z"), "lies before its start"),
        ("zone", "must be an object"),
        ({"type": "Feature"}, "GeoJSON object"),
    ],
)
def test_a_bad_zone_is_named_and_the_rest_imported(bad: Any, said: str) -> None:
    feed = feed_from({"geofencing_zones": zones("3.0", bad, feature("Parc", [NO_RIDE_3]))})
    ((path, sentence),) = feed.problems
    assert path.startswith("geofencing_zones.json data.geofencing_zones.features[0]")
    assert said in sentence
    assert [zone["name"] for zone in feed.zones or ()] == ["Parc"]


@pytest.mark.parametrize("odd", [None, [], 5, "x", {"data": []}, {"data": {"stations": {}, "geofencing_zones": []}}])
def test_odd_documents_are_problems_and_no_crash(odd: Any) -> None:
    feed = feed_from(
        dict.fromkeys(("system_information", "station_information", "geofencing_zones", "vehicle_types"), odd)
    )
    assert len(feed.problems) == 2
    assert not feed.stations


def test_what_is_optional_and_odd_is_left_out_and_noted() -> None:
    row = station(capacity="many", station_area={"type": "Polygon", "coordinates": [[[1, 2]]]}, lat=" 48.85 ")
    feed = feed_from({"station_information": document("2.3", stations=[row])})
    assert (feed.stations[0]["capacity"], feed.stations[0]["area"], feed.stations[0]["latitude"]) == (None, None, 48.85)
    assert [path.rpartition(".")[2] for path, _said in feed.notes] == ["capacity", "station_area"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@hypothesis.settings(max_examples=300)
@hypothesis.given(data=st.data())
def test_whatever_is_wrong_with_one_item_its_neighbours_are_read(data: st.DataObject) -> None:
    """One value somewhere in one station and one zone is junk: it is named with its path or read, never a crash."""
    version = data.draw(st.sampled_from(["2.2", "2.3", "3.0"]))
    rule = NO_RIDE_3 if version == "3.0" else NO_RIDE_2
    stations = [station(n, version, station_id=f"gare-{n}") for n in range(3)]
    # Copies, since the rings are shared.
    features = [copy.deepcopy(feature(f"Parc {n}", [rule], version=version)) for n in range(3)]
    for items in (stations, features):
        _spoil(data, items)
    given = {
        "station_information": document(version, stations=stations),
        "geofencing_zones": zones(version, *features),
    }
    feed = feed_from(json.loads(json.dumps(given)))
    assert {"gare-0", "gare-2"} <= {one["external_id"] for one in feed.stations}
    assert feed.zones is not None
    assert {"Parc 0", "Parc 2"} <= {one["name"] for one in feed.zones}
    named = [path for path, _sentence in feed.problems]
    assert all("stations[1]" in path or "features[1]" in path for path in named)
    assert len(feed.stations) + len(feed.zones) + len(named) == 6


def _spoil(data: st.DataObject, items: list[Any]) -> None:
    """Puts junk into the second item, at a place of its own choosing."""
    holder, key = items, 1
    while isinstance(holder[key], dict | list) and holder[key] and data.draw(st.booleans()):
        holder = holder[key]
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
    holder[key] = data.draw(JUNK)


# ---- writing --------------------------------------------------------------------------------------------------------


def test_importing_again_changes_what_changed_and_tells_nothing_else() -> None:
    load(files())
    told_before = len(told())
    given = files()
    again = load(given)
    assert (again.stations.unchanged, again.zones.unchanged, len(told())) == (2, 1, told_before)
    given["station_information"]["data"]["stations"][0]["capacity"] = 9
    given["station_information"]["data"]["stations"].pop()
    given["geofencing_zones"] = zones("3.0", feature("Jardin", [NO_RIDE_3]))
    report = load(given)
    assert (report.stations.changed, report.missing_stations) == (2, 1)
    # Of the same area under another name: it is the same zone.
    assert (report.zones.changed, report.zones.deleted) == (1, 0)
    assert [event.kind for event in told()[told_before:]] == ["station.updated", "station.updated", "zone.updated"]
    assert Station.objects.count() == 2


def test_a_zone_that_cannot_be_read_this_time_is_left_alone() -> None:
    load(files())
    report = load({"geofencing_zones": zones("3.0", feature("Parc", ["bad"]))})
    assert report.zones.deleted == 0
    assert Zone.objects.get().name == "Parc"


def test_zones_made_by_hand_are_left_alone() -> None:
    hand = ZoneFactory()
    load(files())
    load({"geofencing_zones": zones("3.0")})
    assert Zone.objects.get().pk == hand.pk


def test_a_feed_without_zones_says_nothing_about_zones() -> None:
    load(files())
    load({"station_information": document("3.0", stations=[station(1)])})
    assert Zone.objects.count() == 1


def test_nothing_is_half_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_more: Any) -> None:
        raise RuntimeError("the outbox is away")

    monkeypatch.setattr("bikeshare.services.unit_of_work.publish", broken)
    with pytest.raises(RuntimeError):
        load(files())
    assert not Station.objects.exists()
    assert not Zone.objects.exists()
    assert not Program.objects.exists()


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in files().items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


def test_a_folder_is_imported(folder: Path, capsys: Any) -> None:
    bad = files()["station_information"]
    bad["data"]["stations"].append(station(3, lat=99))
    (folder / "station_information.json").write_text(json.dumps(bad))
    call_command("import_gbfs", str(folder), program="lutece")
    said = capsys.readouterr()
    assert "stations: 2 new, 0 changed, 0 unchanged, 0 deleted" in said.out
    assert "1 items were left out" in said.out
    assert "left out: station_information.json data.stations[2].lat: 99, 2.35 is no position" in said.err


def test_a_dry_run_writes_nothing(folder: Path, capsys: Any) -> None:
    call_command("import_gbfs", str(folder), program="lutece", dry_run=True)
    assert "stations: 2 new" in capsys.readouterr().out
    assert not Program.objects.exists()
    assert told() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"source": "/nowhere"}, "neither a folder"),
        ({"program": "No Good"}, "Small letters"),
        ({"type": ["x=tank"]}, "--type must be"),
    ],
)
def test_the_command_says_what_is_wrong(folder: Path, arguments: dict[str, Any], said: str) -> None:
    given = {"source": str(folder), "program": "lutece"} | arguments
    with pytest.raises(CommandError, match=said):
        call_command("import_gbfs", given.pop("source"), **given)
    assert not Program.objects.exists()


def test_files_that_are_no_json_are_named(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match="holds none of"):
        read_feed(str(tmp_path))
    (tmp_path / "station_information.json").write_text("{")
    ((path, said),) = read_feed(str(tmp_path)).problems
    assert path == "station_information.json"
    assert "no valid JSON" in said


@pytest.fixture
def near(settings: Settings) -> None:
    """Feeds may be on this machine."""
    settings.OUTBOX_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def server(folder: Path, near: None) -> Iterator[str]:
    """The folder over HTTP, with a gbfs.json of version 2 that leads to it."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, directory=str(folder), **kwargs)

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as httpd:
        base = f"http://127.0.0.1:{httpd.server_port}"
        feeds = [{"name": name, "url": f"{base}/{name}.json"} for name in files()]
        feeds.append({"name": "geofencing_zones_old", "url": "ftp://127.0.0.1/x"})
        (folder / "gbfs.json").write_text(json.dumps(document("2.3", fr={"feeds": feeds})))
        Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield base
        httpd.shutdown()


def test_an_address_is_imported(server: str, folder: Path, capsys: Any) -> None:
    call_command("import_gbfs", f"{server}/gbfs.json", program="lutece")
    assert Station.objects.count() == 2
    (folder / "station_information.json").unlink()
    call_command("import_gbfs", f"{server}/gbfs.json", program="lutece")
    assert "cannot be read: HTTP 404" in capsys.readouterr().err
    with pytest.raises(CommandError, match="names none of"):
        call_command("import_gbfs", f"{server}/geofencing_zones.json", program="lutece")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_gbfs", f"{server}/nothing.json", program="lutece")


def test_an_answer_that_is_no_http_is_said(near: None) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")

    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"SSH-2.0-OpenSSH\r\n")

    for script in (broken, odd):
        with ScriptedServer(script) as server, pytest.raises(CannotRead, match="cannot be read"):
            read_feed(f"http://127.0.0.1:{server.port}/gbfs.json")


def test_a_feed_leads_nowhere_inside(server: str, folder: Path, settings: Settings, capsys: Any) -> None:
    """Whoever writes a gbfs.json names addresses: those that are not public are not asked."""
    index = json.loads((folder / "gbfs.json").read_text())
    index["data"]["fr"]["feeds"][0]["url"] = "http://169.254.169.254/latest/meta-data"
    (folder / "gbfs.json").write_text(json.dumps(index))
    call_command("import_gbfs", f"{server}/gbfs.json", program="lutece")
    assert "169.254.169.254 is not a public address (cloud metadata)" in capsys.readouterr().err
    settings.OUTBOX_ALLOWED_NETWORKS = []
    with pytest.raises(CommandError, match="is not a public address"):
        call_command("import_gbfs", f"{server}/gbfs.json", program="lutece")


def test_of_several_languages_that_of_the_program_is_read(server: str, folder: Path) -> None:
    index = json.loads((folder / "gbfs.json").read_text())
    index["data"] = {"en": {"feeds": []}, "fr-FR": index["data"]["fr"]}
    (folder / "gbfs.json").write_text(json.dumps(index))
    assert "station_information" in read_feed(f"{server}/gbfs.json", language="fr").files
    with pytest.raises(CannotRead):
        read_feed(f"{server}/gbfs.json", language="de")
    names = [{"text": "Gate", "language": "en"}, {"text": "Porte", "language": "fr"}]
    said = document("3.0", stations=[{"station_id": "1", "name": names, "lat": 48.1, "lon": 2.1}])
    assert feed_from({"station_information": said}, language="fr").stations[0]["name"] == "Porte"


@pytest.mark.parametrize("index", [[], {"data": 5}, {"data": {"feeds": 5}}, {"data": {"fr": {"feeds": {"a": 1}}}}])
def test_an_odd_gbfs_json_is_no_crash(server: str, folder: Path, index: Any) -> None:
    (folder / "gbfs.json").write_text(json.dumps(index))
    with pytest.raises(CannotRead, match="names none of"):
        read_feed(f"{server}/gbfs.json")


# ---- our own feed ---------------------------------------------------------------------------------------------------


class InProcess:
    """What the validator fetches with, answered by our own views."""

    def __init__(self) -> None:
        self.client = Client()

    def get_json(self, url: str) -> Any:
        response = self.client.get(url.removeprefix("http://testserver"))
        assert response.status_code == 200, url
        return response.json()


def validated() -> dict[str, Any]:
    url = "http://testserver/gbfs/lutece/gbfs.json"
    report: dict[str, Any] = GBFS(url, docked=True, freefloating=True, fetcher=InProcess()).validation()
    return report


def a_city() -> None:
    """Everything that the feed can hold."""
    program = ProgramFactory(
        publish_gbfs=True, operator="Lutèce", url="https://lutece.example", contact_email="a@b.example"
    )
    load({"geofencing_zones": PARIS} | {"station_information": files()["station_information"]})
    place = StationFactory(program=program, short_name="12", address="Quai 1", post_code="75005", electrical=True)
    area = {"type": "MultiPolygon", "coordinates": [[SQUARE]]}
    virtual = StationFactory(program=program, is_virtual=True, area=area, status="closed")
    said = {"latitude": 48.85, "longitude": 2.35, "battery_vae": 40, "last_seen": NOW}
    bikes = [BikeFactory(program=program, type=kind, boitier__said=said) for kind in ("vae", "classic", "scooter")]
    BikeFactory(program=program, status="maintenance", station=virtual)
    BikeFactory(program=program, status="stock", boitier__said=said)
    DockFactory(program=program, station=place, vehicule=bikes[0])
    Bike.objects.filter(pk=bikes[0].pk).update(station=place)
    DockFactory(program=program, station=place)
    DockFactory(program=program, station=place, status="closed")
    TripFactory(program=program, vehicule=BikeFactory(program=program, boitier__said=said))
    ZoneFactory(program=program, start=NOW, end=NOW + MINUTE, vehicule_type="vae", name="")


def test_our_feed_is_valid_gbfs_3(settings: Settings) -> None:
    a_city()
    report = validated()
    found = {file["file"]: file for file in report["files"]}
    assert report["summary"]["version"]["validated"] == "3.0"
    for name in (
        "gbfs",
        "system_information",
        "vehicle_types",
        "station_information",
        "station_status",
        "vehicle_status",
        "geofencing_zones",
    ):
        assert found[f"{name}.json"]["exists"] is True, name
    assert not report["summary"]["hasErrors"], [f["errors"] for f in report["files"] if f.get("hasErrors")]


def test_the_validator_would_have_found_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    a_city()
    monkeypatch.setitem(FILES, "vehicle_status", lambda program, now: {"vehicles": [{"vehicle_id": 5}]})
    assert validated()["summary"]["hasErrors"]


def test_our_feed_says_what_is_where(client: Client) -> None:
    a_city()
    status = client.get("/gbfs/lutece/station_status.json").json()["data"]["stations"]
    docked = next(one for one in status if one.get("num_docks_available"))
    assert (docked["num_vehicles_available"], docked["num_docks_available"], docked["num_docks_disabled"]) == (1, 1, 1)
    vehicles = client.get("/gbfs/lutece/vehicle_status.json").json()["data"]["vehicles"]
    assert len(vehicles) == 4  # neither the one on a trip nor the one in stock
    assert sum(one["is_disabled"] for one in vehicles) == 1


def test_a_vehicles_id_changes_with_each_trip_and_is_not_ours(client: Client) -> None:
    ProgramFactory(publish_gbfs=True)
    bike = BikeFactory(boitier__said={"latitude": 48.85, "longitude": 2.35})

    def shown() -> str:
        (one,) = client.get("/gbfs/lutece/vehicle_status.json").json()["data"]["vehicles"]
        return str(one["vehicle_id"])

    first = shown()
    assert shown() == first
    assert bike.pk not in first
    Bike.objects.update(trips=1)
    assert shown() != first


def test_a_program_that_does_not_publish_has_no_feed(client: Client) -> None:
    ProgramFactory()
    assert client.get("/gbfs/lutece/gbfs.json").status_code == 404
    assert client.get("/gbfs/nobody/gbfs.json").status_code == 404


def test_the_feed_may_be_read_by_any_page(client: Client) -> None:
    ProgramFactory(publish_gbfs=True)
    response = client.get("/gbfs/lutece/gbfs.json")
    assert (response["Access-Control-Allow-Origin"], response["Cache-Control"]) == ("*", "public, max-age=60")
