"""Model → the object that leaves in events and answers (`event_kinds.objects`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bikeshare.choices import VehiculeStatus
from bikeshare.event_kinds.objects import (
    AbonnementFacts,
    BoitierFacts,
    CyclistFacts,
    DockFacts,
    ObjectFacts,
    PassFacts,
    Position,
    RegistrationFacts,
    StationFacts,
    TerminationRequestFacts,
    TripFacts,
    VehiculeFacts,
    ZoneFacts,
)
from bikeshare.models import (
    Abonnement,
    Boitier,
    Cyclist,
    Dock,
    Pass,
    Registration,
    Resource,
    Station,
    TerminationRequest,
    Trip,
    Vehicule,
    Zone,
)
from bikeshare.rules.telemetry import masked

# Above this many points a zone's geometry is left out of events, which should stay below 20 kB.
MAX_POINTS_TOLD = 350


def facts_of(row: Resource) -> ObjectFacts:
    """The object as events tell it. Rows bring along what `selectors` joins to them: this asks the database nothing."""
    return _MAKERS[type(row)](row)


def position(latitude: float | None, longitude: float | None) -> Position | None:
    return None if latitude is None or longitude is None else Position(latitude, longitude)


def _same(row: Resource, *names: str) -> dict[str, Any]:
    """The common fields, and those that have the same name and value in both."""
    common = {"id": row.pk, "program": row.program_id, "version": row.version, "created": row.created}  # type: ignore[attr-defined]
    return common | {name: getattr(row, name) for name in names}


def _cyclist(row: Cyclist) -> CyclistFacts:
    same = _same(row, "status", "status_updated_at", "status_updated_reason", "role", "has_payment_source")
    return CyclistFacts(**same, blocked_reasons=list(row.blocked_reasons))


def _registration(row: Registration) -> RegistrationFacts:
    same = _same(row, "status", "terms_accepted_at", "first_trip_at", "last_trip_at")
    return RegistrationFacts(**same, cyclist=row.cyclist_id, memberships=list(row.memberships))


def _pass(row: Pass) -> PassFacts:
    same = _same(row, "model", "type", "confirmed_at", "disabled_at")
    return PassFacts(**same, uid=masked(row.uid), user=row.user_id)


def _abonnement(row: Abonnement) -> AbonnementFacts:
    same = _same(
        row,
        "forfait",
        "organization",
        "amount",
        "status",
        "can_rent",
        "subscription_id",
        "customer_id",
        "activated_at",
        "cancel_at",
        "canceled_at",
        "declined_reason",
        "trial_end",
    )
    return AbonnementFacts(**same, cyclist=row.cyclist_id, supporting_documents=list(row.supporting_documents))


def _station(row: Station) -> StationFacts:
    same = _same(
        row,
        "name",
        "short_name",
        "external_id",
        "address",
        "post_code",
        "city",
        "region",
        "capacity",
        "is_virtual",
        "electrical",
        "score",
        "status",
    )
    return StationFacts(**same, position=position(row.latitude, row.longitude))


def _dock(row: Dock) -> DockFacts:
    vehicule = row.vehicule if row.vehicule_id else None
    return DockFacts(
        **_same(row, "number", "rfid", "status"),
        station=row.station_id,
        free=vehicule is None,
        vehicule=row.vehicule_id,
        vehicule_number=vehicule.number if vehicule else None,
        vehicule_type=vehicule.type if vehicule else None,
        vehicle_types=list(row.vehicle_types),
    )


def _boitier(row: Boitier) -> BoitierFacts:
    facts = BoitierFacts(**_same(row, "number", "fw"), vehicule=_vehicule_of(row))
    if state := getattr(row, "state", None):
        for name in ("lock", "chain_type", "battery", "battery_vae", "last_seen"):
            setattr(facts, name, getattr(state, name))
        facts.position = position(state.latitude, state.longitude)
    return facts


def _vehicule_of(row: Boitier) -> str | None:
    vehicule = getattr(row, "vehicule", None)
    return vehicule.pk if vehicule else None


def _vehicule(row: Vehicule) -> VehiculeFacts:
    facts = VehiculeFacts(
        **_same(row, "number", "type", "model", "rfid", "status", "status_reason", "dockless", "score"),
        rentable=row.status == VehiculeStatus.READY,
        boitier=row.boitier_id,
        fw=row.boitier.fw if row.boitier_id and row.boitier else "",
        station=row.station_id,
    )
    if state := row.state:
        for name in ("lock", "chain_type", "battery", "battery_vae", "position_at", "last_seen"):
            setattr(facts, name, getattr(state, name))
        facts.remaining_distance = state.battery_vae_range_m
        facts.position = position(state.latitude, state.longitude)
    return facts


def _trip(row: Trip) -> TripFacts:
    # Laid out by hand as a table: it is read by its rows.
    same = _same(
        row, "status", "vehicule_number", "vehicule_type", "origin", "agent", "forfait", "organization", "assist",
        "assist_level", "start_name", "start_region", "start_dockless_area", "start_caddie", "start_photo", "end_name",
        "end_region", "end_dockless_area", "end_caddie", "end_photo", "duration", "duration_total", "distance",
        "amount", "amount_cyclist", "amount_organization", "amount_discounted", "amount_refunded",
        "amount_refundable_max", "amount_live", "deposit", "metrics",
    )  # fmt: skip
    return TripFacts(
        **same,
        cyclist=row.cyclist_id,
        vehicule=row.vehicule_id,
        start_timestamp=row.start_at,
        start_station=row.start_station_id,
        start_dock=row.start_dock_id,
        start_position=position(row.start_latitude, row.start_longitude),
        end_timestamp=row.end_at,
        end_station=row.end_station_id,
        end_dock=row.end_dock_id,
        end_position=position(row.end_latitude, row.end_longitude),
        termination_requested_timestamp=row.termination_requested_at,
    )


def _request(row: TerminationRequest) -> TerminationRequestFacts:
    return TerminationRequestFacts(
        **_same(row, "origin", "status", "date", "photo", "reason", "decided_at"),
        trip=row.trip_id,
        position=position(row.latitude, row.longitude),
        dock=row.dock_id,
    )


def _zone(row: Zone) -> ZoneFacts:
    same = _same(
        row, "name", "external_id", "type", "status", "precedence", "vehicule_type", "rules", "start", "end", "score"
    )
    polygons = row.geometry["coordinates"]
    is_small = sum(len(ring) for polygon in polygons for ring in polygon) <= MAX_POINTS_TOLD
    bounds = [Position(latitude, longitude) for longitude, latitude in polygons[0][0][:-1]]
    return ZoneFacts(
        **same, geometry=row.geometry if is_small else None, bounds=bounds if len(bounds) <= MAX_POINTS_TOLD else []
    )


_MAKERS: dict[type[Resource], Callable[[Any], ObjectFacts]] = {
    Abonnement: _abonnement,
    Boitier: _boitier,
    Cyclist: _cyclist,
    Dock: _dock,
    Pass: _pass,
    Registration: _registration,
    Station: _station,
    TerminationRequest: _request,
    Trip: _trip,
    Vehicule: _vehicule,
    Zone: _zone,
}
