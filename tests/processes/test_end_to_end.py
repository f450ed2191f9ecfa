"""The scenarios on the engines of one machine: embedded PostgreSQL and Celery's filesystem transport."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.live import ROOT, Live, running
from tests.mailserver import MailServer
from tests.processes.scenarios import Scenarios

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def live(server: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("live"), smtp_port=server.port, CHARGING_GATHER_S="1") as found:
        yield found


class TestOnOneMachine(Scenarios):
    """make demo's engines."""

    @pytest.mark.parametrize("part", ["web", "worker", "beat"])
    def test_each_part_passes_its_health_check(self, live: Live, part: str) -> None:
        def is_alive(**env: str) -> bool:
            command = [sys.executable, "-m", "core.alive", part]
            return not subprocess.run(command, cwd=ROOT, env=live.env | env, check=False).returncode

        Live.wait_until(lambda: is_alive(PORT=str(live.port)), f"{part} is alive")
        assert not is_alive(PORT="1", METRICS_DIR="/nowhere")

    def test_what_was_written_is_for_its_own_account_alone(self, live: Live) -> None:
        found = {path: path.lstat().st_mode & 0o077 for path in live.folder.rglob("*")}
        assert len(found) > 10
        assert not {path for path, mode in found.items() if mode}
