"""Charge points: the list, one of them, import and export, the unknown ones."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.charts import stacked_bars
from console.lists import Action, ListPage
from console.lists.export import csv_answer
from core.choices import JobState
from core.device_clock import span_text
from core.models import Job
from core.permissions import person, requires
from core.search import SearchError
from core.sheets import safe_cell
from core.time_zones import short_day_text
from infra_notifications import selectors
from infra_notifications.choices import CASE_COLOURS, CONNECTIVITY_COLOURS, VERDICT_COLOURS
from infra_notifications.filters import ChargePointFilters
from infra_notifications.forms import ImportForm
from infra_notifications.models import ChargePoint
from infra_notifications.rules.availability import by_day, last_days
from infra_notifications.search import CHARGE_POINT_SEARCH
from infra_notifications.services import import_jobs
from infra_notifications.services.availability import attach_availability, histories_of
from infra_notifications.services.charge_points import FIELDS
from infra_notifications.services.expectations import expectation_of
from infra_notifications.services.imports import READ_ONLY, tags_cell
from infra_notifications.services.standing_faults import end_of_standing_fault, is_unattended
from infra_notifications.tables import ADD_TO_GROUP, MAINTENANCE, TAG
from infra_notifications.views.cells import percent
from infra_notifications.views.columns import POINT_COLUMNS
from outbox.selectors import deliveries_of_events

SHOWN_DELIVERIES = 50
CSV_CHUNK = 2_000

_VIEW = "infra_notifications.view_chargepoint"


class ChargePointList(ListPage):
    key = "charge_points"
    title = gettext_lazy("Charge points")
    permission = _VIEW
    search = CHARGE_POINT_SEARCH
    filterset = ChargePointFilters
    counted_as = "charge_points"
    bulk = (ADD_TO_GROUP, TAG, MAINTENANCE)
    columns = POINT_COLUMNS
    default_sort = "evse_id"
    placeholder = gettext_lazy("Search, e.g. köln status:faulted -tag:test power:>=50")
    empty_title = gettext_lazy("No charge points yet")
    empty_text = gettext_lazy("Import them from a CSV file, or send them to the API.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.charge_points()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_groups(rows)
        attach_availability(rows, timezone.now())

    def exports(self, query: str) -> list[tuple[str | Promise, str]]:
        """Also all columns, in the form that the import takes."""
        form = gettext_lazy("CSV for the import")
        return [*super().exports(query), (form, reverse("infra_notifications:charge_points_csv") + query)]

    def actions(self, request: HttpRequest) -> list[Action]:
        maintenance = reverse("infra_notifications:maintenance_new") + "?" + request.GET.urlencode()
        return [
            Action(_("Maintenance"), maintenance, "infra_notifications.add_maintenancewindow", "wrench-screwdriver"),
            Action(_("Unknown"), reverse("infra_notifications:unknown"), _VIEW, "question-mark-circle"),
            Action(
                _("Import"),
                reverse("infra_notifications:import_start"),
                "infra_notifications.add_chargepoint",
                "arrow-up-tray",
            ),
        ]


@requires(_VIEW)
def charge_point(request: HttpRequest, pk: int) -> HttpResponse:
    """One charge point: facts, groups, availability, incidents, what it said last and which rule each message met."""
    found = get_object_or_404(selectors.charge_points(), pk=pk)
    selectors.attach_groups([found])
    incidents = list(selectors.incidents().filter(charge_point=found)[:50])
    selectors.attach_notifications(incidents)
    expected = expectation_of(found)
    context = {
        "page_title": found.evse_id,
        "point": found,
        "chat": selectors.messages_of(found),
        "incidents": incidents,
        "connectivity_colour": CONNECTIVITY_COLOURS[found.state.connectivity],  # type: ignore[index]
        "expected": expected,
        "interval": span_text(expected.interval_s),
        "silence": span_text(expected.silence_s),
        "wrong_by": None if found.state.clock_error_s is None else span_text(found.state.clock_error_s),
        "case_colours": CASE_COLOURS,
        "verdict_colours": VERDICT_COLOURS,
        **_availability(found),
    }
    if is_unattended(found):
        context |= {"unattended": True, "ended": end_of_standing_fault(found)}
    if request.user.has_perm("outbox.view_delivery"):
        context["deliveries"] = deliveries_of_events(selectors.notification_events_of(found)).order_by("-id")[
            :SHOWN_DELIVERIES
        ]
    return render(request, "infra_notifications/charge_point.html", context)


def _availability(point: ChargePoint) -> dict[str, Any]:
    """For how many hours of each of the last 30 days it could be used, as a picture and as a table."""
    now, zone = timezone.now(), timezone.get_current_timezone()
    history = histories_of([point.pk], now)[point.pk]
    days, whole = by_day(history, now, zone), last_days(history, now)
    up = [day.period.known_s - day.period.maintenance_s - day.period.down_s for day in days]
    series = {
        str(_("available")): ("success", [round(seconds / 3600, 2) for seconds in up]),
        str(_("not available")): ("danger", [round(day.period.down_s / 3600, 2) for day in days]),
        str(_("in maintenance")): ("info", [round(day.period.maintenance_s / 3600, 2) for day in days]),
    }
    return {
        "availability_chart": stacked_bars([short_day_text(day.date) for day in days], series),
        "availability_days": [(day, percent(day.period.percent)) for day in reversed(days) if day.period.known_s],
        "availability_share": percent(whole.percent),
        "maintenance_share": percent(whole.maintenance_percent) if whole.maintenance_s else "",
    }


# ---- export and import ------------------------------------------------------------------------------------------


class _Echo:
    """A file for csv.writer that hands each line on instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def _cell(value: Any) -> object:
    """A field as the import reads it back."""
    if isinstance(value, list):
        return tags_cell(value)
    return "" if value is None else safe_cell(value) if isinstance(value, str) else value


def _csv_lines(rows: Iterator[ChargePoint]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    names, now = ("evse_id", *FIELDS, *READ_ONLY), timezone.now()
    yield "\ufeff" + writer.writerow(names)
    while chunk := list(islice(rows, CSV_CHUNK)):
        attach_availability(chunk, now)
        for row in chunk:
            yield writer.writerow([_cell(getattr(row, name)) for name in names])


@requires(_VIEW)
def charge_points_csv(request: HttpRequest) -> HttpResponse | FileResponse:
    """The list as CSV: what the page shows, all of it, in the form that the import takes."""
    rows = selectors.charge_points()
    try:
        rows = rows.filter(CHARGE_POINT_SEARCH.condition(request.GET.get("q", "")))
    except SearchError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    filters = ChargePointFilters(request.GET, queryset=rows)
    rows = filters.qs if filters.is_valid() else rows
    return csv_answer("charge-points.csv", _csv_lines(rows.order_by("evse_id").iterator(chunk_size=CSV_CHUNK)))


@requires("infra_notifications.add_chargepoint")
def import_start(request: HttpRequest) -> HttpResponse:
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        job = import_jobs.start(data=file.read(), filename=file.name, by=person(request))
        return redirect("infra_notifications:import_job", job.pk)
    context = {"page_title": _("Import charge points"), "form": form, "fields": ("evse_id", *FIELDS)}
    return render(request, "infra_notifications/import_start.html", context)


@requires("infra_notifications.add_chargepoint")
def import_job(request: HttpRequest, pk: int) -> HttpResponse:
    """What a file would change, line by line what is wrong, and how far its import is."""
    job = get_object_or_404(Job, pk=pk, kind=import_jobs.IMPORT.kind)
    name = "infra_notifications/import_job.html"
    wants_part = request.headers.get("HX-Target") == "progress"
    context = {
        "page_title": job.label,
        "job": job,
        "running": job.state in (JobState.WAITING, JobState.RUNNING),
    }
    return render(request, f"{name}#progress" if wants_part else name, context)


@requires("infra_notifications.add_chargepoint")
@require_POST
def import_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    if not import_jobs.confirm(job=get_object_or_404(Job, pk=pk, kind=import_jobs.IMPORT.kind)):
        messages.warning(request, _("This import was confirmed or ended already."))
    return redirect("infra_notifications:import_job", pk)
