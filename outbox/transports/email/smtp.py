"""An SMTP client for many messages on one connection: pipelined where the server offers it (RFC 2920).

While the server still thinks about one message's content, the next one's envelope is already under way, so that a
message costs one round trip instead of four. TLS and STARTTLS verify certificates; PLAIN and LOGIN are spoken.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from outbox.choices import Reason
from outbox.contract import Outcome, delivered, failed, postponed, retry
from outbox.transports.email.mime import Message

CONNECT_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
MAX_REPLY_LINES = 100
# What a connection that breaks, or a server that does not speak SMTP, raises.
_BREAKS = (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


@dataclass(frozen=True)
class SmtpServer:
    """Where mail goes, as EMAIL_URL says it."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    use_tls: bool = False
    use_starttls: bool = False
    timeout_s: float = 15.0
    hello: str = "localhost"


@dataclass(frozen=True, slots=True)
class Reply:
    code: int
    text: str

    @property
    def words(self) -> str:
        return f"{self.code} {self.text}"


class ServerAway(Exception):
    """The server cannot be used now; no message is to blame. Carries the outcome for the message in hand."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.answer)
        self.outcome = outcome


class Broken(Exception):
    """The connection ended or timed out in the middle of a message."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.answer)
        self.outcome = outcome


class SmtpSession:
    """One connection. `open()` first, then `transmit()` message by message, `close()` at the end."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self.extensions: dict[str, str] = {}
        # Messages that the server answered to, whatever it said.
        self.sent = 0
        # Whether the content of the message in hand was written: then a break leaves its fate unknown.
        self.content_written = False
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        # The message whose envelope was already written behind the previous one's content.
        self._primed: Message | None = None
        self._dirty = False

    # ---- opening ----------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connects, greets, encrypts and signs in. Raises ServerAway."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S + self.server.timeout_s):
                await self._connect()
        except TimeoutError as error:
            self.abort()
            raise ServerAway(postponed(Reason.TIMEOUT, "No answer while connecting")) from error
        except ssl.SSLError as error:
            self.abort()
            raise ServerAway(postponed(Reason.TLS, str(error))) from error
        except _BREAKS as error:
            self.abort()
            raise ServerAway(postponed(Reason.CONNECTION, str(error) or type(error).__name__)) from error
        except ServerAway:
            self.abort()
            raise

    async def _connect(self) -> None:
        context = ssl.create_default_context() if self.server.use_tls else None
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            self._reader, self._writer = await asyncio.open_connection(
                self.server.host, self.server.port, ssl=context, limit=64 * 1024
            )
        self._expect(await self._reply(), 220, Reason.CONNECTION)
        await self._hello()
        if self.server.use_starttls:
            if "STARTTLS" not in self.extensions:
                raise ServerAway(postponed(Reason.TLS, "The server does not offer STARTTLS"))
            self._expect(await self._command(b"STARTTLS"), 220, Reason.TLS)
            await self._refuse_smuggled()
            await self._writer.start_tls(ssl.create_default_context(), server_hostname=self.server.host)
            await self._hello()
        if self.server.username:
            await self._sign_in()

    async def _refuse_smuggled(self) -> None:
        """What stands behind the answer to STARTTLS came in the clear and must not answer what is said encrypted."""
        assert self._reader is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                if await self._reader.read(1):
                    raise ServerAway(postponed(Reason.TLS, "There was more than an answer to STARTTLS"))

    async def _hello(self) -> None:
        reply = await self._command(f"EHLO {self.server.hello}".encode())
        if reply.code != 250:
            self._expect(await self._command(f"HELO {self.server.hello}".encode()), 250, Reason.CONNECTION)
            self.extensions = {}
            return
        lines = reply.text.split("\n")[1:]
        self.extensions = {line.partition(" ")[0].upper(): line.partition(" ")[2] for line in lines}

    async def _sign_in(self) -> None:
        methods = self.extensions.get("AUTH", "").upper().split()
        name, password = self.server.username.encode(), self.server.password.encode()
        if "PLAIN" in methods or not methods:
            token = base64.b64encode(b"\0" + name + b"\0" + password)
            reply = await self._command(b"AUTH PLAIN " + token)
        else:
            reply = await self._command(b"AUTH LOGIN " + base64.b64encode(name))
            if reply.code == 334:
                reply = await self._command(base64.b64encode(password))
        self._expect(reply, 235, Reason.LOGIN)

    @staticmethod
    def _expect(reply: Reply, code: int, reason: Reason) -> None:
        if reply.code != code:
            raise ServerAway(postponed(reason, reply.words, reply.code))

    # ---- talking ----------------------------------------------------------------------------------------------

    async def _reply(self) -> Reply:
        assert self._reader is not None
        lines = []
        for _ in range(MAX_REPLY_LINES):
            line = await self._reader.readuntil(b"\n")
            if not line[:3].isdigit():
                raise ValueError(f"The server did not answer in SMTP: {line[:80].decode('utf-8', 'replace').strip()}")
            lines.append(line[4:].decode("utf-8", "replace").rstrip())
            if line[3:4] != b"-":
                return Reply(int(line[:3]), "\n".join(lines))
        raise ValueError("The server's reply does not end")

    async def _command(self, line: bytes) -> Reply:
        assert self._writer is not None
        self._writer.write(line + b"\r\n")
        return await self._reply()

    def _envelope(self, message: Message) -> list[bytes]:
        utf8 = b" SMTPUTF8" if message.utf8 else b""
        lines = [
            b"MAIL FROM:<" + message.sender.encode() + b">" + utf8 + b"\r\n",
            b"RCPT TO:<" + message.recipient.encode() + b">\r\n",
            b"DATA\r\n",
        ]
        return [b"RSET\r\n", *lines] if self._dirty else lines

    @property
    def pipelining(self) -> bool:
        return "PIPELINING" in self.extensions

    async def _open_envelope(self, message: Message) -> tuple[Reply, Reply, Reply]:
        """Writes the envelope unless it is under way already, and reads the answers to MAIL, RCPT and DATA."""
        assert self._writer is not None
        commands = self._envelope(message)
        primed, self._primed = self._primed is message, None
        replies: list[Reply] = []
        if primed or self.pipelining:
            if not primed:
                self._writer.write(b"".join(commands))
            replies = [await self._reply() for _ in commands]
        else:
            for command in commands:
                self._writer.write(command)
                replies.append(await self._reply())
                if replies[-1].code >= 400 and command[:4] != b"RSET":
                    break
        replies = replies[-len(commands) :]
        if self._dirty:
            replies = replies[1:]
        self._dirty = True
        padded = replies + [Reply(0, "")] * (3 - len(replies))
        return padded[0], padded[1], padded[2]

    @property
    def is_primed(self) -> bool:
        """Whether the envelope of the next message is under way: no other message can be sent before it."""
        return self._primed is not None

    async def transmit(self, message: Message, upcoming: Callable[[], Message | None]) -> Outcome:
        """Sends one message and says what the server made of it.

        `upcoming` hands over the message that will be transmitted next, if there is one by then. Raises Broken when
        the connection ended or timed out before the server's last word.
        """
        try:
            async with asyncio.timeout(self.server.timeout_s * 2):
                outcome = await self._transmit(message, upcoming)
        except TimeoutError as error:
            self.abort()
            raise Broken(retry(Reason.TIMEOUT, None, "The server did not answer in time")) from error
        except _BREAKS as error:
            self.abort()
            raise Broken(retry(Reason.BROKEN_OFF, None, str(error) or type(error).__name__)) from error
        self.sent += 1
        return outcome

    async def _transmit(self, message: Message, upcoming: Callable[[], Message | None]) -> Outcome:
        assert self._writer is not None
        self.content_written = False
        if message.utf8 and "SMTPUTF8" not in self.extensions:
            if message.recipient.isascii():
                return postponed(Reason.SENDER_REFUSED, "Our sender address needs SMTPUTF8, which it does not offer")
            return failed(Reason.NEEDS_SMTPUTF8, None, "The server does not offer SMTPUTF8")
        mail, rcpt, data = await self._open_envelope(message)
        refused = judge_envelope(mail, rcpt, data)
        if refused is not None:
            if data.code == 354:  # it wants content although it took no recipient
                self._writer.write(b".\r\n")
                await self._reply()
            return refused
        following = upcoming() if self.pipelining else None
        self._dirty = False
        ahead = b""
        if following is not None and not (following.utf8 and "SMTPUTF8" not in self.extensions):
            self._primed, ahead = following, b"".join(self._envelope(following))
        self.content_written = True
        self._writer.write(stuffed(message.content) + b".\r\n" + ahead)
        await self._writer.drain()
        return judge_content(await self._reply())

    async def close(self) -> None:
        """Says goodbye; whatever happens, the connection is gone afterwards."""
        if self._writer is None:
            return
        with contextlib.suppress(TimeoutError, *_BREAKS):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._command(b"QUIT")
        self.abort()

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def stuffed(content: bytes) -> bytes:
    """Dot-stuffing (RFC 5321 § 4.5.2)."""
    content = content.replace(b"\r\n.", b"\r\n..")
    return b"." + content if content.startswith(b".") else content


def judge_envelope(mail: Reply, rcpt: Reply, data: Reply) -> Outcome | None:
    """What the answers to MAIL, RCPT and DATA mean; None when the content may be sent.

    A refused sender or a wanted login is our configuration's fault, so it delays instead of failing the address.
    RFC 5321 § 4.5.3.1.10: 552 to RCPT is to be read as 452.
    """
    for reply, permanent in (
        (mail, Reason.SENDER_REFUSED),
        (rcpt, Reason.ADDRESS_REFUSED),
        (data, Reason.CONTENT_REFUSED),
    ):
        if 200 <= reply.code < 400:
            continue
        if reply.code == 421:
            return postponed(Reason.CONNECTION, reply.words, 421)
        if reply.code in (530, 535):
            return postponed(Reason.LOGIN, reply.words, reply.code)
        if reply.code < 500 or (reply is rcpt and reply.code == 552):
            return retry(Reason.TEMPORARY, reply.code, reply.words)
        if permanent == Reason.SENDER_REFUSED:
            return postponed(permanent, reply.words, reply.code)
        return failed(permanent, reply.code, reply.words)
    return None


def judge_content(final: Reply) -> Outcome:
    """What the answer to the content means."""
    if 200 <= final.code < 300:
        return delivered(final.code, final.words)
    if final.code == 421:
        return postponed(Reason.CONNECTION, final.words, 421)
    if final.code < 500:
        return retry(Reason.TEMPORARY, final.code, final.words)
    return failed(Reason.CONTENT_REFUSED, final.code, final.words)
