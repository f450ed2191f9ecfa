"""Statuses without an id that a sender repeats after newer ones: they are known by the device's own moment alone.

Of a batch of which only the first half is sent again, the older status would else be the present one. It is a late
retry when the same words with the same moment of the device are stored, that moment was right when they came first,
and a status with a later moment has come since. A clock that stands still tells no later moment; one that fell back
when the station booted was not right when the same moment came first: what they say is news, because to lose a raise
is worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from core.sql import array_literal, storable
from infra_notifications.rules.oddities import has_moment
from infra_notifications.services.repetitions import STATES, Teller

LATE_RETRY = "It was taken before, word for word, and a newer status has come since; it changes nothing."
_LATE = """
SELECT k.row FROM unnest(%(rows)s::int[], %(ids)s::bigint[], %(stations)s::text[], %(payloads)s::jsonb[],
  %(moments)s::timestamptz[]) AS k(row, id, station, payload, moment)
CROSS JOIN LATERAL (
  SELECT min(s.received_at) FILTER (WHERE s.payload = k.payload) AS first, max(s.received_at) FILTER (
    WHERE s.occurred_at > k.moment) AS newer
  FROM (
    SELECT m.payload, m.received_at, m.occurred_at, m.action FROM infra_notifications_chargepointmessage m
    WHERE {} ORDER BY m.id DESC LIMIT 1000
  ) s WHERE s.action = ANY(%(states)s)
) l
WHERE l.first BETWEEN k.moment - interval '5 minutes' AND k.moment + interval '1 hour' AND l.newer >= l.first
"""
_OF_POINTS = _LATE.format("m.charge_point_id = k.id")
_OF_STATIONS = _LATE.format("m.charge_point_id IS NULL AND m.station = k.station")


class LateStatus(NamedTuple):
    """A status without an id that its device says is older than what it told since."""

    row: int
    teller: Teller
    payload: Any
    moment: datetime


def late_retries(statuses: Iterable[LateStatus]) -> set[int]:
    """The rows that were taken before and are not news, asked before anything of their own batch is stored."""
    asked = [status for status in statuses if has_moment(status.payload)]
    of_points = [status for status in asked if status.teller[0] is not None]
    of_stations = [status for status in asked if status.teller[0] is None]
    return _read(_OF_POINTS, of_points) | _read(_OF_STATIONS, of_stations)


def _read(statement: str, statuses: Sequence[LateStatus]) -> set[int]:
    if not statuses:
        return set()
    values: dict[str, Any] = {
        "rows": array_literal(status.row for status in statuses),
        "ids": [status.teller[0] for status in statuses],
        "stations": [status.teller[1] for status in statuses],
        "payloads": [storable(status.payload) for status in statuses],
        "moments": [status.moment for status in statuses],
        "states": sorted(STATES),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {row for (row,) in cursor.fetchall()}
