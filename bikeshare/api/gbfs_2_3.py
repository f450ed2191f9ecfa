"""The feed in GBFS 2.3, made from that in 3.0: other names, one language, unix seconds, rings the other way round.

In 2.3 a ring that turns with the clock holds what it encloses, and rules hold in zones alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bikeshare.api import gbfs as v3
from bikeshare.models import Program

Data = dict[str, Any]
VERSION = "2.3"
# 3.0's name of each file that is called otherwise here.
NAMES = {"free_bike_status": "vehicle_status"}
_KEYS = {
    "vehicles": "bikes",
    "vehicle_id": "bike_id",
    "num_vehicles_available": "num_bikes_available",
    "num_vehicles_disabled": "num_bikes_disabled",
}
_MOMENTS = ("last_reported", "last_updated", "start", "end")
_NOT_YET = ("manifest_url", "languages", "opening_hours", "global_rules")


def _older(value: Any, key: str = "") -> Any:
    """A value of 3.0 as 2.3 has it."""
    if key in _MOMENTS and isinstance(value, str):
        return int(datetime.fromisoformat(value).timestamp())
    if isinstance(value, dict):
        return {_KEYS.get(name, name): _older(part, name) for name, part in value.items() if name not in _NOT_YET}
    if isinstance(value, list):
        if value and isinstance(value[0], dict) and value[0].keys() == {"text", "language"}:
            return value[0]["text"]
        return [_older(part) for part in value]
    return value


def _rule(rule: Data) -> Data:
    """Beginning and ending are one there."""
    older = {"ride_allowed": rule["ride_start_allowed"] and rule["ride_end_allowed"]}
    if "vehicle_type_ids" in rule:
        older["vehicle_type_id"] = rule["vehicle_type_ids"]
    kept = ("ride_through_allowed", "maximum_speed_kph", "station_parking")
    return older | {name: rule[name] for name in kept if name in rule}


def _gbfs(program: Program, now: datetime) -> Data:
    feeds = [{"name": name, "url": v3.url_of(program, name, VERSION)} for name in FILES if name != "gbfs"]
    return {v3.language_of(program): {"feeds": feeds}}


def _system_information(program: Program, now: datetime) -> Data:
    older: Data = _older(v3.system_information(program, now))
    return older | {"language": v3.language_of(program)}


def _geofencing_zones(program: Program, now: datetime) -> Data:
    data = v3.geofencing_zones(program, now)
    for feature in data["geofencing_zones"]["features"]:
        rings = feature["geometry"]["coordinates"]
        turned = [[ring[::-1] for ring in polygon] for polygon in rings]
        feature["geometry"] = feature["geometry"] | {"coordinates": turned}
        feature["properties"]["rules"] = [_rule(rule) for rule in feature["properties"]["rules"]]
    return {"geofencing_zones": _older(data["geofencing_zones"])}


def _made_from(name: str) -> Callable[[Program, datetime], Data]:
    return lambda program, now: _older(v3.FILES[name](program, now))


_OWN = {"gbfs": _gbfs, "system_information": _system_information, "geofencing_zones": _geofencing_zones}
FILES: dict[str, Callable[[Program, datetime], Data]] = {
    name: _OWN.get(name) or _made_from(NAMES.get(name, name))
    for name in ("free_bike_status" if name == "vehicle_status" else name for name in v3.FILES)
}
