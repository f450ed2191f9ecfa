"""Drivers: the list, and of one everything that was reported, notified, and not notified, and why."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.lists import Action, Column, ListPage
from core.permissions import requires
from vehicles import selectors
from vehicles.choices import Category
from vehicles.filters import DriverFilters
from vehicles.forms import MuteForm
from vehicles.models import Driver
from vehicles.search import DRIVER_SEARCH
from vehicles.services.languages import name_of

_CELLS = "vehicles/cells"


class DriverList(ListPage):
    key = "drivers"
    title = gettext_lazy("Drivers")
    permission = "vehicles.view_driver"
    search = DRIVER_SEARCH
    filterset = DriverFilters
    columns = (
        Column(
            "external_id",
            gettext_lazy("Driver"),
            f"{_CELLS}/driver.html",
            sort="external_id",
            identifies=True,
        ),
        Column("email", gettext_lazy("E-mail address"), personal=True),
        Column(
            "cars",
            gettext_lazy("Vehicles"),
            f"{_CELLS}/driver_cars.html",
        ),
        Column(
            "open",
            gettext_lazy("Open notifications"),
            f"{_CELLS}/driver_open.html",
            export=lambda row: [note.type for note in row.open_notes],
        ),
        Column("country", gettext_lazy("Country"), sort="country"),
        Column("language", gettext_lazy("Language"), value=lambda row: name_of(row.language)),
        Column("app_version", gettext_lazy("App"), sort="app_version_key"),
    )
    default_sort = "external_id"
    placeholder = gettext_lazy("Search, e.g. anna app:<4.16 brand:renault open:any")
    empty_title = gettext_lazy("No drivers yet")
    empty_text = gettext_lazy("A driver is made by the first fact that names one.")

    def rows(self, request: HttpRequest) -> Any:
        return Driver.objects.all()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_cars(rows)

    def actions(self, request: HttpRequest) -> list[Action]:
        return [Action(_("Tell a fact"), reverse("vehicles:fact_new"), "vehicles.add_fact", "pencil-square")]


TIMELINES = {
    "notifications": gettext_lazy("Notifications"),
    "facts": gettext_lazy("Facts"),
    "telemetry": gettext_lazy("Telemetry"),
}


@requires("vehicles.view_driver")
def driver(request: HttpRequest, pk: int) -> HttpResponse:
    return driver_page(request, get_object_or_404(Driver, pk=pk), MuteForm())


def driver_page(request: HttpRequest, driver: Driver, mute_form: MuteForm) -> HttpResponse:
    asked, before = request.GET.get("timeline", ""), request.GET.get("before", "")
    what = asked if asked in TIMELINES else "notifications"
    timeline, older = selectors.timeline_of(driver, what, int(before) if before.isdecimal() and len(before) < 19 else 0)
    living = list(selectors.living_of(driver))
    context = {
        "page_title": driver.label,
        "driver": driver,
        "language": name_of(driver.language),
        "unwanted": [Category(c).label if c in Category.values else c for c in driver.unwanted],
        "vehicles": selectors.vehicles().filter(driver=driver),
        "accounts": driver.accounts.all(),
        "locations": selectors.locations_of(driver),
        "shown": [note for note in living if note.state in ("open", "read")],
        "held": [note for note in living if note.state in ("suppressed", "dismissed")],
        "timeline": timeline,
        "timelines": TIMELINES.items(),
        "what": what,
        "older": older,
        "mutes": selectors.mutes_of(driver, timezone.now()),
        "mute_form": mute_form,
        "campaigns": driver.campaigns.select_related("campaign"),
    }
    return render(request, "vehicles/driver.html", context, status=422 if mute_form.errors else 200)
