"""Maps as SVG: zones, stations, vehicles and tracks on a plain ground, projected here; no tile server is asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from bikeshare.models import Bike, Resource, Station, Zone

WIDTH = 1_000.0
# A little ground around what is drawn, as a share of it.
MARGIN = 0.06
# Where nothing says more, so much ground is shown (degrees).
LEAST = 0.004
Place = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """An area or line: its SVG path, its style, what it says, and where it leads."""

    path: str
    style: str
    label: str = ""
    url: str = ""


@dataclass
class Drawing:
    """A picture: its size, and shapes from the bottom to the top."""

    width: float = WIDTH
    height: float = WIDTH
    zones: list[Shape] = field(default_factory=list)
    lines: list[Shape] = field(default_factory=list)
    stations: list[Shape] = field(default_factory=list)
    vehicules: list[Shape] = field(default_factory=list)

    @property
    def view_box(self) -> str:
        return f"0 0 {self.width:.0f} {self.height:.0f}"

    @property
    def is_empty(self) -> bool:
        return not (self.zones or self.lines or self.stations or self.vehicules)


class Projection:
    """(latitude, longitude) → the picture's points: flat, north up, true in scale around its middle."""

    def __init__(self, places: Sequence[Place]) -> None:
        latitudes = [place[0] for place in places] or [0.0]
        longitudes = [place[1] for place in places] or [0.0]
        self.south, self.north = _stretched(min(latitudes), max(latitudes))
        self.west, self.east = _stretched(min(longitudes), max(longitudes))
        self.shrink = math.cos(math.radians((self.south + self.north) / 2))
        across, down = (self.east - self.west) * self.shrink, self.north - self.south
        # Neither a strip nor a tower: at most twice as wide as high, and at most a little higher than wide.
        wide, high = max(across, down / 1.2), max(down, across / 2)
        self.west -= (wide - across) / 2 / self.shrink
        self.north += (high - down) / 2
        self.scale = WIDTH / wide
        self.height = high * self.scale

    def point(self, place: Place) -> str:
        x = (place[1] - self.west) * self.shrink * self.scale
        y = (self.north - place[0]) * self.scale
        # What lies far outside need not be exact.
        return f"{min(max(x, -9_999), 9_999):.1f} {min(max(y, -9_999), 9_999):.1f}"

    def shows(self, geometry: dict[str, Any]) -> bool:
        """Whether an area may lie in the picture: by the box around it."""
        corners: list[Place] = [(y, x) for polygon in geometry["coordinates"] for x, y in polygon[0]]
        ys, xs = [place[0] for place in corners], [place[1] for place in corners]
        south, east = self.north - self.height / self.scale, self.west + WIDTH / self.scale / self.shrink
        return min(ys) < self.north and max(ys) > south and min(xs) < east and max(xs) > self.west

    def dot(self, place: Place) -> str:
        return f"M{self.point(place)}h0"

    def line(self, places: Iterable[Place]) -> str:
        return "M" + "L".join(self.point(place) for place in places)

    def area(self, geometry: dict[str, Any]) -> str:
        """A GeoJSON MultiPolygon as one path; holes come out by the even-odd rule."""
        rings = (ring for polygon in geometry["coordinates"] for ring in polygon)
        return "".join(self.line((y, x) for x, y in ring[:-1]) + "Z" for ring in rings)


def _stretched(low: float, high: float) -> tuple[float, float]:
    pad = max((high - low) * MARGIN, (LEAST - (high - low)) / 2, 0)
    return low - pad, high + pad


def _corners(geometry: dict[str, Any]) -> list[Place]:
    """The area's outer points, without those of areas that span the earth (what lies outside a city)."""
    places = [(y, x) for polygon in geometry["coordinates"] for x, y in polygon[0]]
    return [] if any(abs(x) >= 179 for _y, x in places) else places


def _page(row: Resource) -> str:
    return reverse(f"bikeshare:{row.NAME}", args=[row.pk])


def draw_city(zones: Sequence[Zone], stations: Sequence[Station], vehicules: Sequence[Bike]) -> Drawing:
    """The map of a program; stations and vehicles without a position are left out."""
    at_station = [(row, (row.latitude, row.longitude)) for row in stations if row.latitude is not None]
    moving = [(row, (row.state.latitude, row.state.longitude)) for row in vehicules if _has_place(row) and row.state]
    places: list[Any] = [place for _row, place in (*at_station, *moving)]
    places = places or [place for zone in zones for place in _corners(zone.geometry)]
    if not places:
        return Drawing()
    projection = Projection(places)
    return Drawing(
        height=projection.height,
        zones=[_zone(zone, projection) for zone in reversed(zones)],
        stations=[
            Shape(projection.dot(place), f"station-{row.status}", row.name, _page(row)) for row, place in at_station
        ],
        vehicules=[
            Shape(projection.dot(place), _vehicule_style(row), f"{row.number} · {row.get_status_display()}", _page(row))  # type: ignore[arg-type]
            for row, place in moving
        ],
    )


def _has_place(vehicule: Bike) -> bool:
    return vehicule.state is not None and vehicule.state.latitude is not None


def _vehicule_style(vehicule: Bike) -> str:
    if getattr(vehicule, "is_rented", False):
        return "vehicule-rented"
    if vehicule.told.battery_low:
        return "vehicule-low"
    return "vehicule-ready" if vehicule.status == "ready" else "vehicule-away"


def _zone(zone: Zone, projection: Projection) -> Shape:
    return Shape(projection.area(zone.geometry), f"zone-{zone.type}", str(zone), _page(zone))


def drawing_of_zone(zone: Zone) -> Drawing:
    corners = _corners(zone.geometry) or [(y, x) for p in zone.geometry["coordinates"] for r in p[1:] for x, y in r]
    projection = Projection(corners)
    return Drawing(height=projection.height, zones=[_zone(zone, projection)])


def drawing_of_track(track: Sequence[Place], zones: Sequence[Zone]) -> Drawing:
    """The way of a trip, from its beginning to its end or to where it is now, and the zones around it."""
    if not track:
        return Drawing()
    projection = Projection(track)
    ends = [Shape(projection.dot(track[0]), "track-start"), Shape(projection.dot(track[-1]), "track-end")]
    return Drawing(
        height=projection.height,
        zones=[_zone(zone, projection) for zone in reversed(zones) if projection.shows(zone.geometry)],
        lines=[Shape(projection.line(track), "track")] if len(track) > 1 else [],
        stations=ends,
    )
