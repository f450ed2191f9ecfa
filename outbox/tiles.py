"""What the outbox shows on the dashboard."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from console.charts import stacked_bars
from outbox import selectors
from outbox.checks import DUE_TOO_LONG_S
from outbox.choices import DeliveryState

# A badge's colour for each domain, in the order of the stack.
_DOMAINS = {"charging": "info", "vehicles": "violet", "remotes": "warning", "bikeshare": "success"}
_OTHERS = "secondary"


def activity_tile(request: HttpRequest) -> dict[str, Any]:
    """Events of the last 24 hours by domain, as a chart with its table."""
    hours = selectors.activity(timezone.now())
    totals = Counter[str]()
    for _hour, by_domain in hours:
        totals.update(by_domain)
    domains = [name for name in (*_DOMAINS, *sorted(totals.keys() - _DOMAINS.keys())) if totals[name]]
    colours = {name: _DOMAINS.get(name, _OTHERS) for name in domains}
    labels = [f"{timezone.localtime(hour):%H:%M}" for hour, _by in hours]
    series = {name: (colours[name], [by.get(name, 0) for _hour, by in hours]) for name in domains}
    return {
        "chart": stacked_bars(labels, series, height=110) if series else "",
        "totals": [(name or "–", colours[name], totals[name]) for name in domains],
        "domains": [name or "–" for name in domains],
        "rows": [(hour, [by.get(name, 0) for name in domains]) for hour, by in reversed(hours) if by],
    }


def delivery_tile(request: HttpRequest) -> dict[str, Any]:
    counts = selectors.open_counts()
    now = timezone.now()
    due, untold = selectors.oldest_due(now), selectors.oldest_untold(now)
    return {
        "waiting": counts.get(DeliveryState.PENDING, 0) + counts.get(DeliveryState.RETRYING, 0),
        "sending": counts.get(DeliveryState.SENDING, 0),
        "failed": counts.get(DeliveryState.FAILED, 0),
        "oldest_due": due,
        "untold": untold if untold is not None and (now - untold).total_seconds() >= DUE_TOO_LONG_S else None,
    }
