"""Routes of the OCPP proxy: the list, and of one route its settings and stations, and moves to another CSMS."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console.forms import ConfirmByTypingForm
from console.lists import Action, Column, ListPage
from console.navigation import tabs_of
from core.permissions import requires
from core.refusal import Refused, add_refusal
from infra_notifications.filters import ConnectionFilters, RouteFilters
from infra_notifications.forms.routes import MoveNamedForm, RouteForm
from infra_notifications.models import OcppRoute, StationConnection
from infra_notifications.search import CONNECTION_SEARCH, MOVED_SEARCH, ROUTE_SEARCH
from infra_notifications.services import ocpp_routes as services
from infra_notifications.services.registering import refused_by
from infra_notifications.tables import MOVE, MOVE_BACK

_VIEW, _CHANGE = "infra_notifications.view_ocpproute", "infra_notifications.change_ocpproute"
# So many senders are listed that could not be registered.
SHOWN = 20
_CELLS = "infra_notifications/cells"
_STATION, _TRIP = gettext_lazy("Station"), gettext_lazy("Round trip")


class RouteList(ListPage):
    key = "ocpp_routes"
    title = gettext_lazy("OCPP routes")
    permission = _VIEW
    intro = gettext_lazy(
        "The OCPP proxy stands between stations and their CSMS, passes everything on unchanged, and listens."
    )
    search = ROUTE_SEARCH
    filterset = RouteFilters
    columns = (
        Column("slug", gettext_lazy("Route"), f"{_CELLS}/route.html", sort="slug", nowrap=True),
        Column("enabled", gettext_lazy("State"), f"{_CELLS}/route_state.html", sort="enabled"),
        Column("connected", gettext_lazy("Connected"), f"{_CELLS}/route_connected.html", numeric=True),
        Column("moved", gettext_lazy("Moved away"), sort="moved", numeric=True),
        Column(
            "register_unknown",
            gettext_lazy("Unknown stations"),
            value=lambda row: _("registered") if row.register_unknown else _("listed"),
        ),
        Column("upstream", gettext_lazy("CSMS"), f"{_CELLS}/route_upstream.html", sort="shown_url"),
        Column("created_at", gettext_lazy("Created"), "console/cells/ago.html", sort="created_at"),
    )
    default_sort = "slug"
    placeholder = gettext_lazy("Search routes")
    empty_title = gettext_lazy("No route yet")
    empty_text = gettext_lazy("Create one with the address of your CSMS, then point a station at the proxy.")

    def rows(self, request: HttpRequest) -> Any:
        return OcppRoute.objects.annotate(moved=Count("moved_away"))

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        services.attach_connected(rows)

    def actions(self, request: HttpRequest) -> list[Action]:
        return [
            Action(_("New route"), reverse("infra_notifications:ocpp_route_new"), "infra_notifications.add_ocpproute")
        ]


def _head(route: OcppRoute, active: str) -> dict[str, Any]:
    """What the head of every tab shows."""
    names = (
        ("infra_notifications:ocpp_route", _("Configuration")),
        ("infra_notifications:ocpp_route_stations", _("Stations")),
        ("infra_notifications:ocpp_route_moved", _("Moved")),
    )
    tabs = tabs_of(names, f"infra_notifications:{active}", route.pk)
    return {"route": route, "tabs": tabs, "page_title": route.slug, "address": services.address_of(route)}


@requires("infra_notifications.add_ocpproute")
def route_new(request: HttpRequest) -> HttpResponse:
    form = RouteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_route(details=services.RouteInput(**form.cleaned_data))
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The route is created. Point a station at the address below."))
            return redirect("infra_notifications:ocpp_route", made.pk)
    status = 422 if request.method == "POST" else 200
    context = {"page_title": _("New route"), "form": form}
    return render(request, "infra_notifications/ocpp_route_form.html", context, status=status)


@requires(_VIEW)
def route(request: HttpRequest, pk: int) -> HttpResponse:
    """What stations are set to, where they are passed on to, and the form that moves some of them."""
    found = get_object_or_404(OcppRoute, pk=pk)
    services.attach_connected([found])
    context = _head(found, "ocpp_route") | {"source": services.source_of_route(found)}
    context["refused"] = refused_by(found).order_by("station", "connector")[:SHOWN] if found.register_unknown else ()
    return render(request, "infra_notifications/ocpp_route.html", context)


@requires(_CHANGE)
def route_edit(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(OcppRoute, pk=pk)
    form = RouteForm(request.POST if request.method == "POST" else None, route=found)
    if request.method == "POST" and form.is_valid():
        try:
            with form.held() as held:
                before = getattr(held, "upstream", "")
                services.change_route(route=held, changes=form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The route is saved."))
            if held.upstream != before:
                messages.info(request, _("Connected stations are asked to connect again, a few in a second."))
            return redirect("infra_notifications:ocpp_route", pk)
    status = 422 if request.method == "POST" else 200
    context = _head(found, "ocpp_route") | {"page_title": _("Change %(name)s") % {"name": found}, "form": form}
    return render(request, "infra_notifications/ocpp_route_form.html", context, status=status)


@requires(_CHANGE)
def route_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Moves stations that are named to another route, connected or not."""
    found = get_object_or_404(OcppRoute, pk=pk)
    form = MoveNamedForm(request.POST if request.method == "POST" else None, route=found)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            moved = services.move_stations(
                route=found, stations=data["stations"], target=data["target"], now=timezone.now()
            )
        except Refused as error:
            add_refusal(form, error)
        else:
            said = ngettext("%(n)d station moved.", "%(n)d stations moved.", len(moved)) % {"n": len(moved)}
            messages.success(request, said)
            return redirect("infra_notifications:ocpp_route_moved", pk)
    status = 422 if request.method == "POST" else 200
    context = _head(found, "ocpp_route_moved") | {
        "page_title": _("Move stations of %(name)s") % {"name": found},
        "form": form,
    }
    return render(request, "infra_notifications/ocpp_route_move.html", context, status=status)


class _RouteTab(ListPage):
    """A list on a tab of a route's page."""

    template = "infra_notifications/ocpp_route_list.html"
    permission = _VIEW
    tab: ClassVar[str]

    def prepare(self, request: HttpRequest, **kwargs: Any) -> None:
        self.route = get_object_or_404(OcppRoute, pk=kwargs["pk"])

    def bulk_arguments(self) -> dict[str, Any]:
        return {"route": self.route.pk}

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return _head(self.route, self.tab)


class RouteStations(_RouteTab):
    key = "ocpp_route_stations"
    empty_link = "infra_notifications:ocpp_routes"
    tab = "ocpp_route_stations"
    title = gettext_lazy("Stations")
    search = CONNECTION_SEARCH
    filterset = ConnectionFilters
    bulk = (MOVE,)
    columns = (
        Column("station", gettext_lazy("Station"), f"{_CELLS}/connection_station.html", sort="station"),
        Column("connected", gettext_lazy("State"), f"{_CELLS}/connection_state.html", sort="connected"),
        Column("since", gettext_lazy("Since"), "console/cells/ago.html", sort="since"),
        Column("protocol", gettext_lazy("Version"), sort="protocol", nowrap=True),
        Column("messages", gettext_lazy("Messages"), sort="messages", numeric=True),
        Column(
            "round_trip_ms",
            gettext_lazy("Round trip"),
            f"{_CELLS}/connection_trip.html",
            sort="round_trip_ms",
            numeric=True,
        ),
        Column("last_seen", gettext_lazy("Last seen"), "console/cells/ago.html", sort="last_seen"),
        Column("way", gettext_lazy("Moved to")),
    )
    default_sort = "station"
    placeholder = gettext_lazy("Search, e.g. connected:no seen:<1h")
    empty_title = gettext_lazy("No station connected yet")
    empty_text = gettext_lazy("Point a station at the route’s address; it appears here when its CSMS accepted it.")

    def rows(self, request: HttpRequest) -> Any:
        return StationConnection.objects.filter(route=self.route.slug)

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        services.attach_ways(self.route, rows)


class MovedStationList(_RouteTab):
    key = "moved_stations"
    empty_link = "infra_notifications:ocpp_routes"
    tab = "ocpp_route_moved"
    title = gettext_lazy("Moved stations")
    search = MOVED_SEARCH
    bulk = (MOVE_BACK,)
    columns = (
        Column("station", _STATION, sort="station_key", nowrap=True),
        Column("target", gettext_lazy("Passed on by"), f"{_CELLS}/moved_target.html"),
        Column("moved_at", gettext_lazy("Moved"), "console/cells/ago.html", sort="moved_at"),
    )
    default_sort = "station"
    placeholder = gettext_lazy("Search moved stations")
    empty_title = gettext_lazy("No station is moved")
    empty_text = gettext_lazy("Move some of a route’s stations to another CSMS without touching what they are set to.")

    def rows(self, request: HttpRequest) -> Any:
        return self.route.moved_away.select_related("target")

    def actions(self, request: HttpRequest) -> list[Action]:
        url = reverse("infra_notifications:ocpp_route_move", args=[self.route.pk])
        return [Action(_("Move stations"), url, _CHANGE, "arrows-right-left")]


@requires("infra_notifications.delete_ocpproute")
def route_delete(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(OcppRoute, pk=pk)
    form = ConfirmByTypingForm(
        request.POST or None,
        label=_("Type the route’s URL name to delete it"),
        expected=found.slug,
        refusal=_("This is not the route’s name."),
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.delete_route(route=found)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The route “%(name)s” is deleted.") % {"name": found.slug})
            return redirect("infra_notifications:ocpp_routes")
    context = _head(found, "ocpp_route") | {"page_title": _("Delete %(name)s") % {"name": found}, "form": form}
    return render(request, "infra_notifications/ocpp_route_delete.html", context)
