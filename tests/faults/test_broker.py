"""Workers that are killed and a broker that is stopped and wiped: Celery's transport on files."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from kombu.connection import Connection

import config.celery  # noqa: F401 - with what it mends of Kombu
from tests.faults.plant import Plant
from tests.faults.scenarios import BrokerFaults

pytestmark = [pytest.mark.processes, pytest.mark.faults]


class Files:
    """The broker of one machine is a folder, which does not stop; but whatever is put there can vanish at once."""

    notices = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._answers = threading.Event()
        self._thief = threading.Thread(target=self._steal, daemon=True)

    def stop(self) -> None:
        self._thief.start()

    def _steal(self) -> None:
        while not self._answers.wait(0.002):
            for task in self.folder.iterdir():
                task.unlink(missing_ok=True)

    def start_empty(self) -> None:
        self._answers.set()
        self._thief.join()


class TestOnFiles(BrokerFaults):
    @pytest.fixture
    def broker(self, plant: Plant) -> Files:
        return Files(plant.folder / "broker" / "queue")


def test_task_on_files_is_seen_whole_or_not_at_all(tmp_path: Path) -> None:
    """Celery takes every file with the queue's name, and half a task would end the worker."""
    folders = {name: str(tmp_path) for name in ("data_folder_in", "data_folder_out", "control_folder")}
    opened = Connection("filesystem://", transport_options=folders)  # type: ignore[no-untyped-call]

    def write() -> None:
        with opened as connection, connection.SimpleQueue("q") as queue:
            for n in range(1_000):
                queue.put({"n": n})

    writer, seen = threading.Thread(target=write), set[str]()
    writer.start()
    while writer.is_alive() or len(seen) < 1_000:
        for name in set(os.listdir(tmp_path)) - seen:
            if name.partition(".")[2] == "q.msg":
                json.loads((tmp_path / name).read_text())
                seen.add(name)
    assert len(seen) == 1_000
