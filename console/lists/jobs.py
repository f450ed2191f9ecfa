"""The work of a bulk action, chunk by chunk: each thousand rows and their progress are one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from auditlog.context import set_actor
from celery import current_app
from celery.exceptions import OperationalError as BrokerError
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import BinaryField, F, Func, Value
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError as KombuError

from console.lists.actions import BulkAction, BulkRun, bulk_action
from core.choices import JobState
from core.models import Job
from core.services import start_job
from core.undo import complete_undo, grow_undo, keep_undo, unpacked

KIND = "bulk"
CHUNK = 1_000
# A job that no worker took within this time lost its nudge.
NUDGE_AGAIN_AFTER = timedelta(seconds=20)
# The payload first: it is written at the end alone.
_WRITTEN = ("payload", "done", "arguments", "state", "result", "finished_at")
log = structlog.get_logger("signalbox.bulk")


def start_bulk(*, action: BulkAction, ids: bytes, arguments: dict[str, Any], by: User, url: str, at_once: bool) -> Job:
    """Keeps what is to be done, and does it: now, or by a worker."""
    total = len(ids) // 8
    with transaction.atomic():
        job = start_job(
            kind=KIND,
            label=f"{action.label} ({total})",
            created_by=by,
            payload=ids,
            total=total,
            arguments={
                "action": action.key,
                "arguments": arguments,
                "url": url,
                "language": translation.get_language(),
                "changed": 0,
                "undo": _undo_of(action, arguments, by),
            },
        )
        if not at_once:
            transaction.on_commit(lambda: nudge(job.pk))
    if at_once:
        run_bulk(job_id=job.pk)
        job.refresh_from_db()
    return job


def _undo_of(action: BulkAction, arguments: dict[str, Any], by: User) -> int | None:
    if not action.undo:
        return None
    now = timezone.now()
    undo = keep_undo(kind=action.key, label=str(action.label), arguments=arguments, by=by, now=now, complete=False)
    return int(undo.pk)


def nudge(job_id: int) -> None:
    """Tells a worker; a broker that is away costs seconds, because beat looks for what waits."""
    try:
        current_app.send_task("console.run_bulk", (job_id,), retry=False, ignore_result=True)
    except (BrokerError, KombuError, OSError) as error:
        log.warning("broker away", job=job_id, error=str(error))


def nudge_waiting(*, now: datetime) -> None:
    """Nudges again for jobs that no worker has taken, or whose worker died: nobody holds their row."""
    open_states = (JobState.WAITING, JobState.RUNNING)
    waiting = Job.objects.filter(kind=KIND, state__in=open_states, created_at__lt=now - NUDGE_AGAIN_AFTER)
    with transaction.atomic():
        free = list(waiting.select_for_update(skip_locked=True).order_by("id").values_list("pk", flat=True)[:20])
    for pk in free:
        nudge(pk)


def run_bulk(*, job_id: int) -> None:
    """Does what is left of a job. Begun twice, the two take turns, and every row is done once."""
    try:
        while _run_chunk(job_id):
            continue
    except Exception as error:
        _fail(job_id, error)
        if not isinstance(error, ValidationError):
            raise


def _run_chunk(job_id: int) -> bool:
    """One chunk and its progress in one transaction; says whether there may be more."""
    with transaction.atomic():
        job = Job.objects.select_for_update().defer("payload").get(pk=job_id)
        action = bulk_action(job.arguments["action"])
        if job.state not in (JobState.WAITING, JobState.RUNNING):
            return False
        by = User.objects.filter(pk=job.created_by_id or 0, is_active=True).first()
        if action is None or by is None or not by.has_perm(action.permission):
            raise ValidationError(_("This is no longer allowed to who asked for it."))
        ids = _chunk(job)
        now, arguments = timezone.now(), job.arguments["arguments"]
        with set_actor(by), translation.override(job.arguments["language"]):
            changed = list(action.run(BulkRun(ids, arguments, by, now))) if ids else []
            if job.arguments["undo"] and changed:
                grow_undo(undo_id=job.arguments["undo"], ids=changed)
            job.done += len(ids)
            job.arguments["changed"] += len(changed)
            job.state = JobState.RUNNING
            if job.done >= job.total or not ids:
                _end(job, JobState.DONE, action.said(job.arguments["changed"], arguments), now)
        job.save(update_fields=_WRITTEN if job.is_ended else _WRITTEN[1:])
    return job.state == JobState.RUNNING


def _chunk(job: Job) -> list[int]:
    """The ids that are next, cut out of the payload by the database."""
    piece = Func(F("payload"), Value(job.done * 8 + 1), Value(CHUNK * 8), function="substring")
    piece.output_field = BinaryField()
    return unpacked(Job.objects.filter(pk=job.pk).values_list(piece, flat=True)[0])


def _end(job: Job, state: JobState, message: str, now: datetime) -> None:
    undo = job.arguments["undo"]
    job.state, job.finished_at, job.payload = state, now, b""
    job.result = {"message": message, "url": job.arguments["url"]}
    if undo and complete_undo(undo_id=undo, label=message, now=now):
        job.result["undo"] = undo


def _fail(job_id: int, error: Exception) -> None:
    """What was done until then stays done, and can be taken back."""
    with transaction.atomic():
        job = Job.objects.select_for_update().defer("payload").get(pk=job_id)
        if job.is_ended:
            return
        with translation.override(job.arguments["language"]):
            why = (
                " ".join(error.messages)
                if isinstance(error, ValidationError)
                else _("An unexpected error; see the log.")
            )
            said = _("It ended after %(done)d of %(total)d: %(why)s") % {
                "done": job.done,
                "total": job.total,
                "why": why,
            }
        _end(job, JobState.FAILED, said, timezone.now())
        job.save(update_fields=_WRITTEN)
