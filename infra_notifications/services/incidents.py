"""What time and people do to incidents: silences that become alerts, momentary ones that are over, closing by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from infra_notifications.choices import CloseReason, Connectivity
from infra_notifications.models import Incident
from infra_notifications.rules.lifecycle import IncidentState
from infra_notifications.rules.signals import silence_signal
from infra_notifications.services.acknowledging import note_closing
from infra_notifications.services.context import context_of
from infra_notifications.services.unit_of_work import IncidentStore

SWEEP_LIMIT = 1_000
# So many that spoke since are moved on with each of its statements.
MOVE_LIMIT = 10_000
_DUE = """
WITH alive AS (
  SELECT charge_point_id FROM infra_notifications_chargepointstate
  WHERE sweep_at <= %(now)s AND silent_at > %(now)s ORDER BY sweep_at LIMIT %(moved)s FOR UPDATE SKIP LOCKED
), moved AS (
  UPDATE infra_notifications_chargepointstate s SET sweep_at = s.silent_at
  FROM alive WHERE s.charge_point_id = alive.charge_point_id
), due AS (
  SELECT s.charge_point_id, c.station FROM infra_notifications_chargepointstate s
  JOIN infra_notifications_chargepoint c ON c.id = s.charge_point_id
  WHERE s.sweep_at <= %(now)s AND s.silent_at <= %(now)s ORDER BY s.sweep_at LIMIT %(limit)s
), whole AS (
  SELECT charge_point_id FROM due UNION SELECT c.id FROM infra_notifications_chargepoint c
  WHERE c.station <> '' AND upper(c.station) IN (SELECT upper(station) FROM due)
)
SELECT s.charge_point_id, s.last_seen, s.silent_at, make_interval(
  secs => coalesce(c.expected_interval_s, s.learnt_silence_s, %(interval)s)) AS needed
FROM infra_notifications_chargepointstate s JOIN infra_notifications_chargepoint c ON c.id = s.charge_point_id
JOIN whole USING (charge_point_id) WHERE s.sweep_at <= %(now)s AND s.silent_at <= %(now)s
ORDER BY s.charge_point_id FOR UPDATE OF s SKIP LOCKED
"""
_PUT_OFF = """
UPDATE infra_notifications_chargepointstate s SET silent_at = x.until
FROM unnest(%s::bigint[], %s::timestamptz[]) AS x(id, until) WHERE s.charge_point_id = x.id
"""


def sweep_silence(*, now: datetime, limit: int = SWEEP_LIMIT, listening_since: datetime | None = None) -> int:
    """Opens UNAVAILABLE at charge points whose silence became an alert; returns how many were looked at.

    Takes whole stations, so that a station's silence is told in one mail. The time in which nothing could be heard of
    one, because its source was silent or nobody listened, does not count: its silence is put off.
    """
    values: dict[str, Any] = {"now": now, "limit": limit, "moved": MOVE_LIMIT}
    values["interval"] = settings.CHARGING_EXPECTED_INTERVAL_S
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_DUE, values)
            found = cursor.fetchall()
            later = _put_off(found, listening_since, now) if found else {}
            if later:
                cursor.execute(_PUT_OFF, [list(later), list(later.values())])
        due = [row for row in found if row[0] not in later]
        if not due:
            return len(found)
        ids = [row[0] for row in due]
        store = IncidentStore(now)
        store.load(ids, locked=True)
        for charge_point_id, last_seen, silent_at, needed in due:
            counted_from = max(last_seen, silent_at - needed)
            store.change(charge_point_id, silence_signal(last_seen, silent_at, counted_from, now))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE infra_notifications_chargepointstate SET silent_at = NULL, connectivity = %s"
                " WHERE charge_point_id = ANY(%s)",
                [Connectivity.SILENT, ids],
            )
        store.flush()
    return len(found)


def _put_off(found: Sequence[Any], listening_since: datetime | None, now: datetime) -> dict[int, datetime]:
    """Until when silences count for nothing: a charge point has its whole time anew once somebody listens again."""
    later = context_of([point for point, *_ in found], now).silent_sources
    if listening_since is not None:
        for point, _last_seen, _silent_at, needed in found:
            later[point] = max(later.get(point, now), listening_since + needed)
    return {point: until for point, until in later.items() if until > now}


def end_transient(*, now: datetime, limit: int = SWEEP_LIMIT) -> int:
    """Closes momentary incidents (a shock, a tamper alarm) whose hold time is over; returns how many."""
    with transaction.atomic():
        due = Incident.objects.filter(closed_at__isnull=True, ends_at__lte=now).order_by("ends_at")
        ids = sorted(set(due.values_list("charge_point_id", flat=True)[:limit]))
        return _close_where(ids, now, CloseReason.TRANSIENT, lambda state: bool(state.ends_at and state.ends_at <= now))


def close_by_hand(*, incident: Incident, now: datetime, author: str = "") -> bool:
    """Closes an open incident that no message will close; says whether it was open."""
    with transaction.atomic():
        closed = _close_where([incident.charge_point_id], now, CloseReason.BY_HAND, lambda s: s.id == incident.pk)
        if closed and author:
            note_closing(incident=incident, author=author, now=now)
    return bool(closed)


def _close_where(
    charge_point_ids: list[int], now: datetime, reason: CloseReason, is_meant: Callable[[IncidentState], bool]
) -> int:
    store = IncidentStore(now)
    store.load(charge_point_ids)
    closed = 0
    for charge_point_id in charge_point_ids:
        for incident in store.open_incidents(charge_point_id):
            if is_meant(incident):
                store.close(charge_point_id, incident, reason)
                closed += 1
    store.flush()
    return closed
