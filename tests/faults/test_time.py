"""Two beats at once, and a clock that is set back by an hour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.demo.supervisor import stop_process
from tests.faults.plant import Plant

pytestmark = [pytest.mark.processes, pytest.mark.faults]
HOUR = 3_600.0
CLOCK = Path(__file__).parent / "clock"


def test_two_beats_at_once_repeat_nothing(plant: Plant) -> None:
    stop_process(plant.processes.pop("beat"))
    # And both find an empty schedule: neither writes an entry that the other has written.
    plant.rows("DELETE FROM django_celery_beat_periodictask RETURNING 1")
    plant.rows("DELETE FROM django_celery_beat_intervalschedule RETURNING 1")
    plant.start("beat")
    first = plant.processes.pop("beat")
    plant.start("beat")
    try:
        plant.write("beats", 500)
        assert plant.wait_ended("beats", 500) == {"delivered": 500}
        plant.arrived_once("beats", 500)
        attempts = (
            "SELECT count(*) FROM outbox_attempt a JOIN outbox_delivery d ON d.id = a.delivery_id"
            " WHERE d.address LIKE 'beats%%'"
        )
        assert plant.rows(attempts) == [(500,)]
        plant.is_well()
        assert first.poll() is None, "the first beat still runs"
        assert plant.processes["beat"].poll() is None, "and so does the second"
    finally:
        stop_process(first)


@pytest.fixture
def clock(plant: Plant) -> Iterator[Plant]:
    """Worker, beat, writer and doctor by a clock that can be set."""
    before = dict(plant.env)
    for part in ("worker", "beat"):
        stop_process(plant.processes.pop(part))
    plant.env |= {"PYTHONPATH": str(CLOCK), "FAULTS_CLOCK": str(plant.clock)}
    plant.end_writer()
    plant.set_clock(HOUR)
    plant.start("worker", "beat")
    yield plant
    for part in ("worker", "beat"):
        stop_process(plant.processes.pop(part))
    plant.end_writer()
    plant.env.clear()
    plant.env |= before


def test_clock_that_is_set_back_by_an_hour_holds_nothing_up(clock: Plant) -> None:
    plant = clock
    plant.write("early", 50)
    assert plant.wait_ended("early", 50) == {"delivered": 50}
    ahead = "SELECT min(extract(epoch FROM created_at - now())) FROM outbox_delivery WHERE address LIKE 'early%%'"
    assert plant.rows(ahead)[0][0] > HOUR - 60, "the clock was set"
    # Published by the old time, held by a worker that dies, and waiting, when the clock is set back.
    plant.sink.pause_s = 0.2
    plant.write("step", 300)
    plant.wait_until(lambda: plant.states("step")["sending"] > 0, "some are being sent")
    plant.kill("worker")
    plant.set_clock(0)
    plant.sink.pause_s = 0.0
    plant.write("later", 50)
    plant.start("worker")
    assert plant.wait_ended("later", 50) == {"delivered": 50}
    # A lease that the old time gave is cut to what the new time would give.
    left = "SELECT max(extract(epoch FROM lease_until - now())) FROM outbox_delivery WHERE state = 'sending'"
    plant.wait_until(lambda: (plant.rows(left)[0][0] or 0) <= 121, "no lease lasts for an hour")
    plant.end_leases()
    assert plant.wait_ended("step", 300) == {"delivered": 300}
    came = plant.sink.to("step")
    assert len(came) == 300
    assert all(len(set(ids)) == 1 for ids in came.values())
    plant.is_well()
