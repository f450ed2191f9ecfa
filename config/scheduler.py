"""The scheduler that beat runs: django-celery-beat's, with the code's default entries and a sign of life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from celery.schedules import schedstate
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from core.alive import show_alive
from core.schedule import periodic_tasks
from core.services import show_life

log = structlog.get_logger("signalbox.beat")
LIFE_EVERY = timedelta(seconds=5)
# Any fixed number serves, as long as nothing else locks it.
_LOCK = 7_201_003


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
    _ticked = datetime.min.replace(tzinfo=UTC)

    def setup_schedule(self) -> None:
        """Writes the default entries that are missing; what an administrator changed stays changed."""
        with transaction.atomic(), connection.cursor() as cursor:
            # One beat at a time: nothing else keeps an interval from being there twice, and an administrator may have
            # made a second one, so that it is taken and not asked for.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            for periodic in periodic_tasks():
                every = {"every": periodic.every_s, "period": IntervalSchedule.SECONDS}
                interval = IntervalSchedule.objects.filter(**every).order_by("pk").first()
                PeriodicTask.objects.get_or_create(
                    name=periodic.name,
                    defaults={
                        "task": periodic.task,
                        "interval": interval or IntervalSchedule.objects.create(**every),
                    },
                )
        self.install_default_entries(self.schedule)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        now = datetime.now(UTC)  # of this process, which its heap is ordered by
        if now + timedelta(seconds=1) < self._ticked:
            # The clock was set back. The heap is ordered by the old time, and only its head is looked at: what ran
            # once by the new time would stand before all others until the old time has come again.
            self._heap = None
        self._ticked = now
        show_alive("beat", settings.METRICS_DIR)
        if abs(now - self._shown) >= LIFE_EVERY:
            try:
                close_old_connections()
                show_life(part="beat", now=timezone.now())
                self._shown = now
            except DatabaseError as error:
                log.warning("beat cannot show life", error=str(error))
        delay: float = super().tick(*args, **kwargs)
        return min(delay, LIFE_EVERY.total_seconds())
