"""What the checks before sending need to know, for many vehicles in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings

from fleet_remotes import rules
from fleet_remotes.choices import IN_FLIGHT, CallbackStatus, State
from fleet_remotes.models import Callback, FleetVehicle, RemoteAction, RemoteNotification, WakeUpUse
from fleet_remotes.rules import Budget, Means


def budgets(vehicles: Sequence[FleetVehicle], now: datetime) -> dict[int, Budget]:
    """This month's wake-up budget of each vehicle."""
    ids = [vehicle.pk for vehicle in vehicles]
    month = rules.month_of(now)
    uses = {use.vehicle_id: use for use in WakeUpUse.objects.filter(vehicle_id__in=ids, month=month)}
    recent = _recent_wakes(ids, now)
    result = {}
    for vehicle in vehicles:
        use = uses.get(vehicle.pk) or WakeUpUse()
        resting_until = rules.resting_until(
            recent.get(vehicle.pk, []), burst=settings.REMOTES_WAKEUPS_BURST, burst_s=settings.REMOTES_WAKEUPS_BURST_S
        )
        result[vehicle.pk] = Budget(
            use.used, vehicle.wakeup_limit, vehicle.wakeup_learnt, use.refusals > 0, resting_until
        )
    return result


def _recent_wakes(ids: Sequence[int], now: datetime) -> dict[int, list[datetime]]:
    """When each was woken up lately, the last time first."""
    since = now - timedelta(seconds=settings.REMOTES_WAKEUPS_BURST_S)
    rows = RemoteNotification.objects.filter(status="WakingUpVehicle", vehicle_id__in=ids, received_at__gt=since)
    wakes: dict[int, list[datetime]] = defaultdict(list)
    for vehicle_id, received_at in rows.order_by("-received_at").values_list("vehicle_id", "received_at"):
        wakes[vehicle_id or 0].append(received_at)
    return wakes


def facts_of(
    vehicles: Sequence[FleetVehicle], now: datetime, *, leaving_out: Iterable[int] = ()
) -> dict[int, rules.Vehicle]:
    """Each vehicle as the checks see it; `leaving_out` names the actions that are themselves being checked."""
    open_kinds: dict[int, set[str]] = defaultdict(set)
    rows = RemoteAction.objects.filter(
        vehicle_id__in=[vehicle.pk for vehicle in vehicles], state__in=(State.QUEUED, *IN_FLIGHT)
    ).exclude(pk__in=list(leaving_out))
    for vehicle_id, kind in rows.values_list("vehicle_id", "kind"):
        open_kinds[vehicle_id].add(kind)
    budget = budgets(vehicles, now)
    return {
        vehicle.pk: rules.Vehicle(
            has_id=bool(vehicle.vehicle_id),
            capabilities=None if vehicle.capabilities is None else frozenset(vehicle.capabilities),
            privacy=vehicle.privacy,
            battery_level=vehicle.battery_level,
            is_stolen=vehicle.is_stolen,
            open_kinds=frozenset(open_kinds[vehicle.pk]),
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
