"""A quick SMTP server that only counts: several connections, pipelining, an optional pause before each answer.

    python -m bench.sinks PORT PAUSE_MS

Every second line of its output is "count first last" (seconds since the epoch); mails whose body holds a line
`bench-sent: <seconds>` also give their age at receipt. Asked by a connection that sends `STAT`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time


class Sink:
    """Counts mails and remembers when the first and the last came."""

    def __init__(self, pause_s: float) -> None:
        self.pause_s = pause_s
        self.count = 0
        self.first = self.last = 0.0
        self.times: list[float] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(writer, b"220 sink")
            while line := await reader.readline():
                word = line[:4].upper()
                if word == b"EHLO":
                    await self._answer(writer, b"250-sink\r\n250-PIPELINING\r\n250 SMTPUTF8")
                elif word == b"DATA":
                    await self._answer(writer, b"354 go")
                    await reader.readuntil(b"\r\n.\r\n")
                    self._received()
                    await self._answer(writer, b"250 taken")
                elif word == b"STAT":
                    writer.write(json.dumps([self.count, self.first, self.last, self.times[-20_000:]]).encode() + b"\n")
                elif word == b"ZERO":
                    self.count, self.first, self.last, self.times = 0, 0.0, 0.0, []
                    writer.write(b"ok\n")
                else:
                    await self._answer(writer, b"221 bye" if word == b"QUIT" else b"250 ok")
                    if word == b"QUIT":
                        break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    def _received(self) -> None:
        now = time.time()
        self.first = self.first or now
        self.last, self.count = now, self.count + 1
        self.times.append(now)

    async def _answer(self, writer: asyncio.StreamWriter, line: bytes) -> None:
        if self.pause_s:
            await asyncio.sleep(self.pause_s)
        writer.write(line + b"\r\n")


async def main(port: int, pause_ms: float) -> None:
    sink = Sink(pause_ms / 1000)
    server = await asyncio.start_server(sink.serve, "127.0.0.1", port, limit=1 << 20, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
