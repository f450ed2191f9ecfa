"""A worker that dies in the middle of long work, and what it would have been told of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import current_app
from django.db.models.signals import post_save

from core.background import TASK
from core.models import Job


class WorkerDied(BaseException):
    """Like a killed process, it is no error that anything would catch."""


@contextmanager
def worker_dying(*, after: int) -> Iterator[None]:
    """The worker dies in the transaction that would have done more than `after` rows of a job."""

    def die(instance: Job, **_kwargs: Any) -> None:
        if instance.done > after:
            raise WorkerDied

    post_save.connect(die, sender=Job)
    try:
        with pytest.raises(WorkerDied):
            yield
    finally:
        post_save.disconnect(die, sender=Job)


def catch_handed_over(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the jobs that are given to a worker from now on; none arrives there."""
    handed_over: list[int] = []
    send = current_app.send_task

    def catch(name: str, args: Any = (), **options: Any) -> Any:
        return handed_over.append(args[0]) if name == TASK else send(name, args, **options)

    monkeypatch.setattr(current_app, "send_task", catch)
    return handed_over
