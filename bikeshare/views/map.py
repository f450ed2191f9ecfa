"""The map: stations, vehicles and zones of a program."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from bikeshare import selectors
from bikeshare.models import Bike, Program, Station
from bikeshare.search import SEARCHES
from bikeshare.views.drawing import draw_city
from core.permissions import requires
from core.search import SearchError

# More dots than this tell nobody anything, and take long to draw.
MOST = 3_000


@requires("bikeshare.view_bike")
def city_map(request: HttpRequest) -> HttpResponse:
    """One program's map; `q` narrows the vehicles by Magic Search."""
    programs = list(selectors.programs())
    program = next(
        (candidate for candidate in programs if candidate.pk == request.GET.get("program")),
        programs[0] if programs else None,
    )
    context: dict[str, Any] = {
        "page_title": _("Map"),
        "programs": programs,
        "program": program,
        "q": request.GET.get("q", ""),
    }
    if program is not None:
        context |= _contents(program, context["q"])
    return render(request, "bikeshare/map.html", context)


def _contents(program: Program, q: str) -> dict[str, Any]:
    rows, error = selectors.listed(Bike).filter(program=program), None
    try:
        rows = rows.filter(SEARCHES["vehicules"].condition(q))
    except SearchError as wrong:
        error = wrong
    vehicules = list(rows.filter(boitier__state__latitude__isnull=False).order_by("pk")[: MOST + 1])
    rented = set(selectors.running_trips().filter(program=program).values_list("vehicule_id", flat=True))
    for vehicule in vehicules:
        vehicule.is_rented = vehicule.pk in rented
    stations = list(Station.objects.filter(program=program, latitude__isnull=False).order_by("pk")[: MOST + 1])
    zones = selectors.open_zones(program.pk, MOST + 1)
    return {
        "drawing": draw_city(zones[:MOST], stations[:MOST], vehicules[:MOST]),
        "numbers": {"vehicules": len(vehicules), "stations": len(stations), "zones": len(zones)},
        "most": MOST,
        "is_cut": max(len(vehicules), len(stations), len(zones)) > MOST,
        "search_error": error,
    }
