"""A quick receiver of webhooks that only counts: keep-alive, no framework.

    python -m bench.hooks PORT

Answers every POST with 200; a path that begins with /hang is read and never answered. `GET /stat` tells
[count, first, last]: how many came, and when the first and the last one (seconds since the epoch).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Sink(asyncio.Protocol):
    """One connection. Counts are kept for all of them together."""

    count = 0
    first = last = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer = transport, bytearray()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.buffer[:end])
            length = _length(head)
            if len(self.buffer) < end + 4 + length:
                return
            del self.buffer[: end + 4 + length]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if head.startswith(b"GET /stat"):
            body = json.dumps([Sink.count, Sink.first, Sink.last]).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        elif not head.startswith(b"POST /hang"):
            now = time.time()
            Sink.first = Sink.first or now
            Sink.last, Sink.count = now, Sink.count + 1
            self.transport.write(ANSWER)


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    return int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
