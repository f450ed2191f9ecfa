"""What strangers and broken senders do to a server, all at once, for some seconds; then says what they were answered.

    python -m tests.faults.abuse PORT SECONDS KEY

A process of its own, and the last to be given the processor, as strangers' machines would. Every loop is bounded by the
time, goes to loopback alone, and pauses between its requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

ANSWERED_WITHIN_S = 20.0
API = "/api/v1/charging/messages"
# A charge point that the abused installation knows.
ABUSED = "DE*ABU*E1*1"


@dataclass
class Abuse:
    """`said` counts the answers by kind; 0 is a connection that ended without one."""

    port: int
    until: float
    key: str
    huge: dict[str, tuple[bytes, dict[str, str]]]
    said: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    chance: random.Random = field(default_factory=lambda: random.Random(16))

    def goes_on(self) -> bool:
        return time.monotonic() < self.until

    def stranger(self) -> tuple[str, int]:
        """One of many addresses; the whole of 127.0.0.0/8 is this machine."""
        return f"127.16.{self.chance.randrange(256)}.{self.chance.randrange(1, 255)}", 0

    async def send(self, kind: str, raw: bytes) -> None:
        """One connection with these bytes; what it was answered is counted."""
        status = 0
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=self.stranger())
                try:
                    writer.write(raw)
                    await writer.drain()
                    status = _status(await reader.readline())
                    while await reader.read(65_536):
                        pass
                finally:
                    writer.close()
        self.said[kind][status] += 1

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        named = {
            "Host": "127.0.0.1",
            "Connection": "close",
            "Content-Length": str(len(body)),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
        return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


Kind: TypeAlias = Callable[[Abuse], Awaitable[None]]


def _status(line: bytes) -> int:
    parts = line.split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


async def dribble(abuse: Abuse, kind: str, beginning: bytes) -> None:
    """A connection on which a byte comes every second, until the server ends it; and then the next one."""
    while abuse.goes_on():
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", abuse.port, local_addr=abuse.stranger())
            writer.write(beginning)
            answer = asyncio.ensure_future(reader.readline())
            while abuse.goes_on() and not answer.done():
                writer.write(b"x")
                await asyncio.wait([answer], timeout=1)
            abuse.said[kind][_status(answer.result()) if answer.done() and not answer.exception() else 0] += 1
            answer.cancel()
            writer.close()
        await asyncio.sleep(0.2)


async def slow_bodies(abuse: Abuse) -> None:
    beginning = abuse.request("POST", API, Authorization=f"Bearer {abuse.key}", Content_Length="1000000")
    await dribble(abuse, "slow bodies", beginning)


async def slow_heads(abuse: Abuse) -> None:
    await dribble(abuse, "slow heads", b"GET /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")


async def sign_ins(abuse: Abuse) -> None:
    """One password over many names, from many places."""
    while abuse.goes_on():
        form = f"username=user{abuse.chance.randrange(10_000)}&password=Summer2026!".encode()
        kind = "application/x-www-form-urlencoded"
        cookie = "signalbox_csrf=" + "a" * 32
        form += b"&csrfmiddlewaretoken=" + b"a" * 32
        await abuse.send("sign-ins", abuse.request("POST", "/sign-in/", form, Content_Type=kind, Cookie=cookie))
        await asyncio.sleep(0.2)


async def wrong_keys(abuse: Abuse) -> None:
    while abuse.goes_on():
        wrong = f"Bearer sbx_{abuse.chance.randbytes(20).hex()}"
        await abuse.send("wrong keys", abuse.request("POST", API, b"[]", Authorization=wrong))
        await asyncio.sleep(0.05)


def huge() -> dict[str, tuple[bytes, dict[str, str]]]:
    """Bodies that are as large as they may be, or larger; made before the time begins."""
    entry = {"component": {"name": "Nobody"}, "trigger": "Alerting", "actualValue": "x"}
    events = [entry | {"eventId": n, "variable": {"name": f"Knows{n}"}} for n in range(22_000)]
    item = {"charge_point": ABUSED, "protocol": "ocpp2.0.1", "action": "NotifyEvent"}
    notify = json.dumps([item | {"payload": {"seqNo": 0, "eventData": events}}])
    return {
        "huge event": (notify.encode(), {}),
        "huge nesting": (b"[" * 4_000_000, {}),
        "huge and packed": (gzip.compress(b" " * 100_000_000, 1), {"Content_Encoding": "gzip"}),
        "huge beyond": (b'["' + b"x" * 20_000_000 + b'"]', {}),
        "many small": (json.dumps([{"charge_point": f"DE*ABU*{n}*1"} for n in range(50_000)]).encode(), {}),
    }


async def huge_items(abuse: Abuse) -> None:
    while abuse.goes_on():
        for kind, (body, more) in abuse.huge.items():
            headers = {"Authorization": f"Bearer {abuse.key}", "Content_Type": "application/json", **more}
            await abuse.send(kind, abuse.request("POST", API, body, **headers))
            await asyncio.sleep(3)


async def odd_paths(abuse: Abuse) -> None:
    long = "a" * 8_000
    odd = [
        f"/{long}",
        f"/sign-in/?next={long}",
        f"/charging/?q={'(' * 4_000}",
        "/%00",
        "/..%2f..%2fetc/passwd",
        "//evil.example/",
        "/static/../config/settings.py",
        "/.git/config",
        "/api/v1/charging/charge-points/%ff%fe",
        "/api/v1/openapi.json",
        f"/unsubscribe/{long}/",
        "/gbfs/x/gbfs.json",
        "/metrics",
        "/readyz",
    ]
    while abuse.goes_on():
        method = abuse.chance.choice(["GET", "GET", "GET", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "HEAD"])
        await abuse.send("odd paths", abuse.request(method, abuse.chance.choice(odd)))
        await asyncio.sleep(0.1)


async def garbage(abuse: Abuse) -> None:
    kinds = [
        abuse.chance.randbytes(2_000),
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    ]
    while abuse.goes_on():
        await abuse.send("garbage", abuse.chance.choice(kinds))
        await asyncio.sleep(0.3)


# How many of each at once.
KINDS: dict[Kind, int] = {
    slow_bodies: 40,
    slow_heads: 20,
    sign_ins: 10,
    wrong_keys: 2,
    huge_items: 1,
    odd_paths: 2,
    garbage: 1,
}


async def main(port: int, seconds: float, key: str) -> dict[str, dict[int, int]]:
    bodies = huge()
    print("ready", flush=True)
    abuse = Abuse(port, time.monotonic() + seconds, key, bodies)
    async with asyncio.TaskGroup() as group:
        for kind, number in KINDS.items():
            for _ in range(number):
                group.create_task(kind(abuse))  # type: ignore[arg-type]
    return {kind: dict(counted) for kind, counted in abuse.said.items()}


if __name__ == "__main__":
    os.nice(5)
    print(json.dumps(asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]))))
