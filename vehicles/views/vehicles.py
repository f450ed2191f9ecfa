"""Vehicles, OEM links, charging sessions, contracts: four lists side by side, and the page of one vehicle."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.lists import Action, Column, ListPage
from core.permissions import requires
from vehicles import selectors
from vehicles.filters import SessionFilters, VehicleFilters
from vehicles.search import ACCOUNT_SEARCH, CONTRACT_SEARCH, SESSION_SEARCH, VEHICLE_SEARCH
from vehicles.views.tabs import VEHICLE_TABS, tabs_of

_CELLS = "vehicles/cells"
_DRIVER = Column("driver", gettext_lazy("Driver"), f"{_CELLS}/driver_of.html")
_id = attrgetter("shown_id")


class _VehicleTab(ListPage):
    template = "vehicles/tabbed_list.html"

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"tabs": tabs_of(request, VEHICLE_TABS, self.key)}

    def actions(self, request: HttpRequest) -> list[Action]:
        return [Action(_("Tell a fact"), reverse("vehicles:fact_new"), "vehicles.add_fact", "pencil-square")]


class VehicleList(_VehicleTab):
    key = "vehicles"
    title = gettext_lazy("Vehicles")
    permission = "vehicles.view_vehicle"
    search = VEHICLE_SEARCH
    filterset = VehicleFilters
    columns = (
        Column(
            "external_id",
            gettext_lazy("Vehicle"),
            f"{_CELLS}/vehicle.html",
            sort="external_id",
            identifies=True,
        ),
        _DRIVER,
        Column("pairing_state", gettext_lazy("Pairing"), f"{_CELLS}/pairing.html"),
        Column("capabilities", gettext_lazy("Capabilities"), f"{_CELLS}/capabilities.html", export="capabilities"),
        Column("user_role", gettext_lazy("Role")),
        Column("settings", gettext_lazy("Settings"), f"{_CELLS}/settings.html"),
        Column("last_contact_at", gettext_lazy("Last contact"), "console/cells/ago.html", sort="last_contact_at"),
    )
    default_sort = "external_id"
    placeholder = gettext_lazy("Search, e.g. renault pairing:lost contact:>1d")
    empty_title = gettext_lazy("No vehicles yet")
    empty_text = gettext_lazy("Send a fact that names one, by the API or by hand.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.vehicles()


class AccountList(_VehicleTab):
    key = "accounts"
    title = gettext_lazy("OEM links")
    permission = "vehicles.view_oemaccount"
    search = ACCOUNT_SEARCH
    columns = (
        Column("external_id", gettext_lazy("Account"), value=_id, sort="external_id", identifies=True),
        Column("brand", gettext_lazy("Brand")),
        _DRIVER,
        Column("auth_state", gettext_lazy("Sign-in"), f"{_CELLS}/auth.html"),
        Column("linked", gettext_lazy("Linked"), value=lambda row: _("yes") if row.linked else _("no")),
        Column("created_at", gettext_lazy("First named"), sort="pk"),
    )
    default_sort = "external_id"
    placeholder = gettext_lazy("Search, e.g. brand:renault auth:invalid")
    empty_title = gettext_lazy("No accounts yet")
    empty_text = gettext_lazy("An account is made by the first fact that names it.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.accounts()


class SessionList(_VehicleTab):
    key = "sessions"
    title = gettext_lazy("Charging sessions")
    permission = "vehicles.view_chargingsession"
    search = SESSION_SEARCH
    filterset = SessionFilters
    columns = (
        Column("started_at", gettext_lazy("Started"), sort="started_at"),
        Column("ended_at", gettext_lazy("Ended"), f"{_CELLS}/session_end.html"),
        Column("vehicle", gettext_lazy("Vehicle"), f"{_CELLS}/vehicle_of.html"),
        Column("managed", gettext_lazy("Kind"), f"{_CELLS}/session_kind.html"),
        Column(
            "location", gettext_lazy("Location"), value=lambda row: row.location and row.location.name, personal=True
        ),
        Column("soc_last", gettext_lazy("Charge (%)"), f"{_CELLS}/soc.html", numeric=True),
    )
    default_sort = "-started_at"
    placeholder = gettext_lazy("Search, e.g. managed:no open:yes started:today")
    empty_title = gettext_lazy("No charging sessions yet")
    empty_text = gettext_lazy("They follow from telemetry that says whether the car is plugged in.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.sessions()


class ContractList(_VehicleTab):
    key = "contracts"
    title = gettext_lazy("Contracts")
    permission = "vehicles.view_utilitycontract"
    search = CONTRACT_SEARCH
    columns = (
        Column("external_id", gettext_lazy("Contract"), value=_id, sort="external_id", identifies=True),
        Column("supplier", gettext_lazy("Supplier")),
        Column("contract_number", gettext_lazy("Number"), personal=True),
        _DRIVER,
        Column(
            "location", gettext_lazy("Location"), value=lambda row: row.location and row.location.name, personal=True
        ),
        Column("state", gettext_lazy("State"), f"{_CELLS}/contract_state.html"),
        Column("valid_to", gettext_lazy("Valid to")),
    )
    default_sort = "external_id"
    placeholder = gettext_lazy("Search, e.g. supplier:greenchoice state:invalid")
    empty_title = gettext_lazy("No contracts yet")
    empty_text = gettext_lazy("A contract is made by the first fact that names it.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.contracts()


@requires("vehicles.view_vehicle")
def vehicle(request: HttpRequest, pk: int) -> HttpResponse:
    """One vehicle: where it stands and why, its services, sessions, notifications, and what was reported of it."""
    vehicle = get_object_or_404(selectors.vehicles().select_related("account"), pk=pk)
    context = {
        "page_title": vehicle.title,
        "vehicle": vehicle,
        "services": vehicle.services.all(),
        "sessions": selectors.sessions().filter(vehicle=vehicle)[:20],
        "notifications": selectors.notifications().filter(vehicle=vehicle)[:50],
        "facts": selectors.facts_about(f"vehicle:{vehicle.external_id}"),
    }
    return render(request, "vehicles/vehicle.html", context)
