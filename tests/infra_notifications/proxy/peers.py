"""Both ends of a proxy: stations and CSMS that send and keep bytes as they are, and the proxy between them.

The proxy runs in the test's own event loop (`relaying`), or as the real process (`Proxy`).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import http.client
import ipaddress
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from config.demo.supervisor import start_process, stop_process
from infra_notifications.proxy.figures import Figures
from infra_notifications.proxy.links import Link, Observer
from infra_notifications.proxy.options import Options
from infra_notifications.proxy.relay import Relay, StationSide
from infra_notifications.proxy.routes import FixedRoutes, Route, RouteTable
from tests.engines import ROOT
from tests.lint import production
from tests.mailserver import free_port
from tests.waiting import PATIENCE_S, wait_until

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 § 1.3

# ---- the CSMS -------------------------------------------------------------------------------------------------------


@dataclass
class Head:
    """An HTTP head: its first line, and its headers in order as they were written."""

    first: str
    headers: list[tuple[str, str]]

    def get(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def status(self) -> int:
        return int(self.first.split(" ")[1])


async def read_head(reader: asyncio.StreamReader) -> Head:
    raw = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
    first, *lines = raw[:-4].decode("latin-1").split("\r\n")
    return Head(first, [(name, value) for name, _, value in (line.partition(": ") for line in lines)])


@dataclass
class Visit:
    """One connection at the CSMS, from its answer on."""

    head: Head
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self, size: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(size), PATIENCE_S)

    async def read_rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), PATIENCE_S)


def accept(head: Head, *extra: str, protocol: str | None = "ocpp1.6") -> bytes:
    """The answer of a CSMS that takes the station."""
    key = (head.get("Sec-WebSocket-Key") or "").encode()
    token = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "upgrade: WebSocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Accept: {token}"] + ([f"Sec-WebSocket-Protocol: {protocol}"] if protocol else [])
    return "\r\n".join([*lines, *extra, "", ""]).encode()


Answer = bytes | Callable[[Head], bytes]


@dataclass
class Csms:
    """Answers each request as told; connections that it takes are put into `visits`, refused ones into `refused`."""

    answer: Answer = accept
    visits: asyncio.Queue[Visit] = field(default_factory=asyncio.Queue)
    refused: list[Head] = field(default_factory=list)
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await read_head(reader)
            answer = self.answer if isinstance(self.answer, bytes) else self.answer(head)
            writer.write(answer)
            if answer.startswith(b"HTTP/1.1 101"):
                self.visits.put_nowait(Visit(head, reader, writer))
            else:
                self.refused.append(head)

    async def visit(self) -> Visit:
        return await asyncio.wait_for(self.visits.get(), PATIENCE_S)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"


@contextlib.asynccontextmanager
async def csms(answer: Answer = accept, *, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Csms]:
    system = Csms(answer)
    server = await asyncio.start_server(system.handle, "127.0.0.1", port, ssl=tls, limit=1 << 22)
    system.port = server.sockets[0].getsockname()[1]
    try:
        yield system
    finally:
        server.close()
        for writer in system.writers:
            if not writer.transport.is_closing():
                writer.transport.abort()


# ---- the station ----------------------------------------------------------------------------------------------------


@dataclass
class Station:
    head: Head
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self, size: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(size), PATIENCE_S)

    async def read_rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), PATIENCE_S)

    def close(self) -> None:
        self.writer.transport.abort()


def request(path: str, *headers: str, protocols: str = "ocpp1.6", host: str = "ocpp.example:9000") -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: keep-alive, Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    lines += [f"Sec-WebSocket-Protocol: {protocols}"] if protocols else []
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1")


async def station(
    port: int, path: str = "/site/CP-1", *headers: str, tls: ssl.SSLContext | None = None, protocols: str = "ocpp1.6"
) -> Station:
    """A connection to the proxy, after its answer (whatever it is)."""
    name = "localhost" if tls is not None else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name, limit=1 << 22)
    writer.write(request(path, *headers, protocols=protocols))
    return Station(await read_head(reader), reader, writer)


async def body(peer: Station) -> bytes:
    return await peer.read(int(peer.head.get("Content-Length") or 0))


# ---- the proxy ------------------------------------------------------------------------------------------------------


@dataclass
class Relaying:
    port: int
    relay: Relay
    figures: Figures


@contextlib.asynccontextmanager
async def relaying(
    routes: RouteTable | str, observer: Observer | None = None, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[Relaying]:
    """A relay in this event loop; of routes, the URL of one CSMS is enough (slug `site`)."""
    table = FixedRoutes([Route("site", routes)]) if isinstance(routes, str) else routes
    figures = Figures()
    settings = replace(Options(upstream_networks=LOOPBACK, drain_s=2), **options)
    relay = Relay(settings, table, observer or Recorder(), figures)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: StationSide(relay), "127.0.0.1", 0, ssl=tls)
    watch = loop.create_task(relay.look_after())
    try:
        yield Relaying(server.sockets[0].getsockname()[1], relay, figures)
    finally:
        server.close()
        for pair in list(relay.pairs):
            pair.abort()  # whoever has not left by now is not waited for
        await relay.drain()
        watch.cancel()


class Proxy:
    """`manage.py ocpp_proxy` as an installation runs it, without a database, a broker or stored routes."""

    def __init__(self, folder: Path, routes: Iterable[str], **env: str) -> None:
        self.port, self._log, self._tls = free_port(), folder / "proxy.log", "OCPP_TLS_CERTIFICATE" in env
        self._command = [sys.executable, "manage.py", "ocpp_proxy", "--port", str(self.port)]
        for route in routes:
            self._command += ["--route", route]
        away = "postgres://signalbox:secret@127.0.0.1:1/away"
        self._env = production() | {"DATABASE_URL": away, "OCPP_UPSTREAM_NETWORKS": "127.0.0.0/8", "LOG_LEVEL": "INFO"}
        self._env |= {"VAR_DIR": str(folder), "METRICS_DIR": str(folder / "metrics"), **env}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = start_process(self._command, self._log, self._env | {"PYTHONPATH": str(ROOT)})
        wait_until(self._answers, "the proxy answers")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        with contextlib.suppress(OSError):
            return self.get("/healthz")[0] == 200
        return False

    def get(self, path: str) -> tuple[int, str]:
        connection = (
            http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=PATIENCE_S, context=ssl._create_unverified_context()
            )
            if self._tls
            else http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        )
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def stop(self) -> None:
        stop_process(self.process)

    def log(self) -> str:
        return self._log.read_text(errors="replace")


@contextlib.contextmanager
def proxy(folder: Path, *routes: str, **env: str) -> Iterator[Proxy]:
    running = Proxy(folder, routes, **env)
    try:
        running.start()
        yield running
    finally:
        print(running.log()[-4000:])
        running.stop()


# ---- the observer ---------------------------------------------------------------------------------------------------


class Recorder:
    """An observer that keeps what it is told, one tuple a call."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.links: list[Link] = []

    def connected(self, link: Link) -> None:
        self.links.append(link)
        self.calls.append(("connected", link.identity))

    def frame(self, link: Link, *, from_station: bool, data: bytes, text: bool) -> None:
        self.calls.append(("frame", "station" if from_station else "csms", data, text))

    def too_long(self, link: Link, *, from_station: bool, size: int) -> None:
        self.calls.append(("too_long", "station" if from_station else "csms", size))

    def alive(self, link: Link) -> None:
        self.calls.append(("alive", link.identity))

    def closed(self, link: Link, *, code: int | None, reason: str, by_station: bool) -> None:
        self.calls.append(("closed", code, reason, "station" if by_station else "csms"))


def play(scene: Awaitable[None], *, longer_s: float = 0) -> None:
    async def whole() -> None:
        await asyncio.wait_for(scene, 2 * PATIENCE_S + longer_s)

    # In a thread of its own: the browser's tests leave a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, whole()).result()
