"""The wake-up budget as it is used: counted by WakingUpVehicle, taught by the vendor's first refusal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import override

from core.sql import columns, insert_rows
from fleet_remotes import event_kinds as kinds
from fleet_remotes.catalogue import advice_of
from fleet_remotes.event_kinds import WakeUpsExhausted
from fleet_remotes.models import FleetVehicle, WakeUpUse
from fleet_remotes.rules.budget import month_of
from fleet_remotes.services.outcomes import vehicle_facts
from outbox.contract import NewEvent
from outbox.services import publish

QUOTA_CAUSE = "TooManyWakeUpsOverMonth"


@dataclass(frozen=True, slots=True)
class WakeUpReport:
    """One notification that concerns the budget: the vehicle was woken up, or the vendor refused to."""

    vehicle_id: int
    at: datetime
    refused: bool = False


def count_wakeups(news: Sequence[WakeUpReport], now: datetime) -> None:
    """Counts wake-ups and refusals by vehicle and month, and publishes once that a budget is used up."""
    if not news:
        return
    woken: Counter[tuple[int, date]] = Counter()
    refused: Counter[tuple[int, date]] = Counter()
    for item in news:
        (refused if item.refused else woken)[item.vehicle_id, month_of(item.at)] += 1
    keys = sorted({*woken, *refused})
    written = insert_rows(
        "fleet_remotes_wakeupuse",
        columns(WakeUpUse, "vehicle_id", "month", "used", "refusals", "refused_at_count"),
        [
            (pk, month, woken[pk, month], refused[pk, month], _first_count(woken, refused, pk, month))
            for pk, month in keys
        ],
        "ON CONFLICT (vehicle_id, month) DO UPDATE SET used = fleet_remotes_wakeupuse.used + EXCLUDED.used,"
        " refusals = fleet_remotes_wakeupuse.refusals + EXCLUDED.refusals,"
        " refused_at_count = coalesce(fleet_remotes_wakeupuse.refused_at_count,"
        " fleet_remotes_wakeupuse.used + EXCLUDED.refused_at_count)"
        " RETURNING vehicle_id, month, used, refusals, refused_at_count",
    )
    _learn([(pk, count) for pk, _month, _used, _refusals, count in written if count is not None])
    _publish_exhausted([row for row in written if row[3] or woken[row[0], row[1]]], now)


def _first_count(
    woken: Counter[tuple[int, date]], refused: Counter[tuple[int, date]], pk: int, month: date
) -> int | None:
    """How many of this batch's wake-ups count before its refusal; None without one."""
    return woken[pk, month] if refused[pk, month] else None


def _learn(counts: Iterable[tuple[int, int]]) -> None:
    """Remembers the count at which a vehicle was first refused, ever. A count of none teaches nothing: the vendor
    counted wake-ups that it did not report to us."""
    rows = [(pk, min(count, 32_767)) for pk, count in counts if count > 0]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE fleet_remotes_fleetvehicle v SET wakeup_learnt = x.n"
            " FROM unnest(%s::bigint[], %s::smallint[]) AS x(id, n) WHERE v.id = x.id AND v.wakeup_learnt IS NULL",
            [[pk for pk, _count in rows], [count for _pk, count in rows]],
        )


def _publish_exhausted(rows: Sequence[tuple[int, date, int, int, int | None]], now: datetime) -> None:
    vehicles = FleetVehicle.objects.select_related("fleet").in_bulk({row[0] for row in rows})
    events: dict[str, NewEvent] = {}
    used_of: dict[int, list[tuple[date, int, int]]] = defaultdict(list)
    for pk, month, used, refusals, _count in rows:
        used_of[pk].append((month, used, refusals))
    with override("en"):
        for pk, months in used_of.items():
            vehicle = vehicles[pk]
            limit = vehicle.wakeup_limit
            for month, used, refusals in months:
                # What happened in an earlier month is counted, but no news.
                if month == month_of(now) and (refusals or (limit is not None and used >= limit)):
                    event = _event(vehicle, month, used, limit, bool(refusals), now)
                    events[event.dedup_key] = event
    publish(events=list(events.values()), now=now)


def _event(vehicle: FleetVehicle, month: date, used: int, limit: int | None, refused: bool, now: datetime) -> NewEvent:
    advice = advice_of(QUOTA_CAUSE)
    facts = vehicle_facts(vehicle, vehicle.fleet.key)
    payload = WakeUpsExhausted(
        headline=_("Wake-ups used up: %(vehicle)s") % {"vehicle": vehicle.title},
        vehicle=facts,
        month=f"{month:%Y-%m}",
        used=used,
        budget=limit if limit is not None else vehicle.wakeup_learnt,
        refused_by_vendor=refused,
        explanation=str(advice.meaning),
        suggestion=str(advice.todo),
        url=facts.url,
    )
    key = f"{kinds.WAKEUPS_EXHAUSTED}:{vehicle.vin}:{month:%Y-%m}"
    return NewEvent(kinds.WAKEUPS_EXHAUSTED, f"fleet_vehicle:{vehicle.vin}", payload, key, now)
