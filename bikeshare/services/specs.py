"""What may be done to each kind of resource by create, change and delete, declared; `services.resources` does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from bikeshare import models
from bikeshare.choices import Refusal, TripStatus
from bikeshare.ingest import resources as bodies
from bikeshare.ingest.places import place_in
from bikeshare.ingest.rules import BadRule, rules_from
from bikeshare.rules.geometry import BadArea, area_of, area_of_bounds, geojson_of
from bikeshare.selectors import running_trips
from bikeshare.services.refusals import invalid, refusal
from bikeshare.services.unit_of_work import ResourceUnitOfWork

Values = dict[str, Any]


def _unchanged(values: Values, row: Any, now: Any) -> Values:
    return values


def _nothing(work: ResourceUnitOfWork, row: Any) -> None:
    """No reason against deleting."""


@dataclass(frozen=True)
class Spec:
    """`fixed` fields are given when it is made and never change; `references` are ids of rows in the same program,
    except those in `anywhere`. `convert` turns given values into columns, `may_delete` raises Refused."""

    model: type[models.Resource]
    plural: str
    body: type[bodies.ResourceBody]
    required: tuple[str, ...]
    fixed: tuple[str, ...] = ("program",)
    references: Mapping[str, type[models.Resource]] = field(default_factory=dict)
    anywhere: tuple[str, ...] = ()
    convert: Callable[[Values, Any, Any], Values] = _unchanged
    before_delete: Callable[[ResourceUnitOfWork, Any], None] = _nothing

    @property
    def name(self) -> str:
        return self.model.NAME


def _station(values: Values, row: Any, now: Any) -> Values:
    """`area` checked."""
    if values.get("area") is not None:
        values["area"] = _checked(lambda: geojson_of(area_of(values["area"])), "area")
    return values


def _zone(values: Values, row: Any, now: Any) -> Values:
    if "bounds" in values:
        bounds = values.pop("bounds")
        values.setdefault("geometry", None)
        if values["geometry"] is None:
            values["geometry"] = _checked(lambda: geojson_of(area_of_bounds(_points(bounds))), "bounds")
    elif "geometry" in values:
        values["geometry"] = _checked(lambda: geojson_of(area_of(values["geometry"])), "geometry")
    elif row is None:
        raise invalid("geometry", _("Give its area: bounds or geometry."))
    if "rules" in values:
        values["rules"] = _checked(lambda: rules_from(values["rules"]), "rules")
    start = values.get("start", getattr(row, "start", None))
    end = values.get("end", getattr(row, "end", None))
    if start is not None and end is not None and end <= start:
        raise invalid("end", _("It must end after it starts."))
    return values


def _points(bounds: Any) -> Any:
    """Points in any spelling; what is no place stays as it is, and is named."""
    if not isinstance(bounds, list):
        return bounds
    places = [place_in(point) for point in bounds]
    return [
        place if {"latitude", "longitude"} <= place.keys() else point
        for point, place in zip(bounds, places, strict=True)
    ]


def _checked(make: Callable[[], Any], name: str) -> Any:
    try:
        return make()
    except (BadArea, BadRule) as error:
        raise invalid(name, str(error)) from error


def _pass(values: Values, row: Any, now: Any) -> Values:
    if "disabled" in values:
        since = getattr(row, "disabled_at", None) or now
        values["disabled_at"] = since if values.pop("disabled") else None
    return values


# ---- what speaks against deleting ---------------------------------------------------------------------------------


def _free_station(work: ResourceUnitOfWork, row: models.Station) -> None:
    docks, vehicules = (
        models.Dock.objects.filter(station=row).count(),
        models.Bike.objects.filter(station=row).count(),
    )
    if docks or vehicules:
        sentence = _("The station still has %(docks)d docks and %(vehicules)d vehicles.")
        raise refusal(Refusal.IN_USE, sentence % {"docks": docks, "vehicules": vehicules})


def _free_dock(work: ResourceUnitOfWork, row: models.Dock) -> None:
    if row.vehicule_id is not None:
        raise refusal(Refusal.IN_USE, _("A vehicle stands in the dock."))


def _free_boitier(work: ResourceUnitOfWork, row: models.LockBox) -> None:
    if models.Bike.objects.filter(boitier=row).exists():
        raise refusal(Refusal.IN_USE, _("The box is on a vehicle; take it off first."))


def _free_vehicule(work: ResourceUnitOfWork, row: models.Bike) -> None:
    if running_trips().filter(vehicule=row).exists() or models.Dock.objects.filter(vehicule=row).exists():
        raise refusal(Refusal.IN_USE, _("The vehicle is on a trip or stands in a dock."))
    work.change(row, boitier=None)


def _free_pass(work: ResourceUnitOfWork, row: models.Pass) -> None:
    if row.user_id is not None:
        raise refusal(Refusal.IN_USE, _("The pass belongs to a cyclist; take it back first."))


def _free_registration(work: ResourceUnitOfWork, row: models.Registration) -> None:
    if running_trips().filter(cyclist_id=row.cyclist_id, program_id=row.program_id).exists():
        raise refusal(Refusal.ABONNEMENT_DELETION_TRIPS)


def _ended_trip(work: ResourceUnitOfWork, row: models.Trip) -> None:
    if row.status != TripStatus.COMPLETED:
        raise refusal(Refusal.IN_USE, _("The trip is not completed; close it first."))


# Laid out by hand as a table: it is read by its rows.
SPECS: dict[str, Spec] = {
    spec.plural: spec
    for spec in (
        Spec(
            models.Subscription, "abonnements", bodies.SubscriptionBody, ("program", "cyclist", "forfait"),
            fixed=("program", "cyclist"), references={"cyclist": models.Cyclist}, anywhere=("cyclist",),
        ),
        Spec(models.LockBox, "boitiers", bodies.LockBoxBody, ("program", "number"), before_delete=_free_boitier),
        Spec(models.Cyclist, "cyclists", bodies.CyclistBody, ("program",)),
        Spec(
            models.Dock, "docks", bodies.DockBody, ("station",), fixed=("station",),
            references={"station": models.Station, "vehicule": models.Bike}, before_delete=_free_dock,
        ),
        Spec(models.Pass, "passes", bodies.PassBody, ("program", "uid"), convert=_pass, before_delete=_free_pass),
        Spec(
            models.Registration, "registrations", bodies.RegistrationBody, ("program", "cyclist"),
            fixed=("program", "cyclist"), references={"cyclist": models.Cyclist}, anywhere=("cyclist",),
            before_delete=_free_registration,
        ),
        Spec(
            models.Station, "stations", bodies.StationBody, ("program", "name"), convert=_station,
            before_delete=_free_station,
        ),
        Spec(
            models.Trip, "trips", bodies.TripBody, ("cyclist", "vehicule"),
            fixed=("cyclist", "vehicule", "pin", "origin"), before_delete=_ended_trip,
        ),
        Spec(
            models.Bike, "vehicules", bodies.BikeBody, ("program", "number"),
            references={"boitier": models.LockBox, "station": models.Station}, before_delete=_free_vehicule,
        ),
        Spec(models.Zone, "zones", bodies.ZoneBody, ("program",), convert=_zone),
    )
}  # fmt: skip
