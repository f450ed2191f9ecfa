"""Querysets and numbers of fleet remotes' pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from fleet_remotes import rules
from fleet_remotes.choices import OPEN, UNMATCHED, State
from fleet_remotes.models import (
    Callback,
    CallbackMessage,
    CommandBatch,
    Fleet,
    FleetVehicle,
    RemoteAction,
    RemoteNotification,
    WakeUpUse,
)
from fleet_remotes.selectors.preflight import budgets

# The delays of a callback are read from its last notifications.
LAST_FOR_LAG = 5_000


def fleets() -> QuerySet[Fleet]:
    return Fleet.objects.select_related("stopped_by").annotate(vehicle_count=Count("vehicles"))


def vehicles() -> QuerySet[FleetVehicle]:
    return FleetVehicle.objects.select_related("fleet")


def attach_budgets(rows: Sequence[FleetVehicle], now: datetime) -> None:
    """Gives each vehicle `budget`, `forecast`, `last_action` and `open_count`, in a fixed number of queries."""
    ids = [row.pk for row in rows]
    found = budgets(rows, now)
    newest = RemoteAction.objects.filter(vehicle_id__in=ids).order_by("vehicle_id", "-pk").distinct("vehicle_id")
    last = {action.vehicle_id: action for action in newest}
    counts = RemoteAction.objects.filter(vehicle_id__in=ids, state__in=OPEN).values_list("vehicle_id")
    waiting = dict(counts.annotate(n=Count("pk")).order_by())
    for row in rows:
        row.budget = found[row.pk]  # type: ignore[attr-defined]
        row.forecast = rules.forecast_of(found[row.pk], now)  # type: ignore[attr-defined]
        row.last_action = last.get(row.pk)  # type: ignore[attr-defined]
        row.open_count = waiting.get(row.pk, 0)  # type: ignore[attr-defined]


def wakeup_rows(now: datetime) -> QuerySet[FleetVehicle]:
    """Vehicles that were woken up this month or have a budget, with `used`: this month's wake-ups."""
    month = WakeUpUse.objects.filter(vehicle=OuterRef("pk"), month=rules.month_of(now))
    used = Coalesce(Subquery(month.values("used")[:1]), 0)
    has_budget = Q(wakeup_budget__isnull=False) | Q(wakeup_learnt__isnull=False)
    return vehicles().annotate(used=used).filter(Q(Exists(month)) | has_budget)


def actions() -> QuerySet[RemoteAction]:
    return RemoteAction.objects.select_related("vehicle", "fleet")


def batches() -> QuerySet[CommandBatch]:
    return CommandBatch.objects.select_related("created_by")


def progress_of(rows: Sequence[CommandBatch]) -> dict[int, dict[str, int]]:
    """How many actions of each batch stand in each state. A retry stands for what it tries again."""
    counts = (
        RemoteAction.objects.filter(batch__in=[row.pk for row in rows], retries__isnull=True)
        .values_list("batch_id", "state")
        .annotate(n=Count("pk"))
        .order_by()
    )
    found: dict[int, dict[str, int]] = {row.pk: {} for row in rows}
    for batch_id, state, count in counts:
        if batch_id is not None:
            found[batch_id][state] = count
    return found


def callbacks() -> QuerySet[Callback]:
    return Callback.objects.select_related("fleet")


def messages() -> QuerySet[CallbackMessage]:
    return CallbackMessage.objects.select_related("callback").defer("body")


def notifications() -> QuerySet[RemoteNotification]:
    return RemoteNotification.objects.select_related("callback", "action", "vehicle")


def unmatched() -> QuerySet[RemoteNotification]:
    return notifications().filter(verdict__in=UNMATCHED)


@dataclass(frozen=True, slots=True)
class Lag:
    """Delays from the vendor's date to our receipt, in seconds, over a callback's last notifications."""

    p50: float | None
    p95: float | None
    unmatched: int


def callback_health(rows: Sequence[Callback]) -> dict[int, Lag]:
    """The delays of each callback, and how many of its notifications wait unmatched."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, ("
            "  SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY lag) FROM ("
            "    SELECT extract(epoch FROM received_at - event_date) AS lag FROM fleet_remotes_remotenotification"
            "    WHERE callback_id = c.id AND event_date IS NOT NULL ORDER BY id DESC LIMIT %s) last), ("
            "  SELECT count(*) FROM (SELECT 1 FROM fleet_remotes_remotenotification WHERE callback_id = c.id"
            "    AND verdict IN ('unknown_action', 'vin_mismatch', 'unknown_value', 'unreadable')"
            "    LIMIT 10000) capped)"
            " FROM unnest(%s::bigint[]) AS c(id)",
            [LAST_FOR_LAG, [row.pk for row in rows]],
        )
        rows_found = cursor.fetchall()
    return {pk: Lag(lags[0] if lags else None, lags[1] if lags else None, n) for pk, lags, n in rows_found}


def outcome_counts(now: datetime, hours: int = 24) -> dict[str, int]:
    """How many actions stand in each state: the open ones, and those that ended within the last hours."""
    recent = Q(state__in=OPEN) | Q(entered_at__gte=now - timedelta(hours=hours))
    rows = RemoteAction.objects.filter(recent).values_list("state").annotate(n=Count("pk")).order_by()
    return {State(state).value: count for state, count in rows}
