"""Celery doors of charging infrastructure notifications."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from infra_notifications.services import import_jobs, sweeps


@shared_task(name="infra_notifications.sweep")
def sweep() -> None:
    """What time brings to incidents and notices."""
    sweeps.sweep(now=timezone.now())


@shared_task(name="infra_notifications.remind")
def remind() -> None:
    """Digests and reminders that are due."""
    sweeps.sweep_daily(now=timezone.now())


@shared_task(name="infra_notifications.check_import")
def check_import(job_id: int) -> None:
    import_jobs.check(job_id=job_id)


@shared_task(name="infra_notifications.write_import")
def write_import(job_id: int) -> None:
    import_jobs.write(job_id=job_id, now=timezone.now())
