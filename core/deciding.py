"""Who may decide: what every task of Celery asks before it begins."""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.exceptions import Ignore
from django.utils import timezone

from core import clock, hold


class Deciding(Task):  # type: ignore[misc]
    """Does nothing while the clock of its process is off by far, which another process or a later time does, and
    nothing in a copy that is held."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if clock.is_off() or hold.is_held(timezone.now()):
            raise Ignore
        return super().__call__(*args, **kwargs)
