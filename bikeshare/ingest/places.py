"""A place as boxes, feeds and people write it: an object, a GeoJSON point, a list, a text → degrees. Pure."""

from __future__ import annotations

import math
import re
from typing import Any

from core.corrections import folded

# Other names, folded, of what a place holds.
NAMES = {
    "latitude": "lat latdeg positionlatitude",
    "longitude": "lon lng long londeg positionlongitude",
    "accuracy": "acc precision accuracym horizontalaccuracy hacc positionaccuracy",
    "position": "location gps coordinates coords geo point geometry",
}
_MEANT = {other: name for name, others in NAMES.items() for other in others.split()}
_DEGREES = re.compile(r"-?\d+(?:\.\d+)?")


def place_in(held: Any) -> dict[str, Any]:
    """What a place says of `latitude`, `longitude` and `accuracy`, as far as these are numbers; what else stands in it
    by its own names, folded. A list has the longitude first, as GeoJSON."""
    if isinstance(held, list) and len(held) == 1 and isinstance(held[0], dict):
        held = held[0]
    named: dict[str, Any] = {}
    if isinstance(held, dict):
        named = {_MEANT.get(folded(str(key)), folded(str(key))): value for key, value in held.items()}
        if isinstance(inner := named.pop("position", None), list | str | dict):  # `coordinates`, `location.geo`
            held = inner
            named |= place_in(inner) if isinstance(inner, dict) else {}
    if isinstance(held, list):
        named |= zip(("longitude", "latitude"), held, strict=False)
    if isinstance(held, str):
        named |= _in_text(held)
    numbers = {name: number_of(named.pop(name, None)) for name in ("latitude", "longitude", "accuracy")}
    return named | {name: number for name, number in numbers.items() if number is not None}


def _in_text(text: str) -> dict[str, Any]:
    """ "50.70,7.10" begins with the latitude, "POINT(7.10 50.70)" and "geo:50.70,7.10" as their standards say."""
    numbers = _DEGREES.findall(text)
    if len(numbers) < 2 or _DEGREES.sub("", text).strip(" ,;()[]").lower() not in ("", "point", "point z", "geo:"):
        return {}
    is_wkt = text.strip().lower().startswith("point")
    return dict(zip(("longitude", "latitude") if is_wkt else ("latitude", "longitude"), numbers, strict=False))


def number_of(value: Any) -> float | None:
    try:
        number = float(value.strip().replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and not isinstance(value, bool) else None
