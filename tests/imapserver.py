"""A small IMAP server on loopback (RFC 3501): one mailbox, the commands that polling needs, literals and flags."""

from __future__ import annotations

import contextlib
import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Stored:
    """A mail in the mailbox."""

    content: bytes
    flags: set[str] = field(default_factory=set)


class ImapServer:
    """`mails` by UID; `password` is asked for. `commands` has what clients said, without the password."""

    def __init__(self, *mails: bytes, password: str = "secret", certificate: str = "") -> None:
        self.mails = {uid: Stored(content) for uid, content in enumerate(mails, 101)}
        self.password = password
        self.commands: list[str] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    _Session(outer, self).run()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])

    def unseen(self) -> list[int]:
        return [uid for uid, mail in self.mails.items() if "\\Seen" not in mail.flags]

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Session:
    """One connection: states as the protocol has them, so that a client that skips one is answered with BAD."""

    def __init__(self, server: ImapServer, handler: socketserver.StreamRequestHandler) -> None:
        self.server, self.read, self.out = server, handler.rfile, handler.wfile
        self.signed_in = self.selected = False

    def run(self) -> None:
        self.say("* OK ready")
        while line := self.read.readline().decode().strip():
            tag, _space, command = line.partition(" ")
            verb = command.upper()
            self.server.commands.append("LOGIN" if verb.startswith("LOGIN") else command)
            if verb == "LOGOUT":
                self.say("* BYE", f"{tag} OK bye")
                return
            self.say(f"{tag} {self.answer(verb, command)}")

    def say(self, *lines: str) -> None:
        for line in lines:
            self.out.write(f"{line}\r\n".encode())

    def answer(self, verb: str, command: str) -> str:
        if verb == "CAPABILITY":
            self.say("* CAPABILITY IMAP4rev1")
            return "OK done"
        if verb.startswith("LOGIN "):
            self.signed_in = command.rstrip().endswith(f'"{self.server.password}"')
            return "OK welcome" if self.signed_in else "NO [AUTHENTICATIONFAILED] wrong"
        if not self.signed_in:
            return "BAD sign in first"
        if verb.startswith("SELECT"):
            self.selected = verb.endswith(('"INBOX"', " INBOX"))
            self.say(f"* {len(self.server.mails)} EXISTS", "* FLAGS (\\Seen)")
            return "OK [READ-WRITE] selected" if self.selected else "NO there is none"
        return self.of_mails(command) if self.selected else "BAD select a mailbox first"

    def of_mails(self, command: str) -> str:
        if command == "UID SEARCH UNSEEN":
            self.say("* SEARCH " + " ".join(map(str, self.server.unseen())))
            return "OK found"
        if fetch := re.fullmatch(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", command):
            mail = self.server.mails[int(fetch[1])]
            content = mail.content[: int(fetch[2])]
            self.say(f"* 1 FETCH (UID {fetch[1]} BODY[]<0> {{{len(content)}}}")
            self.out.write(content + b")\r\n")
            return "OK fetched"
        if store := re.fullmatch(r"UID STORE (\d+) \+FLAGS\.SILENT \((\\\w+)\)", command):
            self.server.mails[int(store[1])].flags.add(store[2])
            return "OK stored"
        return "BAD unknown"


@contextlib.contextmanager
def imap_server(*mails: bytes, **options: str) -> Iterator[ImapServer]:
    server = ImapServer(*mails, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
