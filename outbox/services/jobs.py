"""The outbox's long work on its way to a worker: a broker that is away or was wiped delays it, and loses none."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from celery import current_app
from django.db import transaction

from core.choices import JobState
from core.models import Job

log = structlog.get_logger("signalbox.jobs")
# The kinds of job and the task that does each.
TASKS = {"retry_failed": "outbox.retry_selected", "erase_address": "outbox.erase_address"}
# A job that waits for this long is handed over again: the task asks whether it still waits, so twice does no harm.
AGAIN_AFTER = timedelta(seconds=20)
GIVEN_UP_AFTER = timedelta(days=1)


def hand_over(job: Job) -> None:
    """Gives a job to a worker after this transaction's commit. Never raises for a broker that is away."""
    transaction.on_commit(lambda: _send(job))


def hand_over_again(*, now: datetime) -> int:
    """Gives the jobs that still wait to a worker once more; returns how many there were."""
    waiting = Job.objects.defer("payload").filter(
        kind__in=TASKS,
        state=JobState.WAITING,
        created_at__range=(now - GIVEN_UP_AFTER, now - AGAIN_AFTER),
    )
    for job in waiting:
        _send(job)
    return len(waiting)


def _send(job: Job) -> None:
    try:
        current_app.send_task(TASKS[job.kind], (job.pk,), retry=False, ignore_result=True)
    except Exception as error:  # each broker library raises its own kinds
        log.warning("broker not reached; the sweep hands it over again", job=job.pk, error=str(error))
