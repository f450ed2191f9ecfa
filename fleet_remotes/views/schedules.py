"""Schedules: the list, one of them, making one of a draft."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.lists import Column, ListPage
from core.permissions import person, requires
from core.refusal import Refused, add_refusal
from fleet_remotes import selectors
from fleet_remotes.catalogue.advice import summary_of
from fleet_remotes.choices import Kind
from fleet_remotes.forms import ScheduleForm
from fleet_remotes.ingest.commands import Command
from fleet_remotes.models import CommandDraft, FleetVehicle
from fleet_remotes.search import SCHEDULE_SEARCH
from fleet_remotes.services import schedules as services
from fleet_remotes.views.columns import CELLS, summary_cell

_VIEW, _SEND = "fleet_remotes.view_commandschedule", "fleet_remotes.send_command"


class ScheduleList(ListPage):
    key = "command_schedules"
    empty_link = "fleet_remotes:vehicles"
    title = gettext_lazy("Schedules")
    permission = _VIEW
    intro = gettext_lazy(
        "Commands that are sent on days of the week. To make one, choose vehicles and a command first."
    )
    search = SCHEDULE_SEARCH
    columns = (
        Column("name", gettext_lazy("Schedule"), f"{CELLS}/schedule.html", sort="name"),
        Column("command", gettext_lazy("Command"), value=summary_cell),
        Column("vehicles", gettext_lazy("Vehicles"), numeric=True, value=lambda row: len(row.vehicles)),
        Column("when", gettext_lazy("When"), f"{CELLS}/schedule_when.html"),
        Column("next_at", gettext_lazy("Next time"), f"{CELLS}/schedule_next.html", sort="next_at"),
    )
    default_sort = "name"
    empty_title = gettext_lazy("No schedules yet")
    empty_text = gettext_lazy(
        "Mark vehicles in their list, choose a command, and say on the last page when it is sent."
    )

    def rows(self, request: HttpRequest) -> Any:
        return selectors.schedules()


@requires(_VIEW)
def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(selectors.schedules(), pk=pk)
    vehicles = FleetVehicle.objects.filter(pk__in=found.vehicles).order_by("vin")
    context = {
        "page_title": found.name,
        "schedule": found,
        "summary": summary_of(found.kind, found.parameters),
        "count": len(found.vehicles),
        "vehicles": vehicles[:50],
        "more": max(0, len(found.vehicles) - 50),
    }
    return render(request, "fleet_remotes/schedule.html", context)


@requires(_SEND)
@require_POST
def schedule_change(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Pauses a schedule, lets it go on, or deletes it."""
    found = get_object_or_404(selectors.schedules(), pk=pk)
    if what == "delete":
        services.delete_schedule(schedule=found)
        messages.success(request, _("The schedule is deleted; what it sent stays."))
        return redirect("fleet_remotes:schedules")
    changes = {"active": what == "resume"}
    services.change_schedule(schedule=found, changes=changes, by=person(request), now=timezone.now())
    return redirect("fleet_remotes:schedule", pk)


@requires(_SEND)
def schedule_update(request: HttpRequest, pk: int) -> HttpResponse:
    """Another name, other days or another time; what is sent to whom stays."""
    found = get_object_or_404(selectors.schedules(), pk=pk)
    initial = {"name": found.name, "days": found.days, "at": found.at, "time_zone": found.time_zone}
    form = ScheduleForm(request.POST or None, initial=initial, row=found)
    if request.method == "POST" and form.is_valid():
        try:
            with form.held() as held:
                services.change_schedule(
                    schedule=held, changes=form.cleaned_data, by=person(request), now=timezone.now()
                )
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The schedule is changed."))
            return redirect("fleet_remotes:schedule", pk)
    context = {"page_title": _("Change the schedule"), "schedule": found, "form": form, "count": len(found.vehicles)}
    context["summary"] = summary_of(found.kind, found.parameters)
    return render(request, "fleet_remotes/schedule_form.html", context, status=422 if form.errors else 200)


@requires(_SEND)
def draft_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes a schedule of a draft, instead of sending it now."""
    draft = get_object_or_404(CommandDraft.objects.filter(owner=person(request)), pk=pk)
    if not draft.command:
        return redirect("fleet_remotes:draft", pk)
    command = Command(Kind(draft.command["kind"]), draft.command["parameters"])
    summary = summary_of(command.kind, command.parameters)
    initial = {"name": summary, "time_zone": timezone.get_current_timezone_name(), "days": ["0", "1", "2", "3", "4"]}
    form = ScheduleForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_schedule(
                **form.cleaned_data,
                command=command,
                vehicle_ids=draft.vehicles,
                by=person(request),
                now=timezone.now(),
                reason=draft.command.get("reason", ""),
            )
        except Refused as error:
            add_refusal(form, error)
        else:
            draft.delete()
            messages.success(request, _("The schedule is made."))
            return redirect("fleet_remotes:schedule", made.pk)
    context = {
        "page_title": _("Send regularly"),
        "draft": draft,
        "summary": summary,
        "form": form,
        "count": len(draft.vehicles),
    }
    return render(request, "fleet_remotes/schedule_form.html", context, status=422 if form.errors else 200)
