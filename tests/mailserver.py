"""A real SMTP server on loopback for tests, which can be told to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import email.policy
import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.waiting import PATIENCE_S


@dataclass(frozen=True)
class Mail:
    """One mail as it was accepted."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    at: float

    @property
    def message(self) -> EmailMessage:
        parsed = BytesParser(policy=email.policy.default).parsebytes(self.content)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content())


class MailServer:
    """Collects mails; `rcpt` and `data` may be replaced to answer otherwise for an address or a mail.

    `extensions` are announced beside the server's own; PIPELINING is one that it can do, though it does not say so.
    """

    def __init__(self, *extensions: str) -> None:
        self.mails: list[Mail] = []
        self.extensions = extensions
        self.connections = 0
        self.rcpt: Callable[[str], str | None] = lambda address: None
        self.data: Callable[[Envelope], str | None] = lambda envelope: None
        self._controller: Controller | None = None
        self._sessions: list[SMTP] = []
        self.port = 0

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        self._sessions.append(server)
        session.host_name = hostname
        return [responses[0], *(f"250-{extension}" for extension in self.extensions), *responses[1:]]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refused := self.rcpt(address):
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if refused := self.data(envelope):
            return refused
        content = envelope.original_content or b""
        self.mails.append(Mail(str(envelope.mail_from), tuple(envelope.rcpt_tos), content, time.time()))
        return "250 Accepted"

    def start(self, port: int = 0, **options: Any) -> MailServer:
        options.setdefault("enable_SMTPUTF8", True)
        self._controller = Controller(self, hostname="127.0.0.1", port=port, ready_timeout=PATIENCE_S, **options)
        if port == 0:
            self._controller.port = free_port()
        self._controller.start()
        self.port = self._controller.port
        return self

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def hang_up(self) -> None:
        """Closes every connection without a word."""
        assert self._controller is not None
        for session in self._sessions:
            if session.transport is not None:
                self._controller.loop.call_soon_threadsafe(session.transport.close)

    def to(self, address: str) -> list[Mail]:
        return [mail for mail in self.mails if address in mail.recipients]

    def wait_for(self, number: int) -> list[Mail]:
        """Waits until this many mails came; fails with what came instead."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self.mails) < number and time.monotonic() < deadline:
            time.sleep(0.01)
        subjects = [mail.message["Subject"] for mail in self.mails]
        assert len(self.mails) >= number, f"{len(self.mails)} of {number} mails came: {subjects}"
        return list(self.mails)


# Below those that the system gives to connections, one of which might take a port before its server does; each process
# tries them from a place of its own.
_ports = itertools.cycle(range(12_000 + os.getpid() * 41 % 18_000, 32_000))


def free_port() -> int:
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class ScriptedServer:
    """A TCP server whose every connection runs a script of (reader, writer): for replies no real server would send."""

    def __init__(self, script: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> None:
        self.script = script
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self.script(reader, writer)
        writer.close()

    async def _end(self) -> None:
        self._server.close()
        scripts = asyncio.all_tasks() - {asyncio.current_task()}
        for script in scripts:
            script.cancel()
        await asyncio.gather(*scripts, return_exceptions=True)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = starting.result(PATIENCE_S)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()


# What a script does instead of answering.
HANG, DROP = "hang", "drop"
_USUAL = {"EHLO": "250", "HELO": "250 scripted", "DATA": "354 go on", "QUIT": "221 bye", "CONTENT": "250 accepted"}


class SmtpScript:
    """SMTP for a ScriptedServer. `answer(verb, line)` gives another reply than the usual, or HANG, or DROP.

    With PIPELINING among the extensions it is strict: MAIL and RCPT are answered when DATA has come, so that a client
    that waits for each answer waits for ever; `ahead` counts envelopes that came before the content was answered.
    """

    def __init__(self, answer: Callable[[str, str], str | None] | None = None, *extensions: str) -> None:
        self.answer = answer or (lambda verb, line: None)
        self.extensions = extensions
        self.greeting = "220 scripted"
        self.lines: list[str] = []
        self.mails: list[tuple[str, bytes]] = []
        self.open = 0
        self.ahead = 0
        self.looks_ahead_s = 0.05

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            await self._talk(reader, writer)
        finally:
            self.open -= 1

    @property
    def strict(self) -> bool:
        return "PIPELINING" in self.extensions

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._say(writer, self.answer("GREETING", "") or self.greeting):
            return
        held: list[str] = []
        recipient, ahead = "", b""
        while line := (ahead or await reader.readline()).decode().strip():
            verb, ahead = line[:4].upper(), b""
            self.lines.append(line)
            if verb == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
            held.append(self.answer(verb, line) or self._usual(verb))
            if self.strict and verb in ("MAIL", "RCPT", "RSET"):
                continue
            wants_content = held[-1].startswith("354")
            if not all([await self._say(writer, reply) for reply in held]) or verb == "QUIT":
                return
            held = []
            if wants_content:
                await self._take_content(reader, recipient)
                ahead = await self._look_ahead(reader)
                if not await self._say(writer, self.answer("CONTENT", recipient) or self._usual("CONTENT")):
                    return

    def _usual(self, verb: str) -> str:
        if verb == "EHLO" and self.extensions:
            names = ("scripted", *self.extensions)
            return "\r\n".join(f"250{'-' if name != names[-1] else ' '}{name}" for name in names)
        return _USUAL.get(verb, "250 OK")

    async def _take_content(self, reader: asyncio.StreamReader, recipient: str) -> None:
        content = b""
        while not content.endswith(b"\r\n.\r\n") and content != b".\r\n":
            content += await reader.readuntil(b"\r\n")
        if content != b".\r\n":
            self.mails.append((recipient, content[:-3]))

    async def _look_ahead(self, reader: asyncio.StreamReader) -> bytes:
        """What the client sent behind the content, before it knew the answer."""
        if not self.strict:
            return b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.looks_ahead_s):
                line = await reader.readline()
                self.ahead += line.startswith(b"MAIL")
                return line
        return b""

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, reply: str) -> bool:
        """Answers; False when the connection is to be dropped."""
        if reply == HANG:
            await asyncio.sleep(3_600)
        if reply in (HANG, DROP):
            return False
        writer.write(f"{reply}\r\n".encode())
        await writer.drain()
        return not reply.startswith("421")


@contextlib.contextmanager
def mail_server(*extensions: str, **options: Any) -> Iterator[MailServer]:
    server = MailServer(*extensions).start(**options)
    try:
        yield server
    finally:
        server.stop()
