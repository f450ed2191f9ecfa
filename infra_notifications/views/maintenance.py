"""Maintenance windows: the list, a new one, and of one what it covers and holds back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.lists import Action, ListPage
from core.permissions import requires
from core.refusal import Refused, add_refusal
from infra_notifications import selectors
from infra_notifications.choices import WINDOW_COLOURS, WindowState
from infra_notifications.filters import MaintenanceFilters
from infra_notifications.forms import MaintenanceForm, MaintenanceTimesForm, ids_in
from infra_notifications.models import ChargePoint, MaintenanceWindow
from infra_notifications.search import MAINTENANCE_SEARCH
from infra_notifications.services import maintenance as services
from infra_notifications.views.charge_points import ChargePointList
from infra_notifications.views.columns import WINDOW_COLUMNS

_VIEW, _ADD = "infra_notifications.view_maintenancewindow", "infra_notifications.add_maintenancewindow"
_CHANGE, _DELETE = "infra_notifications.change_maintenancewindow", "infra_notifications.delete_maintenancewindow"
# A list's "all that match" may cover this many charge points; beyond it a group or a location is meant.
MOST_COVERED = 100_000


class MaintenanceList(ListPage):
    key = "maintenance"
    empty_link = "infra_notifications:charge_points"
    title = gettext_lazy("Maintenance")
    permission = _VIEW
    intro = gettext_lazy("While it lasts, incidents are recorded, not mailed; what is still broken at its end is told.")
    search = MAINTENANCE_SEARCH
    filterset = MaintenanceFilters
    columns = WINDOW_COLUMNS
    default_sort = "-starts_at"
    placeholder = gettext_lazy("Search, e.g. state:running")
    empty_title = gettext_lazy("No maintenance planned")
    empty_text = gettext_lazy("Plan one before somebody works at charge points, and nobody is mailed of what they do.")

    def rows(self, request: HttpRequest) -> Any:
        return MaintenanceWindow.objects.all()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        now = timezone.now()
        selectors.attach_targets(rows)
        for row in rows:
            row.state = row.state_at(now)

    def actions(self, request: HttpRequest) -> list[Action]:
        return [Action(_("Plan maintenance"), reverse("infra_notifications:maintenance_new"), _ADD)]


def _selected(request: HttpRequest) -> tuple[list[int], str]:
    """The charge points that the URL names, one by one or by a list's search and filters; and what is wrong with it."""
    named = ids_in(request.GET.getlist("for_point"))
    ids = list(ChargePoint.objects.filter(pk__in=named).values_list("pk", flat=True)) if named else []
    matching, selection = ChargePointList().matching(request)
    if selection["search_error"]:
        return ids, str(selection["search_error"])
    if selection["narrowed"]:
        ids += matching.order_by().values_list("pk", flat=True)[: MOST_COVERED + 1]
    if len(ids) > MOST_COVERED:
        return [], _("More than %(n)d charge points match; name a group or a location instead.") % {"n": MOST_COVERED}
    return ids, ""


@requires(_ADD)
def maintenance_new(request: HttpRequest) -> HttpResponse:
    """Plans or begins a maintenance; what it covers may come from a list, a charge point or a group by the URL."""
    selected, problem = _selected(request)
    initial = {"groups": ids_in(request.GET.getlist("for_group"))}
    form = MaintenanceForm(request.POST or None, selected=selected, initial=initial)
    if request.method == "POST" and form.is_valid() and not problem:
        data = form.cleaned_data
        try:
            window = services.plan_maintenance(
                reason=data["reason"],
                starts_at=data["starts_at"],
                ends_at=data["ends_at"],
                targets=form.targets(),
                author=request.user.get_username(),
                now=timezone.now(),
            )
        except Refused as error:
            add_refusal(form, error)
        else:
            return redirect("infra_notifications:maintenance_window", window.pk)
    context = {
        "page_title": _("Plan maintenance"),
        "form": form,
        "selected": len(selected),
        "first": ChargePoint.objects.in_bulk(selected[:10]).values(),
        "problem": problem,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "infra_notifications/maintenance_new.html", context, status=status)


@requires(_VIEW)
def maintenance_window(request: HttpRequest, pk: int) -> HttpResponse:
    window, now = get_object_or_404(MaintenanceWindow, pk=pk), timezone.now()
    state = window.state_at(now)
    held = selectors.held_back_by(window) if state == WindowState.RUNNING else selectors.incidents().none()
    targets = list(selectors.targets_of(window))
    context = {
        "page_title": window.reason,
        "window": window,
        "state": state,
        "colour": WINDOW_COLOURS[state],
        "targets": targets,
        "more_targets": window.targets.count() - len(targets),
        "covered": services.count_covered(window),
        "held": held.order_by("-opened_at")[:100],
        "held_count": held.count(),
    }
    return render(request, "infra_notifications/maintenance_window.html", context)


@requires(_CHANGE)
def maintenance_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Reason and times; the beginning only while it lies ahead."""
    window = get_object_or_404(MaintenanceWindow, pk=pk)
    initial = {"reason": window.reason, "starts_at": window.starts_at, "ends_at": window.ends_at}
    form = MaintenanceTimesForm(request.POST or None, initial=initial, row=window)
    if window.state_at(timezone.now()) != WindowState.PLANNED:
        del form.fields["starts_at"]
    if request.method == "POST" and form.is_valid():
        data = {"starts_at": None} | form.cleaned_data
        try:
            with form.held() as held:
                services.change_maintenance(window=held, **data, now=timezone.now())
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The maintenance is changed."))
            return redirect("infra_notifications:maintenance_window", pk)
    context = {"page_title": _("Change %(name)s") % {"name": window.reason}, "window": window, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "infra_notifications/maintenance_change.html", context, status=status)


@requires(_CHANGE)
@require_POST
def maintenance_end(request: HttpRequest, pk: int) -> HttpResponse:
    if services.end_maintenance(window=get_object_or_404(MaintenanceWindow, pk=pk), now=timezone.now()):
        messages.success(request, _("The maintenance is over; what is still broken is being told."))
    else:
        messages.info(request, _("It was not running."))
    return redirect("infra_notifications:maintenance_window", pk)


@requires(_DELETE)
@require_POST
def maintenance_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    if services.cancel_maintenance(window=get_object_or_404(MaintenanceWindow, pk=pk), now=timezone.now()):
        messages.success(request, _("The plan is taken back."))
        return redirect("infra_notifications:maintenance")
    messages.warning(request, _("It has begun; end it instead."))
    return redirect("infra_notifications:maintenance_window", pk)
