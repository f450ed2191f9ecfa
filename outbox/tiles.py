"""What the outbox shows on the dashboard."""

from __future__ import annotations

from collections import Counter
from itertools import cycle
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from console.charts import stacked_bars
from outbox import selectors
from outbox.checks import DUE_TOO_LONG_S
from outbox.choices import DeliveryState
from outbox.event_kinds import domains as all_domains

# Badges' colours for the domains that are registered, in their order; what is of none is grey.
_PALETTE = ("success", "info", "warning", "violet", "danger")
_GREY = "secondary"


def activity_tile(request: HttpRequest) -> dict[str, Any]:
    """Events of the last 24 hours by domain, as a chart with its table."""
    hours = selectors.activity(timezone.now())
    totals = Counter[str]()
    for _hour, by_domain in hours:
        totals.update(by_domain)
    palette = dict(zip(all_domains(), cycle(_PALETTE), strict=False))
    domains = sorted(totals)
    colours = {name: palette.get(name, _GREY) for name in domains}
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
    due, undecided = selectors.oldest_due(now), selectors.oldest_undecided(now)
    is_late = undecided is not None and (now - undecided).total_seconds() >= DUE_TOO_LONG_S
    return {
        "waiting": counts.get(DeliveryState.PENDING, 0) + counts.get(DeliveryState.RETRYING, 0),
        "sending": counts.get(DeliveryState.SENDING, 0),
        "failed": counts.get(DeliveryState.FAILED, 0),
        "oldest_due": due,
        "undecided": undecided if is_late else None,
    }
