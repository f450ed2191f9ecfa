"""The page of one resource: its facts, what was told of it, what an operator may do; of a trip its timeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import ForeignKey, Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bikeshare import selectors
from bikeshare.models import Bike, Cyclist, Dock, LockBox, Resource, Station, TerminationRequest, Trip, Zone
from bikeshare.services.specs import SPECS, Spec
from bikeshare.views.actions import buttons
from bikeshare.views.drawing import drawing_of_track, drawing_of_zone
from core.people import shown
from core.permissions import requires

# Shown elsewhere on the page, or for machines alone.
_HIDDEN = {"id", "version", "deleted_at", "geometry", "area", "rules", "pin_hash", "boitier", "trial_notice_at"}


@dataclass(frozen=True)
class FactLine:
    """One line of the facts: `kind` says how the value is shown."""

    label: Any
    kind: str
    value: Any


def facts(row: Model) -> list[FactLine]:
    """A row's columns in their order, without those that are empty."""
    lines = []
    personal = {each.field for each in row.lifecycle.personal}  # type: ignore[attr-defined]
    for field in row._meta.fields:
        value = getattr(row, field.attname)
        value = shown(value) if field.name in personal else value
        if field.name in _HIDDEN or value in (None, "", []):
            continue
        if isinstance(field, ForeignKey):
            lines.append(_related(row, field))
        elif isinstance(value, datetime):
            lines.append(FactLine(field.verbose_name, "moment", value))
        elif field.choices:
            kind = "status" if field.name == "status" else "text"
            lines.append(FactLine(field.verbose_name, kind, (value, getattr(row, f"get_{field.name}_display")())))
        elif isinstance(value, bool):
            lines.append(FactLine(field.verbose_name, "text", ("", _("yes") if value else _("no"))))
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            lines.append(FactLine(field.verbose_name, "text", ("", text)))
    return lines


def _related(row: Model, field: Any) -> FactLine:
    other = getattr(row, field.name)
    if isinstance(other, Resource):
        return FactLine(field.verbose_name, "link", other)
    return FactLine(field.verbose_name, "text", ("", other))


def _context(row: Resource) -> dict[str, Any]:
    """What a kind of resource shows besides its facts."""
    match row:
        case Station():
            selectors.attach_docks([row])
            return {"docks": Dock.objects.filter(station=row).select_related("vehicule").order_by("number", "pk")}
        case Bike():
            trips = Trip.objects.filter(vehicule=row).select_related("cyclist").order_by("-pk")[:20]
            box = row.boitier_id
            return {"trips": trips, "state": row.state, "chat": selectors.messages_of_boitier(box) if box else []}
        case LockBox():
            return {"state": row.state, "chat": selectors.messages_of_boitier(row.pk)}
        case Cyclist():
            trips = Trip.objects.filter(cyclist=row).select_related("cyclist").order_by("-pk")[:20]
            return {
                "trips": trips,
                "abonnements": row.abonnements.filter(deleted_at=None),
                "passes": row.passes.filter(deleted_at=None),
                "favorites": row.favorites.select_related("station"),
            }
        case Zone():
            return {"drawing": drawing_of_zone(row), "zone_rules": row.rules}
    return {}


def resource_page(spec: Spec) -> Callable[..., HttpResponse]:
    """The view of one resource of a kind."""

    @requires(f"bikeshare.view_{spec.model._meta.model_name}")
    def view(request: HttpRequest, pk: str) -> HttpResponse:
        row = get_object_or_404(selectors.listed(spec.model), pk=pk)
        context = {
            "page_title": str(row),
            "row": row,
            "kind": row._meta.verbose_name,
            "list_title": row._meta.verbose_name_plural,
            "list_url": reverse(f"bikeshare:{spec.plural}"),
            "facts": facts(row),
            "actions": buttons(request, row),
            "events": selectors.events_about([row.pk]) if request.user.has_perm("outbox.view_event") else [],
        }
        return render(request, "bikeshare/object.html", context | _context(row))

    return view


PAGES = {spec.name: resource_page(spec) for spec in SPECS.values() if spec.name != "trip"}


@requires("bikeshare.view_trip")
def trip_page(request: HttpRequest, pk: str) -> HttpResponse:
    """A trip: its facts, its way, and everything that happened in one line of time."""
    rows = selectors.listed(Trip).select_related("start_station", "end_station", "start_dock", "end_dock")
    trip = get_object_or_404(rows, pk=pk)
    requests = list(TerminationRequest.objects.filter(trip=trip).select_related("dock__station").order_by("pk"))
    context = {
        "page_title": f"{trip.vehicule_number} · {trip.start_name or trip.pk}",
        "trip": trip,
        "row": trip,
        "requests": requests,
        "actions": buttons(request, trip),
        "drawing": drawing_of_track(selectors.track_of_trip(trip), selectors.open_zones(trip.program_id)),
        "timeline": _timeline(request, trip, [termination.pk for termination in requests]),
    }
    return render(request, "bikeshare/trip.html", context)


def _timeline(request: HttpRequest, trip: Trip, request_ids: list[str]) -> list[dict[str, Any]]:
    """Events and device messages, newest first."""
    entries: list[dict[str, Any]] = [
        {"at": message.at, "message": message, "tone": "quiet" if message.verdict != "late" else "bad"}
        for message in selectors.messages_of_trip(trip)
    ]
    if request.user.has_perm("outbox.view_event"):
        entries += [
            {"at": event.occurred_at, "event": event, "tone": _TONES.get(event.kind, "")}
            for event in selectors.events_of_trip(trip, request_ids)
        ]
    return sorted(entries, key=_moment, reverse=True)


_TONES = {"trip.terminated": "good", "vehicule.position.forbidden": "bad"}
# What one change of a trip tells, in the order of cause and effect.
_STEPS = ("trip.created", "trip.updated", "trip.marked", "trip.mark.updated", "trip.resumed", "trip.terminated")


def _moment(entry: dict[str, Any]) -> tuple[Any, ...]:
    """Of one moment: first what the box said, then what it tells, then what it did to the trip, change by change."""
    event = entry.get("event")
    if event is None:
        return (entry["at"], 0)
    if event.kind not in _STEPS:
        return (entry["at"], 1, event.pk)
    return (entry["at"], 2, event.payload["object"]["version"], _STEPS.index(event.kind))
