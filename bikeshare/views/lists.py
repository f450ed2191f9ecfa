"""The lists of the resources, each with Magic Search."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bikeshare import selectors
from bikeshare.api.geojson import collection_of, geojson_answer
from bikeshare.filters import FILTERS
from bikeshare.models import (
    Bike,
    Cyclist,
    Dock,
    LockBox,
    Pass,
    Registration,
    Resource,
    Station,
    Subscription,
    Trip,
    Zone,
)
from bikeshare.search import SEARCHES
from console.lists import Action, Column, ListPage
from core.permissions import requires
from core.refusal import Refused

_CELLS = "bikeshare/cells"
_STATUS = Column("status", _("Status"), f"{_CELLS}/status.html", sort="status")
_PROGRAM = Column("program", _("Program"), value=lambda row: row.program_id, sort="program")
_CREATED = Column("created", _("Created"), "console/cells/ago.html", sort="created")
# The tabs above every list: plural, label, permission of its model.
TABS = (
    ("trips", _("Trips")),
    ("vehicules", _("Vehicles")),
    ("boitiers", _("Boitiers")),
    ("stations", _("Stations")),
    ("docks", _("Docks")),
    ("zones", _("Zones")),
    ("cyclists", _("Cyclists")),
    ("registrations", _("Registrations")),
    ("abonnements", _("Abonnements")),
    ("passes", _("Passes")),
)


def _euros(row: Trip | Subscription) -> float | None:
    return None if row.amount is None else row.amount / 100


class ResourceList(ListPage):
    """A list declares its model and its columns; the search is the API's."""

    model: ClassVar[type[Resource]]
    template = "bikeshare/list.html"
    default_sort = "-created"

    def rows(self, request: HttpRequest) -> Any:
        return selectors.listed(self.model)

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        tabs = [(label, reverse(f"bikeshare:{plural}"), plural == self.key) for plural, label in TABS]
        return {"tabs": tabs}


class TripList(ResourceList):
    key, title, permission, model = "trips", _("Trips"), "bikeshare.view_trip", Trip
    empty_link = "bikeshare:vehicules"
    search, filterset = SEARCHES["trips"], FILTERS["trips"]
    columns = (
        Column("start_at", _("Started"), f"{_CELLS}/trip.html", sort="start_at"),
        _STATUS,
        Column("vehicule", _("Vehicle"), f"{_CELLS}/vehicule_of.html", sort="vehicule_number"),
        Column("cyclist", _("Cyclist"), f"{_CELLS}/cyclist_of.html", personal=True),
        Column("way", _("From → to"), f"{_CELLS}/way.html"),
        Column("duration", _("Duration"), f"{_CELLS}/duration.html", sort="duration", numeric=True),
        Column("amount", _("Amount"), f"{_CELLS}/amount.html", sort="amount", numeric=True, export=_euros),
        _PROGRAM,
    )
    default_sort = "-start_at"
    placeholder = _("Search, e.g. status:running vehicule:0417 started:today city:paris")
    empty_title = _("No trips yet")
    empty_text = _("A trip begins when the API says that a cyclist rents a vehicle.")


class BikeList(ResourceList):
    key, title, permission, model = "vehicules", _("Vehicles"), "bikeshare.view_bike", Bike
    search, filterset = SEARCHES["vehicules"], FILTERS["vehicules"]
    columns = (
        Column("number", _("Number"), f"{_CELLS}/object.html", sort="number"),
        _STATUS,
        Column("type", _("Type"), value=lambda row: row.get_type_display(), sort="type"),
        Column("station", _("Station"), f"{_CELLS}/station_of.html"),
        Column("lock", _("Lock"), value=lambda row: row.state.lock if row.state else ""),
        Column(
            "battery",
            _("Battery"),
            f"{_CELLS}/battery.html",
            sort="boitier__state__battery",
            numeric=True,
            export="state.battery",
        ),
        Column(
            "battery_vae",
            _("Assistance"),
            f"{_CELLS}/battery_vae.html",
            sort="boitier__state__battery_vae",
            numeric=True,
            export="state.battery_vae",
        ),
        Column("seen", _("Last seen"), f"{_CELLS}/seen.html", sort="boitier__state__last_seen"),
        _PROGRAM,
    )
    default_sort = "number"
    placeholder = _("Search, e.g. status:ready battery:<20 type:vae city:paris seen:>1d")
    empty_title = _("No vehicles yet")
    empty_text = _("Send them to the API.")

    def actions(self, request: HttpRequest) -> list[Action]:
        return [Action(_("Map"), reverse("bikeshare:map"), "bikeshare.view_bike", "map")]


class LockBoxList(ResourceList):
    key, title, permission, model = "boitiers", _("Boitiers"), "bikeshare.view_lockbox", LockBox
    search, filterset = SEARCHES["boitiers"], FILTERS["boitiers"]
    columns = (
        Column("number", _("Serial number"), f"{_CELLS}/object.html", sort="number"),
        Column(
            "vehicule",
            _("Vehicle"),
            f"{_CELLS}/vehicule_of_box.html",
            sort="vehicule__number",
        ),
        Column("fw", _("Firmware"), sort="fw"),
        Column("lock", _("Lock"), value=lambda row: row.state.lock, sort="state__lock"),
        Column("chain", _("Chain"), value=lambda row: row.state.chain_type, sort="state__chain_type"),
        Column("seen", _("Last seen"), f"{_CELLS}/seen.html", sort="state__last_seen"),
        _PROGRAM,
    )
    default_sort = "number"
    placeholder = _("Search, e.g. fw:3.2 lock:unlocked seen:>2d")
    empty_title = _("No boitiers yet")
    empty_text = _("They are the boxes on the vehicles; send them to the API.")


class StationList(ResourceList):
    key, title, permission, model = "stations", _("Stations"), "bikeshare.view_station", Station
    search, filterset = SEARCHES["stations"], FILTERS["stations"]
    columns = (
        Column("name", _("Name"), f"{_CELLS}/object.html", sort="name"),
        Column("short_name", _("Number"), sort="short_name"),
        _STATUS,
        Column(
            "docks",
            _("Free docks"),
            f"{_CELLS}/docks.html",
            numeric=True,
            export=("dock_counts.free", "dock_counts.total"),
        ),
        Column("vehicules", _("Vehicles"), value=lambda row: row.vehicule_count, numeric=True),
        Column("address", _("Address"), f"{_CELLS}/address.html"),
        _PROGRAM,
    )
    default_sort = "name"
    placeholder = _("Search, e.g. quai status:open capacity:>10 virtual:no")
    empty_title = _("No stations yet")
    empty_text = _("Import them with manage.py import_gbfs, or send them to the API.")

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_docks(rows)


class DockList(ResourceList):
    key, title, permission, model = "docks", _("Docks"), "bikeshare.view_dock", Dock
    empty_link = "bikeshare:stations"
    search, filterset = SEARCHES["docks"], FILTERS["docks"]
    columns = (
        Column("number", _("Number"), f"{_CELLS}/object.html", sort="number"),
        Column("station", _("Station"), f"{_CELLS}/station_of.html", sort="station__name"),
        _STATUS,
        Column("vehicule", _("Vehicle"), f"{_CELLS}/vehicule_of.html", sort="vehicule__number"),
        Column("rfid", _("RFID tag"), sort="rfid"),
        _PROGRAM,
    )
    default_sort = "station"
    placeholder = _("Search, e.g. station:quai free:yes")
    empty_title = _("No docks yet")
    empty_text = _("Send them to the API.")


class ZoneList(ResourceList):
    key, title, permission, model = "zones", _("Zones"), "bikeshare.view_zone", Zone
    search, filterset = SEARCHES["zones"], FILTERS["zones"]
    columns = (
        Column("precedence", _("Precedence"), sort="precedence", numeric=True),
        Column("name", _("Name"), f"{_CELLS}/object.html", sort="name"),
        Column("type", _("Type"), f"{_CELLS}/zone_type.html", sort="type"),
        _STATUS,
        Column("rules", _("Rules"), f"{_CELLS}/rules.html"),
        Column("end", _("Until"), sort="end"),
        _PROGRAM,
    )
    default_sort = "precedence"
    intro = _("Where zones overlap, the one with the lowest precedence decides.")
    placeholder = _("Search, e.g. type:forbidden status:open jardin")
    empty_title = _("No zones yet")
    empty_text = _("Import them with manage.py import_gbfs, or send them to the API.")

    def actions(self, request: HttpRequest) -> list[Action]:
        url = f"{reverse('bikeshare:zones_geojson')}?{request.GET.urlencode()}"
        return [Action(gettext("As GeoJSON"), url, self.permission, "map")]


@requires(ZoneList.permission)
def zones_geojson(request: HttpRequest) -> HttpResponse:
    """The zones that the list's search and filters find, as a file."""
    zones, selection = ZoneList().matching(request)
    if selection["search_error"]:
        messages.error(request, str(selection["search_error"]))
        return redirect("bikeshare:zones")
    try:
        response = geojson_answer(collection_of(zones))
    except Refused as error:
        messages.error(request, error.sentence)
        return redirect("bikeshare:zones")
    response["Content-Disposition"] = 'attachment; filename="zones.geojson"'
    return response


class CyclistList(ResourceList):
    key, title, permission, model = "cyclists", _("Cyclists"), "bikeshare.view_cyclist", Cyclist
    search, filterset = SEARCHES["cyclists"], FILTERS["cyclists"]
    columns = (
        Column("name", _("Name"), f"{_CELLS}/object.html", sort="name", personal=True),
        _STATUS,
        Column("email", _("E-mail"), sort="email", personal=True),
        Column("phone_number", _("Phone"), personal=True),
        _CREATED,
        _PROGRAM,
    )
    placeholder = _("Search, e.g. dupont status:blocked card:no")
    empty_title = _("No cyclists yet")
    empty_text = _("Send them to the API.")


class RegistrationList(ResourceList):
    key, title, permission, model = "registrations", _("Registrations"), "bikeshare.view_registration", Registration
    empty_link = "bikeshare:cyclists"
    search, filterset = SEARCHES["registrations"], FILTERS["registrations"]
    columns = (
        Column("id", _("Id"), f"{_CELLS}/object.html"),
        Column(
            "cyclist",
            _("Cyclist"),
            f"{_CELLS}/cyclist_of.html",
            sort="cyclist__name",
            personal=True,
        ),
        _STATUS,
        Column("last_trip_at", _("Last trip"), "console/cells/ago.html", sort="last_trip_at"),
        _CREATED,
        _PROGRAM,
    )
    placeholder = _("Search, e.g. cyclist:dupont status:active last_trip:>30d")
    empty_title = _("No registrations yet")
    empty_text = _("A registration is a cyclist in a program.")


class SubscriptionList(ResourceList):
    key, title, permission, model = "abonnements", _("Abonnements"), "bikeshare.view_subscription", Subscription
    search, filterset = SEARCHES["abonnements"], FILTERS["abonnements"]
    columns = (
        Column("forfait", _("Tariff"), f"{_CELLS}/object.html", sort="forfait"),
        Column(
            "cyclist",
            _("Cyclist"),
            f"{_CELLS}/cyclist_of.html",
            sort="cyclist__name",
            personal=True,
        ),
        _STATUS,
        Column("amount", _("Amount"), f"{_CELLS}/amount.html", sort="amount", numeric=True, export=_euros),
        Column("trial_end", _("Trial ends"), f"{_CELLS}/trial.html", sort="trial_end"),
        _CREATED,
        _PROGRAM,
    )
    placeholder = _("Search, e.g. status:waiting_validation forfait:year trial:<3d")
    empty_title = _("No abonnements yet")
    empty_text = _("Send them to the API.")


class PassList(ResourceList):
    key, title, permission, model = "passes", _("Passes"), "bikeshare.view_pass", Pass
    empty_link = "bikeshare:cyclists"
    search, filterset = SEARCHES["passes"], FILTERS["passes"]
    columns = (
        Column("uid", _("Card number"), f"{_CELLS}/object.html", sort="uid", personal=True),
        Column("user", _("Cyclist"), f"{_CELLS}/user_of.html", sort="user__name", personal=True),
        Column("confirmed_at", _("Confirmed"), "console/cells/ago.html", sort="confirmed_at"),
        Column("disabled_at", _("Disabled"), sort="disabled_at"),
        _PROGRAM,
    )
    placeholder = _("Search, e.g. cyclist:dupont disabled:no given:yes")
    empty_title = _("No passes yet")
    empty_text = _("Send them to the API.")


LISTS: dict[str, type[ResourceList]] = {
    view.key: view
    for view in (
        TripList,
        BikeList,
        LockBoxList,
        StationList,
        DockList,
        ZoneList,
        CyclistList,
        RegistrationList,
        SubscriptionList,
        PassList,
    )
}
