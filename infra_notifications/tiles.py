"""What charging infrastructure shows on the dashboard."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from infra_notifications import selectors
from infra_notifications.choices import CASE_COLOURS, Case
from infra_notifications.services.source_status import heard_within_a_day, sources_in_trouble
from infra_notifications.services.unheard import unheard_counts


def incident_tile(request: HttpRequest) -> dict[str, Any]:
    counts = selectors.open_incident_counts()
    return {
        "cases": [(case, CASE_COLOURS[case], counts.get(case.value, 0)) for case in Case],
        "worst": selectors.worst_locations(),
        "unheard": unheard_counts(),
    }


def source_tile(request: HttpRequest) -> dict[str, Any]:
    """Sources in trouble; how many were heard where there are none."""
    return {"troubled": sources_in_trouble(), "heard": heard_within_a_day(timezone.now())}
