"""Stations and a CSMS that do as little as possible, so that what is measured is what stands between them.

    python -m bench.ocpp_load csms PORT
    python -m bench.ocpp_load stations PORT

The CSMS answers every CALL with the same CALLRESULT. The stations take one command a line from standard input, a JSON
object, and print its result as one: {"do": "connect", "count", "per_s"}, {"do": "flood", "seconds"} (each station sends
its next CALL when the answer is there), {"do": "pace", "per_s", "seconds"} (CALLs at fixed times; how long each took),
{"do": "close"}.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import json
import resource
import sys
import time
from typing import Any

CALL = b'[2,"0123456789abcdef","Heartbeat",{}]' + b" " * 83
RESULT = b'[3,"0123456789abcdef",{"currentTime":"2026-11-30T00:00:00Z"}]'
# A client's frame is masked; with the mask 0 it looks the same as without.
CALL_FRAME = bytes([0x81, 0x80 | len(CALL), 0, 0, 0, 0]) + CALL
RESULT_FRAME = bytes([0x81, len(RESULT)]) + RESULT
KEY = base64.b64encode(b"0123456789abcdef").decode()
ACCEPT = base64.b64encode(hashlib.sha1(KEY.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
ANSWER = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {ACCEPT}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
).encode()
# Stations come from several addresses: one has 28,000 ports.
ADDRESSES = 8
CONNECT_TRIES = 5


class Csms(asyncio.Protocol):
    """Counts bytes instead of reading frames: all are CALL_FRAME."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.head, self.bytes = transport, b"", -1

    def data_received(self, data: bytes) -> None:
        if self.bytes < 0:
            self.head += data
            _, end, data = self.head.partition(b"\r\n\r\n")
            if not end:
                return
            self.bytes, self.head = 0, b""
            self.transport.write(ANSWER)
        calls, self.bytes = divmod(self.bytes + len(data), len(CALL_FRAME))
        if calls:
            self.transport.write(RESULT_FRAME * calls)


class Station(asyncio.Protocol):
    """One station with at most one CALL under way."""

    def __init__(self, load: Load, number: int) -> None:
        self.load, self.number = load, number
        self.opened: asyncio.Future[bool] = load.loop.create_future()
        self.bytes, self.called_at = -1, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(
            f"GET /bench/CP-{self.number} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if self.bytes < 0:
            self.bytes = 0
            if not self.opened.done():
                self.opened.set_result(data.startswith(b"HTTP/1.1 101 "))
            return
        self.bytes += len(data)
        if self.bytes >= len(RESULT_FRAME):
            self.bytes -= len(RESULT_FRAME)
            self.load.answered(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_result(False)

    def call(self, at: float) -> None:
        self.called_at = at
        self.transport.write(CALL_FRAME)


class Load:
    """All stations of this process."""

    def __init__(self, port: int) -> None:
        self.loop, self.port = asyncio.get_running_loop(), port
        self.stations: list[Station] = []
        self.floods = False
        self.answers = 0
        self.took: list[float] = []

    def answered(self, station: Station) -> None:
        self.answers += 1
        if self.floods:
            station.call(0.0)
        elif station.called_at:
            self.took.append(time.perf_counter() - station.called_at)
            station.called_at = 0.0

    async def connect(self, count: int, per_s: float) -> dict[str, Any]:
        """Connects more stations at this pace; those that are refused try again, as stations do."""
        began = time.perf_counter()
        tasks = []
        for number in range(count):
            delay = began + number / per_s - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
            tasks.append(self.loop.create_task(self._connect(len(self.stations) + number)))
        made = await asyncio.gather(*tasks)
        self.stations += [station for station, _ in made if station is not None]
        return {
            "connected": sum(station is not None for station, _ in made),
            "tries": sum(tries for _, tries in made),
            "seconds": time.perf_counter() - began,
        }

    async def _connect(self, number: int) -> tuple[Station | None, int]:
        for tries in range(1, CONNECT_TRIES + 1):
            station = Station(self, number)
            try:
                source = (f"127.0.0.{2 + number % ADDRESSES}", 0)
                await self.loop.create_connection(lambda: station, "127.0.0.1", self.port, local_addr=source)  # noqa: B023  # called before the next turn
                if await station.opened:
                    return station, tries
            except OSError:
                pass
            await asyncio.sleep(0.2 * tries)
        return None, CONNECT_TRIES

    async def flood(self, seconds: float, stations: int) -> dict[str, Any]:
        self.floods, self.answers = True, 0
        began = time.perf_counter()
        for station in self.stations[:stations]:
            station.call(0.0)
        await asyncio.sleep(seconds)
        self.floods = False
        answers, took = self.answers, time.perf_counter() - began
        await asyncio.sleep(1)  # the answers that are under way
        return {"per_s": 2 * answers / took}

    async def pace(self, per_s: float, seconds: float) -> dict[str, Any]:
        """CALLs at fixed times, whatever is answered, round all stations; one that still waits is left out."""
        self.took = []
        began = time.perf_counter()
        late = 0
        for number in range(int(per_s * seconds)):
            at = began + number / per_s
            while (delay := at - time.perf_counter()) > 0:
                await asyncio.sleep(delay)
            station = self.stations[number % len(self.stations)]
            if station.called_at:
                late += 1
            else:
                station.call(at)
            if number % 50 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(1)
        return {"took": self.took, "late": late, "answered": len(self.took)}

    async def close(self) -> dict[str, Any]:
        for station in self.stations:
            station.transport.abort()
        closed, self.stations = len(self.stations), []
        await asyncio.sleep(0.5)
        return {"closed": closed}


async def stations(port: int) -> None:
    load = Load(port)
    actions: dict[str, Any] = {"connect": load.connect, "flood": load.flood, "pace": load.pace, "close": load.close}
    while line := await load.loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        result = await actions[command.pop("do")](**command)
        print(json.dumps(result), flush=True)


async def csms(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Csms, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    gc.disable()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run({"csms": csms, "stations": stations}[sys.argv[1]](int(sys.argv[2])))
