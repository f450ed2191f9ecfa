"""Celery tasks of the outbox."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.services import show_life
from outbox import dispatcher
from outbox.services import sweeping
from outbox.services.bounces.mailbox import poll_mailbox
from outbox.services.topic_lists import notifying


@shared_task(name="outbox.deliver")
def deliver() -> None:
    """Wakes this process's dispatcher, which sends whatever is due; notifies topic lists of what came in."""
    dispatcher.wake()
    notifying.notify_due(now=timezone.now())


@shared_task(name="outbox.poll_bounces", time_limit=600)
def poll_bounces() -> None:
    """Looks for mails that came back in the mailbox that the settings name."""
    poll_mailbox(now=timezone.now())


@shared_task(name="outbox.sweep")
def sweep() -> None:
    """Finds what no nudge announced: leases of dead workers, due retries, gathered mails. The heartbeat of a worker."""
    now = timezone.now()
    show_life(part="worker", now=now)
    sweeping.sweep(now=now)
    dispatcher.wake()
