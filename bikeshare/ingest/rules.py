"""GBFS rules of zones, given by people, machines and feeds of several versions → the one form that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FLAGS = ("ride_start_allowed", "ride_end_allowed", "ride_through_allowed")


class BadRule(ValueError):
    """A rule that cannot be understood: a sentence that says where and why."""


def rules_from(given: Any, types: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Rules in GBFS 3.0's names; raises BadRule.

    2.1 to 2.3 have one `ride_allowed` for beginning and ending. Feeds of all versions write `vehicle_type_id` or
    `vehicle_type_ids`, a text or a list: overlooking one would bind a rule to all types. `types` maps a feed's types
    to ours; those that it does not name stay as they are.
    """
    if not isinstance(given, list):
        raise BadRule("rules must be a list")
    return [_rule(one, f"rules[{number}]", types or {}) for number, one in enumerate(given)]


def _rule(given: Any, where: str, types: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise BadRule(f"{where} must be an object")
    rule: dict[str, Any] = {}
    both = _flag(given, "ride_allowed", where)
    for name in _FLAGS:
        value = _flag(given, name, where)
        if value is None and name != "ride_through_allowed":
            value = both
        if value is None:
            raise BadRule(f"{where} lacks {name}")
        rule[name] = value
    bound = [*_types(given, "vehicle_type_ids", where), *_types(given, "vehicle_type_id", where)]
    if bound:
        rule["vehicle_type_ids"] = list(dict.fromkeys(types.get(one, one) for one in bound))
    speed = given.get("maximum_speed_kph")
    if speed is not None:
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 <= speed <= 500:
            raise BadRule(f"{where}.maximum_speed_kph must be a number of kilometres per hour")
        rule["maximum_speed_kph"] = int(speed)
    if isinstance(given.get("station_parking"), bool):
        rule["station_parking"] = given["station_parking"]
    return rule


def _flag(given: Mapping[str, Any], name: str, where: str) -> bool | None:
    value = given.get(name)
    if value is None or isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    raise BadRule(f"{where}.{name} must be true or false")


def _types(given: Mapping[str, Any], name: str, where: str) -> list[str]:
    value = given.get(name)
    found = [value] if isinstance(value, str) else value or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise BadRule(f"{where}.{name} must be a text or a list of texts")
    return found
