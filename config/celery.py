"""Celery's app. Its settings are the CELERY_* values of the settings file."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import structlog
from celery import Celery
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun, worker_process_init
from django.conf import settings

import config.brokers  # noqa: F401 - mends what Celery uses
from core.logs import catch_stray_errors
from core.memory import limit_growth

app = Celery("signalbox", task_cls="core.deciding:Deciding")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@before_task_publish.connect
def hand_on_request(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """A task knows for which request it is done; what it sends again knows it too."""
    known = structlog.contextvars.get_contextvars().get("request_id")
    if headers is not None and known:
        headers["request_id"] = known


@task_prerun.connect
def name_request(task_id: str = "", task: Any = None, **_: Any) -> None:
    """Its lines bear the request's id; those of a task that nobody asked for its own."""
    asked = getattr(task.request, "request_id", None) if task is not None else None
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=asked or task_id, task=getattr(task, "name", ""))


@worker_process_init.connect
def limit_memory(**_: Any) -> None:
    """What asks for too much fails by itself: the process also sends the mails."""
    limit_growth(settings.WORKER_MEMORY_MB)


@task_postrun.connect
def forget_request(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Connected so that Celery leaves logging alone: the settings configured it, one JSON line per event."""
    catch_stray_errors()
