"""What the proxy logs: by a thread of its own and never more than a few lines a second.

A log that nobody reads any more (a pipe that is full) holds up that thread, not the stations.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

import structlog

log = structlog.get_logger("signalbox.ocpp_proxy")

LINES_PER_S, MOST_WAITING = 20, 200


class Notes:
    """Lines are dropped when there are too many; how many were, the next line says."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[tuple[str, str, dict[str, Any]]] = queue.Queue(MOST_WAITING)
        self._dropped = 0
        self._allowance, self._since = float(LINES_PER_S), time.monotonic()
        threading.Thread(target=self._write, name="proxy-log", daemon=True).start()

    def info(self, event: str, **values: Any) -> None:
        self._put("info", event, values)

    def warning(self, event: str, **values: Any) -> None:
        self._put("warning", event, values)

    def _put(self, level: str, event: str, values: dict[str, Any]) -> None:
        now = time.monotonic()
        self._allowance = min(LINES_PER_S, self._allowance + (now - self._since) * LINES_PER_S)
        self._since = now
        if self._allowance < 1:
            self._dropped += 1
            return
        self._allowance -= 1
        if self._dropped:
            values["lines_dropped"] = self._dropped
        try:
            self._waiting.put_nowait((level, event, values))
            self._dropped = 0
        except queue.Full:
            self._dropped += 1

    def _write(self) -> None:
        while True:
            level, event, values = self._waiting.get()
            getattr(log, level)(event, **values)
