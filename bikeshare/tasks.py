"""Celery doors of bike-share."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from bikeshare.services import feeds, subscriptions, watching


@shared_task(name="bikeshare.sweep")
def sweep() -> None:
    """What time brings: trials that end in 72 hours, and what is watched in the fleets."""
    while subscriptions.notify_trial_ends(now=timezone.now()) >= subscriptions.SWEEP_LIMIT:
        continue
    watching.watch_fleets(now=timezone.now())


@shared_task(name="bikeshare.read_feeds")
def read_feeds() -> None:
    """Feeds of others whose turn it is."""
    feeds.read_due(now=timezone.now())
