"""Celery doors of charging infrastructure notifications."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from infra_notifications.services import import_jobs, incidents, notices


@shared_task(name="infra_notifications.sweep")
def sweep() -> None:
    """What time brings: silences that became alerts, momentary events that are over, notices that are due."""
    now = timezone.now()
    while incidents.sweep_silence(now=now) >= incidents.SWEEP_LIMIT:
        continue
    incidents.end_momentary(now=now)
    while notices.tell_due(now=now) >= notices.TELL_LIMIT:
        continue


@shared_task(name="infra_notifications.check_import")
def check_import(job_id: int) -> None:
    import_jobs.check(job_id=job_id)


@shared_task(name="infra_notifications.write_import")
def write_import(job_id: int) -> None:
    import_jobs.write(job_id=job_id, now=timezone.now())
