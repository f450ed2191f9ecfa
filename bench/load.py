"""Sends prepared HTTP requests over several kept connections and times each answer.

    python -m bench.load HOST PORT CONNECTIONS SECONDS < requests

Requests come on standard input, each a 4-byte length and its bytes; they are sent in turn. The result is one JSON
line: answers, seconds, and the answer times in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from itertools import cycle


def read_requests() -> list[bytes]:
    data, requests, at = sys.stdin.buffer.read(), [], 0
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        requests.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return requests


class Load:
    def __init__(self, requests: list[bytes], seconds: float) -> None:
        self.requests = cycle(requests)
        self.until = time.perf_counter() + seconds
        self.times: list[float] = []
        self.bad: dict[str, int] = {}

    async def connection(self, host: str, port: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        while time.perf_counter() < self.until:
            started = time.perf_counter()
            writer.write(next(self.requests))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
            body = await reader.readexactly(length)
            self.times.append((time.perf_counter() - started) * 1000)
            status = head[9:12].decode()
            # A batch that was taken whole, or a vendor's callback, whose answer is empty.
            if not (status == "202" and b'"rejected":[]' in body.replace(b" ", b"")) and (status, body) != ("200", b""):
                self.bad[status + " " + body[:200].decode(errors="replace")] = 1
        writer.close()


async def main(host: str, port: int, connections: int, seconds: float) -> None:
    load = Load(read_requests(), seconds)
    started = time.perf_counter()
    await asyncio.gather(*(load.connection(host, port) for _ in range(connections)))
    took = time.perf_counter() - started
    print(json.dumps({"answers": len(load.times), "seconds": took, "ms": sorted(load.times), "bad": list(load.bad)}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
