"""The charge points that a batch of messages names: remembered, and found in one statement where they are not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec
from django.db import connection

from core.cache import Cache
from core.sql import array_literal
from infra_notifications.evse_ids import spelt_otherwise

# Of so many charge points a process remembers what it asked: some 40 MB.
MOST = 100_000


class Point(msgspec.Struct, frozen=True, gc=False):
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
_VERSION = "SELECT string_agg(id::text, ' ' ORDER BY id) FROM infra_notifications_directorychange"


class _Known:
    """What is remembered of the charge points of one version: by EVSE id, and the whole of a station."""

    def __init__(self) -> None:
        self.by_evse: dict[str, Point] = {}
        self.by_station: dict[str, tuple[Point, ...]] = {}

    def load(self, evse_ids: Collection[str], stations: Collection[str]) -> None:
        """Remembers those that exist; who is not known today is asked for again."""
        given = {"evse_ids": array_literal(evse_ids), "stations": array_literal(stations)}
        with connection.cursor() as cursor:
            cursor.execute(_OF_BOTH if evse_ids else _OF_STATIONS, given)
            points = [Point(*row) for row in cursor.fetchall()]
        stationed: dict[str, list[Point]] = {}
        for point in points:
            if point.station:
                stationed.setdefault(point.station_key, []).append(point)
        # A charge point that is known by its id belongs to a station that is known.
        self.by_station.update((key, tuple(found)) for key, found in stationed.items())
        self.by_evse.update((point.evse_key, point) for point in points)


_remembered: Cache[str, _Known] = Cache()
_ALL = "all"


def _known_now() -> _Known:
    """What this process remembers of the charge points as this transaction sees them; the database says when what was
    remembered is no longer true (`models.DirectoryChange`)."""
    with connection.cursor() as cursor:
        cursor.execute(_VERSION)
        version = cursor.fetchone()[0]
    known = _remembered.get(_ALL, _Known, stamp=version)
    if len(known.by_evse) <= MOST:
        return known
    _remembered.forget(_ALL)
    return _remembered.get(_ALL, _Known, stamp=version)


class Directory:
    """Finds the charge points of a batch: those named, and all of every station concerned.

    EVSE ids and stations are given by their `identity_key`.
    """

    def __init__(self, evse_ids: Iterable[str], stations: Iterable[str]) -> None:
        self._known = _known_now()
        self.by_evse: dict[str, Point] = {}
        self.by_station: dict[str, tuple[Point, ...]] = {}
        keys = set(evse_ids)
        self._find(keys, set(stations))
        if spelt := spelt_otherwise(keys - self.by_evse.keys()):
            self._find(set(spelt.values()), set())
            self.by_evse |= {key: self.by_evse[name] for key, name in spelt.items() if name in self.by_evse}

    def _find(self, evse_ids: set[str], stations: set[str]) -> None:
        by_evse, by_station = self._known.by_evse, self._known.by_station
        unknown, strange = evse_ids - by_evse.keys(), stations - by_station.keys()
        if unknown or strange:
            self._known.load(unknown, strange)
        self.by_evse |= {key: by_evse[key] for key in evse_ids & by_evse.keys()}
        stations = stations | {point.station_key for point in self.by_evse.values() if point.station}
        self.by_station |= {key: by_station[key] for key in stations & by_station.keys()}

    @property
    def points(self) -> list[Point]:
        """All of them, each once."""
        lone = {point.id: point for point in self.by_evse.values() if not point.station}
        return [*lone.values(), *(point for points in self.by_station.values() for point in points)]

    def family(self, point: Point) -> Sequence[Point]:
        """All charge points that communicate through the same station."""
        return self.by_station[point.station_key] if point.station else (point,)

    def at(self, station: str, evse: int | None) -> Sequence[Point]:
        """The charge points that a station's message about this EVSE concerns; 0 or None means all of them."""
        points = self.by_station.get(station, ())
        if not evse:
            return points
        exact = [point for point in points if point.connector == evse]
        return exact or (points if len(points) == 1 and points[0].connector is None else ())
