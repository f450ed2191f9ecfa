"""The benchmark of the topics on a small scale: real processes, a real receiver, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.bikeshare import topics
from tests.live import Live, running

pytestmark = pytest.mark.processes


class SmallRig:
    """An installation on the engines of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def live(self, *processes: str, **env: Any) -> Iterator[Live]:
        with running(self.folder, *processes, **env) as live:
            yield live


def test_45_topics_reach_a_webhook_receiver_and_the_log_without_loss(tmp_path: Path) -> None:
    told, delivered = topics(SmallRig(tmp_path), each=3)  # type: ignore[arg-type]
    assert told.value > 0
    assert delivered.value > 0
