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
from console.permissions import requires
from infra_notifications import selectors
from infra_notifications.choices import CASE_COLOURS, CASE_EXPLANATIONS, NOTICE_COLOURS, Case, NoticeState
from infra_notifications.filters import IncidentFilters
from infra_notifications.models import Incident
from infra_notifications.search import INCIDENT_SEARCH
from infra_notifications.services.incidents import close_by_hand
from infra_notifications.views.columns import INCIDENT_COLUMNS
from outbox.selectors import deliveries_of_events


class IncidentList(ListPage):
    key = "incidents"
    title = gettext_lazy("Incidents")
    permission = "infra_notifications.view_incident"
    search = INCIDENT_SEARCH
    filterset = IncidentFilters
    columns = INCIDENT_COLUMNS
    default_sort = "-opened_at"
    placeholder = gettext_lazy("Search, e.g. open:yes case:fuse_tripped opened:today")
    empty_title = gettext_lazy("No incidents")
    empty_text = gettext_lazy("When a charge point reports an error or falls silent, it stands here.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.incidents()

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        selectors.attach_notices(rows)


@requires("infra_notifications.view_incident")
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(selectors.incidents().select_related("charge_point__state", "rule"), pk=pk)
    notices = list(selectors.notices_of(found))
    deliveries: dict[int, list[Any]] = {}
    for delivery in deliveries_of_events(n.event_id for n in notices if n.event_id):
        deliveries.setdefault(delivery.event_id, []).append(delivery)
    context = {
        "page_title": f"{found.get_case_display()} · {found.charge_point.evse_id}",
        "incident": found,
        "explanation": CASE_EXPLANATIONS[Case(found.case)],
        "case_colour": CASE_COLOURS[Case(found.case)],
        "notices": [
            (notice, NOTICE_COLOURS[NoticeState(notice.state)], deliveries.get(notice.event_id or 0, []))
            for notice in notices
        ],
    }
    return render(request, "infra_notifications/incident.html", context)


@requires("infra_notifications.close_incident")
@require_POST
def incident_close(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Incident, pk=pk)
    if close_by_hand(incident=found, now=timezone.now()):
        messages.success(request, _("The incident is closed."))
    else:
        messages.info(request, _("It was closed already."))
    return redirect("infra_notifications:incident", pk)
