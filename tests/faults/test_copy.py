"""A copy is quiet: whatever way it was made, nothing is sent from it until a person releases it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.demo.postgres import binaries
from tests.faults.plant import Plant

pytestmark = [pytest.mark.processes, pytest.mark.faults]
PROGRAMS = binaries()
MAILS, QUIET_S = 20, 8.0


@pytest.fixture
def copy(plant: Plant, tmp_path: Path) -> Iterator[Plant]:
    """A second installation with an empty database, which shares the mail server with the first."""
    found = Plant(tmp_path, plant.sink)
    for each in (plant, found):
        each.env["PATH"] = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    with found._admin() as admin:
        admin.execute(f'CREATE DATABASE "{found.name}"')
    yield found
    found.stop()


def _restored_by_hand(copy: Plant, file: Path) -> None:
    database = copy.env["DATABASE_URL"].replace("postgres://", "postgresql://")
    subprocess.run([PROGRAMS / "pg_restore", "--no-owner", f"--dbname={database}", file], check=True)


@pytest.mark.parametrize("way", ["manage.py restore", "pg_restore"])
def test_copy_sends_nothing_until_it_is_released(plant: Plant, copy: Plant, tmp_path: Path, way: str) -> None:
    prefix, file = "restored" if way == "manage.py restore" else "dumped", tmp_path / "backup.dump"
    plant.sink.shut()
    plant.write(prefix, MAILS)
    plant.manage("backup", str(file))
    plant.sink.open()
    assert plant.wait_ended(prefix, MAILS) == {"delivered": MAILS}
    if way == "manage.py restore":
        copy.manage("restore", str(file))
        assert "is not empty" in copy.manage("restore", str(file), check=False)
    else:
        _restored_by_hand(copy, file)
    copy.start("worker", "beat")
    time.sleep(QUIET_S)
    assert copy.states(prefix)["delivered"] == 0
    plant.arrived_once(prefix, MAILS)
    assert "nothing is sent from here" in copy.doctor()[1]["hold"]
    assert "Released" in copy.manage("release")
    assert copy.wait_ended(prefix, MAILS) == {"delivered": MAILS}
    # What the backup held is sent by whoever takes its place, with the same id.
    came = plant.sink.to(prefix)
    assert all(len(ids) == 2 and len(set(ids)) == 1 for ids in came.values())
    copy.is_well()
    plant.is_well()
