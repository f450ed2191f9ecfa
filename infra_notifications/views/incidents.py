"""Incidents: the list, and of one incident everything that happened and who was told, when, and why not."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from console.lists import Action, ListPage
from core.permissions import requires
from core.refusal import Refused
from core.text import clean_text
from infra_notifications import selectors
from infra_notifications.choices import CASE_COLOURS, CASE_EXPLANATIONS, Case
from infra_notifications.filters import IncidentFilters
from infra_notifications.forms import ids_in
from infra_notifications.models import Incident
from infra_notifications.search import INCIDENT_SEARCH
from infra_notifications.services import acknowledging
from infra_notifications.services.incidents import close_by_hand
from infra_notifications.views.columns import INCIDENT_COLUMNS
from infra_notifications.views.timeline import timeline_of

_VIEW, _ACKNOWLEDGE = "infra_notifications.view_incident", "infra_notifications.acknowledge_incident"
MOST_ACKNOWLEDGED = 10_000


class IncidentList(ListPage):
    key = "incidents"
    empty_link = "infra_notifications:charge_points"
    title = gettext_lazy("Incidents")
    permission = _VIEW
    search = INCIDENT_SEARCH
    filterset = IncidentFilters
    columns = INCIDENT_COLUMNS
    counted_as = "incidents"
    default_sort = "-opened_at"
    placeholder = gettext_lazy("Search, e.g. open:yes case:fuse_tripped opened:today")
    empty_title = gettext_lazy("No incidents")
    empty_text = gettext_lazy("When a charge point reports an error or falls silent, it stands here.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.incidents()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_notifications(rows)

    def actions(self, request: HttpRequest) -> list[Action]:
        url = f"{reverse('infra_notifications:incidents_acknowledge')}?{request.GET.urlencode()}"
        return [Action(_("Acknowledge these"), url, _ACKNOWLEDGE, "hand-raised")]


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


@requires(_ACKNOWLEDGE)
def incidents_acknowledge(request: HttpRequest) -> HttpResponse:
    """Acknowledges many at once: those named by `incident` (ids), else all that the list's search and filters find."""
    ids, problem = _open_ones(request)
    note = clean_text(request.POST.get("note", ""))
    if request.method == "POST" and not problem:
        try:
            n = acknowledging.acknowledge_incidents(
                incident_ids=ids, author=request.user.get_username(), note=note, now=timezone.now()
            )
        except Refused as error:
            problem = error.sentence
        else:
            said = ngettext("%(n)d incident acknowledged.", "%(n)d incidents acknowledged.", n)
            messages.success(request, said % {"n": n})
            return redirect("infra_notifications:incidents")
    context = {
        "page_title": _("Acknowledge incidents"),
        "ids": ids if _named(request) else [],
        "count": len(ids),
        "problem": problem,
        "note": note,
        "max_note": acknowledging.MAX_NOTE,
    }
    status = 422 if problem else 200
    return render(request, "infra_notifications/incidents_acknowledge.html", context, status=status)


def _named(request: HttpRequest) -> list[str]:
    return request.POST.getlist("incident") or request.GET.getlist("incident")


def _open_ones(request: HttpRequest) -> tuple[list[int], str]:
    """The open, not acknowledged incidents that a request means, and what is wrong with it."""
    if named := _named(request):
        matching = Incident.objects.filter(pk__in=ids_in(named[: MOST_ACKNOWLEDGED + 1]))
    else:
        matching, selection = IncidentList().matching(request)
        if selection["search_error"]:
            return [], str(selection["search_error"])
    waiting = matching.filter(closed_at__isnull=True, acknowledgement__isnull=True)
    ids = list(waiting.order_by().values_list("pk", flat=True)[: MOST_ACKNOWLEDGED + 1])
    if len(ids) > MOST_ACKNOWLEDGED:
        return [], _("More than %(n)d match; narrow the search first.") % {"n": MOST_ACKNOWLEDGED}
    return ids, ""
