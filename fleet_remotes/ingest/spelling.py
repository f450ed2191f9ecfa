"""Parameters of a command in other spellings, brought to the vendor's: names, words, numbers, switches, times of day.

What has one meaning is taken; what has none is left as it is for the strict reader, or refused in a sentence.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from core.corrections import folded
from fleet_remotes.catalogue.words import FIELD, PARAMETER, SWITCH
from fleet_remotes.ingest.times import UnknownDay, days_meant, seconds_of_day

# Fields that hold a time of day, as an ISO 8601 duration since midnight; the last may be a moment too.
_TIMES, _MOMENT, _DAYS = ("start", "end", "nextDelayedTime"), "nextDelayedTime", "Occurrence.day"
_AS_THE_VENDOR = re.compile(r"PT(?=\d)(?:([01]?\d|2[0-3])H)?(?:[0-5]?\dM)?")


class Misspelled(ValueError):
    """What has no meaning, in a sentence, and the path to it."""

    def __init__(self, sentence: str, path: str) -> None:
        super().__init__(sentence)
        self.path = path


def as_meant(value: Any, wanted: Any, path: str = "", name: str = "") -> Any:
    """A value as the vendor spells it, where it is meant for the type `wanted`. Raises Misspelled."""
    wanted = _plain(wanted)
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        if isinstance(value, dict):
            return dict(_fields(value, wanted, path))
        return value
    if get_origin(wanted) is list:
        inner = get_args(wanted)[0]
        listed = value if isinstance(value, list) else [value]
        if name == _DAYS:
            return _days(listed, path)
        return [as_meant(one, inner, f"{path}/{n}", name) for n, one in enumerate(listed)]
    if get_origin(wanted) is tuple and isinstance(value, list):
        # GeoJSON allows an altitude as a third number.
        return [as_meant(one, float, f"{path}/{n}") for n, one in enumerate(value[: len(get_args(wanted))])]
    return _scalar(value, wanted, path, name)


def _plain(wanted: Any) -> Any:
    """The type itself, without what limits it and without "may be left out"."""
    if get_origin(wanted) is Annotated:
        return _plain(get_args(wanted)[0])
    if get_origin(wanted) in (Union, types.UnionType):
        return _plain(next(part for part in get_args(wanted) if part is not msgspec.UnsetType))
    return wanted


def _fields(value: Mapping[str, Any], wanted: type[msgspec.Struct], path: str) -> Iterator[tuple[str, Any]]:
    if wanted.__name__ == "Point":
        value = _point(value)
    known = {folded(field.name): field for field in msgspec.structs.fields(wanted)}
    for key, held in value.items():
        spelled = folded(key)
        field = known.get(spelled) or known.get(folded(FIELD.get(spelled, "")))
        if field is None:
            yield key, held
        elif held is not None:  # null says what leaving it out says
            yield field.name, as_meant(held, field.type, f"{path}/{field.name}", f"{wanted.__name__}.{field.name}")


def _days(listed: list[Any], path: str) -> list[str]:
    try:
        return days_meant([str(one) for one in listed])
    except UnknownDay as error:
        raise Misspelled(str(error), f"{path}/{error.place}") from error


def _point(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A GeoJSON point, also of latitude and longitude."""
    found = {folded(key): held for key, held in value.items()}
    longitude = found.get("longitude", found.get("lon", found.get("lng")))
    latitude = found.get("latitude", found.get("lat"))
    if longitude is not None and latitude is not None and "coordinates" not in found:
        return {"type": "Point", "coordinates": [longitude, latitude]}
    return {"type": "Point", **value} if "coordinates" in found and "type" not in found else value


def _scalar(value: Any, wanted: Any, path: str, name: str) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict | list):
        return value
    if name.rpartition(".")[2] in _TIMES and wanted is str:
        return time_of_day(str(value), path, may_be_moment=name.endswith(_MOMENT))
    if get_origin(wanted) is Literal:
        word = PARAMETER[name].read(str(value)) if name in PARAMETER and not isinstance(value, bool) else None
        if word is None:
            choices = ", ".join(map(str, get_args(wanted)))
            raise Misspelled(f"“{str(value)[:40]}” is none of {choices}.", path)
        return word
    if wanted is bool and not isinstance(value, bool):
        word = SWITCH.read(str(value))
        return value if word is None else word == "true"
    if wanted in (int, float) and isinstance(value, str | float):
        return _number(value)
    return value


def _number(value: str | float) -> Any:
    try:
        number = float(value.strip().replace(",", ".")) if isinstance(value, str) else value
    except ValueError:
        return value
    return int(number) if number.is_integer() else number


def time_of_day(text: str, path: str, *, may_be_moment: bool = False) -> str:
    """A time of day as the vendor writes it, PT6H30M, of any ISO 8601 duration or of what a clock shows."""
    text = text.strip()
    if _AS_THE_VENDOR.fullmatch(text):
        return text
    seconds = seconds_of_day(text)
    if seconds is not None:
        rest = f"{seconds % 60}S" if seconds % 60 else ""
        return f"PT{seconds // 3600}H{seconds // 60 % 60}M{rest}"
    if may_be_moment and (moment := _moment(text)) is not None:
        return moment.isoformat().replace("+00:00", "Z")
    or_moment = ", or a moment with its zone" if may_be_moment else ""
    raise Misspelled(f"“{text[:40]}” is no time of day: write e.g. PT6H30M or 6:30{or_moment}.", path)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
