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
# By its name: the task stands above what publishes.
DELIVER = "outbox.deliver"
log = structlog.get_logger("signalbox.nudge")


class Nudger:
    """One per process; after a fork the child makes its own thread."""

    def __init__(self) -> None:
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
            threading.Thread(target=self._run, args=(self._wanted,), name="outbox-nudge", daemon=True).start()

    def _run(self, wanted: threading.Event) -> None:
        while True:
            wanted.wait()
            wanted.clear()
            try:
                current_app.send_task(DELIVER, retry=False, expires=60, ignore_result=True)
                time.sleep(GATHER_S)
            except Exception as error:  # the broker library raises many kinds; none of them may end this thread
                log.warning("broker not reached; beat will sweep", error=str(error))
                time.sleep(BROKER_DOWN_PAUSE_S)


_nudger = Nudger()


def nudge() -> None:
    """Says that deliveries are due. Returns at once and never raises."""
    _nudger.nudge()
