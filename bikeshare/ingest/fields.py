"""What a feed says in one field or one object, in whichever spelling: texts, numbers, moments, places, counts. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bikeshare.ingest.places import place_in
from bikeshare.ingest.rules import truth
from core.corrections import folded
from core.moments import read_moment
from core.text import composed
from core.words import Vocabulary

# What feeds write where there is nothing.
BLANK = (None, "", "null", "NULL", "None", "n/a", "N/A")
# What feeds write for a moment that never was.
_NEVER = (0, -1, "", "0", "-1")


@dataclass(frozen=True)
class Status:
    """What a feed says of a station at the moment."""

    is_open: bool | None
    vehicules: int | None
    docks: int | None
    at: datetime | None
    rents: bool | None = None
    takes_back: bool | None = None


def data_of(document: Any) -> Mapping[str, Any]:
    data = document.get("data") if isinstance(document, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def text_of(value: Any, language: str = "") -> str:
    """A text, or of {text, language} the one in this language, else the first."""
    if isinstance(value, Mapping):
        named = {str(key).lower()[:2]: name for key, name in value.items()} if "text" not in value else {}
        value = (named.get(language[:2]) or next(iter(named.values()), "")) if named else [value]
    if isinstance(value, list):
        texts = {str(text.get("language")): text.get("text") for text in value if isinstance(text, Mapping)}
        value = texts.get(language) or next(iter(texts.values()), "")
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        value = format(value, ".15g") if isinstance(value, float) else str(value)
    return composed(value) if isinstance(value, str) else ""


def number_in(value: Any) -> float | None:
    """A number, also when it was written as text."""
    if isinstance(value, str):
        try:
            value = float(value.strip().replace(",", "."))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def moment_in(value: Any) -> datetime | None:
    """A moment from a number or text, none for what says never; raises ValueError."""
    if value is None or value in _NEVER:
        return None
    moment = read_moment(value)
    if moment is None:
        raise ValueError("no time")
    return moment


STATION_TEXTS = {"short_name": 40, "address": 200, "post_code": 12, "city": 80}
_BIKES, _DOCKS = ("num_vehicles_available", "num_bikes_available"), ("num_docks_available",)
# Where the counts stand, of which these are the sums.
_OF_BIKES, _OF_DOCKS = ("vehicle_types_available", "num_bikes_available_types"), ("vehicle_docks_available",)
_FLAGS = ("is_installed", "is_renting", "is_returning")
_READ = "station_id name lat lon region_id is_virtual_station is_charging_station capacity station_area last_reported"
_NAMES = {
    folded(name): name for name in (*_READ.split(), *STATION_TEXTS, *_BIKES, *_DOCKS, *_OF_BIKES, *_OF_DOCKS, *_FLAGS)
}
_NAMES |= {"id": "station_id", "latitude": "lat", "longitude": "lon", "lng": "lon", "long": "lon"}
_NAMES |= {"bikesavailable": "num_bikes_available", "availablebikes": "num_bikes_available"}
_NAMES |= {"docksavailable": "num_docks_available", "availabledocks": "num_docks_available"}
# PBSC's and others' word for what the three flags say.
_OPEN = Vocabulary(
    {
        "open": "in_service active online opened operational ok",
        "closed": "close end_of_life maintenance planned not_in_service out_of_service inactive offline disabled"
        " work_in_progress",
    }
)
_PLACES = ("position", "location", "coordinates", "geo", "point")


def spelled(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A station's fields under the names of GBFS, where they are spelt otherwise (stationId, latitude)."""
    found = dict(item)
    for key, value in item.items():
        name = _NAMES.get(folded(str(key)), key)
        if found.get(name) is None:
            found[name] = value
    if found.get("lat") is None and found.get("lon") is None:
        found |= next((place for name in _PLACES if (place := _place(item.get(name)))), {})
    return found


def _place(held: Any) -> dict[str, Any]:
    found = place_in(held)
    is_whole = {"latitude", "longitude"} <= found.keys()
    return {"lat": found["latitude"], "lon": found["longitude"]} if is_whole else {}


def items_of(value: Any) -> list[Any] | None:
    """A list; one object is a list of one."""
    return [value] if isinstance(value, Mapping) else value if isinstance(value, list) else None


def _is_open(item: Mapping[str, Any]) -> bool | None:
    """A station is out of service that does not stand there, or that neither rents nor takes back."""
    flags = {name: truth(item.get(name)) for name in _FLAGS}
    if flags["is_installed"] is False or (flags["is_renting"] is False and flags["is_returning"] is False):
        return False
    if any(flag is not None for flag in flags.values()):
        return True
    return open_word(item.get("status"))


def open_word(value: Any) -> bool | None:
    said = _OPEN.read(text_of(value))
    return None if said is None else said == "open"


def _count(item: Mapping[str, Any], names: tuple[str, ...], parts: tuple[str, ...]) -> int | None:
    found = next((found for name in names if (found := number_in(item.get(name))) is not None), None)
    if found is None:
        found = next((found for name in parts if (found := _sum(item.get(name))) is not None), None)
    return int(found) if found is not None and 0 <= found < 2**31 else None


def _sum(parts: Any) -> float | None:
    """Of counts by type: {"ebike": 2}, [{"mechanical": 1}], [{"vehicle_type_id": "x", "count": 2}]."""
    each = [part for part in items_of(parts) or () if isinstance(part, Mapping)]
    counts = [[part["count"]] if "count" in part else list(part.values()) for part in each]
    read = [number_in(count) for of_part in counts for count in of_part]
    return sum(count for count in read if count is not None) if read and None not in read else None


def status_of(item: Mapping[str, Any], at: datetime | None) -> Status:
    """What an item of a status file says; `spelled`."""
    bikes, docks = _count(item, _BIKES, _OF_BIKES), _count(item, _DOCKS, _OF_DOCKS)
    return Status(_is_open(item), bikes, docks, at, truth(item.get("is_renting")), truth(item.get("is_returning")))


def odd_counts(item: Mapping[str, Any]) -> list[str]:
    """The counts that a status file says and that are none."""
    of = (*((name, _OF_BIKES) for name in _BIKES), *((name, _OF_DOCKS) for name in _DOCKS))
    return [name for name, parts in of if item.get(name) not in BLANK and _count(item, (name,), parts) is None]
