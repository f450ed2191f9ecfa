"""A mail server that takes thousands of mails a second, remembers their ids, and fails in the ways it is told."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections import defaultdict
from collections.abc import Callable

from tests.mailserver import free_port

# What it does instead of answering.
HANG, DROP, DROP_IN_DATA = "hang", "drop", "drop in the middle of DATA"
_ID = re.compile(rb"^Message-ID: (<[^>]+>)", re.MULTILINE)
_TO = re.compile(rb"<([^>]*)>")


class Sink:
    """`rcpt` and `content` give another answer than 250 for an address, or HANG, DROP, DROP_IN_DATA (rcpt)."""

    def __init__(self) -> None:
        self.port = free_port()
        self.pause_s = 0.0
        self.rcpt: Callable[[str], str | None] = lambda address: None
        self.content: Callable[[str], str | None] = lambda address: None
        self.greeting = "220 sink"
        # Connections above so many are closed without a word.
        self.most_connections = 1_000
        # By address, the Message-IDs of the mails that were accepted, in their order.
        self.mails: dict[str, list[str]] = defaultdict(list)
        self._lock = threading.Lock()  # over `mails`
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    # ---- from the test ----------------------------------------------------------------------------------------

    def open(self) -> None:
        starting = asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 20, backlog=512)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(5)

    def shut(self) -> None:
        """Refuses connections and ends those that there are."""
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(5)

    async def _shut(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def end(self) -> None:
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def behave(self) -> None:
        """Answers everything with yes again."""
        self.rcpt = self.content = lambda address: None
        self.greeting, self.pause_s, self.most_connections = "220 sink", 0.0, 1_000

    def to(self, prefix: str) -> dict[str, list[str]]:
        """What came for the addresses of one writer."""
        pattern = re.compile(rf"{re.escape(prefix)}\d+@")
        with self._lock:
            return {address: list(ids) for address, ids in self.mails.items() if pattern.match(address)}

    # ---- SMTP -------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if len(self._tasks) <= self.most_connections:
                await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            with contextlib.suppress(RuntimeError):
                writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address, refused = "", ""
        if not await self._say(writer, self.greeting):
            return
        while line := await reader.readline():
            verb, reply = line[:4].upper(), "250 ok"
            if verb == b"EHLO":
                reply = "250-sink\r\n250-PIPELINING\r\n250 SMTPUTF8"
            elif verb == b"RCPT":
                found = _TO.search(line)
                address = found[1].decode() if found else ""
                refused = self.rcpt(address) or ""
                if refused and refused != DROP_IN_DATA:
                    reply = refused
            elif verb == b"DATA" and refused == DROP_IN_DATA:
                await self._say(writer, "354 go on")
                await reader.readexactly(40)
                return
            elif verb == b"DATA" and refused:
                reply = "503 no recipient"
            elif verb == b"DATA":
                await self._say(writer, "354 go on")
                reply = await self._take(reader, address)
            elif verb == b"QUIT":
                reply = "221 bye"
            if not await self._say(writer, reply) or verb == b"QUIT":
                return

    async def _take(self, reader: asyncio.StreamReader, address: str) -> str:
        content = await reader.readuntil(b"\r\n.\r\n")
        if self.pause_s:
            await asyncio.sleep(self.pause_s)
        reply = self.content(address) or "250 taken"
        if reply.startswith("250"):
            found = _ID.search(content)
            with self._lock:
                self.mails[address].append(found[1].decode() if found else "none")
        return reply

    async def _say(self, writer: asyncio.StreamWriter, reply: str) -> bool:
        if reply == HANG:
            await asyncio.sleep(3600)
        if reply == DROP:
            return False
        writer.write(f"{reply}\r\n".encode())
        await writer.drain()
        return not reply.startswith("421")
