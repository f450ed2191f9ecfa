"""What is known of charge points' availability, read in one statement for a page, a file or an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from infra_notifications.models import ChargePoint
from infra_notifications.rules.availability import DAYS, History, Period, last_days
from infra_notifications.services.context import COVERING

# An incident of the sensors alone is no outage: the charge point goes on charging, or says that it is Faulted.
_HISTORY = f"""
WITH {COVERING}
SELECT charge_point_id, 'known', first_seen, NULL FROM infra_notifications_chargepointstate
WHERE charge_point_id = ANY(%(points)s) AND first_seen IS NOT NULL
UNION ALL
SELECT charge_point_id, 'down', opened_at, closed_at FROM infra_notifications_incident
WHERE charge_point_id = ANY(%(points)s) AND "case" <> 'SENSORS' AND (closed_at IS NULL OR closed_at > %(since)s)
UNION ALL
SELECT charge_point_id, 'down', began_at, ended_at FROM infra_notifications_statusperiod
WHERE charge_point_id = ANY(%(points)s) AND (ended_at IS NULL OR ended_at > %(since)s)
UNION ALL
SELECT id, 'maintenance', starts_at, ends_at FROM covering"""  # noqa: S608 - our own text alone
# One day more than is measured, because local days begin at other hours than ours.
_LOOKED_BACK = timedelta(days=DAYS + 1)


def histories_of(points: Iterable[int], now: datetime) -> dict[int, History]:
    """What is known of each of these charge points in the last 30 days, in one statement."""
    histories = {pk: History() for pk in points}
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, {"points": list(histories), "since": now - _LOOKED_BACK, "now": now})
        for pk, what, begin, end in cursor.fetchall():
            history = histories[pk]
            if what == "maintenance":
                history.maintenance.append((begin, end))
                continue
            if what == "down":
                history.down.append((begin, end))
            history.known_since = min(history.known_since or begin, begin)
    return histories


def attach_availability(points: Sequence[ChargePoint], now: datetime) -> None:
    """Gives each charge point `availability_percent` and `maintenance_percent`; None where nothing is known."""
    histories = histories_of([point.pk for point in points], now)
    for point in points:
        found: Any = point
        period: Period = last_days(histories[point.pk], now)
        found.availability_percent, found.maintenance_percent = period.percent, period.maintenance_percent
