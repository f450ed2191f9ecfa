"""Python imports this by itself when its folder is on PYTHONPATH: a clock that can be set while a process runs.

The file that FAULTS_CLOCK names holds by how many seconds the clock is wrong. What waits for a span of time (the
monotonic clock) is not touched, as when an administrator or NTP sets a machine's clock.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOOK_EVERY_S = 0.05


class Clock:
    """Shifts this process's clock by what the file says, and looks again."""

    def __init__(self, path: Path) -> None:
        import time_machine

        self.path, self.offset = path, 0.0
        self.machine = time_machine
        self.travel: time_machine.travel | None = None
        self.begin()
        os.register_at_fork(after_in_child=self.begin)

    def begin(self) -> None:
        self.look()
        threading.Thread(target=self._run, name="clock", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        try:
            offset = float(self.path.read_text())
        except (OSError, ValueError):
            return
        if offset == self.offset:
            return
        if self.travel is not None:
            self.travel.stop()
        self.travel, self.offset = None, offset
        if offset:
            self.travel = self.machine.travel(datetime.now(UTC) + timedelta(seconds=offset), tick=True)
            self.travel.start()


if "FAULTS_CLOCK" in os.environ:
    Clock(Path(os.environ["FAULTS_CLOCK"]))
