"""Which of a driver's places a car stands at. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import asin, cos, radians, sin, sqrt

Position = tuple[float, float]
EARTH_RADIUS_M = 6_371_000
# The position of a car, and of an address, are off by as much as a house and its drive are long.
WITHIN_M = 200


def distance_m(one: Position, other: Position) -> float:
    """Along the surface, between two positions in degrees."""
    (latitude, longitude), (its_latitude, its_longitude) = (map(radians, each) for each in (one, other))
    across = sin((its_longitude - longitude) / 2) ** 2 * cos(latitude) * cos(its_latitude)
    return 2 * EARTH_RADIUS_M * asin(min(1, sqrt(sin((its_latitude - latitude) / 2) ** 2 + across)))


def place_at(position: Position, places: Mapping[str, Position]) -> str:
    """The name of the place that is near, the nearest of several; "" where none is."""
    near = {name: distance for name, place in places.items() if (distance := distance_m(position, place)) <= WITHIN_M}
    return min(near, key=lambda name: (near[name], name), default="")
