"""PostgreSQL is killed and started again while events are published and delivered."""

from __future__ import annotations

import random

import pytest

from config.demo.postgres import Postgres
from tests.faults.plant import Plant, kill_postgres, restart_postgres

pytestmark = pytest.mark.processes
EVENTS = 2_000
KILLS = 2


def test_killed_postgres_loses_nothing_that_was_committed(plant: Plant, postgres: Postgres) -> None:
    chance = random.Random()
    plant.sink.pause_s = 0.004
    plant.begin_to_write("power", EVENTS, pause_s=0.05)
    in_flight = 0
    for moment in sorted(chance.sample(range(100, EVENTS - 400), KILLS)):
        plant.wait_until(
            lambda m=moment: len(plant.sink.to("power")) >= m,  # type: ignore[misc]
            f"{moment} mails came",
        )
        kill_postgres(postgres)
        well, told = plant.doctor()  # which takes a second or two
        assert not well
        assert told["database"].startswith("FAILS")
        restart_postgres(postgres)
        in_flight += plant.in_flight()
    plant.wait_written("power")
    # What a worker had claimed without hearing of it is nobody's, and would wait for its lease to end.
    plant.sink.pause_s = 0.0
    plant.wait_until(lambda: plant.states("power")["delivered"] + plant.in_flight() >= EVENTS, "the others arrived")
    plant.end_leases()
    assert plant.wait_ended("power", EVENTS) == {"delivered": EVENTS}
    came = plant.sink.to("power")
    assert len(came) == EVENTS
    assert all(len(set(ids)) == 1 for ids in came.values())
    repeats = sum(len(ids) - 1 for ids in came.values())
    assert repeats <= in_flight
    print(f"{KILLS} kills of PostgreSQL during {EVENTS} events: {repeats} repeats")
    plant.is_well()
