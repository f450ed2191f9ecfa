"""Work that takes its time, so that every place of a worker can be taken when something breaks."""

from __future__ import annotations

from celery import shared_task
from django.db import connection


@shared_task(name="faults.sleep")
def sleep(seconds: float) -> None:
    """In the database, where the test can see how many are at it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])
