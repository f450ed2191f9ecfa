"""Incidents: the list, and of one incident everything that happened and who was told, when, and why not."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.lists import ListPage
from core.permissions import requires
from core.refusal import Refused
from core.text import clean_text
from infra_notifications import selectors
from infra_notifications.choices import CASE_COLOURS, CASE_EXPLANATIONS, Case
from infra_notifications.filters import IncidentFilters
from infra_notifications.models import Incident
from infra_notifications.search import INCIDENT_SEARCH
from infra_notifications.services import acknowledging
from infra_notifications.services.incidents import close_by_hand
from infra_notifications.tables import ACKNOWLEDGE
from infra_notifications.views.columns import INCIDENT_COLUMNS, INCIDENTS_LIVE_ON
from infra_notifications.views.timeline import timeline_of

_VIEW, _ACKNOWLEDGE = "infra_notifications.view_incident", "infra_notifications.acknowledge_incident"


class IncidentList(ListPage):
    key = "incidents"
    empty_link = "infra_notifications:charge_points"
    title = gettext_lazy("Incidents")
    permission = _VIEW
    search = INCIDENT_SEARCH
    filterset = IncidentFilters
    columns = INCIDENT_COLUMNS
    bulk = (ACKNOWLEDGE,)
    live_on = INCIDENTS_LIVE_ON
    counted_as = "incidents"
    default_sort = "-opened_at"
    placeholder = gettext_lazy("Search, e.g. open:yes case:fuse_tripped opened:today")
    empty_title = gettext_lazy("No incidents")
    empty_text = gettext_lazy("When a charge point reports an error or falls silent, it stands here.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.incidents()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_notifications(rows)


@requires(_VIEW)
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, pk)


def _page(request: HttpRequest, pk: int, *, note: str = "", refused: str = "") -> HttpResponse:
    """An incident's page; with what was noted and why it was refused."""
    found = get_object_or_404(selectors.incidents().select_related("charge_point__state", "rule"), pk=pk)
    now = timezone.now()
    timeline = timeline_of(found, now)
    context = {
        "page_title": f"{found.get_case_display()} · {found.charge_point.evse_id}",
        "incident": found,
        "explanation": CASE_EXPLANATIONS[Case(found.case)],
        "case_colour": CASE_COLOURS[Case(found.case)],
        "timeline": timeline,
        "nobody": not any(line.notification for line in timeline),
        "windows": selectors.windows_at(found.charge_point, now) if found.is_open else (),
        "note": note,
        "refused": refused,
        "max_note": acknowledging.MAX_NOTE,
    }
    return render(request, "infra_notifications/incident.html", context, status=422 if refused else 200)


@requires("infra_notifications.close_incident")
@require_POST
def incident_close(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Incident, pk=pk)
    if close_by_hand(incident=found, now=timezone.now(), author=request.user.get_username()):
        messages.success(request, _("The incident is closed."))
    else:
        messages.info(request, _("It was closed already."))
    return redirect("infra_notifications:incident", pk)


# ---- acknowledging --------------------------------------------------------------------------------------------------


@requires(_ACKNOWLEDGE)
@require_POST
def incident_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    found, note = get_object_or_404(Incident, pk=pk), clean_text(request.POST.get("note", ""))
    try:
        n = acknowledging.acknowledge_incidents(
            incident_ids=[found.pk], author=request.user.get_username(), note=note, now=timezone.now()
        )
    except Refused as error:
        return _page(request, pk, note=note, refused=error.sentence)
    if n:
        messages.success(request, _("You take care of it: nobody is reminded of it any more."))
    else:
        messages.info(request, _("It was closed or acknowledged already."))
    return redirect("infra_notifications:incident", pk)


@requires(_ACKNOWLEDGE)
@require_POST
def incident_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Incident, pk=pk)
    author = request.user.get_username()
    if acknowledging.withdraw_acknowledgement(incident=found, author=author, now=timezone.now()):
        messages.success(request, _("The acknowledgement is withdrawn; reminders go on."))
    else:
        messages.info(request, _("It was not acknowledged."))
    return redirect("infra_notifications:incident", pk)


@requires(_ACKNOWLEDGE)
@require_POST
def incident_note(request: HttpRequest, pk: int) -> HttpResponse:
    found, note = get_object_or_404(Incident, pk=pk), clean_text(request.POST.get("note", ""))
    try:
        acknowledging.add_note(incident=found, author=request.user.get_username(), note=note, now=timezone.now())
    except Refused as error:
        return _page(request, pk, note=note, refused=error.sentence)
    return redirect("infra_notifications:incident", pk)
