"""What charging infrastructure shows on the dashboard."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from console.bell import News
from infra_notifications import selectors
from infra_notifications.choices import CASE_COLOURS, Case
from infra_notifications.models import Incident
from infra_notifications.services.source_status import heard_within_a_day, sources_in_trouble
from infra_notifications.services.unheard import unheard_counts

NEWEST = 20


def incident_tile(request: HttpRequest) -> dict[str, Any]:
    counts = selectors.open_incident_counts()
    return {
        "cases": [(case, CASE_COLOURS[case], counts.get(case.value, 0)) for case in Case],
        "worst": selectors.worst_locations(),
        "unheard": unheard_counts(),
    }


def incident_news() -> News:
    """Open incidents that nobody has acknowledged."""
    waiting = Incident.objects.filter(closed_at__isnull=True, acknowledgement__isnull=True)
    newest = waiting.select_related("charge_point").order_by("-pk")[:NEWEST]
    return News(
        waiting.count(),
        [(one.pk, f"{one.get_case_display()} · {one.charge_point.evse_id}", _page_of(one)) for one in newest],
    )


def _page_of(incident: Incident) -> str:
    return reverse("infra_notifications:incident", args=[incident.pk])


def incidents_waiting() -> str:
    return f"{reverse('infra_notifications:incidents')}?{urlencode({'q': 'open:yes acknowledged:no'})}"


def source_tile(request: HttpRequest) -> dict[str, Any]:
    """Sources in trouble; how many were heard where there are none."""
    return {"troubled": sources_in_trouble(), "heard": heard_within_a_day(timezone.now())}
