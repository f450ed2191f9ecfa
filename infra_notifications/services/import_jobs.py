"""CSV imports from the console: checked and then written by a worker, with progress that a person can watch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from celery import current_app
from django.contrib.auth.models import AbstractBaseUser
from django.db import connections, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.choices import JobState
from core.models import Job
from core.services import move_job, report_progress, start_job
from infra_notifications.services.imports import check_csv, write_import

KIND = "charge_point_import"
PREVIEWED = 20


def start(*, data: bytes, filename: str, by: AbstractBaseUser) -> Job:
    """Keeps the file and has a worker check it."""
    with transaction.atomic():
        job = start_job(kind=KIND, label=_("Import of %(name)s") % {"name": filename}, created_by=by, payload=data)
        transaction.on_commit(lambda: current_app.send_task("infra_notifications.check_import", [job.pk]))
    return job


def check(*, job_id: int) -> None:
    """Reads the file; the job then waits for a person's yes, or fails with the lines that are wrong."""
    job = Job.objects.get(pk=job_id)
    if not move_job(job=job, to=JobState.RUNNING, away_from=[JobState.WAITING]):
        return
    found = check_csv(bytes(job.payload), lambda done, total: report_progress(job=job, done=done, total=total))
    result = {
        "rows": len(found.rows),
        "created": found.created,
        "errors": found.errors,
        "error_count": found.error_count,
        "preview": [
            {"evse_id": row.evse_id, "location": str(row.location or ""), "city": str(row.city or "")}
            for row in found.rows[:PREVIEWED]
        ],
        "message": _("The file has errors; nothing was imported.") if found.error_count else "",
    }
    target = JobState.REVIEW if found.is_clean else JobState.FAILED
    move_job(job=job, to=target, away_from=[JobState.RUNNING], result=result)


def confirm(*, job: Job) -> bool:
    """A person's yes to what was previewed; says whether it still waited for one."""
    with transaction.atomic():
        if not move_job(job=job, to=JobState.WAITING, away_from=[JobState.REVIEW]):
            return False
        transaction.on_commit(lambda: current_app.send_task("infra_notifications.write_import", [job.pk]))
    return True


def write(*, job_id: int, now: datetime) -> None:
    """Writes the file's rows, all or nothing."""
    job = Job.objects.get(pk=job_id)
    if not move_job(job=job, to=JobState.RUNNING, away_from=[JobState.WAITING]):
        return
    found = check_csv(bytes(job.payload))
    if not found.is_clean:  # charge points changed meanwhile, or the file was tampered with
        result = {"errors": found.errors, "error_count": found.error_count}
        move_job(job=job, to=JobState.FAILED, away_from=[JobState.RUNNING], result=result)
        return
    # The progress is written on a connection of its own: the import's transaction shows nothing until its end.
    with ThreadPoolExecutor(1) as reporter:
        done = write_import(check=found, now=now, progress=lambda n, total: _report(reporter, job, n, total))
        reporter.submit(connections.close_all)
    message = ngettext("%(n)d charge point imported", "%(n)d charge points imported", len(found.rows)) % {
        "n": len(found.rows)
    }
    detail = _("%(created)d new, %(changed)d changed, %(same)d unchanged.") % {
        "created": done.created,
        "changed": done.changed,
        "same": done.unchanged,
    }
    result = {"message": f"{message}: {detail}", "url": reverse("infra_notifications:charge_points")}
    move_job(job=job, to=JobState.DONE, away_from=[JobState.RUNNING], result=result)


def _report(reporter: ThreadPoolExecutor, job: Job, done: int, total: int) -> None:
    reporter.submit(report_progress, job=job, done=done, total=total)
