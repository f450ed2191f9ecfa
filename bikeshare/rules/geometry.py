"""Areas: reads and checks GeoJSON and rings of {latitude, longitude}; metres on a small piece of the earth. Pure.

Coordinates are degrees (WGS 84), longitude first as in RFC 7946. Distances come from a local flat projection, whose
error over a city is far below that of any receiver.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import shapely
from shapely.affinity import scale
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

MAX_VERTICES = 20_000
METRES_PER_DEGREE = 111_195.0
_WORLD = [(-180.0, -90.0), (180.0, -90.0), (180.0, 90.0), (-180.0, 90.0), (-180.0, -90.0)]


class BadArea(ValueError):
    """An area that cannot be used: a sentence that says where and why."""


def area_of(geometry: Any) -> MultiPolygon:
    """A checked MultiPolygon from a GeoJSON Polygon or MultiPolygon; raises BadArea.

    Rings may be unclosed, whichever way they turn. Self-intersections are refused: mending them might change where
    riding is forbidden.
    """
    if not isinstance(geometry, dict):
        raise BadArea("the geometry must be a GeoJSON object")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Polygon":
        coordinates = [coordinates]
    elif kind != "MultiPolygon":
        raise BadArea(f"the geometry must be a Polygon or MultiPolygon, not {str(kind)[:40]}")
    if not isinstance(coordinates, list) or not coordinates:
        raise BadArea("the geometry has no coordinates")
    if _count(coordinates) > MAX_VERTICES:
        raise BadArea(f"the geometry has more than {MAX_VERTICES} points")
    area = MultiPolygon([_polygon(rings, f"coordinates[{n}]") for n, rings in enumerate(coordinates)])
    if not area.is_valid:
        raise BadArea(f"the area is not simple: {shapely.is_valid_reason(area)}")
    return area


def area_of_bounds(bounds: Any) -> MultiPolygon:
    """The same from one ring of {"latitude", "longitude"}."""
    if not isinstance(bounds, list):
        raise BadArea("bounds must be a list of {latitude, longitude}")
    ring = []
    for number, point in enumerate(bounds):
        if not isinstance(point, dict):
            raise BadArea(f"bounds[{number}] must be an object with latitude and longitude")
        ring.append([_degree(point.get("longitude")), _degree(point.get("latitude"))])
    return area_of({"type": "Polygon", "coordinates": [ring]})


def geojson_of(area: MultiPolygon) -> dict[str, Any]:
    """GeoJSON as RFC 7946 wants it: outer rings counter-clockwise, holes clockwise."""
    oriented = shapely.orient_polygons(area)
    polygons = [[_ring_of(polygon.exterior), *map(_ring_of, polygon.interiors)] for polygon in oriented.geoms]
    return {"type": "MultiPolygon", "coordinates": polygons}


def turned_inside_out(area: MultiPolygon) -> MultiPolygon:
    """Everything but the area: what a counter-clockwise ring means in GBFS 2.1 to 2.3."""
    outside = Polygon(_WORLD).difference(area)
    return outside if isinstance(outside, MultiPolygon) else MultiPolygon([outside])


def is_counter_clockwise(ring: Any) -> bool:
    """Whether a ring of [longitude, latitude] turns against the clock (north up)."""
    points = [(float(point[0]), float(point[1])) for point in ring]
    pairs = zip(points, points[1:] + points[:1], strict=True)
    return sum((bx - ax) * (by + ay) for (ax, ay), (bx, by) in pairs) < 0


def in_metres(geometry: BaseGeometry, latitude: float) -> BaseGeometry:
    """The geometry on a plane in metres that is true around this latitude."""
    eastward = METRES_PER_DEGREE * math.cos(math.radians(latitude))
    return scale(geometry, eastward, METRES_PER_DEGREE, origin=(0, 0))


def _count(value: Any) -> int:
    """How many positions nested lists of coordinates hold, at most one more than allowed."""
    if not isinstance(value, list):
        return 0
    if value and not isinstance(value[0], list):
        return 1
    total = 0
    for part in value:
        total += _count(part)
        if total > MAX_VERTICES:
            break
    return total


def _polygon(rings: Any, where: str) -> Polygon:
    if not isinstance(rings, list) or not rings:
        raise BadArea(f"{where} must be a list of rings")
    shell, *holes = [_ring(ring, f"{where}[{number}]") for number, ring in enumerate(rings)]
    return Polygon(shell, holes)


def _ring(ring: Any, where: str) -> list[tuple[float, float]]:
    if not isinstance(ring, list):
        raise BadArea(f"{where} must be a list of positions")
    points = [_position(point, f"{where}[{number}]") for number, point in enumerate(ring)]
    if points and points[0] != points[-1]:
        points.append(points[0])
    if len(set(points)) < 3:
        raise BadArea(f"{where} needs at least three different positions")
    return points


def _position(point: Any, where: str) -> tuple[float, float]:
    if not isinstance(point, Sequence) or isinstance(point, str) or len(point) < 2:
        raise BadArea(f"{where} must be [longitude, latitude]")
    longitude, latitude = _degree(point[0]), _degree(point[1])
    if longitude is None or latitude is None:
        raise BadArea(f"{where} must hold numbers")
    if abs(latitude) > 90:
        swapped = "; longitude and latitude seem to be swapped" if abs(longitude) <= 90 else ""
        raise BadArea(f"{where} has a latitude of {latitude:g}{swapped}")
    if abs(longitude) > 180:
        raise BadArea(f"{where} has a longitude of {longitude:g}")
    return longitude, latitude


def _degree(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _ring_of(ring: Iterable[Any]) -> list[list[float]]:
    return [[float(x), float(y)] for x, y in ring.coords]  # type: ignore[attr-defined]
