"""What the checks before sending need to know, for many vehicles in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from fleet_remotes import rules
from fleet_remotes.choices import IN_FLIGHT, CallbackStatus, State
from fleet_remotes.models import Callback, FleetVehicle, RemoteAction, WakeUpUse
from fleet_remotes.rules import Budget, Means


def budgets(vehicles: Sequence[FleetVehicle], now: datetime) -> dict[int, Budget]:
    """This month's wake-up budget of each vehicle."""
    ids = [vehicle.pk for vehicle in vehicles]
    month = rules.month_of(now)
    uses = {use.vehicle_id: use for use in WakeUpUse.objects.filter(vehicle_id__in=ids, month=month)}
    recent = _recent_wakes(ids, now)
    default = settings.REMOTES_WAKEUPS_PER_MONTH or None
    found = {}
    for vehicle in vehicles:
        use, (count, oldest) = uses.get(vehicle.pk), recent.get(vehicle.pk, (0, None))
        found[vehicle.pk] = rules.budget_of(
            used=use.used if use else 0,
            limit=vehicle.wakeup_budget if vehicle.wakeup_budget is not None else default,
            learnt=vehicle.wakeup_learnt,
            refused=bool(use and use.refusals),
            recent=count,
            oldest_recent=oldest,
            burst=settings.REMOTES_WAKEUPS_BURST,
            burst_s=settings.REMOTES_WAKEUPS_BURST_S,
        )
    return found


def _recent_wakes(ids: Sequence[int], now: datetime) -> dict[int, tuple[int, datetime | None]]:
    """How often each was woken up lately, and when the first of the last few times was."""
    since = now - timedelta(seconds=settings.REMOTES_WAKEUPS_BURST_S)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT vehicle_id, count(*), (array_agg(received_at ORDER BY received_at DESC))[%s]"
            " FROM fleet_remotes_remotenotification WHERE status = 'WakingUpVehicle' AND vehicle_id = ANY(%s)"
            " AND received_at > %s GROUP BY vehicle_id",
            [max(1, settings.REMOTES_WAKEUPS_BURST), list(ids), since],
        )
        return {pk: (count, oldest) for pk, count, oldest in cursor.fetchall()}


def facts_of(
    vehicles: Sequence[FleetVehicle], now: datetime, *, leaving_out: Iterable[int] = ()
) -> dict[int, rules.Vehicle]:
    """Each vehicle as the checks see it; `leaving_out` names the actions that are themselves being checked."""
    open_actions: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = RemoteAction.objects.filter(
        vehicle_id__in=[vehicle.pk for vehicle in vehicles], state__in=(State.QUEUED, *IN_FLIGHT)
    ).exclude(pk__in=list(leaving_out))
    for vehicle_id, kind, state in rows.values_list("vehicle_id", "kind", "state"):
        open_actions[vehicle_id].append((kind, state))
    budget = budgets(vehicles, now)
    return {
        vehicle.pk: rules.Vehicle(
            has_id=bool(vehicle.vehicle_id),
            capabilities=None if vehicle.capabilities is None else frozenset(vehicle.capabilities),
            privacy=vehicle.privacy,
            battery_level=vehicle.battery_level,
            is_stolen=vehicle.is_stolen,
            open_kinds=frozenset(kind for kind, _state in open_actions[vehicle.pk]),
            is_busy=bool(open_actions[vehicle.pk]),
            budget=budget[vehicle.pk],
        )
        for vehicle in vehicles
    }


def callbacks_to_send_by(fleet_ids: Iterable[int]) -> dict[int, Callback]:
    """The callback through which each fleet's commands are sent: registered with the vendor, and running."""
    rows = Callback.objects.filter(fleet_id__in=set(fleet_ids)).exclude(callback_id="")
    running = rows.exclude(status__in=(CallbackStatus.PAUSED, CallbackStatus.FAILED)).order_by("-pk")
    return {callback.fleet_id: callback for callback in running}


def means_of(vehicles: Sequence[FleetVehicle], now: datetime) -> dict[int, Means]:
    """What sending to each vehicle's fleet stands on, by fleet."""
    callbacks = callbacks_to_send_by(vehicle.fleet_id for vehicle in vehicles)
    fleets = {vehicle.fleet_id: vehicle.fleet for vehicle in vehicles}
    return {
        pk: Means(
            is_set_up=bool(settings.REMOTES_CLIENT_ID),
            is_stopped=fleet.is_stopped,
            has_callback=pk in callbacks,
            paused_until=fleet.paused_until if fleet.paused_until and fleet.paused_until > now else None,
            low_battery=settings.REMOTES_LOW_BATTERY,
        )
        for pk, fleet in fleets.items()
    }
