"""Fleet vehicles: the list, one of them, its budget; the wake-ups of all; fleets with their stop switch."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from console.lists import Action, Column, ListPage
from core.permissions import person, requires
from core.refusal import Refused, add_refusal
from fleet_remotes import selectors
from fleet_remotes.choices import Capability
from fleet_remotes.client import ApiAway, ApiError, is_set_up
from fleet_remotes.filters import VehicleFilters
from fleet_remotes.forms import BudgetForm, ImportForm, StopForm
from fleet_remotes.models import Fleet, FleetVehicle
from fleet_remotes.search import FLEET_SEARCH, VEHICLE_SEARCH
from fleet_remotes.services import imports, nudges, vendor_vehicles
from fleet_remotes.services import vehicles as services
from fleet_remotes.tables import BUDGET
from fleet_remotes.views.columns import CELLS, VEHICLE_COLUMNS

_VIEW = "fleet_remotes.view_fleetvehicle"
LAST_ACTIONS, SHOWN_WARNINGS = 50, 10


class VehicleList(ListPage):
    """Vehicles; those who may send mark some of them, or take all that match."""

    key = "fleet_vehicles"
    title = gettext_lazy("Fleet vehicles")
    permission = _VIEW
    search = VEHICLE_SEARCH
    filterset = VehicleFilters
    columns = (Column("mark", gettext_lazy("Mark"), f"{CELLS}/mark.html", tool=True), *VEHICLE_COLUMNS)
    default_sort = "vin"
    template = "fleet_remotes/vehicles.html"
    results_template = "fleet_remotes/vehicle_results.html"
    placeholder = gettext_lazy("Search, e.g. peugeot battery:<30 busy:no")
    empty_title = gettext_lazy("No vehicles yet")
    empty_text = gettext_lazy(
        "Read them from the vendor, import a file, or send them to the API (PUT /remotes/vehicles)."
    )

    def rows(self, request: HttpRequest) -> Any:
        return selectors.vehicles()

    def actions(self, request: HttpRequest) -> list[Action]:
        url = reverse("fleet_remotes:vehicles_import")
        return [Action(_("Import"), url, "fleet_remotes.add_fleetvehicle", "arrow-up-tray")]

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_budgets(rows, timezone.now())

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        stopped = Fleet.objects.filter(stopped_at__isnull=False)
        return {"is_part": request.headers.get("HX-Target") == self.list_id, "stopped": stopped}


@requires(_VIEW)
def vehicle(request: HttpRequest, pk: int) -> HttpResponse:
    """One vehicle: what it can do, how often it was woken up, its last commands."""
    vehicle = get_object_or_404(selectors.vehicles(), pk=pk)
    return _page(request, vehicle, BudgetForm(initial={"wakeup_budget": vehicle.wakeup_budget}, row=vehicle))


def _page(request: HttpRequest, vehicle: FleetVehicle, form: BudgetForm) -> HttpResponse:
    selectors.attach_budgets([vehicle], timezone.now())
    context = {
        "page_title": vehicle.title,
        "vehicle": vehicle,
        "capabilities": [(c, vehicle.capabilities is not None and c.value in vehicle.capabilities) for c in Capability],
        "actions": selectors.actions().filter(vehicle=vehicle)[:LAST_ACTIONS],
        "months": vehicle.wakeups.order_by("-month")[:12],
        "form": form,
    }
    return render(request, "fleet_remotes/vehicle.html", context, status=422 if form.errors else 200)


@requires("fleet_remotes.set_wakeup_budget")
@require_POST
def vehicle_budget(request: HttpRequest, pk: int) -> HttpResponse:
    vehicle = get_object_or_404(selectors.vehicles(), pk=pk)
    form = BudgetForm(request.POST, row=vehicle)
    if form.is_valid():
        try:
            with form.held():
                services.set_budgets(vehicle_ids=[vehicle.pk], budget=form.cleaned_data["wakeup_budget"])
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The budget is saved."))
            return redirect("fleet_remotes:vehicle", pk)
    return _page(request, vehicle, form)


@requires("fleet_remotes.send_command")
@require_POST
def vehicle_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks the vendor how a vehicle is, now; that wakes nothing up."""
    vehicle = get_object_or_404(selectors.vehicles(), pk=pk)
    try:
        if not is_set_up() or not vehicle.vehicle_id:
            messages.warning(request, _("Its id, or the access to the vendor, is missing."))
        else:
            vendor_vehicles.read_vehicle_now(vehicle=vehicle, now=timezone.now())
            messages.success(request, _("This is what the vendor knows now."))
    except (ApiAway, ApiError) as error:
        messages.error(request, _("The vendor did not say: %(why)s") % {"why": error})
    return redirect("fleet_remotes:vehicle", pk)


@requires("fleet_remotes.change_fleetvehicle")
@require_POST
def vehicles_read(request: HttpRequest) -> HttpResponse:
    """Has a worker read the vendor's list of vehicles."""
    if is_set_up():
        nudges.read_vehicles_soon()
        messages.success(request, _("The vendor’s list is being read; its vehicles stand here in a moment."))
    else:
        messages.warning(request, _("The access to the vendor’s API is not set up."))
    return redirect("fleet_remotes:vehicles")


@requires("fleet_remotes.add_fleetvehicle")
def vehicles_import(request: HttpRequest) -> HttpResponse:
    """Vehicles from a file: all of them, or none and what is wrong with it."""
    form = ImportForm(request.POST or None, request.FILES or None)
    found = None
    if request.method == "POST" and form.is_valid():
        found = imports.read_vehicles(form.cleaned_data["file"].read())
        if not found.errors:
            n = imports.write_vehicles(found=found, now=timezone.now())
            said = ngettext("%(n)d vehicle is imported.", "%(n)d vehicles are imported.", n) % {"n": n}
            messages.success(request, said)
            for line, warning in found.warnings[:SHOWN_WARNINGS]:
                messages.warning(request, _("Line %(line)d: %(said)s") % {"line": line, "said": warning})
            if (more := len(found.warnings) - SHOWN_WARNINGS) > 0:
                messages.warning(request, _("… and %(n)d more of this kind.") % {"n": more})
            return redirect("fleet_remotes:vehicles")
    context = {"page_title": _("Import vehicles"), "form": form, "found": found}
    is_bad = request.method == "POST"
    return render(request, "fleet_remotes/vehicles_import.html", context, status=422 if is_bad else 200)


class WakeUpList(ListPage):
    """Wake-up budgets with a forecast: who will have used them up, and when."""

    key = "wakeups"
    title = gettext_lazy("Wake-up budgets")
    permission = "fleet_remotes.view_wakeupuse"
    intro = gettext_lazy(
        "The vendor limits how often a vehicle may be woken up in a month and publishes no number: a budget is what"
        " you set, or the count at which the vendor first refused. Counted in UTC months."
    )
    search = VEHICLE_SEARCH
    columns = (
        Column("vin", gettext_lazy("Vehicle"), f"{CELLS}/vehicle.html", sort="vin"),
        Column("fleet", gettext_lazy("Fleet"), f"{CELLS}/fleet.html", sort="fleet__key"),
        Column("used", gettext_lazy("Used"), sort="used", numeric=True),
        Column(
            "budget",
            gettext_lazy("Budget"),
            f"{CELLS}/budget.html",
            sort="wakeup_budget",
            numeric=True,
        ),
        Column("left", gettext_lazy("Left"), f"{CELLS}/left.html"),
        Column("forecast", gettext_lazy("Forecast for the month"), f"{CELLS}/forecast.html"),
    )
    filterset = VehicleFilters
    bulk = (BUDGET,)
    default_sort = "-used"
    empty_title = gettext_lazy("No vehicles yet")
    empty_text = gettext_lazy("Wake-ups are counted when the vendor says WakingUpVehicle.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.wakeup_rows(timezone.now())

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_budgets(rows, timezone.now())


class FleetList(ListPage):
    key = "fleets"
    empty_link = "fleet_remotes:vehicles"
    title = gettext_lazy("Fleets")
    permission = "fleet_remotes.view_fleet"
    intro = gettext_lazy("The stop switch holds back every command to a fleet; what the vendor has is not called back.")
    search = FLEET_SEARCH
    columns = (
        Column("key", gettext_lazy("Fleet"), f"{CELLS}/fleet_name.html", sort="key"),
        Column("vehicles", gettext_lazy("Vehicles"), numeric=True, value=lambda row: row.vehicle_count),
        Column(
            "state",
            gettext_lazy("Sending"),
            f"{CELLS}/fleet_state.html",
            sort="stopped_at",
        ),
        Column("switch", gettext_lazy("Stop switch"), f"{CELLS}/fleet_switch.html", tool=True),
    )
    default_sort = "key"
    empty_title = gettext_lazy("No fleets yet")
    empty_text = gettext_lazy("A fleet is read from the vendor, or made with its first vehicle.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.fleets()


@requires("fleet_remotes.stop_fleet")
def fleet_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """The stop switch of a fleet, with the reason that everyone will see."""
    fleet = get_object_or_404(Fleet, pk=pk)
    form = StopForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.stop_fleet(fleet=fleet, by=person(request), reason=form.cleaned_data["reason"], now=timezone.now())
        except Refused as error:
            add_refusal(form, error, field="reason")
        else:
            messages.warning(request, _("Nothing is sent to %(fleet)s any more.") % {"fleet": fleet})
            return redirect("fleet_remotes:fleets")
    context = {
        "page_title": _("Stop sending to %(fleet)s") % {"fleet": fleet},
        "fleet": fleet,
        "form": form,
        "queue_max_s": settings.REMOTES_QUEUE_MAX_S,
        "waiting": fleet.actions.filter(state="queued").count(),
    }
    return render(request, "fleet_remotes/fleet_stop.html", context)


@requires("fleet_remotes.stop_fleet")
def fleet_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows who stopped the fleet and why, before it is sent to again."""
    fleet = get_object_or_404(selectors.fleets(), pk=pk)
    if request.method == "POST":
        if services.resume_fleet(fleet=fleet):
            messages.success(request, _("Commands are sent to %(fleet)s again.") % {"fleet": fleet})
        return redirect("fleet_remotes:fleets")
    context = {
        "page_title": _("Resume sending to %(fleet)s") % {"fleet": fleet},
        "fleet": fleet,
        "waiting": fleet.actions.filter(state="queued").count(),
    }
    return render(request, "fleet_remotes/fleet_resume.html", context)
