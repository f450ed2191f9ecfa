"""What vehicles show on the dashboard."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from vehicles import selectors
from vehicles.choices import SEVERITY_COLOURS, Severity


def notification_tile(request: HttpRequest) -> dict[str, Any]:
    counts, types = selectors.open_by_severity(), selectors.living_counts()
    worst = sorted(types.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    order = (Severity.CRITICAL, Severity.WARNING, Severity.ACTION, Severity.INFO)
    return {
        "severities": [(one, SEVERITY_COLOURS[one], counts.get(one.value, 0)) for one in order],
        "worst": worst,
    }
