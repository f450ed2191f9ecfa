"""What beat has a worker do every few seconds: everything that no nudge announced."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from outbox.services import banners, publishing, settling
from outbox.services.topic_lists import notifying
from outbox.transports.registry import transports


def sweep(*, now: datetime) -> None:
    """Leases of dead workers, times that a wrong clock wrote, places in the log, what expires, what was gathered."""
    settling.mend_times(now=now, lease_s=settings.OUTBOX_LEASE_S)
    settling.reclaim_lost(now=now)
    publishing.number_events()
    banners.expire(now=now)
    for transport in transports().values():
        transport.sweep(now=now)
    notifying.mend_times(now=now)
    notifying.notify_due(now=now)
