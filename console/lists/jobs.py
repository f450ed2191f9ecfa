"""The work of a bulk action, chunk by chunk: each thousand rows and their progress are one transaction."""

from __future__ import annotations

from typing import Any

from auditlog.context import set_actor
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import BinaryField, F, Func, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from console.lists.actions import BulkAction, BulkRun, bulk_action
from core.background import Ended, Work, hand_over, run_job, start_job
from core.models import Job
from core.refusal import Refused
from core.undo import complete_undo, grow_undo, keep_undo, unpacked

CHUNK = 1_000


def start_bulk(*, action: BulkAction, ids: bytes, arguments: dict[str, Any], by: User, url: str, at_once: bool) -> Job:
    """Keeps what is to be done, and does it: now, or by a worker."""
    with transaction.atomic():
        job = start_job(
            kind=BULK.kind,
            label=f"{action.label} ({len(ids) // 8})",
            created_by=by,
            payload=ids,
            total=len(ids) // 8,
            arguments={
                "action": action.key,
                "arguments": arguments,
                "url": url,
                "changed": 0,
                "undo": _undo_of(action, arguments, by),
            },
        )
        if not at_once:
            hand_over(job)
    if at_once:
        run_job(job_id=job.pk)
        job.refresh_from_db()
    return job


def _undo_of(action: BulkAction, arguments: dict[str, Any], by: User) -> int | None:
    if not action.undo:
        return None
    now = timezone.now()
    undo = keep_undo(kind=action.key, label=str(action.label), arguments=arguments, by=by, now=now, complete=False)
    return int(undo.pk)


def _run(job: Job) -> Ended:
    while job.done < job.total:
        action = _run_chunk(job)
    sentence = action.said(job.arguments["changed"], job.arguments["arguments"])
    return Ended(_shown(job, sentence))


def _run_chunk(job: Job) -> BulkAction:
    """One chunk and its progress in one transaction."""
    action = bulk_action(job.arguments["action"])
    with transaction.atomic():
        by = User.objects.filter(pk=job.created_by_id or 0, is_active=True).first()
        if action is None or by is None or not by.has_perm(action.permission):
            raise Refused(_("This is no longer allowed to who asked for it."))
        ids = _chunk(job)
        with set_actor(by):
            changed = list(action.run(BulkRun(ids, job.arguments["arguments"], by, timezone.now())))
        if job.arguments["undo"] and changed:
            grow_undo(undo_id=job.arguments["undo"], ids=changed)
        job.done += len(ids)
        job.arguments["changed"] += len(changed)
        job.save(update_fields=["done", "arguments"])
    return action


def _chunk(job: Job) -> list[int]:
    """The ids that are next, cut out of the payload by the database."""
    piece = Func(F("payload"), Value(job.done * 8 + 1), Value(CHUNK * 8), function="substring")
    piece.output_field = BinaryField()
    return unpacked(Job.objects.filter(pk=job.pk).values_list(piece, flat=True)[0])


def _failed(job: Job, why: str) -> dict[str, Any]:
    """What was done until then stays done, and can be taken back."""
    sentence = _("It ended after %(done)d of %(total)d: %(why)s") % {"done": job.done, "total": job.total, "why": why}
    return _shown(job, sentence)


def _shown(job: Job, message: str) -> dict[str, Any]:
    result = {"message": message, "url": job.arguments["url"]}
    undo = job.arguments["undo"]
    if undo and complete_undo(undo_id=undo, label=message, now=timezone.now()):
        result["undo"] = undo
    return result


BULK = Work("bulk", _run, _failed)
