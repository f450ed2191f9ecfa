"""The charge points that a batch of messages names, found in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from core.sql import array_literal
from infra_notifications.evse_ids import spelt_otherwise


@dataclass(frozen=True, slots=True)
class Point:
    """A charge point as far as messages are concerned."""

    id: int
    evse_key: str
    station: str
    connector: int | None
    # What a person set; None where it is learnt.
    interval_s: int | None
    vendor: str
    station_key: str


_POINTS = (
    "SELECT id, upper(evse_id), station, connector, expected_interval_s, vendor, upper(station)"
    " FROM infra_notifications_chargepoint WHERE "
)
# Most messages name their station alone.
_OF_STATIONS = f"{_POINTS} station <> '' AND upper(station) = ANY(%(stations)s::text[]) ORDER BY id"
# Arrays, because with an OR or a join of subselects the planner reads the whole table.
_OF_BOTH = (
    "WITH named AS MATERIALIZED (SELECT id, station FROM infra_notifications_chargepoint"  # noqa: S608
    " WHERE upper(evse_id) = ANY(%(evse_ids)s::text[])) "
    f"{_POINTS} station <> '' AND upper(station) = ANY(%(stations)s::text[] || ARRAY(SELECT upper(station) FROM named))"
    f" UNION ALL {_POINTS} id = ANY(ARRAY(SELECT id FROM named WHERE station = '')) ORDER BY id"
)


class Directory:
    """Finds the charge points of a batch in one statement: those named, and all of every station concerned.

    EVSE ids and stations are given by their `identity_key`.
    """

    def __init__(self, evse_ids: Iterable[str], stations: Iterable[str]) -> None:
        keys = set(evse_ids)
        self._load(keys, stations)
        if spelt := spelt_otherwise(keys - self.by_evse.keys()):
            self._load({*self.by_evse, *spelt.values()}, stations)
            self.by_evse |= {key: self.by_evse[name] for key, name in spelt.items() if name in self.by_evse}

    def _load(self, evse_ids: Iterable[str], stations: Iterable[str]) -> None:
        given = {"evse_ids": list(evse_ids), "stations": list(stations)}
        literals = {name: array_literal(values) for name, values in given.items()}
        with connection.cursor() as cursor:
            cursor.execute(
                _OF_BOTH if given["evse_ids"] else _OF_STATIONS,
                literals,
            )
            self.points = [Point(*row) for row in cursor.fetchall()]
        self.by_evse = {point.evse_key: point for point in self.points}
        self.by_station: dict[str, list[Point]] = defaultdict(list)
        for point in self.points:
            if point.station:
                self.by_station[point.station_key].append(point)

    def family(self, point: Point) -> list[Point]:
        """All charge points that communicate through the same station."""
        return self.by_station[point.station_key] if point.station else [point]

    def at(self, station: str, evse: int | None) -> list[Point]:
        """The charge points that a station's message about this EVSE concerns; 0 or None means all of them."""
        points = self.by_station.get(station, [])
        if not evse:
            return points
        exact = [point for point in points if point.connector == evse]
        return exact or ([points[0]] if len(points) == 1 and points[0].connector is None else [])
