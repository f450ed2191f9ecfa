"""Workers killed and brokers stopped and wiped, with Debian's PostgreSQL, with Redis and with RabbitMQ."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.brokers.conftest import RabbitMQ, Redis
from tests.faults.plant import Plant
from tests.faults.scenarios import Broker, BrokerFaults
from tests.faults.sink import Sink

pytestmark = [pytest.mark.engines, pytest.mark.processes, pytest.mark.faults]


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    found = Sink()
    found.open()
    yield found
    found.end()


def running(plant: Plant) -> Iterator[Plant]:
    try:
        plant.prepare()
        plant.start("worker", "beat")
        yield plant
    finally:
        plant.stop()


class OnEngines(BrokerFaults):
    @pytest.fixture
    def plant(self, installation: Plant) -> Plant:
        installation.sink.behave()
        installation.sink.mails.clear()
        return installation

    def test_broker_that_dies_while_every_place_is_taken_is_found_again(self, plant: Plant, broker: Broker) -> None:
        """The worker waits for no task that could show it the broken connection, and cannot say what it has done.

        The broker dies just before the tasks end: later, something else would show the worker that it is away.
        """
        plant.keep_busy(3)
        time.sleep(2.5)
        broker.stop()
        plant.wait_until(lambda: plant.busy() == 0, "the tasks have ended, which the broker cannot be told")
        plant.write("taken", 100)
        assert plant.wait_ended("taken", 100) == {"delivered": 100}
        well, told = plant.doctor()
        assert not well
        assert told["broker"].startswith("FAILS")
        broker.start_empty()
        plant.wait_sweep()
        plant.is_well()


class TestWithRedis(OnEngines):
    @pytest.fixture(scope="class")
    @classmethod
    def broker(cls) -> Iterator[Redis]:
        server = Redis()
        server.start_empty()
        yield server
        server.stop()

    @pytest.fixture(scope="class")
    @classmethod
    def installation(
        cls, debian_postgres: str, broker: Redis, sink: Sink, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Plant]:
        yield from running(Plant(tmp_path_factory.mktemp("redis"), sink, broker=broker.url))


class TestWithRabbitMQ(OnEngines):
    @pytest.fixture(scope="class")
    @classmethod
    def broker(cls) -> Iterator[RabbitMQ]:
        server = RabbitMQ()
        server.start_empty()
        yield server
        server.stop()

    @pytest.fixture(scope="class")
    @classmethod
    def installation(
        cls, debian_postgres: str, broker: RabbitMQ, sink: Sink, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Plant]:
        yield from running(Plant(tmp_path_factory.mktemp("rabbitmq"), sink, broker=broker.url))
