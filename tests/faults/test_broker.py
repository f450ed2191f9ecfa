"""Workers that are killed and a broker that is stopped and wiped: Celery's transport on files."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.faults.plant import Plant
from tests.faults.scenarios import BrokerFaults

pytestmark = pytest.mark.processes


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
