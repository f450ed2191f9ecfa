"""What charging infrastructure shows on the dashboard."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from infra_notifications import selectors
from infra_notifications.choices import CASE_COLOURS, Case


def incident_tile(request: HttpRequest) -> dict[str, Any]:
    counts = selectors.open_incident_counts()
    return {
        "cases": [(case, CASE_COLOURS[case], counts.get(case.value, 0)) for case in Case],
        "worst": selectors.worst_locations(),
    }
