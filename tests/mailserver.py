"""A real SMTP server on loopback for tests, which can be told to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import email.policy
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


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
    """Collects mails; `rcpt` and `data` may be replaced to answer otherwise for an address or a mail."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.connections = 0
        self.rcpt: Callable[[str], str | None] = lambda address: None
        self.data: Callable[[Envelope], str | None] = lambda envelope: None
        self._controller: Controller | None = None
        self.port = 0

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

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
        self._controller = Controller(self, hostname="127.0.0.1", port=port, enable_SMTPUTF8=True, **options)
        if port == 0:
            self._controller.port = free_port()
        self._controller.start()
        self.port = self._controller.port
        return self

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def to(self, address: str) -> list[Mail]:
        return [mail for mail in self.mails if address in mail.recipients]

    def wait_for(self, number: int, timeout_s: float = 10) -> list[Mail]:
        """Waits until this many mails came; fails with what came instead."""
        deadline = time.monotonic() + timeout_s
        while len(self.mails) < number and time.monotonic() < deadline:
            time.sleep(0.01)
        subjects = [mail.message["Subject"] for mail in self.mails]
        assert len(self.mails) >= number, f"{len(self.mails)} of {number} mails came: {subjects}"
        return list(self.mails)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self.script(reader, writer)
        writer.close()

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = starting.result(5)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


@contextlib.contextmanager
def mail_server(**options: Any) -> Iterator[MailServer]:
    server = MailServer().start(**options)
    try:
        yield server
    finally:
        server.stop()
