"""The scheduler that beat runs: django-celery-beat's, with the code's default entries and a sign of life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from celery.schedules import schedstate
from django.db import DatabaseError, close_old_connections
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from console.schedule import periodic_tasks
from console.services import show_life

log = structlog.get_logger("signalbox.beat")
LIFE_EVERY = timedelta(seconds=5)


class Entry(ModelEntry):
    """An entry that is due again when the clock was set back: its last run then seems to lie in the future."""

    last_run_at: datetime

    def is_due(self) -> schedstate:
        now = self._default_now()
        if self.last_run_at and self.last_run_at > now + timedelta(seconds=1):
            self.last_run_at = now - timedelta(days=1)
        return super().is_due()


class Scheduler(DatabaseScheduler):
    """django-celery-beat's scheduler, which also brings the code's default entries and shows that beat lives."""

    Entry = Entry
    _shown = datetime.min.replace(tzinfo=UTC)

    def setup_schedule(self) -> None:
        """Writes the default entries that are missing; what an administrator changed stays changed."""
        for periodic in periodic_tasks():
            interval, _ = IntervalSchedule.objects.get_or_create(
                every=periodic.every_s, period=IntervalSchedule.SECONDS
            )
            PeriodicTask.objects.get_or_create(
                name=periodic.name, defaults={"task": periodic.task, "interval": interval}
            )
        self.install_default_entries(self.schedule)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        now = datetime.now(UTC)
        if abs(now - self._shown) >= LIFE_EVERY:
            try:
                close_old_connections()
                show_life(part="beat", now=now)
                self._shown = now
            except DatabaseError as error:
                log.warning("beat cannot show life", error=str(error))
        delay: float = super().tick(*args, **kwargs)
        return min(delay, LIFE_EVERY.total_seconds())
