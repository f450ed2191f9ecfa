"""How tests wait for what has to come: what comes ends the wait, and a busy machine is no failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

# Far beyond what anything takes, whatever else the machine does: it passes only where a test fails.
PATIENCE_S = 60


def wait_until(condition: Callable[[], bool], what: str = "it came") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s in vain until {what}"
        time.sleep(0.005)


async def soon(condition: Callable[[], bool], what: str = "it came") -> None:
    """As `wait_until`, while the loop runs on."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s in vain until {what}"
        await asyncio.sleep(0.005)
