"""What comes in and whose it is: submissions, what becomes of them, and the charge points that they name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, connection

from core.services import take_receipts
from core.sql import array_literal

T = TypeVar("T")
MAX_ID = 200


@dataclass
class Submission:
    """What one request brought: items with their place in its batch, under the key that sent them."""

    key_id: int
    items: Sequence[tuple[int, Any]]


@dataclass
class Intake:
    """What became of a submission."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Point:
    """A charge point as far as messages are concerned."""

    id: int
    evse_key: str
    station: str
    connector: int | None
    interval_s: int
    vendor: str


def or_once_more(take: Callable[[], T]) -> T:
    """Takes a second time when a charge point or group was deleted between our reading of it and our commit."""
    try:
        return take()
    except IntegrityError:
        return take()


_POINTS = (
    "SELECT id, upper(evse_id), station, connector, coalesce(expected_interval_s, %(interval)s), vendor"
    " FROM infra_notifications_chargepoint WHERE "
)
# Most messages name their station alone.
_OF_STATIONS = f"{_POINTS} station <> '' AND station = ANY(%(stations)s::text[]) ORDER BY id"
# Arrays, because with an OR or a join of subselects the planner reads the whole table.
_OF_BOTH = (
    "WITH named AS MATERIALIZED (SELECT id, station FROM infra_notifications_chargepoint"  # noqa: S608
    " WHERE upper(evse_id) = ANY(%(evse_ids)s::text[])) "
    f"{_POINTS} station <> '' AND station = ANY(%(stations)s::text[] || ARRAY(SELECT station::text FROM named))"
    f" UNION ALL {_POINTS} id = ANY(ARRAY(SELECT id FROM named WHERE station = '')) ORDER BY id"
)


class Directory:
    """Finds the charge points of a batch in one statement: those named, and all of every station concerned."""

    def __init__(self, evse_ids: Iterable[str], stations: Iterable[str]) -> None:
        given = {"evse_ids": list(evse_ids), "stations": list(stations)}
        literals = {name: array_literal(values) for name, values in given.items()}
        with connection.cursor() as cursor:
            cursor.execute(
                _OF_BOTH if given["evse_ids"] else _OF_STATIONS,
                literals | {"interval": settings.CHARGING_EXPECTED_INTERVAL_S},
            )
            self.points = [Point(*row) for row in cursor.fetchall()]
        self.by_evse = {point.evse_key: point for point in self.points}
        self.by_station: dict[str, list[Point]] = defaultdict(list)
        for point in self.points:
            if point.station:
                self.by_station[point.station].append(point)

    def family(self, point: Point) -> list[Point]:
        """All charge points that communicate through the same station."""
        return self.by_station[point.station] if point.station else [point]

    def at(self, station: str, evse: int | None) -> list[Point]:
        """The charge points that a station's message about this EVSE concerns; 0 or None means all of them."""
        points = self.by_station.get(station, [])
        if not evse:
            return points
        exact = [point for point in points if point.connector == evse]
        return exact or ([points[0]] if len(points) == 1 and points[0].connector is None else [])


def without_duplicates(
    submissions: Sequence[Submission],
    intakes: Sequence[Intake],
    known: Sequence[T],
    *,
    place: Callable[[T], int],
    external_id: Callable[[T], str | int | None],
    now: datetime,
) -> list[T]:
    """Leaves out what the same key sent before under the same id, counting both kinds in the intakes.

    `place` says to which submission an item belongs. Only items that are taken leave a receipt, so that a rejected one
    can be sent again.
    """
    wanted: dict[int, list[str]] = defaultdict(list)
    for item in known:
        if (given := external_id(item)) is not None:
            wanted[submissions[place(item)].key_id].append(str(given))
    remaining = {
        key_id: take_receipts(key_id=key_id, external_ids=wanted[key_id], now=now) for key_id in sorted(wanted)
    }
    fresh = []
    for item in known:
        given, number = external_id(item), place(item)
        if given is not None:
            left = remaining[submissions[number].key_id]
            if str(given) not in left:
                intakes[number].duplicates += 1
                continue
            left.discard(str(given))
        intakes[number].accepted += 1
        fresh.append(item)
    return fresh


def id_problem(given: str | int | None) -> str:
    if given is not None and (len(str(given)) > MAX_ID or "\x00" in str(given)):
        return f"`id` must be at most {MAX_ID} characters without NUL."
    return ""
