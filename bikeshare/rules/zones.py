"""Which rule holds where, and when a vehicle has just gone into a forbidden zone. Pure.

Precedence is that of GBFS: of overlapping zones the earlier one decides, of a zone's rules the first that is about the
vehicle's type; a zone without such a rule is passed over; outside all zones the program's own rules hold, and without
those nothing is restricted. A zone is *forbidden* where the rule that decides forbids to ride through. A position on a
border is not in the zone.

An entry is judged between two positions of one trip, both by the rules of now: the earlier one (the *anchor*) not in
what is forbidden, the later one in it. So nothing is entered when a zone is drawn around a vehicle, begins by its
clock, or was entered before the trip or while it did not rent. docs/bikeshare.md decides the thirteen cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
from shapely.geometry import MultiPolygon, Point
from shapely.strtree import STRtree

from bikeshare.choices import ZoneType
from bikeshare.rules.geometry import in_metres


@dataclass(frozen=True)
class Rule:
    """A rule of GBFS 3.0; no types means all."""

    types: frozenset[str] = frozenset()
    start: bool = True
    end: bool = True
    through: bool = True
    maximum_speed_kph: int | None = None

    def is_about(self, vehicule_type: str) -> bool:
        return not self.types or vehicule_type in self.types

    def as_gbfs(self) -> dict[str, Any]:
        """What it allows, by its names in GBFS 3.0."""
        flags = {
            "ride_start_allowed": self.start,
            "ride_end_allowed": self.end,
            "ride_through_allowed": self.through,
        }
        speed = self.maximum_speed_kph
        return flags if speed is None else {**flags, "maximum_speed_kph": speed}


FORBIDS_ALL = Rule(start=False, end=False, through=False)


def rule_of(raw: Mapping[str, Any]) -> Rule:
    """A rule from its stored form (GBFS 3.0 names)."""
    return Rule(
        frozenset(raw.get("vehicle_type_ids") or ()),
        bool(raw.get("ride_start_allowed", True)),
        bool(raw.get("ride_end_allowed", True)),
        bool(raw.get("ride_through_allowed", True)),
        raw.get("maximum_speed_kph"),
    )


def rules_of(raw_rules: Iterable[Mapping[str, Any]], zone_type: str, only_for: str) -> tuple[Rule, ...]:
    """A zone's rules: its own, or of a forbidden one that it forbids; any other zone without rules has no say.
    `only_for` binds those that name no type."""
    rules = tuple(rule_of(raw) for raw in raw_rules) or ((FORBIDS_ALL,) if zone_type == ZoneType.FORBIDDEN else ())
    if not only_for:
        return rules
    bound = frozenset({only_for})
    return tuple(Rule(r.types or bound, r.start, r.end, r.through, r.maximum_speed_kph) for r in rules)


@dataclass(frozen=True)
class ZoneArea:
    """A zone as far as positions are concerned."""

    id: str
    name: str
    area: MultiPolygon
    rules: tuple[Rule, ...]
    start: datetime | None = None
    end: datetime | None = None

    def is_active(self, at: datetime) -> bool:
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


@dataclass(frozen=True)
class Place:
    """What holds at a position: the zone that decides (its place in the order; None outside all) and its rule."""

    zone: int | None
    rule: Rule | None

    @property
    def is_forbidden(self) -> bool:
        return self.rule is not None and not self.rule.through


@dataclass(frozen=True)
class Fix:
    """A position of a vehicle, with the zones (their places in the order) that contain it."""

    latitude: float
    longitude: float
    at: datetime
    accuracy: float | None = None
    inside: tuple[int, ...] = ()


class ZoneMap:
    """The zones of a program in their order, with an index; made anew when one changes."""

    def __init__(self, zones: Sequence[ZoneArea], outside: Sequence[Rule] = ()) -> None:
        self.zones, self.outside = tuple(zones), tuple(outside)
        self._tree = STRtree([zone.area for zone in self.zones])
        self._flat: dict[int, Any] = {}

    def inside(self, positions: Sequence[tuple[float, float]]) -> list[tuple[int, ...]]:
        """For each (latitude, longitude) the zones that contain it, in their order."""
        containing: list[tuple[int, ...]] = [()] * len(positions)
        if not positions or not self.zones:
            return containing
        points = shapely.points([(longitude, latitude) for latitude, longitude in positions])
        numbers, zones = self._tree.query(points, predicate="within")
        for number, zone in sorted(zip(numbers.tolist(), zones.tolist(), strict=True)):
            containing[number] = (*containing[number], zone)
        return containing

    def place(self, inside: Iterable[int], at: datetime, vehicule_type: str) -> Place:
        """What holds where these zones (in their order) contain the position, for a vehicle of this type."""
        for number in inside:
            zone = self.zones[number]
            if zone.is_active(at):
                for rule in zone.rules:
                    if rule.is_about(vehicule_type):
                        return Place(number, rule)
        return Place(None, next((rule for rule in self.outside if rule.is_about(vehicule_type)), None))

    def depth_m(self, place: Place, fix: Fix) -> float:
        """How far a position within a forbidden place is from its border."""
        point = in_metres(Point(fix.longitude, fix.latitude), fix.latitude)
        if place.zone is not None:
            return float(self._metric(place.zone, fix.latitude).boundary.distance(point))
        distances = (self._metric(number, fix.latitude).distance(point) for number in range(len(self.zones)))
        return min(distances, default=float("inf"))

    def distance_m(self, place: Place, fix: Fix) -> float:
        """How far a position outside a forbidden place is from it."""
        point = in_metres(Point(fix.longitude, fix.latitude), fix.latitude)
        if place.zone is not None:
            return float(self._metric(place.zone, fix.latitude).distance(point))
        borders = (self._metric(number, fix.latitude).boundary.distance(point) for number in fix.inside)
        return max(borders, default=0.0)

    def _metric(self, number: int, latitude: float) -> Any:
        """A zone in metres; the latitude of the first who asked is near enough for all positions around it."""
        if number not in self._flat:
            self._flat[number] = (latitude, in_metres(self.zones[number].area, latitude))
        flat_at, area = self._flat[number]
        return area if abs(flat_at - latitude) < 0.001 else in_metres(self.zones[number].area, latitude)


@dataclass(frozen=True)
class WatchSettings:
    """How sure we want to be; the default is the strict reading: the first position inside counts."""

    min_depth_m: float = 0
    accuracy_factor: float = 0
    confirm_fixes: int = 1
    exit_margin_m: float = 0

    def depth_asked(self, fix: Fix) -> float:
        """The depth that makes a position sure; without an accuracy only the fixed depth counts."""
        return max(self.min_depth_m, self.accuracy_factor * (fix.accuracy or 0))


@dataclass(frozen=True)
class Watch:
    """What is remembered between two positions of a trip: the anchor, and how many positions since were inside."""

    anchor: Fix | None = None
    streak: int = 0


@dataclass(frozen=True)
class Entry:
    """A vehicle just went into a forbidden place; `zone` is None when it left the operating area."""

    zone: ZoneArea | None
    rule: Rule


def step(
    zones: ZoneMap, watch: Watch, fix: Fix, *, settings: WatchSettings, vehicule_type: str, is_renting: bool
) -> tuple[Watch, Entry | None]:
    """Judges the next position of a trip: what to remember, and the entry if this is one."""
    if watch.anchor is None or not is_renting:
        return Watch(fix), None
    now = zones.place(fix.inside, fix.at, vehicule_type)
    before = zones.place(watch.anchor.inside, fix.at, vehicule_type)
    if not now.is_forbidden:
        margin = settings.exit_margin_m
        has_left = not (before.is_forbidden and margin > 0 and zones.distance_m(before, fix) <= margin)
        return (Watch(fix) if has_left else Watch(watch.anchor)), None
    asked = settings.depth_asked(fix)
    if asked > 0 and zones.depth_m(now, fix) < asked:
        return watch, None
    if before.is_forbidden and (before.zone == now.zone or now.zone in watch.anchor.inside):
        return Watch(fix), None
    if watch.streak + 1 < settings.confirm_fixes:
        return Watch(watch.anchor, watch.streak + 1), None
    assert now.rule is not None
    return Watch(fix), Entry(zones.zones[now.zone] if now.zone is not None else None, now.rule)
