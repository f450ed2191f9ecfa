"""Celery doors of the outbox."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from console.services import show_life
from outbox import courier, services


@shared_task(name="outbox.deliver")
def deliver() -> None:
    """Wakes this process's courier, which sends whatever is due."""
    courier.wake()


@shared_task(name="outbox.sweep")
def sweep() -> None:
    """Finds what no nudge announced: leases of dead workers, due retries. Its running is the worker's sign of life."""
    now = timezone.now()
    show_life(part="worker", now=now)
    services.reclaim_lost(now=now)
    services.number_events()
    courier.wake()
