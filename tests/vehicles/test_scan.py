"""The benchmark's fleet, small: what it fills in is what the sweep finds, and the statements still fit the tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery.signals import before_task_publish
from django.db import connection, connections
from django.utils import timezone

from bench import vehicles as bench
from tests.vehicles.helpers import states
from vehicles import tasks
from vehicles.models import Driver, Vehicle
from vehicles.services.evaluation import AT_ONCE, sweep_due

pytestmark = pytest.mark.usefixtures("db")


def test_the_benchmarks_fleet_is_swept_as_the_benchmark_says() -> None:
    _fleet(60, 3)
    assert (Driver.objects.count(), Vehicle.objects.count()) == (60, 60)
    assert sweep_due(now=timezone.now()) == 3
    assert states("ZeInteractiveExpiresSoon") == ["open"] * 3
    assert sweep_due(now=timezone.now()) == 0


def _fleet(drivers: int, due: int) -> None:
    with connection.cursor() as cursor:
        for sql, params in bench.fleet(drivers=drivers, due=due, now=timezone.now()):
            cursor.execute(sql, params)


@pytest.mark.parametrize(("due", "asked"), [(20, 0), (AT_ONCE + 20, 1)])
def test_a_second_worker_is_asked_when_much_is_due(due: int, asked: int) -> None:
    _fleet(due, due)
    published: list[str] = []

    def note(sender: str, **_: Any) -> None:
        published.append(sender)

    before_task_publish.connect(note)
    try:
        tasks.sweep()
    finally:
        before_task_publish.disconnect(note)
    assert published.count("vehicles.sweep_more") == asked
    assert states("ZeInteractiveExpiresSoon") == ["open"] * due


def test_workers_that_sweep_at_once_tell_everybody_once(committed: None) -> None:
    _fleet(3 * AT_ONCE, 3 * AT_ONCE)

    def work(_number: int) -> None:
        try:
            tasks.sweep_more()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as workers:
        list(workers.map(work, range(3)))
    assert states("ZeInteractiveExpiresSoon") == ["open"] * 3 * AT_ONCE
    assert not Driver.objects.filter(due_at__lte=timezone.now()).exists()
