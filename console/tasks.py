"""Celery doors of the console."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from console import retention
from console.lists import jobs
from console.search import stored


@shared_task(name="console.run_bulk")
def run_bulk(job_id: int) -> None:
    jobs.run_bulk(job_id=job_id)


@shared_task(name="console.sweep")
def sweep() -> None:
    """Bulk work whose nudge or worker was lost."""
    jobs.nudge_waiting(now=timezone.now())


@shared_task(name="console.count_facets")
def count_facets() -> None:
    """The values of long lists, counted for filters and suggestions."""
    stored.refresh_counts(now=timezone.now())


@shared_task(name="console.prune")
def prune() -> None:
    """Deletes what is older than its retention, for some seconds; the next run goes on."""
    retention.prune_old(now=timezone.now())
