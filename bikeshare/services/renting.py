"""Rents a vehicle to a cyclist: everything that may forbid it, and the trip that begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from bikeshare.choices import SubscriptionStatus
from bikeshare.models import Bike, Cyclist, Dock, Program, Registration, Subscription, Trip, new_id
from bikeshare.rules.renting import RentFacts, refusal_to_rent
from bikeshare.selectors import rows_of, running_trips
from bikeshare.services.refusals import refusal
from bikeshare.services.trips import complete_waiting, new_pin, pin_hash
from bikeshare.services.unit_of_work import ResourceUnitOfWork, load, load_by_id


@dataclass
class _Parties:
    """Who and what a rental is about, locked."""

    program: Program
    cyclist: Cyclist
    vehicule: Bike
    registration: Registration | None
    abonnement: Subscription | None
    dock: Dock | None


def start_trip(
    *, cyclist_id: str, vehicule_id: str, now: datetime, details: dict[str, Any] | None = None
) -> tuple[Trip, str]:
    """Begins a trip and returns it with its PIN, which is shown this once.

    A trip of the same vehicle whose cyclist asked for its end before is completed by this. Raises Refused with the
    first reason against the rental, and for an unknown cyclist or vehicle.
    """
    with transaction.atomic():
        with ResourceUnitOfWork.begin(now) as before:
            complete_waiting(before, [vehicule_id])
        with ResourceUnitOfWork.begin(now) as work:
            parties = _parties(cyclist_id, vehicule_id)
            _check(parties)
            return _begin(work, parties, details or {})


def _parties(cyclist_id: str, vehicule_id: str) -> _Parties:
    cyclist = load_by_id(Cyclist, cyclist_id)
    program_id = Bike.objects.filter(pk=vehicule_id).values_list("program_id", flat=True).first() or cyclist.program_id
    registrations = load(Registration.objects.filter(cyclist=cyclist, program_id=program_id))
    vehicule = load_by_id(Bike, vehicule_id)
    docks = load(rows_of(Dock).select_related("station").filter(vehicule=vehicule))
    waiting = Q(status=SubscriptionStatus.WAITING_VALIDATION, rent_while_waiting=True)
    abonnements = Subscription.objects.filter(
        Q(status=SubscriptionStatus.ACTIVE) | waiting, cyclist=cyclist, program_id=program_id
    )
    return _Parties(
        Program.objects.get(pk=program_id),
        cyclist,
        vehicule,
        registrations[0] if registrations else None,
        abonnements.order_by("pk").first(),
        docks[0] if docks else None,
    )


def _check(parties: _Parties) -> None:
    state = parties.vehicule.state
    facts = RentFacts(
        program=parties.program.status,
        cyclist=parties.cyclist.status,
        registration=parties.registration.status if parties.registration else None,
        can_rent=parties.abonnement is not None,
        renting=running_trips().filter(cyclist=parties.cyclist).count(),
        max_renting=parties.program.max_renting,
        vehicule=parties.vehicule.status,
        vehicule_is_rented=parties.vehicule.on_trip,
        battery=state.battery if state else None,
        min_battery=parties.program.min_rent_battery,
    )
    reason = refusal_to_rent(facts)
    if reason is not None:
        raise refusal(reason)


def _begin(work: ResourceUnitOfWork, parties: _Parties, details: dict[str, Any]) -> tuple[Trip, str]:
    vehicule, dock, state = parties.vehicule, parties.dock, parties.vehicule.state
    trip_id, pin = new_id(Trip.PREFIX), details.pop("pin", "") or new_pin()
    station = dock.station if dock else vehicule.station
    trip = Trip(
        id=trip_id,
        program=parties.program,
        cyclist=parties.cyclist,
        vehicule=vehicule,
        vehicule_number=vehicule.number,
        vehicule_type=vehicule.type,
        forfait=parties.abonnement.forfait if parties.abonnement else "",
        organization=parties.abonnement.organization if parties.abonnement else "",
        pin_hash=pin_hash(trip_id, pin),
        start_at=work.now,
        start_station=station,
        start_dock=dock,
        start_name=station.name if station else "",
        start_region=station.region if station else "",
        start_latitude=state.latitude if state else None,
        start_longitude=state.longitude if state else None,
        created=work.now,
        **details,
    )
    work.create(trip)
    work.change(vehicule, station_id=None, on_trip=True)
    work.note_ride(vehicule.pk)
    if dock is not None:
        work.change(dock, vehicule=None)
    if parties.registration is not None:
        first = parties.registration.first_trip_at or work.now
        work.change(parties.registration, first_trip_at=first, last_trip_at=work.now)
    return trip, pin
