"""Celery doors of bike-share."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from bikeshare.services import subscriptions


@shared_task(name="bikeshare.sweep")
def sweep() -> None:
    """What time brings: trials that end in 72 hours."""
    while subscriptions.notify_trial_ends(now=timezone.now()) >= subscriptions.SWEEP_LIMIT:
        continue
