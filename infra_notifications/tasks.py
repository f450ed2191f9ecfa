"""Celery doors of charging infrastructure notifications."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from infra_notifications.services import sweeps
from infra_notifications.services.ocpi.pulls import pull_due
from infra_notifications.services.unheard import report_unheard


@shared_task(name="infra_notifications.sweep")
def sweep() -> None:
    """What time brings to incidents and notifications."""
    sweeps.sweep(now=timezone.now())


@shared_task(name="infra_notifications.remind")
def remind() -> None:
    """Digests and reminders that are due."""
    sweeps.sweep_daily(now=timezone.now())


@shared_task(name="infra_notifications.report_unheard")
def report() -> None:
    """What notifies nobody, once a day."""
    report_unheard(now=timezone.now())


@shared_task(name="infra_notifications.ocpi_pull")
def ocpi_pull() -> None:
    """Locations of OCPI parties that are to be fetched and compared."""
    pull_due(now=timezone.now())
