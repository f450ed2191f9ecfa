"""GBFS rules of zones, given by people, machines and feeds of several versions → the one form that is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from bikeshare.choices import BikeType
from core.corrections import TRUTHS, Corrections, folded
from core.field_types import Envelope
from core.words import name_among

_SPEED = re.compile(r"(\d{1,4}(?:[.,]\d{1,6})?)\s*(?:km/?h|kph|kmh)?", re.IGNORECASE)
_FLAGS = ("ride_start_allowed", "ride_end_allowed", "ride_through_allowed")
_READ = (*_FLAGS, "ride_allowed", "vehicle_type_id", "vehicle_type_ids", "maximum_speed_kph", "station_parking")
_NAMES = {folded(name): name for name in _READ}
# What others call them: read in feeds, and asked for by the name that counts of who writes rules here.
_MEANT = {
    other: name
    for name, others in {
        "vehicle_type_ids": "vehicletypes vehiculetypes vehicletype vehiculetype vehiculetypeids vehiculetypeid"
        " typeids typeid types type vehicles vehicules",
        "maximum_speed_kph": "maximumspeed maxspeed maxspeedkph speedlimit speedlimitkph speedkph speed",
        "ride_through_allowed": "ridethrough throughallowed",
        "ride_start_allowed": "ridestart startallowed",
        "ride_end_allowed": "rideend endallowed",
        "station_parking": "parking stationparkingonly",
    }.items()
    for other in others.split()
}
_FIELDS = Corrections(
    msgspec.defstruct("Rule", [(name, Any, None) for name in _READ]), envelope=Envelope(hints=_MEANT, warns=True)
)


def truth(value: Any) -> bool | None:
    """Yes or no in any spelling; None for what is neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    return TRUTHS.get(value.strip().lower()) if isinstance(value, str) else None


class BadRule(ValueError):
    """A rule that cannot be understood: a sentence that says where and why."""


def rules_from(raw: Any, types: Mapping[str, str] | None = None, said: list[str] | None = None) -> list[dict[str, Any]]:
    """Rules in GBFS 3.0's names; raises BadRule.

    2.1 to 2.3 have one `ride_allowed` for beginning and ending. Feeds of all versions write `vehicle_type_id` or
    `vehicle_type_ids`, a text or a list: overlooking one would bind a rule to all types. `types` maps a feed's types
    to ours. What nobody reads is refused, be it a field or a type; of a feed it is named in `said`, and types that are
    none of ours stay as they are.
    """
    if isinstance(raw, str):  # JSON as text
        with suppress(msgspec.DecodeError, RecursionError):
            raw = msgspec.json.decode(raw)
    if isinstance(raw, dict):
        raw = [raw]
    if not isinstance(raw, list):
        raise BadRule("rules must be a list")
    return [_rule(raw_rule, f"rules[{number}]", types or {}, said) for number, raw_rule in enumerate(raw)]


def _rule(raw: Any, where: str, types: Mapping[str, str], said: list[str] | None) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise BadRule(f"{where} must be an object")
    raw = _named(raw, where, said)
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
        rule["vehicle_type_ids"] = list(dict.fromkeys(_type(types.get(one, one), where, said) for one in bound))
    speed = raw.get("maximum_speed_kph")
    if speed is not None:
        speed = _number(speed)
        if speed is None or not 0 <= speed <= 500:
            raise BadRule(f"{where}.maximum_speed_kph must be a number of kilometres per hour")
        rule["maximum_speed_kph"] = int(speed)
        if speed != int(speed):
            _say(f"{where}.maximum_speed_kph: {speed:g} is no whole number; the feed has whole ones", said)
    if (parking := truth(raw.get("station_parking"))) is not None:
        rule["station_parking"] = parking
    return rule


def _named(raw: Mapping[str, Any], where: str, said: list[str] | None) -> dict[str, Any]:
    """A rule by our names of its fields."""
    named: dict[str, Any] = {}
    for key, value in raw.items():
        name, meant = _NAMES.get(folded(str(key)), str(key)), _MEANT.get(folded(str(key)))
        if said is not None and meant is not None and name not in _READ and meant not in raw:
            said.append(f"{where}.{name[:40]} was read as `{meant}`")
            name = meant
        named[name] = value
    for sentence in _FIELDS.unread(named):
        _say(f"{where}: {sentence.removesuffix('.')}", said)
    return named


def _say(sentence: str, said: list[str] | None) -> None:
    if said is None:
        raise BadRule(sentence)
    said.append(sentence)


def _type(typed: str, where: str, said: list[str] | None) -> str:
    """One of our types, however it is spelt."""
    meant = name_among(BikeType.values, typed)
    if said is None and meant not in BikeType.values:
        raise BadRule(f"{where}.vehicle_type_ids: {typed[:40]} is none of {', '.join(BikeType.values)}")
    return meant


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
