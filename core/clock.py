"""One clock: the database's. `timezone.now()` is its time in every process that has started to follow it.

Several machines have several clocks, and any of them may be wrong; what is compared with what others wrote, and decided
by several, goes by the one that all of them share. It is asked every few seconds; in between a clock that nobody sets
counts on. A process that has not asked yet, or that knows no database, goes by its own.

How far a process's own clock is off is kept (`ahead_s`): doctor tells it, and one that is off by far decides nothing.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from django.db import connection

log = structlog.get_logger("signalbox.clock")
ASKED_EVERY_S = 10.0
CONNECT_TIMEOUT_S = 2
# What NTP leaves is less than the first; who is off by more than the second decides nothing.
TOLD_FROM, OFF_FROM = timedelta(seconds=5), timedelta(seconds=30)
# The time is not moved by less than this, so that it seldom goes back.
STEADY_S = 0.05


def _counted() -> float:
    """Seconds that nobody sets; on Linux also those in which the machine slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class _Clock:
    def __init__(self) -> None:
        self._pid = 0
        # What is to be added to `_counted()`; None while the database was never asked.
        self._base_s: float | None = None
        self.ahead_s = 0.0

    def now(self) -> datetime:
        if self._base_s is None:
            return datetime.now(UTC)
        return datetime.fromtimestamp(self._base_s + _counted(), UTC)

    def is_off(self) -> bool:
        return abs(self.ahead_s) > OFF_FROM.total_seconds()

    def start(self) -> None:
        """Follows the database's clock from now on, in this process: once at once, then again and again."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._ask()
            threading.Thread(target=self._go_on, name="clock", daemon=True).start()

    def _go_on(self) -> None:
        while True:
            time.sleep(ASKED_EVERY_S)
            self._ask()

    def _ask(self) -> None:
        """Past the pool, on a connection of its own: no transaction, and nobody to wait for."""
        try:
            parameters = connection.get_connection_params() | {"connect_timeout": CONNECT_TIMEOUT_S}
            with psycopg.connect(**parameters) as asked:
                before, own = _counted(), time.time()
                row = asked.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
                took = _counted() - before
        except psycopg.Error:
            return
        if row is None:
            return
        base_s = row[0] - before - took / 2
        self.ahead_s = own + took / 2 - row[0]
        if self._base_s is None or abs(base_s - self._base_s) > STEADY_S + took / 2:
            self._base_s = base_s
        if self.is_off():
            log.warning("this process's clock is off: it decides nothing", ahead_s=round(self.ahead_s, 1))


_of_process = _Clock()
now, start, is_off = _of_process.now, _of_process.start, _of_process.is_off


def seconds() -> float:
    """The same as a number since 1970."""
    return now().timestamp()


def ahead_s() -> float:
    """By how many seconds the clock of this process's machine is ahead of the database's."""
    return _of_process.ahead_s
