"""The wake-up budget as it is used: counted by WakingUpVehicle, taught by the vendor's first refusal in a month."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import override

from core.sql import columns, insert_rows
from fleet_remotes import event_kinds as kinds
from fleet_remotes.catalogue.advice import advice_of
from fleet_remotes.choices import State, Verdict
from fleet_remotes.event_kinds import WakeUpsExhausted
from fleet_remotes.ingest.notifications import Event, believed_date
from fleet_remotes.models import FleetVehicle, RemoteNotification, WakeUpUse
from fleet_remotes.rules.budget import month_of
from fleet_remotes.services.outcomes import vehicle_facts
from outbox.contract import NewEvent
from outbox.services import publish

QUOTA_CAUSE = "TooManyWakeUpsOverMonth"
# How a notification says it.
QUOTA_WORDS = (QUOTA_CAUSE, "TooManyWakesUpsOverMonth")
WAKING_WORD = "WakingUpVehicle"
_SAID = {False: Q(status=WAKING_WORD), True: Q(status__in=QUOTA_WORDS) | Q(cause=QUOTA_CAUSE)}


@dataclass(frozen=True, slots=True)
class WakeUpReport:
    """What concerns the budget, notified or in the vendor's record: a vehicle was woken up, or that was refused."""

    vehicle_id: int
    at: datetime
    refused: bool = False
    remote_action_id: str = ""

    @property
    def key(self) -> tuple[int, str, bool]:
        """An action wakes its vehicle once at most, whatever is said of it how often."""
        return self.vehicle_id, self.remote_action_id, self.refused


def wakeup_in(event: Event, vehicle_id: int, received_at: datetime) -> WakeUpReport | None:
    """What a notification says of wake-ups, if it does."""
    refused = event.state == State.BLOCKED_QUOTA or event.cause == QUOTA_CAUSE
    if not refused and event.state != State.WAKING:
        return None
    at, _flag = believed_date(event.event_date, received_at)
    return WakeUpReport(vehicle_id, at, refused, event.remote_action_id)


def first_heard(news: Iterable[WakeUpReport | None], besides: Sequence[int] = ()) -> list[WakeUpReport]:
    """One of each action that other tools ordered, without those of which a notification beside these (ids) told."""
    found: dict[tuple[int, str, bool], WakeUpReport] = {}
    for item in news:
        if item is not None:
            found.setdefault(item.key, item)
    for refused in {item.refused for item in found.values()}:
        ids = {item.remote_action_id for item in found.values()}
        rows = RemoteNotification.objects.filter(
            _SAID[refused], verdict=Verdict.UNKNOWN_ACTION, remote_action_id__in=ids, vehicle__isnull=False
        )
        for vehicle_id, remote_action_id in rows.exclude(pk__in=besides).values_list("vehicle_id", "remote_action_id"):
            found.pop((vehicle_id or 0, remote_action_id, refused), None)
    return list(found.values())


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
    _learn([(pk, month, used, count) for pk, month, used, _refusals, count in written])
    _publish_exhausted([row for row in written if row[3] or woken[row[0], row[1]]], now)


def _first_count(
    woken: Counter[tuple[int, date]], refused: Counter[tuple[int, date]], pk: int, month: date
) -> int | None:
    """How many of this batch's wake-ups count before its refusal; None without one."""
    return woken[pk, month] if refused[pk, month] else None


def _learn(counts: Iterable[tuple[int, date, int, int | None]]) -> None:
    """Remembers the count at which a vehicle was first refused in a month, as long as the whole of that month was
    counted: vehicle and callback were there before it began. A month without wake-ups of ours teaches nothing, and one
    with more of them than were learnt says that what was learnt is wrong."""
    rows = [(pk, month, min(used, 32_767), count and min(count, 32_767)) for pk, month, used, count in counts]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE fleet_remotes_fleetvehicle v SET wakeup_learnt = nullif(x.refused_at, 0)"
            " FROM unnest(%s::bigint[], %s::date[], %s::smallint[], %s::smallint[]) AS x(id, month, used, refused_at)"
            " WHERE v.id = x.id AND (x.refused_at > 0 OR v.wakeup_learnt < x.used)"
            " AND v.wakeup_learnt IS DISTINCT FROM nullif(x.refused_at, 0)"
            " AND v.created_at < x.month AT TIME ZONE 'UTC' AND EXISTS (SELECT 1 FROM fleet_remotes_callback c"
            "   WHERE c.fleet_id = v.fleet_id AND c.created_at < x.month AT TIME ZONE 'UTC')",
            [list(column) for column in zip(*rows, strict=True)],
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
        headline=_("Wake-ups used up: %(vehicle)s") % {"vehicle": vehicle.full_title},
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
