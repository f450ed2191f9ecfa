"""Celery doors of the console."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from console.lists import jobs


@shared_task(name="console.run_bulk")
def run_bulk(job_id: int) -> None:
    jobs.run_bulk(job_id=job_id)


@shared_task(name="console.sweep")
def sweep() -> None:
    """Bulk work whose nudge or worker was lost."""
    jobs.nudge_waiting(now=timezone.now())
