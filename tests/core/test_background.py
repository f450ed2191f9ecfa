"""Long work ends, whatever becomes of its worker, its broker or itself, and says how."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from celery import current_app
from django.db import connection
from django.db.models import Model
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from core.background import (
    AGAIN_AFTER,
    GIVEN_UP_AFTER,
    MOST_TRIES,
    TASK,
    Ended,
    Work,
    hand_over,
    move_job,
    register_work,
    report_progress,
    run_job,
    start_job,
    sweep,
)
from core.choices import JobState
from core.models import Job, Undo
from core.refusal import Refused
from tests.dying import WorkerDied, catch_handed_over

LATER = AGAIN_AFTER * 2
steps: list[Callable[[Job], Ended]] = []


def _next_step(job: Job) -> Ended:
    return steps[0](job)


register_work(Work("tests.work", _next_step, lambda job, why: {"message": f"{why} ({job.done})"}))


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Jobs are rows."""


@pytest.fixture
def does() -> Iterator[Callable[[Callable[[Job], Ended]], None]]:
    yield lambda step: steps.__setitem__(slice(None), [step])
    steps.clear()


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return catch_handed_over(monkeypatch)


def a_job(**more: Any) -> Job:
    return start_job(kind="tests.work", label="x", created_by=None, payload=b"who", **more)


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def ending(job: Job) -> tuple[str, str, bytes]:
    found = fresh(job)
    assert (found.finished_at is not None) == found.is_ended
    return found.state, found.result.get("message", ""), bytes(found.payload)


def test_what_was_done_is_shown_and_the_payload_forgotten(does: Any) -> None:
    def step(job: Job) -> Ended:
        report_progress(job=job, done=2, total=4)
        assert (fresh(job).state, fresh(job).percent) == (JobState.RUNNING, 50)
        return Ended({"message": bytes(job.payload).decode()})

    does(step)
    job = a_job()
    run_job(job_id=job.pk)
    assert ending(job) == ("done", "who", b"")
    run_job(job_id=job.pk)
    assert fresh(job).arguments["tries"] == 1


def test_work_may_wait_for_a_person_and_keeps_its_payload(does: Any) -> None:
    does(lambda job: Ended({"message": "look"}, JobState.REVIEW))
    job = a_job()
    run_job(job_id=job.pk)
    assert ending(job) == ("review", "look", b"who")


def test_what_raises_fails_says_so_and_is_raised_for_the_log(does: Any) -> None:
    def step(job: Job) -> Ended:
        report_progress(job=job, done=7, total=9)
        raise RuntimeError("secret")

    does(step)
    job = a_job()
    with pytest.raises(RuntimeError):
        run_job(job_id=job.pk)
    assert ending(job) == ("failed", "An unexpected error; see the log. (7)", b"")


def test_a_refusal_fails_with_its_own_sentence(does: Any) -> None:
    def step(job: Job) -> Ended:
        raise Refused("The group is gone.")

    does(step)
    job = a_job()
    run_job(job_id=job.pk)
    assert ending(job)[:2] == ("failed", "The group is gone. (0)")


def test_it_speaks_the_language_of_who_asked(does: Any) -> None:
    does(lambda job: Ended({"message": _("Waiting")}))
    with translation.override("de"):
        job = a_job()
    run_job(job_id=job.pk)
    assert ending(job)[1] == "Wartet"


def test_it_is_handed_over_after_the_commit_and_no_earlier(
    handed_over: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = a_job()
        hand_over(job)
        assert handed_over == []
    assert handed_over == [job.pk]


def test_a_broker_that_is_away_delays_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def away(*_args: Any, **_options: Any) -> None:
        raise OSError("no broker")

    with monkeypatch.context() as broken, django_capture_on_commit_callbacks(execute=True):
        broken.setattr(current_app, "send_task", away)
        job = a_job()
        hand_over(job)
    handed_over = catch_handed_over(monkeypatch)
    sweep(now=timezone.now())
    assert handed_over == []
    sweep(now=timezone.now() + LATER)
    assert (handed_over, fresh(job).state) == ([job.pk], "waiting")


def test_a_job_whose_worker_vanished_is_done_by_another(does: Any, handed_over: list[int]) -> None:
    def dies(job: Job) -> Ended:
        raise WorkerDied

    does(dies)
    job = a_job()
    with pytest.raises(WorkerDied):
        run_job(job_id=job.pk)
    assert fresh(job).state == "running"
    sweep(now=timezone.now() + LATER)
    assert handed_over == [job.pk]
    does(lambda job: Ended({"message": "done"}))
    run_job(job_id=job.pk)
    assert ending(job) == ("done", "done", b"")


def test_a_job_that_kills_its_workers_ends_as_failed_and_says_so(does: Any, handed_over: list[int]) -> None:
    def dies(job: Job) -> Ended:
        raise WorkerDied

    does(dies)
    job = a_job()
    for _n in range(MOST_TRIES):
        with pytest.raises(WorkerDied):
            run_job(job_id=job.pk)
    sweep(now=timezone.now() + LATER)
    assert ending(job) == ("failed", "The worker stopped 3 times while it was at it. (0)", b"")
    assert handed_over == []


@pytest.mark.parametrize("state", [JobState.WAITING, JobState.RUNNING])
@pytest.mark.parametrize("kind", ["tests.work", "no.longer.known"])
def test_a_job_that_nobody_takes_for_a_day_ends_as_failed(handed_over: list[int], state: str, kind: str) -> None:
    job = a_job()
    Job.objects.update(state=state, kind=kind)
    sweep(now=timezone.now() + GIVEN_UP_AFTER - timedelta(minutes=1))
    assert (fresh(job).state, handed_over) == (state, [job.pk])
    sweep(now=timezone.now() + GIVEN_UP_AFTER + timedelta(minutes=1))
    assert ending(job)[0] == "failed"
    assert ending(job)[1].startswith("No worker took it within a day.")


def test_a_row_that_knows_nothing_of_being_handed_over_ends_too(handed_over: list[int]) -> None:
    job = Job.objects.create(kind="tests.work", label="of an earlier version", state=JobState.RUNNING)
    sweep(now=timezone.now() + GIVEN_UP_AFTER * 2)
    assert ending(job)[0] == "failed"


def test_what_waits_for_a_person_or_has_ended_is_left_alone(handed_over: list[int]) -> None:
    for state in (JobState.REVIEW, JobState.DONE, JobState.FAILED, JobState.CANCELLED):
        move_job(job=a_job(), to=state, away_from=[JobState.WAITING])
    before = list(Job.objects.order_by("pk").values())
    sweep(now=timezone.now() + GIVEN_UP_AFTER * 2)
    assert (list(Job.objects.order_by("pk").values()), handed_over) == (before, [])


def test_a_job_that_a_person_confirmed_late_has_its_time_from_then_on(handed_over: list[int]) -> None:
    job = a_job()
    Job.objects.update(created_at=timezone.now() - GIVEN_UP_AFTER * 3, state=JobState.REVIEW)
    assert move_job(job=job, to=JobState.WAITING, away_from=[JobState.REVIEW])
    hand_over(job)
    sweep(now=timezone.now() + LATER)
    assert (fresh(job).state, handed_over) == ("waiting", [job.pk])


def test_nobody_begins_or_gives_up_what_a_living_worker_is_at(
    committed: None, does: Any, handed_over: list[int]
) -> None:
    """The worker's own session holds the job, for as long as it lives."""
    job = a_job()
    database = connection.settings_dict
    other = psycopg.connect(
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        host=database["HOST"],
        port=database["PORT"],
    )
    begun: list[int] = []

    def step(job: Job) -> Ended:
        begun.append(job.pk)
        return Ended()

    does(step)
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [(7_201_004 << 32) + job.pk])
        run_job(job_id=job.pk)
        sweep(now=timezone.now() + GIVEN_UP_AFTER * 2)
        assert (begun, fresh(job).state, handed_over) == ([], "waiting", [])
    finally:
        other.close()
    for _try in range(200):  # the server notices the end of a session a little later
        run_job(job_id=job.pk)
        if begun:
            break
        time.sleep(0.05)
    assert (begun, fresh(job).state) == ([job.pk], "done")


def test_a_job_is_not_held_once_it_is_done(committed: None, does: Any) -> None:
    does(lambda job: Ended())
    run_job(job_id=a_job().pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)


def test_a_kind_of_work_is_registered_once() -> None:
    with pytest.raises(ValueError, match=r"tests\.work"):
        register_work(Work("tests.work", _next_step))


def test_the_worker_knows_the_task() -> None:
    current_app.loader.import_default_modules()
    assert TASK in current_app.tasks


@pytest.mark.parametrize("model", [Job, Undo])
def test_no_payload_is_read_that_nobody_asks_for(model: type[Model]) -> None:
    """Whoever looks at a job's progress got its whole file, once a second."""
    assert "payload" not in str(model._default_manager.all().query)


def test_a_payload_is_kept_as_it_is() -> None:
    content = bytes(range(256)) * 5_000
    job = start_job(kind="tests.work", label="x", created_by=None, payload=content)
    assert bytes(Job.objects.get(pk=job.pk).payload) == content


def test_work_that_needs_too_much_memory_says_so(does: Callable[[Callable[[Job], Ended]], None]) -> None:
    def asks_for_too_much(job: Job) -> Ended:
        raise MemoryError

    does(asks_for_too_much)
    job = start_job(kind="tests.work", label="x", created_by=None)
    with pytest.raises(MemoryError):
        run_job(job_id=job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "more memory than a worker may take" in job.result["message"]
