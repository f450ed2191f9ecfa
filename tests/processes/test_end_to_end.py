"""The scenarios on the engines of one machine: embedded PostgreSQL and Celery's filesystem transport."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import Live, running
from tests.mailserver import MailServer
from tests.processes.scenarios import Scenarios

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def live(server: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("live"), smtp_port=server.port, CHARGING_GATHER_S="1") as found:
        yield found


class TestOnOneMachine(Scenarios):
    """make demo's engines."""
