"""Carries due deliveries out: claim → send → settle, as a stream, so that no slow receiver holds up a batch.

One dispatcher lives in each worker process, in a thread with an event loop of its own; the Celery task only wakes it.
The database is asked in a second thread, one statement at a time, while the transports go on sending.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from core import clock, hold
from core.alive import show_alive
from outbox.contract import Result
from outbox.services import settling
from outbox.transports.base import Claimer, Transport, Work
from outbox.transports.registry import transports as registered_transports

log = structlog.get_logger("signalbox.dispatcher")
T = TypeVar("T")

# A send must have ended before its lease does: it is not begun in the lease's last seconds (half of a short lease).
LEASE_MARGIN_S = 45
# Results are written as they come, but not more often than this while there is a stream of them.
SETTLE_EVERY_S = 0.02
DATABASE_PAUSE_S = 1.0
# How often the results that are left at the end are tried to be written.
LAST_TRIES = 3


def registered() -> list[Transport]:
    """A transport for each channel that has one."""
    return [transport() for transport in registered_transports().values()]


class Dispatcher:
    """`run_until_idle` sends what is due and returns; `run_forever` goes on until stopped."""

    def __init__(self, transports: Callable[[], Iterable[Transport]] | None = None) -> None:
        self._make_transports = transports or registered
        self._results: list[Result] = []
        self._in_flight = 0
        self._is_alone, self._look_at = False, 0.0
        self._stopping = False
        self._database = ThreadPoolExecutor(1, "outbox-database")

    # ---- the stream -------------------------------------------------------------------------------------------

    async def run_until_idle(self) -> int:
        """Sends until nothing is due and nothing is under way; returns how many attempts were settled."""
        return await self._run(forever=False)

    async def run_forever(self) -> None:
        await self._run(forever=True)

    async def _run(self, *, forever: bool) -> int:
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._transports = list(self._make_transports())
        for transport in self._transports:
            transport.bind(self._reported, self._changed.set, self._loop)
        settled = 0
        try:
            while not self._stopping:
                show_alive("worker", settings.METRICS_DIR)
                self._changed.clear()
                is_alone = await self._send_alone()
                claimed = [not is_alone and await self._fill(transport) for transport in self._transports]
                settled += await self._settle()
                if any(claimed) or self._results:
                    await asyncio.sleep(0)
                    continue
                if not forever and not self._in_flight:
                    break
                # Woken by a nudge or a result; by itself too, so that a broker that is away holds nothing up.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(settings.OUTBOX_SWEEP_S):
                        await self._changed.wait()
                if self._in_flight > len(self._results):
                    await asyncio.sleep(SETTLE_EVERY_S if len(self._results) < self._in_flight // 2 else 0)
        finally:
            # Together: each may take its time, and the process has 12 s.
            await asyncio.gather(*(transport.close() for transport in self._transports))
            settled += await self._settle_rest()
            await self._in_database(connections.close_all)
            self._database.shutdown(wait=True)
        return settled

    async def _send_alone(self) -> bool:
        """Whether a delivery at which workers died is sent, or is next: nothing else is under way beside it."""
        if not self._is_alone:
            if time.monotonic() < self._look_at:
                return False
            self._look_at = time.monotonic() + settings.OUTBOX_SWEEP_S
            self._is_alone = bool(await self._in_database(lambda: settling.waits_alone(now=timezone.now())))
        if self._is_alone and not self._in_flight:
            self._is_alone = False
            for transport in self._transports:
                if not self._is_alone and transport.room() and not clock.is_off():
                    take = settling.claimer_alone(transport.channel, settings.OUTBOX_LEASE_S)
                    self._is_alone = bool(await self._take(transport, take))
        return self._is_alone

    async def _fill(self, transport: Transport) -> bool:
        """Claims what a transport has room for; says whether there may be more to claim."""
        room = transport.room()
        if room == 0 or clock.is_off():
            return False
        if room < transport.capacity // 4 and self._in_flight > transport.capacity // 2:
            return False
        limit = min(room, settings.OUTBOX_BATCH_SIZE)
        return await self._take(transport, transport.claimer(limit, settings.OUTBOX_LEASE_S)) == limit

    async def _take(self, transport: Transport, take: Claimer) -> int:
        """Claims and begins to send; returns how many."""
        lease_s = settings.OUTBOX_LEASE_S
        send_before = time.monotonic() + max(lease_s - LEASE_MARGIN_S, lease_s / 2)
        ready = await self._in_database(lambda: self._claim(transport, take, send_before))
        if not ready:
            return 0
        works = [item for item in ready if isinstance(item, Work)]
        self._in_flight += len(ready)
        self._results += [item for item in ready if isinstance(item, Result)]
        transport.submit(works)
        return len(ready)

    @staticmethod
    def _claim(transport: Transport, take: Claimer, send_before: float) -> list[Work | Result]:
        now = timezone.now()
        claimed = [] if hold.is_held(now) else take(now)
        return transport.prepare(claimed, send_before) if claimed else []

    def _reported(self, result: Result) -> None:
        self._results.append(result)
        self._changed.set()

    async def _settle(self) -> int:
        """Writes the results; keeps them while the database is away, so that nothing is said twice that was said."""
        if not self._results:
            return 0
        batch, self._results = self._results, []
        written = await self._in_database(lambda: settling.settle(results=batch, now=timezone.now()))
        if written is None:
            self._results = batch + self._results
            return 0
        self._in_flight -= len(batch)
        return len(batch)

    async def _settle_rest(self) -> int:
        """The last words of this dispatcher: what it cannot write now is sent once more when its lease has ended."""
        settled = 0
        for _ in range(LAST_TRIES):
            settled += await self._settle()
            if not self._results:
                break
        return settled

    async def _in_database(self, work: Callable[[], T]) -> T | None:
        """Runs one piece of database work; None when the database did not take it."""
        try:
            return await self._loop.run_in_executor(self._database, work)
        except (DatabaseError, InterfaceError) as error:
            log.warning("database away", error=str(error).strip().split("\n")[0])
            await self._loop.run_in_executor(self._database, connections.close_all)
            await asyncio.sleep(DATABASE_PAUSE_S)
            self._changed.set()
            return None

    # ---- from other threads -----------------------------------------------------------------------------------

    def wake(self) -> None:
        loop = getattr(self, "_loop", None)
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._changed.set)

    def stop(self) -> None:
        self._stopping = True
        self.wake()


class _ProcessDispatcher:
    """The dispatcher of this process, started at the first wake and again after a fork or a crash."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._thread: threading.Thread | None = None
        self._dispatcher: Dispatcher | None = None

    def wake(self) -> None:
        with self._lock:
            alive = self._thread is not None and self._thread.is_alive() and self._pid == os.getpid()
            if not alive:
                self._pid, self._dispatcher = os.getpid(), Dispatcher()
                self._thread = threading.Thread(
                    target=self._run, args=(self._dispatcher,), name="dispatcher", daemon=True
                )
                self._thread.start()
            if self._dispatcher is not None:
                self._dispatcher.wake()

    @staticmethod
    def _run(dispatcher: Dispatcher) -> None:
        try:
            asyncio.run(dispatcher.run_forever())
        except Exception:
            log.exception("dispatcher crashed; the next wake starts it again")

    def stop(self) -> None:
        """Lets messages under way finish and hands back the rest; called when the worker process ends."""
        with self._lock:
            if self._dispatcher is not None and self._thread is not None and self._pid == os.getpid():
                self._dispatcher.stop()
                self._thread.join(timeout=12)


_of_process = _ProcessDispatcher()


def wake() -> None:
    """Has this process's dispatcher look for due deliveries. Returns at once."""
    _of_process.wake()


def stop() -> None:
    _of_process.stop()


def deliver_due() -> int:
    """Sends what is due, in this thread, and returns how many attempts were made."""
    return asyncio.run(Dispatcher().run_until_idle())
