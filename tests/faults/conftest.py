"""One installation for all fault tests, on a PostgreSQL of its own that keeps its promises."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from config.demo.postgres import Postgres
from tests.faults.plant import Plant
from tests.faults.sink import Sink


@pytest.fixture(scope="package")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """With the options of production: what it said is committed must be there after a SIGKILL."""
    server = Postgres(tmp_path_factory.mktemp("postgres") / "data", options=("max_connections=100",))
    server.start()
    yield server
    server.stop()
    server.remove()


@pytest.fixture(scope="package")
def sink() -> Iterator[Sink]:
    found = Sink()
    found.open()
    yield found
    found.end()


@pytest.fixture(scope="package")
def installation(postgres: Postgres, sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    before, os.environ["DATABASE_URL"] = os.environ["DATABASE_URL"], postgres.url()
    folder = tmp_path_factory.mktemp("plant")
    plant = Plant(folder, sink)
    try:
        plant.prepare()
        plant.start("worker", "beat")
        yield plant
    finally:
        plant.stop()
        os.environ["DATABASE_URL"] = before


@pytest.fixture
def plant(installation: Plant, sink: Sink) -> Plant:
    """The installation, whole at the beginning of each test, and its logs when one fails."""
    sink.behave()
    for part in ("worker", "beat"):
        process = installation.processes.get(part)
        if process is None or process.poll() is not None:
            installation.start(part)
    return installation
