"""GBFS rules of zones, given by people, machines and feeds of several versions → the one form that is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from core.corrections import TRUTHS, folded

_SPEED = re.compile(r"(\d{1,4}(?:[.,]\d{1,6})?)\s*(?:km/?h|kph|kmh)?", re.IGNORECASE)
_FLAGS = ("ride_start_allowed", "ride_end_allowed", "ride_through_allowed")
_READ = (*_FLAGS, "ride_allowed", "vehicle_type_id", "vehicle_type_ids", "maximum_speed_kph", "station_parking")
_NAMES = {folded(name): name for name in _READ}


def truth(value: Any) -> bool | None:
    """Yes or no in any spelling; None for what is neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    return TRUTHS.get(value.strip().lower()) if isinstance(value, str) else None


class BadRule(ValueError):
    """A rule that cannot be understood: a sentence that says where and why."""


def rules_from(raw: Any, types: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Rules in GBFS 3.0's names; raises BadRule.

    2.1 to 2.3 have one `ride_allowed` for beginning and ending. Feeds of all versions write `vehicle_type_id` or
    `vehicle_type_ids`, a text or a list: overlooking one would bind a rule to all types. `types` maps a feed's types
    to ours; those that it does not name stay as they are.
    """
    if isinstance(raw, str):  # JSON as text
        with suppress(msgspec.DecodeError, RecursionError):
            raw = msgspec.json.decode(raw)
    if isinstance(raw, dict):
        raw = [raw]
    if not isinstance(raw, list):
        raise BadRule("rules must be a list")
    return [_rule(raw_rule, f"rules[{number}]", types or {}) for number, raw_rule in enumerate(raw)]


def _rule(raw: Any, where: str, types: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise BadRule(f"{where} must be an object")
    raw = {_NAMES.get(folded(str(key)), key): value for key, value in raw.items()}
    rule: dict[str, Any] = {}
    both = _flag(raw, "ride_allowed", where)
    for name in _FLAGS:
        value = _flag(raw, name, where)
        if value is None and name != "ride_through_allowed":
            value = both
        if value is None:
            raise BadRule(f"{where} lacks {name}")
        rule[name] = value
    bound = [*_types(raw, "vehicle_type_ids", where), *_types(raw, "vehicle_type_id", where)]
    if bound:
        rule["vehicle_type_ids"] = list(dict.fromkeys(types.get(type_id, type_id) for type_id in bound))
    speed = raw.get("maximum_speed_kph")
    if speed is not None:
        speed = _number(speed)
        if speed is None or not 0 <= speed <= 500:
            raise BadRule(f"{where}.maximum_speed_kph must be a number of kilometres per hour")
        rule["maximum_speed_kph"] = int(speed)
    if (parking := truth(raw.get("station_parking"))) is not None:
        rule["station_parking"] = parking
    return rule


def _flag(raw: Mapping[str, Any], name: str, where: str) -> bool | None:
    value = raw.get(name)
    if value is None or (meant := truth(value)) is not None:
        return None if value is None else meant
    raise BadRule(f"{where}.{name} must be true or false")


def _types(raw: Mapping[str, Any], name: str, where: str) -> list[str]:
    value = raw.get(name)
    types = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in types):
        raise BadRule(f"{where}.{name} must be a text or a list of texts")
    return [str(one).strip() for one in types]


def _number(value: Any) -> float | None:
    """A number, also as text with its unit."""
    found = _SPEED.fullmatch(value.strip()) if isinstance(value, str) else None
    value = float(found[1].replace(",", ".")) if found else value
    return None if isinstance(value, bool) or not isinstance(value, int | float) else value
