"""PostgreSQL is killed and started again, or has no room left, while events are published and delivered."""

from __future__ import annotations

import random

import pytest

from config.demo.postgres import Postgres
from tests.faults.plant import Plant, kill_postgres, restart_postgres

pytestmark = [pytest.mark.processes, pytest.mark.faults]
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


def no_room(plant: Plant, table: str) -> None:
    """From now on PostgreSQL answers what it answers when its disk is full, to each row for this table."""
    plant.rows(
        "CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"
    )
    plant.rows(f"CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_room()")


def room_again(plant: Plant, table: str) -> None:
    plant.rows(f"DROP TRIGGER no_room ON {table}")


def test_full_disk_of_postgres_loses_nothing_and_repeats_nothing(plant: Plant, postgres: Postgres) -> None:
    """First what happens cannot be written down, then what became of it: mails that went out are not sent again."""
    no_room(plant, "outbox_event")
    no_room(plant, "outbox_attempt")
    plant.begin_to_write("room", 200)
    plant.wait_until(lambda: "No space left on device" in postgres.log.read_text(), "PostgreSQL has no room")
    assert plant.states("room") == {}
    room_again(plant, "outbox_event")
    plant.wait_written("room")
    plant.wait_until(lambda: len(plant.sink.to("room")) == 200, "all mails came")
    assert plant.states("room") == {"sending": 200}
    room_again(plant, "outbox_attempt")
    assert plant.wait_ended("room", 200) == {"delivered": 200}
    plant.arrived_once("room", 200)
    plant.is_well()
