"""GBFS files of versions 2.1 to 3.x → stations and zones, item by item: a bad one is named and left out.

The traps (reference § 2.1): names are texts or lists of {text, language}; times are unix seconds or RFC 3339; rules of
2.x have one `ride_allowed`; types stand in `vehicle_type_id` or `vehicle_type_ids`; and in 2.1 to 2.3 a ring that
turns against the clock means everything outside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shapely.geometry import MultiPolygon
from shapely.ops import unary_union

from bikeshare.choices import BikeType, OpenStatus, ZoneType
from bikeshare.ingest.fields import (
    BLANK,
    STATION_TEXTS,
    Status,
    data_of,
    items_of,
    moment_in,
    number_in,
    odd_counts,
    open_word,
    spelled,
    status_of,
    text_of,
)
from bikeshare.ingest.rules import BadRule, rules_from, truth
from bikeshare.rules.geometry import BadArea, area_of, geojson_of, is_counter_clockwise, turned_inside_out
from bikeshare.rules.telemetry import is_position
from core.words import Vocabulary

# The versions in which the direction of a ring has a meaning.
DIRECTED = ("2.1", "2.2", "2.3")


@dataclass
class Feed:
    """What a feed holds. `problems` are items left out, `notes` what was read otherwise than it stands there."""

    name: str = ""
    timezone: str = ""
    language: str = ""
    stations: list[dict[str, Any]] = field(default_factory=list)
    # None: the feed has no such file, so nothing is said about the zones.
    zones: list[dict[str, Any]] | None = None
    # By station id what its status says: `is_open`, `vehicules`, `docks`, `at`; None where it does not say.
    statuses: dict[str, Status] = field(default_factory=dict)
    global_rules: list[dict[str, Any]] = field(default_factory=list)
    # What kind of source it is, gbfs or geo; the latter says nothing of what holds outside its zones.
    kind: str = "gbfs"
    # What is in the file but could not be read, by ids and names ("" has none): what is known of that is left alone.
    unread_zones: set[str] = field(default_factory=set)
    unread_stations: set[str] = field(default_factory=set)
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


class _Bad(ValueError):
    """An item that is left out: where in it, and why."""

    def __init__(self, where: str, sentence: str) -> None:
        self.where, self.sentence = where, sentence
        super().__init__(sentence)


def feed_from(
    files: Mapping[str, Any],
    *,
    types: Mapping[str, str] | None = None,
    language: str = "",
    ring_direction_counts: bool = True,
) -> Feed:
    """Reads a feed's files. `types` maps its vehicle types to ours, beside what its vehicle_types.json says; texts
    are those in `language`, that of the program, else in the feed's first.

    `ring_direction_counts` False reads rings of 2.x as RFC 7946 does, for feeds that do not know their own version.
    """
    feed = Feed()
    _system(feed, files.get("system_information"))
    feed.language = language or feed.language
    if "station_information" in files:
        _stations(feed, files["station_information"])
    if "station_status" in files:
        _statuses(feed, files["station_status"])
    if "geofencing_zones" in files:
        own_types = _own_types(feed, files.get("vehicle_types")) | dict(types or {})
        _zones(feed, files["geofencing_zones"], own_types, ring_direction_counts)
    return feed


def _version(document: Any) -> str:
    """The first two numbers of a file's version, also when it was written as a number."""
    version = document.get("version") if isinstance(document, Mapping) else None
    return str(version)[:3] if isinstance(version, str | float) else ""


# ---- the system, and its vehicle types --------------------------------------------------------------------------


def _system(feed: Feed, document: Any) -> None:
    data = data_of(document)
    languages = data.get("languages") or data.get("language")
    feed.language = text_of(languages[0] if isinstance(languages, list) else languages)[:10]
    feed.name = text_of(data.get("name"), feed.language)[:80]
    feed.timezone = text_of(data.get("timezone"))


def _own_types(feed: Feed, document: Any) -> dict[str, str]:
    """The feed's vehicle types as ours, by form and drive; others keep their ids."""
    ours = {}
    types = data_of(document).get("vehicle_types")
    for vehicle_type in types if isinstance(types, list) else ():
        if isinstance(vehicle_type, Mapping) and (pk := text_of(vehicle_type.get("vehicle_type_id"))):
            form, drive = text_of(vehicle_type.get("form_factor")), text_of(vehicle_type.get("propulsion_type"))
            if form in ("bicycle", "cargo_bicycle"):
                ours[pk] = BikeType.CLASSIC.value if drive == "human" else BikeType.VAE.value
            elif form.startswith("scooter"):
                ours[pk] = BikeType.SCOOTER.value
    return ours


# ---- stations ---------------------------------------------------------------------------------------------------


def _stations(feed: Feed, document: Any) -> None:
    items = items_of(data_of(document).get("stations"))
    if items is None:
        feed.problems.append(("station_information.json data.stations", "must be a list"))
        return
    seen: set[str] = set()
    for number, item in enumerate(items):
        path = f"station_information.json data.stations[{number}]"
        try:
            station = _station(feed, item, path)
            if station["external_id"] in seen:
                raise _Bad(".station_id", f"{station['external_id']} stands in the file twice")
        except _Bad as error:
            feed.problems.append((path + error.where, error.sentence))
            feed.unread_stations.add(text_of(spelled(item).get("station_id")) if isinstance(item, Mapping) else "")
        else:
            seen.add(station["external_id"])
            feed.stations.append(station)


def _station(feed: Feed, item: Any, path: str) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise _Bad("", "must be an object")
    item = spelled(item)
    external_id, name = text_of(item.get("station_id")), text_of(item.get("name"), feed.language)
    if not external_id or len(external_id) > 100:
        raise _Bad(".station_id", "must be a text of at most 100 characters")
    if not name:
        feed.notes.append((f"{path}.name", "is missing; its id stands in its place"))
        name = external_id
    latitude, longitude = number_in(item.get("lat")), number_in(item.get("lon"))
    if not is_position(latitude, longitude):
        raise _Bad(".lat", f"{item.get('lat')}, {item.get('lon')} is no position on the earth")
    station: dict[str, Any] = {
        "external_id": external_id,
        "name": name[:120],
        "latitude": latitude,
        "longitude": longitude,
        "region": text_of(item.get("region_id"))[:80],
        "is_virtual": truth(item.get("is_virtual_station")) is True,
        "electrical": truth(item.get("is_charging_station")) is True,
    }
    for key, length in STATION_TEXTS.items():
        station[key] = text_of(item.get(key), feed.language)[:length]
    station["capacity"] = _capacity(feed, item, path)
    station["area"] = _station_area(feed, item, path)
    return station


def _capacity(feed: Feed, item: Mapping[str, Any], path: str) -> int | None:
    value = number_in(item.get("capacity"))
    if value is not None and value >= 0 and value == int(value) < 2**31:
        return int(value)
    if item.get("capacity") not in BLANK:
        feed.notes.append((f"{path}.capacity", f"{item['capacity']} is no number of vehicles and was left out"))
    return None


def _station_area(feed: Feed, item: Mapping[str, Any], path: str) -> dict[str, Any] | None:
    if not item.get("station_area") or item["station_area"] == {"type": "MultiPolygon", "coordinates": []}:
        return None  # so say feeds whose stations have none
    try:
        return geojson_of(area_of(item["station_area"]))
    except BadArea as error:
        feed.notes.append((f"{path}.station_area", f"{error}; it was left out"))
        return None


# ---- what stations say ------------------------------------------------------------------------------------------


def _statuses(feed: Feed, document: Any) -> None:
    items = items_of(data_of(document).get("stations"))
    if items is None:
        feed.problems.append(("station_status.json data.stations", "must be a list"))
        return
    known = {station["external_id"] for station in feed.stations} | feed.unread_stations if feed.stations else None
    for number, item in enumerate(items):
        path = f"station_status.json data.stations[{number}]"
        item = spelled(item) if isinstance(item, Mapping) else {}
        external_id = text_of(item.get("station_id"))
        if not external_id:
            feed.problems.append((f"{path}.station_id", "is missing"))
            continue
        at = None
        try:
            at = moment_in(item.get("last_reported"))
        except ValueError:
            feed.notes.append((f"{path}.last_reported", "is no time and was left out"))
        feed.statuses[external_id] = status_of(item, at)
        feed.notes += [(f"{path}.{name}", f"{item[name]} is no count and was left out") for name in odd_counts(item)]
        if known is not None and external_id not in known:
            feed.notes.append((f"{path}.station_id", f"{external_id[:40]} is no station of station_information.json"))


# ---- zones ------------------------------------------------------------------------------------------------------


def _zones(feed: Feed, document: Any, types: Mapping[str, str], ring_direction_counts: bool) -> None:
    data = data_of(document)
    collection = data.get("geofencing_zones")
    features = _features(collection)
    where, paths = "geofencing_zones.json data", data.get("paths")  # of what is no GBFS, as it stands there
    feed.kind = "geo" if data.get("is_geojson") else "gbfs"
    if features is None:
        feed.problems.append((f"{where}.geofencing_zones.features", "must be a list"))
        return
    if not features:
        feed.notes.append((where, "holds no zones; those that it brought are deleted"))
    directed = ring_direction_counts and _version(document) in DIRECTED
    feed.zones = []
    for number, (item, external_id) in enumerate(zip(features, _zone_ids(features), strict=True)):
        path = paths[number] if paths else f"{where}.geofencing_zones.features[{number}]"
        try:
            feed.zones.append(_zone(feed, item, types, directed, path) | {"external_id": external_id})
        except _Bad as error:
            feed.problems.append((path + error.where, error.sentence))
            feed.unread_zones.add(external_id or text_of(_properties(item).get("name"), feed.language)[:120])
    if data.get("global_rules") is not None:
        said: list[str] = []
        try:
            feed.global_rules = rules_from(data["global_rules"], types, said)
        except BadRule as error:
            feed.problems.append((f"{where}.global_rules", str(error)))
        feed.notes += [(f"{where}.global_rules", sentence) for sentence in said]
    _note_unknown_types(feed, where)


def _features(collection: Any) -> list[Any] | None:
    """Those of a collection, or of a list of collections and features, as 2.1's own example has it."""
    if isinstance(collection, Mapping):
        return items_of(collection.get("features"))
    if not isinstance(collection, list) or not collection:
        return None
    each = [one if isinstance(one, Mapping) else {} for one in collection]
    parts = [[one] if one.get("type") == "Feature" else items_of(one.get("features")) for one in each]
    return None if None in parts else [feature for part in parts for feature in part or ()]


_FORBIDDEN: dict[str, str] = {ZoneType.FORBIDDEN: "no_ride no_riding interdit interdite verboten prohibited"}
_SLOW: dict[str, str] = {ZoneType.LIMITED_TRAFFIC: "slow slow_zone slowzone speed_limit low_speed go_slow"}
_ZONE_TYPES = Vocabulary(dict.fromkeys(ZoneType.values, "") | _FORBIDDEN | _SLOW)


def _properties(item: Any) -> Mapping[str, Any]:
    properties = item.get("properties") if isinstance(item, Mapping) else None
    return properties if isinstance(properties, Mapping) else {}


def _zone_ids(features: list[Any]) -> list[str]:
    """The ids of zones, of those that have one: GBFS gives them none, GeoJSON and MDS may. Ids that only count the
    features, and one that stands there twice, name none."""
    given = [(item.get("id") if isinstance(item, Mapping) else None, _properties(item).get("id")) for item in features]
    ids = [(text_of(outer) or text_of(inner))[:160] for outer, inner in given]
    if ids in ([str(n + first) for n in range(len(ids))] for first in (0, 1)):
        return [""] * len(ids)
    seen = Counter(ids)
    return [one if seen[one] == 1 else "" for one in ids]


def _zone(feed: Feed, item: Any, types: Mapping[str, str], directed: bool, path: str) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise _Bad("", "must be an object")
    properties = _properties(item)
    try:
        area = _area(feed, item.get("geometry"), directed, path)
    except BadArea as error:
        raise _Bad(".geometry", str(error)) from error
    said: list[str] = []
    try:
        rules = rules_from(properties.get("rules") or [], types, said)
    except BadRule as error:
        raise _Bad(".properties", str(error)) from error
    feed.notes += [(f"{path}.properties", sentence) for sentence in said]
    zone: dict[str, Any] = {
        "name": text_of(properties.get("name"), feed.language)[:120],
        "geometry": geojson_of(area),
        "rules": rules,
    }
    if word := text_of(properties.get("type")):
        if (kind := _ZONE_TYPES.read(word)) is None:
            feed.notes.append((f"{path}.properties.type", f"{word[:40]} is none of {', '.join(ZoneType.values)}"))
        zone |= {} if kind is None else {"type": str(kind)}
    if (is_open := open_word(properties.get("status"))) is not None:
        zone["status"] = OpenStatus.OPEN if is_open else OpenStatus.CLOSED
    for key in ("start", "end"):
        try:
            zone[key] = moment_in(properties.get(key))
        except ValueError as error:
            raise _Bad(f".properties.{key}", "must be a time") from error
    if zone["start"] and zone["end"] and zone["end"] <= zone["start"]:
        raise _Bad(".properties.end", "lies before its start")
    return zone


def _area(feed: Feed, geometry: Any, directed: bool, path: str) -> MultiPolygon:
    """The area that is meant. In 2.1 to 2.3 an outer ring against the clock means all that is outside it."""
    area = area_of(geometry)
    if not directed:
        return area
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    parts = []
    for polygon, rings in zip(area.geoms, polygons, strict=True):
        turned = is_counter_clockwise(rings[0])
        parts.append(turned_inside_out(MultiPolygon([polygon])) if turned else polygon)
        if turned:
            meaning = "its ring turns against the clock, which in GBFS 2 means everything outside it"
            feed.notes.append((f"{path}.geometry", f"{meaning}; if the inside is meant, import with --rfc7946"))
    united = unary_union(parts)
    return united if isinstance(united, MultiPolygon) else MultiPolygon([united])


def _note_unknown_types(feed: Feed, where: str) -> None:
    rules = [rule for zone in feed.zones or () for rule in zone["rules"]] + feed.global_rules
    unknown = {type_id for rule in rules for type_id in rule.get("vehicle_type_ids", ())} - set(BikeType.values)
    if unknown:
        meaning = f"rules are bound to the types {', '.join(sorted(unknown))}, which no vehicle here has"
        feed.notes.append((where, f"{meaning}; say which of ours they are by --type {min(unknown)}=vae"))
