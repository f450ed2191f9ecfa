"""Wakes a worker after a commit, without making the request wait for the broker.

A thread of the process sends the Celery task: the first nudge at once, further ones gathered for 20 ms, so that a
thousand commits a second cost fifty tasks. A broker that is away costs nothing but time: beat sweeps what is due.
"""

from __future__ import annotations

import os
import threading
import time

import structlog
from celery import current_app

GATHER_S = 0.02
BROKER_DOWN_PAUSE_S = 1.0
log = structlog.get_logger("signalbox.nudge")


class Nudger:
    """Wakes one task; after a fork the child makes its own thread. Domains make theirs for work that must not wait."""

    def __init__(self, task: str, gather_s: float = GATHER_S) -> None:
        self._task, self._gather_s = task, gather_s
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._pid = 0

    def nudge(self) -> None:
        if self._pid != os.getpid():
            self._start()
        self._wanted.set()

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._wanted = threading.Event()
            self._pid = os.getpid()
            threading.Thread(target=self._run, args=(self._wanted,), name=f"nudge-{self._task}", daemon=True).start()

    def _run(self, due: threading.Event) -> None:
        while True:
            due.wait()
            due.clear()
            try:
                current_app.send_task(self._task, retry=False, expires=60, ignore_result=True)
                time.sleep(self._gather_s)
            except Exception as error:  # the broker library raises many kinds; none of them may end this thread
                log.warning("broker unreachable; the next sweep delivers", error=str(error))
                time.sleep(BROKER_DOWN_PAUSE_S)


_nudger = Nudger("outbox.deliver")


def nudge() -> None:
    """Says that deliveries are due. Returns at once and never raises."""
    _nudger.nudge()
