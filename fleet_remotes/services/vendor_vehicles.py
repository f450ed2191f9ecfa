"""Vehicles as the vendor has them: its list becomes ours, with capabilities and state, and is read again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db.models import F, Q

from core.ingest import Submission
from fleet_remotes.client import ApiAway, ApiError, Remotes, is_set_up
from fleet_remotes.ingest.vehicles import read_capabilities, read_state, read_vehicle
from fleet_remotes.models import Fleet, FleetVehicle
from fleet_remotes.services.vehicles import VehicleInput, take_vehicles

log = structlog.get_logger("signalbox.remotes")
# So many vehicles are asked about at a time, those first of which the oldest is known; the vendor limits requests.
ASKED_AT_ONCE = 200
# Of a vehicle whose state is younger nothing is asked.
YOUNG = timedelta(minutes=5)


@dataclass(slots=True)
class Reading:
    """What became of reading the vendor's vehicles; `problem` says why it ended early."""

    fleets: int = 0
    vehicles: int = 0
    states: int = 0
    skipped: int = 0
    problem: str = ""


def read_all(*, now: datetime) -> Reading:
    """Reads every fleet of the subscription, its vehicles, what they can do and how they are, until the vendor asks
    for a pause. Vehicles that it does not list any more stay: their history is ours."""
    reading = Reading()
    if not is_set_up():
        return reading
    try:
        for record in Remotes().fleets():
            _keep_fleet(record)
        for fleet in Fleet.objects.order_by("key"):
            read_list(fleet=fleet, now=now, reading=reading)
        read_states(now=now, reading=reading)
    except (ApiAway, ApiError) as error:
        reading.problem = str(error)
        log.warning("the vendor's vehicles were not read to the end", error=str(error))
    return reading


def _keep_fleet(record: dict[str, object]) -> None:
    key, name = str(record.get("id") or "").strip(), str(record.get("name") or "").strip()
    if 0 < len(key) <= 64:
        Fleet.objects.get_or_create(key=key, defaults={"name": name[:120]})


def read_list(*, fleet: Fleet, now: datetime, reading: Reading) -> None:
    """The vehicles of a fleet: new ones are made, of known ones the vendor's id is kept; what a person set stays."""
    found = [record for raw in Remotes().vehicles(fleet.key) if (record := read_vehicle(raw)) is not None]
    known = dict(FleetVehicle.objects.filter(vin__in=[one.vin for one in found]).values_list("vin", "model"))
    brands = dict(FleetVehicle.objects.filter(vin__in=[one.vin for one in found]).values_list("vin", "brand"))
    items = []
    for one in found:
        brand = one.brand or brands.get(one.vin, "")
        if not brand:
            reading.skipped += 1
            log.warning("a vehicle of no brand that we know", vin=one.vin)
            continue
        item = VehicleInput(vin=one.vin, fleet=fleet.key, brand=brand, vehicle_id=one.vehicle_id)
        if one.model and not known.get(one.vin):
            item.model = one.model
        items.append(item)
    (intake,) = take_vehicles(submissions=[Submission(0, list(enumerate(items)))], now=now)
    reading.fleets += 1
    reading.vehicles += intake.accepted
    reading.skipped += len(intake.rejected)


def read_states(*, now: datetime, reading: Reading) -> None:
    """Capabilities and state of those vehicles of which we know the oldest."""
    due = FleetVehicle.objects.exclude(vehicle_id="").filter(Q(facts_at__isnull=True) | Q(facts_at__lt=now - YOUNG))
    oldest = due.select_related("fleet").order_by(F("facts_at").asc(nulls_first=True), "pk")
    for vehicle in oldest[:ASKED_AT_ONCE]:
        try:
            read_vehicle_now(vehicle=vehicle, now=now)
        except ApiError as error:
            if error.is_throttled or error.status in (401, 403):
                raise
            reading.skipped += 1  # of this one the vendor says nothing
        else:
            reading.states += 1


def read_vehicle_now(*, vehicle: FleetVehicle, now: datetime) -> None:
    """Asks the vendor what a vehicle can do and how it is. Raises ApiAway and ApiError."""
    vendor, fleet = Remotes(), vehicle.fleet.key
    capabilities = read_capabilities(vendor.vehicle(fleet, vehicle.vehicle_id))
    state = read_state(vendor.vehicle_status(fleet, vehicle.vehicle_id), now)
    if capabilities is not None:
        vehicle.capabilities = capabilities
    vehicle.is_stolen, vehicle.facts_at = state.is_stolen, state.at
    if state.privacy is not None:
        vehicle.privacy, vehicle.privacy_refused_at = state.privacy, None
    if state.battery_level is not None:
        vehicle.battery_level, vehicle.battery_refused_at = state.battery_level, None
    if state.is_in_use:
        vehicle.in_use_at = state.at
    fields = "capabilities is_stolen facts_at privacy privacy_refused_at battery_level battery_refused_at in_use_at"
    FleetVehicle.objects.filter(pk=vehicle.pk).update(**{name: getattr(vehicle, name) for name in fields.split()})
