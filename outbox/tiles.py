"""What the outbox shows on the dashboard."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from outbox import selectors
from outbox.checks import DUE_TOO_LONG_S
from outbox.choices import DeliveryState


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
