"""Sending a command: mark vehicles, choose the command, see for each vehicle whether it will get it, confirm.

The marks and the command live in a draft on the server, so that a reload or a step back costs nothing.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.permissions import person, requires
from core.refusal import Refused
from fleet_remotes import selectors
from fleet_remotes.catalogue.advice import summary_of
from fleet_remotes.choices import Kind
from fleet_remotes.forms import CommandForm, ConfirmForm
from fleet_remotes.ingest.commands import Command
from fleet_remotes.models import CommandDraft, FleetVehicle, RemoteAction
from fleet_remotes.rules.preflight import CheckFinding, Level
from fleet_remotes.services import commands
from fleet_remotes.views.vehicles import VehicleList

_SEND, _DANGEROUS = "fleet_remotes.send_command", "fleet_remotes.send_dangerous_command"
SHOWN = 200


def _ids(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]


def _draft(request: HttpRequest, pk: int) -> CommandDraft:
    return get_object_or_404(CommandDraft.objects.filter(owner=person(request)), pk=pk)


@requires(_SEND)
@require_POST
def vehicles_command(request: HttpRequest) -> HttpResponse:
    """Begins a command for the marked vehicles, or for all that the list's search and filters find."""
    if request.POST.get("what") == "all":
        matching, selection = VehicleList().matching(request)
        if selection["search_error"]:
            messages.error(request, str(selection["search_error"]))
            return redirect("fleet_remotes:vehicles")
        ids = list(matching.order_by("pk").values_list("pk", flat=True)[: commands.MOST_VEHICLES + 1])
    else:
        marked = _ids(request.POST.getlist("vehicle"))
        ids = list(FleetVehicle.objects.filter(pk__in=marked).order_by("pk").values_list("pk", flat=True))
    if not ids:
        messages.warning(request, _("Mark at least one vehicle."))
        return redirect("fleet_remotes:vehicles")
    if len(ids) > commands.MOST_VEHICLES:
        messages.error(request, _("More than %(n)d match; narrow the search first.") % {"n": commands.MOST_VEHICLES})
        return redirect("fleet_remotes:vehicles")
    draft = CommandDraft.objects.create(owner=person(request), vehicles=ids)
    return redirect("fleet_remotes:draft", draft.pk)


@requires(_SEND)
def draft_command(request: HttpRequest, pk: int) -> HttpResponse:
    """What is to be done."""
    draft = _draft(request, pk)
    form = CommandForm(request.POST or None, initial=draft.command.get("form"))
    if request.method == "POST" and form.is_valid() and form.made is not None:
        reason = form.cleaned_data["reason"]
        typed = {key: value for key, value in request.POST.items() if key in form.fields}
        draft.command = {
            "kind": form.made.kind.value,
            "parameters": form.made.parameters,
            "reason": reason,
            "form": typed,
        }
        draft.save(update_fields=["command", "updated_at"])
        return redirect("fleet_remotes:draft_check", pk)
    context = {"page_title": _("Send a command"), "draft": draft, "form": form} | _vehicles_of(draft)
    return render(request, "fleet_remotes/draft_command.html", context, status=422 if form.errors else 200)


def _vehicles_of(draft: CommandDraft) -> dict[str, Any]:
    vehicles = FleetVehicle.objects.filter(pk__in=draft.vehicles[:20]).order_by("vin")
    return {"count": len(draft.vehicles), "vehicles": vehicles, "more": max(0, len(draft.vehicles) - 20)}


@requires(_SEND)
def draft_check(request: HttpRequest, pk: int) -> HttpResponse:
    """For each vehicle whether it will get the command, and the confirmation."""
    draft = _draft(request, pk)
    if not draft.command:
        return redirect("fleet_remotes:draft", pk)
    command = Command(Kind(draft.command["kind"]), draft.command["parameters"])
    if command.is_dangerous and not request.user.has_perm(_DANGEROUS):
        raise PermissionDenied(_DANGEROUS)
    vehicles = list(selectors.vehicles().filter(pk__in=draft.vehicles).order_by("vin"))
    findings = commands.check_vehicles(vehicles, command, timezone.now())
    expected = vehicles[0].vin if len(vehicles) == 1 else str(len(vehicles))
    form = ConfirmForm(request.POST or None, expected=expected) if command.is_dangerous else None
    refusal = ""
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            return _send(request, draft, command, vehicles)
        except Refused as error:
            refusal = error.sentence
    context = {
        "page_title": _("Check and send"),
        "draft": draft,
        "command": command,
        "form": form,
        "refusal": refusal,
        "summary": summary_of(command.kind, command.parameters),
        "reason": draft.command.get("reason", ""),
        "total": len(vehicles),
        "said": commands.describe(findings),
    } | _by_level(vehicles, findings)
    bad = bool(refusal or (form is not None and form.errors))
    return render(request, "fleet_remotes/draft_check.html", context, status=422 if bad else 200)


def _by_level(vehicles: list[FleetVehicle], findings: dict[int, list[CheckFinding]]) -> dict[str, Any]:
    """The vehicles that do not get it first, then those that wait or may fail, then the rest."""
    order = {Level.BLOCKS: 0, Level.WAITS: 1, Level.WARNS: 2, Level.NOTES: 3}

    def gravest(vehicle: FleetVehicle) -> int:
        return min((order[finding.level] for finding in findings[vehicle.pk]), default=3)

    rows = sorted(vehicles, key=lambda vehicle: (gravest(vehicle), vehicle.vin))
    going = sum(gravest(vehicle) > 0 for vehicle in vehicles)
    return {
        "rows": [(vehicle, findings[vehicle.pk], gravest(vehicle)) for vehicle in rows[:SHOWN]],
        "unshown": max(0, len(rows) - SHOWN),
        "going": going,
        "kept": len(vehicles) - going,
    }


def _send(request: HttpRequest, draft: CommandDraft, command: Command, vehicles: list[FleetVehicle]) -> HttpResponse:
    """One vehicle: its action; several: a batch. Raises Refused when it may not be sent."""
    now, by, reason = timezone.now(), person(request), draft.command.get("reason", "")
    if len(vehicles) == 1 and draft.retry_of_id is None:
        earlier = RemoteAction.objects.filter(pk=draft.command.get("retry_of") or 0).first()
        action, _code = commands.place_command(
            vehicle=vehicles[0],
            command=command,
            reason=reason,
            by=by.get_username(),
            now=now,
            confirmed=True,
            retry_of=earlier,
        )
        draft.delete()
        return redirect("fleet_remotes:action", action.pk)
    batch = commands.place_batch(
        vehicle_ids=[vehicle.pk for vehicle in vehicles],
        command=command,
        reason=reason,
        by=by,
        now=now,
        retry_of=draft.retry_of,
    )
    draft.delete()
    return redirect("fleet_remotes:batch", batch.pk)


@requires(_SEND)
@require_POST
def draft_discard(request: HttpRequest, pk: int) -> HttpResponse:
    _draft(request, pk).delete()
    return redirect("fleet_remotes:vehicles")
