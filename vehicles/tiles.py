"""What vehicles show on the dashboard."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from vehicles import selectors
from vehicles.choices import DriverSeverity


def notification_tile(request: HttpRequest) -> dict[str, Any]:
    counts, types = selectors.shown_counts("severity"), selectors.shown_counts()
    worst = sorted(types.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    order = (DriverSeverity.CRITICAL, DriverSeverity.WARNING, DriverSeverity.ACTION, DriverSeverity.INFO)
    return {
        "severities": [(severity, counts.get(severity.value, 0)) for severity in order],
        "worst": worst,
        "pushes": selectors.pushes(timezone.now()),
    }
