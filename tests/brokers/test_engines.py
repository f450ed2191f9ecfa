"""The scenarios on the engines of production: Debian's PostgreSQL with RabbitMQ and with Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import Live, running
from tests.mailserver import MailServer
from tests.processes.scenarios import Scenarios

pytestmark = [pytest.mark.engines, pytest.mark.processes]


class TestWithRedis(Scenarios):
    @pytest.fixture(scope="class")
    @classmethod
    def live(
        cls, debian_postgres: str, redis_url: str, server: MailServer, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Live]:
        folder = tmp_path_factory.mktemp("redis")
        with running(folder, broker=redis_url, smtp_port=server.port, CHARGING_GATHER_S="1") as found:
            yield found


class TestWithRabbitMQ(Scenarios):
    @pytest.fixture(scope="class")
    @classmethod
    def live(
        cls, debian_postgres: str, rabbitmq_url: str, server: MailServer, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Live]:
        folder = tmp_path_factory.mktemp("rabbitmq")
        with running(folder, broker=rabbitmq_url, smtp_port=server.port, CHARGING_GATHER_S="1") as found:
            yield found
