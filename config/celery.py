"""Celery's app. Its settings are the CELERY_* values of the settings file."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from celery import Celery
from celery.signals import setup_logging

import config.brokers  # noqa: F401 - mends what Celery uses

app = Celery("signalbox")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Connected so that Celery leaves logging alone: the settings configured it, one JSON line per event."""
