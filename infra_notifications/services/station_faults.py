"""What a station said of itself as a whole is open at each of its charge points, also at those that come later, and so
is how often it speaks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db import connection
from django.db.models.functions import Upper

from core.device_clock import Moment
from core.sql import array_literal
from infra_notifications.choices import Case
from infra_notifications.models import ChargePoint, Incident
from infra_notifications.rules.fault_names import is_of_station
from infra_notifications.rules.lifecycle import Signal
from infra_notifications.services.unit_of_work import IncidentStore

# What one of a station's charge points learns all know.
_LEARNT = ("pace", "learnt_interval_s", "learnt_silence_s", "interval_source")
_TAKE_PACE = (
    f"UPDATE infra_notifications_chargepointstate t SET {', '.join(f'{name} = s.{name}' for name in _LEARNT)} FROM ("  # noqa: S608
    f"SELECT DISTINCT ON (upper(c.station)) upper(c.station) AS station, {', '.join(_LEARNT)}"
    " FROM infra_notifications_chargepointstate x JOIN infra_notifications_chargepoint c ON c.id = x.charge_point_id"
    " WHERE c.station <> '' AND upper(c.station) = ANY(%(stations)s::text[]) AND x.pace <> ''"
    " ORDER BY upper(c.station), x.last_seen DESC NULLS LAST) s"
    " JOIN infra_notifications_chargepoint p ON upper(p.station) = s.station"
    " WHERE t.charge_point_id = p.id AND p.id = ANY(%(points)s::bigint[]) AND t.pace = ''"
)


def hear_stations(*, keys: Collection[str], now: datetime) -> None:
    """Opens at these charge points (upper-case EVSE ids), of those that were never heard, what their stations hold open
    at others, and gives them their pace; in the transaction that wrote them."""
    every = ChargePoint.objects.alias(key=Upper("evse_id")).exclude(station="")
    new = every.filter(key__in=keys, state__last_seen=None).annotate(of=Upper("station"))
    points: dict[str, list[int]] = defaultdict(list)
    for pk, station in new.values_list("pk", "of"):
        points[station].append(pk)
    if not points:
        return
    with connection.cursor() as cursor:
        ids = [pk for some in points.values() for pk in some]
        cursor.execute(_TAKE_PACE, {"stations": array_literal(points), "points": array_literal(ids)})
    there = Incident.objects.filter(closed_at=None, ends_at=None).exclude(case=Case.UNAVAILABLE)
    said = there.annotate(of=Upper("charge_point__station")).filter(of__in=points).order_by("pk")
    told = {(one.of, one.case, fault): one for one in said for fault in one.faults if is_of_station(fault)}
    if not told:
        return
    ids = sorted({pk for station, _case, _fault in told for pk in points[station]})
    store = IncidentStore(now)
    store.load(ids, raising=ids)
    for (station, case, fault), one in told.items():
        moment = Moment(one.opened_at, one.device_clock)
        for pk in points[station]:
            store.change(pk, Signal(Case(case), True, fault, moment, now, said=one.said, rule_id=one.rule_id))
    store.flush()
