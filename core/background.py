"""Work too long for a request: kept as a `Job`, done by a worker, watched by a person.

An app registers its kind of work once (`register_work`), starts it with `start_job` and hands it over. Whatever becomes
of it, the job ends: what raises fails and says so; what a worker left behind is handed over again, and fails when that
does not help. A worker holds a lock of its database session while it is at a job, so that a dead one is known at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog
from celery import current_app
from django.contrib.auth.models import AbstractBaseUser
from django.db import Error as DatabaseFailure
from django.db import connection, connections, transaction
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from core.choices import JobState
from core.memory import is_short_of_memory, let_go
from core.models import Job
from core.refusal import Refused
from core.registry import Registry

TASK = "console.run_job"
# A job that nobody is at for this long is handed over again: it is done once however often that happens.
AGAIN_AFTER = timedelta(seconds=20)
GIVEN_UP_AFTER = timedelta(days=1)
# How often a job is begun: one that makes its worker die must not do so for ever.
MOST_TRIES = 3
SWEPT_AT_ONCE = 100
# Any number serves, as long as no other session lock begins with it.
_LOCKS = 7_201_004 << 32
_OPEN = (JobState.WAITING, JobState.RUNNING)
_ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
Progress = Callable[[int, int], None]
log = structlog.get_logger("signalbox.background")


@dataclass(frozen=True)
class Ended:
    """What the person who watches reads: `message`, and where there are any `url`, `lines` and more."""

    result: dict[str, Any] = field(default_factory=dict)
    state: JobState = JobState.DONE


def _only_why(_job: Job, why: str) -> dict[str, Any]:
    return {"message": why}


@dataclass(frozen=True)
class Work:
    """A kind of long work. `run` does what is left of a job, also after a worker died in the middle of it; what it
    raises fails the job. `failed` makes the result of one that failed, from a sentence that says why."""

    kind: str
    run: Callable[[Job], Ended]
    failed: Callable[[Job, str], dict[str, Any]] = _only_why


_works: Registry[Work] = Registry("kind of work")


def register_work(work: Work) -> None:
    _works.add(work.kind, work)


# ---- from the request to the worker ---------------------------------------------------------------------------------


def start_job(
    *,
    kind: str,
    label: str,
    created_by: AbstractBaseUser | None,
    arguments: dict[str, Any] | None = None,
    payload: bytes = b"",
    total: int = 0,
) -> Job:
    """Keeps what is to be done; the language is that of whoever asks for it."""
    own = {"handed_over_at": timezone.now().isoformat(), "tries": 0, "language": translation.get_language()}
    job = Job(kind=kind, label=label[:200], arguments=(arguments or {}) | own, total=total)
    job.created_by = created_by  # type: ignore[assignment]
    job.save()
    if payload:
        # As bytes, of which Django makes a text twice as long and a statement of that.
        with psycopg.Cursor(connection.connection) as cursor:
            cursor.execute("UPDATE console_job SET payload = %b WHERE id = %s", (payload, job.pk))
        job.refresh_from_db()
    return job


def hand_over(job: Job) -> None:
    """Gives a waiting job to a worker after this transaction's commit. Never raises for a broker that is away."""
    job.arguments |= {"handed_over_at": timezone.now().isoformat(), "tries": 0}
    job.save(update_fields=["arguments"])
    transaction.on_commit(lambda: _send(job.pk))


def _send(job_id: int) -> None:
    try:
        current_app.send_task(TASK, (job_id,), retry=False, ignore_result=True)
    except Exception as error:  # each broker library raises its own kinds
        log.warning("broker not reached; the sweep hands the job over again", job=job_id, error=str(error))


def move_job(*, job: Job, to: JobState, away_from: Sequence[JobState], result: dict[str, Any] | None = None) -> bool:
    """Changes a job's state if it stands in one of `away_from`; says whether it did. What has ended loses its payload:
    a file or an address that nobody needs any more."""
    changes: dict[str, Any] = {"state": to}
    if result is not None:
        changes["result"] = result
    if to in _ENDED:
        changes |= {"finished_at": timezone.now(), "payload": b""}
    if not Job.objects.filter(pk=job.pk, state__in=away_from).update(**changes):
        return False
    job.refresh_from_db()
    return True


def report_progress(*, job: Job, done: int, total: int) -> None:
    Job.objects.filter(pk=job.pk).update(done=done, total=total)


@contextmanager
def reporting(job: Job) -> Iterator[Progress]:
    """Progress on a connection of its own, for work in one transaction, which shows nothing until its end."""
    with ThreadPoolExecutor(1) as reporter:

        def report(done: int, total: int) -> None:
            reporter.submit(report_progress, job=job, done=done, total=total)

        try:
            yield report
        finally:
            reporter.submit(connections.close_all)


# ---- in the worker --------------------------------------------------------------------------------------------------


def run_job(*, job_id: int) -> None:
    """Does a job that waits, or that a dead worker left; one that is being done or has ended is left alone.

    Raises what the work raised, unless that was a refusal: the log is then told by whoever called.
    """
    with _holding(job_id) as is_free:
        job = Job.objects.filter(pk=job_id, state__in=_OPEN).first() if is_free else None
        if job is None:
            return
        job.arguments["tries"] = job.arguments.get("tries", 0) + 1
        job.state = JobState.RUNNING
        job.save(update_fields=["state", "arguments"])
        with translation.override(job.arguments.get("language") or translation.get_language()):
            try:
                ended = _works[job.kind].run(job)
                move_job(job=job, to=ended.state, away_from=[JobState.RUNNING], result=ended.result)
            except Exception as error:
                _fail(job, _why(error))
                if not isinstance(error, Refused):
                    raise


def _why(error: Exception) -> str:
    if isinstance(error, Refused):
        return error.sentence
    if is_short_of_memory(error):
        let_go(error)
        return _("This needs more memory than a worker may take (WORKER_MEMORY_MB); nothing was kept. Split it.")
    return _("An unexpected error; see the log.")


@contextmanager
def _holding(job_id: int) -> Iterator[bool]:
    """Whether this session is the one that is at the job, which PostgreSQL forgets as soon as the session ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCKS + job_id])
        is_free: bool = cursor.fetchone()[0]
    try:
        yield is_free
    finally:
        # A session that is broken holds nothing any more.
        with suppress(DatabaseFailure):
            if is_free:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCKS + job_id])


def _fail(job: Job, why: str) -> None:
    """Ends a job with a sentence; what was done until then stays done."""
    job.refresh_from_db(fields=["done", "total", "arguments"])
    work = _works.get(job.kind)
    result = work.failed(job, why) if work is not None else _only_why(job, why)
    move_job(job=job, to=JobState.FAILED, away_from=_OPEN, result=result)


# ---- what nobody is at ----------------------------------------------------------------------------------------------


def sweep(*, now: datetime) -> None:
    """Hands over again what no worker took and what a worker left when it died, and ends what that does not help."""
    waiting = Job.objects.filter(state__in=_OPEN, created_at__lt=now - AGAIN_AFTER)
    for job in waiting.order_by("pk")[:SWEPT_AT_ONCE]:
        since = parse_datetime(job.arguments.get("handed_over_at", "")) or job.created_at
        if since >= now - AGAIN_AFTER:
            continue
        with _holding(job.pk) as is_free:
            why = _hopeless(job, since, now) if is_free else ""
            if why:
                _fail(job, why)
        if is_free and not why:
            _send(job.pk)


def _hopeless(job: Job, since: datetime, now: datetime) -> str:
    """Why a job that nobody is at is given up; empty while there is hope."""
    with translation.override(job.arguments.get("language") or translation.get_language()):
        if job.arguments.get("tries", 0) >= MOST_TRIES:
            return _("The worker stopped %(n)d times while it was at it.") % {"n": MOST_TRIES}
        if since < now - GIVEN_UP_AFTER:
            return _("No worker took it within a day.")
    return ""
