"""The processes of the proxy: sockets that share a port, TLS that is read anew, signals, and an end without haste."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import resource
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from aiohttp.http import RawRequestMessage
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from core.metrics import may_scrape_from
from infra_notifications.proxy.figures import Figure, Figures
from infra_notifications.proxy.links import Observer
from infra_notifications.proxy.notes import Notes, log
from infra_notifications.proxy.options import Options
from infra_notifications.proxy.relay import Relay, StationSide
from infra_notifications.proxy.routes import RouteTable
from infra_notifications.proxy.tls import fingerprint, station_context

# What a process is made of, opened in it (after the fork) and closed when its stations have gone.
# It is given the figures that it counts in.
Parts = Callable[[memoryview], AbstractContextManager[tuple[RouteTable, Observer]]]

# A storm of stations waits here to be accepted (the kernel cuts it to net.core.somaxconn).
BACKLOG = 4096
# asyncio takes its backlog for the number of stations that it accepts before it looks after those that it has.
ACCEPTED_AT_ONCE = 50
WATCH_S = 1.0
# A process that died is replaced after this pause.
RESTART_S = 1.0
TLS_HANDSHAKE_S = 15.0


class Server:
    """One process."""

    def __init__(self, options: Options, figures: Figures, process: int) -> None:
        self._options, self._figures, self._process = options, figures, process
        self._parent = os.getppid()
        self._server: asyncio.Server | None = None
        self._stopping = asyncio.Event()
        self._stamp = fingerprint(options)
        self._reads_tls = False

    async def run(self, routes: RouteTable, observer: Observer) -> None:
        """Serves until SIGTERM or SIGINT. Raises OSError when it cannot listen or its certificate cannot be read."""
        loop = asyncio.get_running_loop()
        self._relay = Relay(self._options, routes, observer, self._figures, process=self._process, pages=self._page)
        self._notes: Notes = self._relay.notes
        self._socket = _listening(self._options)
        await self._listen(station_context(self._options))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._read_tls)
        tasks = [loop.create_task(self._relay.look_after()), loop.create_task(self._watch())]
        host, port = self._socket.getsockname()[:2]
        self._notes.info("listening", host=host, port=port, process=self._process, pid=os.getpid())
        await self._stopping.wait()
        if self._server is not None:
            self._server.close()
        self._socket.close()
        await self._relay.drain()
        for task in tasks:
            task.cancel()

    async def _listen(self, context: ssl.SSLContext | None) -> None:
        """Accepts with this certificate from now on; connections that are open keep theirs."""
        old = self._server
        self._server = await asyncio.get_running_loop().create_server(
            lambda: StationSide(self._relay),
            sock=self._socket.dup(),
            backlog=ACCEPTED_AT_ONCE,
            ssl=context,
            ssl_handshake_timeout=None if context is None else TLS_HANDSHAKE_S,
        )
        self._socket.listen(BACKLOG)
        if old is not None:
            old.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            if os.getppid() != self._parent:
                self._stopping.set()  # whoever started it is gone, and would not know of it any more
            if self._options.certificate is not None:
                stamp = await asyncio.get_running_loop().run_in_executor(None, fingerprint, self._options)
                if stamp != self._stamp and not self._reads_tls:
                    self._stamp = stamp
                    self._read_tls()

    def _read_tls(self) -> None:
        if self._options.certificate is not None and not self._reads_tls:
            self._reads_tls = True
            self._reading = asyncio.get_running_loop().create_task(self._change_certificate())

    async def _change_certificate(self) -> None:
        """A certificate that cannot be read changes nothing; it is read again when its files change."""
        try:
            context = await asyncio.get_running_loop().run_in_executor(None, station_context, self._options)
            await self._listen(context)
            self._notes.info("certificate read")
        except (OSError, ValueError) as error:
            self._notes.warning("certificate not read", error=str(error)[:300])
        finally:
            self._reads_tls = False

    # ---- pages for machines -----------------------------------------------------------------------------------------

    def _page(self, message: RawRequestMessage, peer: str) -> bytes | None:
        """/healthz for everyone, /metrics for those who may read them of the web process too."""
        path = message.path.partition("?")[0]
        if path == "/healthz":
            connections = self._figures.total(Figure.CONNECTIONS)
            return _answer(json.dumps({"status": "ok", "connections": connections}), "application/json")
        is_behind = "X-Forwarded-For" in message.headers
        if path == "/metrics" and may_scrape_from(peer, is_behind_proxy=is_behind):
            own = CollectorRegistry()
            own.register(self._figures)
            text = generate_latest(own) + generate_latest(REGISTRY)
            return _answer(text.decode(), "text/plain; version=0.0.4; charset=utf-8")
        return None


def _answer(text: str, kind: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def _listening(options: Options) -> socket.socket:
    """The socket that stations come to. Raises OSError."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # The kernel deals the stations out to the processes that share the port.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6 and options.host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((options.host, options.port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


# ---- processes ------------------------------------------------------------------------------------------------------


def run(options: Options, parts: Parts) -> None:
    """Serves in this process, or in several that this one looks after. Raises OSError when it cannot begin."""
    _raise_file_limit()
    station_context(options)  # so that a certificate that cannot be read is said at once
    _listening(options).close()
    figures = Figures(options.processes)
    if options.processes == 1:
        _serve(options, figures, 0, parts)
    else:
        _Supervisor(options, figures, parts).run()


def _serve(options: Options, figures: Figures, process: int, parts: Parts) -> None:
    # What lives as long as the process is not looked through again and again for what could be thrown away; the rest
    # seldom: a full look at 10,000 connections would hold up all of them.
    gc.freeze()
    gc.set_threshold(20_000, 50, 1_000)
    # The thread that keeps what was heard gives way to the stations after a tenth of a millisecond, not after five.
    sys.setswitchinterval(0.0001)

    async def serve() -> None:
        with parts(figures.row(process)) as (routes, observer):
            await Server(options, figures, process).run(routes, observer)

    asyncio.run(serve())


class _Supervisor:
    """Starts the processes, starts those anew that die, and ends all when it is told to end."""

    def __init__(self, options: Options, figures: Figures, parts: Parts) -> None:
        self._options, self._figures, self._parts = options, figures, parts
        self._children: dict[int, int] = {}
        self._stopping = False

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, lambda *_: self._pass_on(signal.SIGHUP))
        for process in range(self._options.processes):
            self._start(process)
        while self._children:
            pid, status = os.wait()
            process = self._children.pop(pid)
            if self._stopping:
                continue
            log.warning("process ended", process=process, status=status)
            time.sleep(RESTART_S)
            if not self._stopping:
                self._start(process)

    def _start(self, process: int) -> None:
        pid = os.fork()
        if pid:
            self._children[pid] = process
            return
        status = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            _serve(self._options, self._figures, process, self._parts)
            status = 0
        except Exception as error:
            log.error("process failed", process=process, error=f"{type(error).__name__}: {error}")
        finally:
            os._exit(status)

    def _stop(self, number: int, _frame: object) -> None:
        self._stopping = True
        self._pass_on(signal.SIGTERM)

    def _pass_on(self, number: int) -> None:
        for pid in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _raise_file_limit() -> None:
    """Two sockets a station: as many files as the system allows without asking."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
