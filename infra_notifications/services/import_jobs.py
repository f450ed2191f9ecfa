"""Imports of files from the console: checked and then written by a worker, with progress that a person can watch."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.background import Ended, Work, hand_over, move_job, report_progress, reporting, start_job
from core.choices import JobState
from core.models import Job
from infra_notifications.services.imports import ImportCheck, check_file, write_import

PREVIEWED = 20


def start(*, data: bytes, filename: str, by: AbstractBaseUser) -> Job:
    """Keeps the file and has a worker check it."""
    with transaction.atomic():
        label = _("Import of %(name)s") % {"name": filename}
        job = start_job(kind=IMPORT.kind, label=label, created_by=by, payload=data)
        hand_over(job)
    return job


def confirm(*, job: Job) -> bool:
    """A person's yes to what was previewed, upon which a worker writes it; says whether it still waited for one."""
    with transaction.atomic():
        if not move_job(job=job, to=JobState.WAITING, away_from=[JobState.REVIEW]):
            return False
        job.arguments["is_confirmed"] = True
        hand_over(job)
    return True


def _run(job: Job) -> Ended:
    return _write(job) if job.arguments.get("is_confirmed") else _check(job)


def _check(job: Job) -> Ended:
    """Reads the file; the job then waits for a person's yes, or fails with the lines that are wrong."""
    check = check_file(bytes(job.payload), lambda done, total: report_progress(job=job, done=done, total=total))
    preview = [
        {"evse_id": _shown(row.evse_id), "location": _shown(row.location), "city": _shown(row.city)}
        for row in check.rows[:PREVIEWED]
    ]
    message = "" if check.is_clean else _("The file has errors; nothing was imported.")
    result = {"rows": len(check.rows), "created": check.created, "preview": preview, "message": message}
    result["warnings"] = check.warnings
    return Ended(result | _errors(check), JobState.REVIEW if check.is_clean else JobState.FAILED)


def _shown(cell: object) -> str:
    """A cell as it will be stored, which is without what no database takes."""
    return str(cell or "").replace("\x00", "")


def _errors(check: ImportCheck) -> dict[str, object]:
    return {"errors": check.errors, "error_count": check.error_count}


def _write(job: Job) -> Ended:
    """Writes the file's rows, of which none is wrong."""
    check = check_file(bytes(job.payload))
    if not check.is_clean:  # charge points changed meanwhile, or the file was tampered with
        return Ended(_errors(check), JobState.FAILED)
    with reporting(job) as progress:
        done = write_import(check=check, now=timezone.now(), progress=progress)
    n = len(check.rows)
    message = ngettext("%(n)d charge point imported", "%(n)d charge points imported", n) % {"n": n}
    detail = _("%(created)d new, %(changed)d changed, %(same)d unchanged.") % {
        "created": done.created,
        "changed": done.changed,
        "same": done.unchanged,
    }
    return Ended({"message": f"{message}: {detail}", "url": reverse("infra_notifications:charge_points")})


IMPORT = Work("charge_point_import", _run)
