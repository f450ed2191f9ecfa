"""Two beats at once, and machines the clocks of which are off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.demo.supervisor import stop_process
from tests.faults.plant import Plant

pytestmark = [pytest.mark.processes, pytest.mark.faults]
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


FAR, NEAR = 600.0, 7.0


@pytest.fixture
def clock(plant: Plant) -> Iterator[Plant]:
    """Worker, beat, writer and doctor on a machine the clock of which can be set."""
    before = dict(plant.env)
    for part in ("worker", "beat"):
        stop_process(plant.processes.pop(part))
    plant.env |= {"PYTHONPATH": str(CLOCK), "FAULTS_CLOCK": str(plant.clock)}
    plant.end_writer()
    plant.set_clock(0)
    yield plant
    plant.end_writer()
    plant.env.clear()
    plant.env |= before
    for part in ("worker", "beat"):
        stop_process(plant.processes.pop(part))


@pytest.mark.parametrize("off_s", [FAR, -FAR])
def test_machine_whose_clock_is_off_by_far_decides_nothing_until_it_is_set(clock: Plant, off_s: float) -> None:
    plant, name = clock, "fast" if off_s > 0 else "slow"
    plant.set_clock(off_s)
    plant.start("worker", "beat")
    plant.write(name, 20)
    # What it writes has the database's time all the same.
    ahead = (
        f"SELECT max(abs(extract(epoch FROM created_at - now()))) FROM outbox_delivery WHERE address LIKE '{name}%%'"
    )
    assert plant.rows(ahead)[0][0] < 30
    plant.wait_until(lambda: len(plant.rows("SELECT 1 FROM console_signoflife WHERE part = 'clock'")) >= 2, "told")
    word = "ahead" if off_s > 0 else "behind"
    assert f"is {word} by 10 min, and decides nothing until it is set" in plant.doctor()[1]["clocks"]
    assert plant.states(name) == {"pending": 20}
    plant.set_clock(0)
    assert plant.wait_ended(name, 20) == {"delivered": 20}
    plant.arrived_once(name, 20)
    plant.is_well()


def test_clock_that_is_a_little_off_decides_by_the_time_of_the_database(clock: Plant) -> None:
    """It is told, and a second worker on a machine that is right sees the same time."""
    plant = clock
    plant.set_clock(NEAR)
    plant.start("worker", "beat")
    plant.write("near", 50)
    assert plant.wait_ended("near", 50) == {"delivered": 50}
    times = "SELECT max(a.at - now()), min(a.at - d.created_at) FROM outbox_attempt a JOIN outbox_delivery d"
    latest, waited = plant.rows(f"{times} ON d.id = a.delivery_id WHERE d.address LIKE 'near%%'")[0]
    assert latest.total_seconds() < 1
    assert 0 <= waited.total_seconds() < 30
    plant.wait_until(lambda: "ahead by 7 s" in plant.doctor()[1]["clocks"], "it is told")
    assert "decides nothing" not in plant.doctor()[1]["clocks"]
    plant.set_clock(0)
    plant.is_well()
