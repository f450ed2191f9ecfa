"""Model → the object that leaves in events and answers (`event_kinds.objects`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bikeshare import models
from bikeshare.choices import ProgramStatus
from bikeshare.event_kinds import objects as facts
from bikeshare.rules.renting import refusal_of_vehicule
from bikeshare.rules.telemetry import masked

# Above this many points a zone's geometry is left out of events, which should stay below 20 kB.
MAX_POINTS = 350
Extra = Callable[[Any], dict[str, Any]]


def facts_of(row: models.Resource) -> facts.ObjectFacts:
    """The object as events tell it. Rows bring along what `selectors` joins to them: this asks the database nothing."""
    kind, columns, more = _MAKERS[type(row)]
    return kind(**{name: getattr(row, column) for name, column in columns.items()} | more(row))


def position(latitude: float | None, longitude: float | None) -> facts.Position | None:
    return None if latitude is None or longitude is None else facts.Position(latitude, longitude)


def is_rentable(row: models.Bike) -> bool:
    """The one rule, for events, answers and the public feed; a rental asks it too, and then about its cyclist."""
    program, battery = row.program, row.state.battery if row.state else None
    is_open = program.status == ProgramStatus.OPEN
    return is_open and refusal_of_vehicule(row.status, row.on_trip, battery, program.min_rent_battery) is None


def _place(row: models.Station | models.TerminationRequest) -> dict[str, Any]:
    return {"position": position(row.latitude, row.longitude)}


def _dock(row: models.Dock) -> dict[str, Any]:
    vehicule = row.vehicule if row.vehicule_id else None
    return {
        "free": vehicule is None,
        "vehicule_number": vehicule.number if vehicule else None,
        "vehicule_type": vehicule.type if vehicule else None,
    }


def _of_state(state: models.LockBoxState | None, *names: str) -> dict[str, Any]:
    """What the box last said, if it ever said something."""
    if state is None:
        return {}
    common = ("lock", "chain_type", "battery", "battery_vae", "last_seen")
    place = position(state.latitude, state.longitude)
    return {name: getattr(state, name) for name in (*common, *names)} | {"position": place}


def _boitier(row: models.LockBox) -> dict[str, Any]:
    vehicule = getattr(row, "vehicule", None)
    return {"vehicule": vehicule.pk if vehicule else None} | _of_state(getattr(row, "state", None))


def _vehicule(row: models.Bike) -> dict[str, Any]:
    return {
        "rentable": is_rentable(row),
        "fw": row.boitier.fw if row.boitier_id and row.boitier else "",
        **_of_state(row.state, "position_at"),
        "remaining_distance": row.state.battery_vae_range_m if row.state else None,
    }


def _trip(row: models.Trip) -> dict[str, Any]:
    return {
        "start_timestamp": row.start_at,
        "start_position": position(row.start_latitude, row.start_longitude),
        "end_timestamp": row.end_at,
        "end_position": position(row.end_latitude, row.end_longitude),
        "termination_requested_timestamp": row.termination_requested_at,
    }


def _zone(row: models.Zone) -> dict[str, Any]:
    polygons = row.geometry["coordinates"]
    is_small = sum(len(ring) for polygon in polygons for ring in polygon) <= MAX_POINTS
    bounds = [facts.Position(latitude, longitude) for longitude, latitude in polygons[0][0][:-1]]
    return {
        "geometry": row.geometry if is_small else None,
        "bounds": bounds if len(bounds) <= MAX_POINTS else [],
    }


def _maker(
    model: type[models.Resource], kind: type[facts.ObjectFacts], extra: Extra = lambda row: {}
) -> tuple[type[facts.ObjectFacts], dict[str, str], Extra]:
    """Type, the columns that have a field of the same name in it (of a relation: its id), and what else it holds."""
    columns = {field.name: field.attname for field in model._meta.concrete_fields}
    return kind, {name: columns[name] for name in kind.__struct_fields__ if name in columns}, extra


_MAKERS = {
    models.Subscription: _maker(models.Subscription, facts.SubscriptionFacts, lambda row: {"can_rent": row.can_rent}),
    models.LockBox: _maker(models.LockBox, facts.LockBoxFacts, _boitier),
    models.Cyclist: _maker(models.Cyclist, facts.CyclistFacts),
    models.Dock: _maker(models.Dock, facts.DockFacts, _dock),
    models.Pass: _maker(models.Pass, facts.PassFacts, lambda row: {"uid": masked(row.uid)}),
    models.Registration: _maker(models.Registration, facts.RegistrationFacts),
    models.Station: _maker(models.Station, facts.StationFacts, _place),
    models.TerminationRequest: _maker(models.TerminationRequest, facts.TerminationRequestFacts, _place),
    models.Trip: _maker(models.Trip, facts.TripFacts, _trip),
    models.Bike: _maker(models.Bike, facts.BikeFacts, _vehicule),
    models.Zone: _maker(models.Zone, facts.ZoneFacts, _zone),
}
