"""A quick SMTP server that only counts: several connections, pipelining, an optional pause before each answer.

    python -m bench.sinks PORT PAUSE_MS

What it says to commands that came together goes out together, as RFC 2920 asks and Postfix does. To a connection that
sends `STAT` it tells [count, first, last, times of the last 20,000] (seconds since the epoch); `ZERO` begins anew.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

END = b"\r\n.\r\n"


class Tally:
    """How many mails came, and when."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.times: list[float] = []
        self.count = 0
        self.first = self.last = 0.0

    def received(self) -> None:
        now = time.time()
        self.first = self.first or now
        self.last, self.count = now, self.count + 1
        self.times.append(now)

    def told(self) -> bytes:
        return json.dumps([self.count, self.first, self.last, self.times[-20_000:]]).encode() + b"\n"


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, tally: Tally, pause_s: float) -> None:
        self.tally = tally
        self.pause_s = pause_s
        self.pending = bytearray()
        self.is_content = False
        self.free_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.loop = asyncio.get_running_loop()
        self._say([b"220 sink\r\n"])

    def data_received(self, data: bytes) -> None:
        pending = self.pending
        looked = max(0, len(pending) - len(END)) if self.is_content else 0
        pending += data
        answers = []
        while (end := pending.find(END if self.is_content else b"\n", looked)) >= 0:
            looked = 0
            if self.is_content:
                del pending[: end + len(END)]
                self.is_content = False
                self.tally.received()
                answers.append(b"250 taken\r\n")
                continue
            word = bytes(pending[:4]).upper()
            del pending[: end + 1]
            self.is_content = word == b"DATA"
            answers.append(self._answer(word))
        self._say(answers)

    def _answer(self, word: bytes) -> bytes:
        if word == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n"
        if word == b"STAT":
            return self.tally.told()
        if word == b"ZERO":
            self.tally.begin()
            return b"ok\n"
        return {b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 ok\r\n")

    def _say(self, answers: list[bytes]) -> None:
        """All at once, or one after the other with a pause before each."""
        if not self.pause_s:
            self.transport.write(b"".join(answers))
            return
        for answer in answers:
            self.free_at = max(self.free_at, self.loop.time()) + self.pause_s
            self.loop.call_at(self.free_at, self.transport.write, answer)


async def main(port: int, pause_ms: float) -> None:
    tally = Tally()
    server = await asyncio.get_running_loop().create_server(
        lambda: Sink(tally, pause_ms / 1000), "127.0.0.1", port, backlog=512
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
