"""Celery doors of what all apps share. Their names are as they were when they lay in the console."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core import background, retention
from core.search import stored, vocabulary


@shared_task(name="console.count_facets")
def count_facets() -> None:
    """The values of long lists, counted for filters and suggestions."""
    stored.refresh_counts(now=timezone.now())


@shared_task(name="console.clear_known_values")
def clear_known_values() -> None:
    """What searches know of columns, without what nobody holds any more."""
    vocabulary.clear_unheld()


@shared_task(name="console.prune")
def prune() -> None:
    """Deletes what is older than its retention, for some seconds; the next run goes on."""
    retention.prune_old(now=timezone.now())


@shared_task(name=background.TASK)
def run_job(job_id: int) -> None:
    background.run_job(job_id=job_id)


@shared_task(name="console.sweep")
def sweep() -> None:
    """Long work whose nudge or worker was lost."""
    background.sweep(now=timezone.now())
