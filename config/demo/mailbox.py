"""The demo's mail catcher: takes every mail by SMTP and shows it on a page of its own, on loopback only.

    python -m config.demo.mailbox SMTP_PORT HTTP_PORT FOLDER

Mails are kept as files; the page lists the newest 500, `/messages.json` gives them to programs.
"""

from __future__ import annotations

import email.policy
import html
import json
import signal
import sys
import threading
import time
from email.message import EmailMessage
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from core import files

SHOWN = 500
KEPT = 5_000
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#16262b;"
    "background:#f4f7f7}a{color:#0f6363}table{border-collapse:collapse;width:100%;background:#fff}"
    "td,th{text-align:left;padding:.45rem .7rem;border-bottom:1px solid #d8e0e2}pre{white-space:pre-wrap;"
    "background:#fff;padding:1rem;border:1px solid #d8e0e2;border-radius:8px}"
    "@media(prefers-color-scheme:dark){body{background:#0f181b;color:#e4ecee}a{color:#62cfc4}"
    "table,pre{background:#162226}td,th,pre{border-color:#2c3c42}}"
)


class Mailbox:
    """A folder of mails, newest last; file names sort by arrival."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._count = 0

    def add(self, envelope: Envelope) -> None:
        with self._lock:
            self._count += 1
            name = f"{time.time_ns():020d}-{self._count:06d}.eml"
            content = envelope.original_content or b""
            head = f"X-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n".encode()
            files.put(self.folder / name, head + content)
            if self._count % 100 == 0:
                for old in self.names()[:-KEPT]:
                    (self.folder / f"{old}.eml").unlink(missing_ok=True)

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.eml"))

    def read(self, name: str) -> EmailMessage | None:
        path = self.folder / f"{name}.eml"
        if not name.replace("-", "").isdigit() or not path.is_file():
            return None
        with path.open("rb") as file:
            message = BytesParser(policy=email.policy.default).parse(file)
        assert isinstance(message, EmailMessage)
        return message


# Nobody of such an address works there any more, so that the demo has something to show that did not arrive.
GONE = "former-"


class Catcher:
    """aiosmtpd's handler: every mail is accepted but for those to former colleagues."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.lower().startswith(GONE):
            return "550 5.1.1 User unknown: this mailbox does not exist any more"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mailbox.add(envelope)
        return "250 Kept in the demo's mailbox"


def _summary(name: str, message: EmailMessage) -> dict[str, Any]:
    return {
        "id": name,
        "to": message["X-Envelope-To"],
        "from": message["From"],
        "subject": message["Subject"],
        "date": message["Date"],
        "message_id": message["Message-ID"],
        "in_reply_to": message["In-Reply-To"],
    }


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


class Pages(BaseHTTPRequestHandler):
    """The mailbox's pages, for eyes and for programs."""

    mailbox: Mailbox

    def do_GET(self) -> None:
        path = self.path.split("?", 1)[0].strip("/")
        if path in ("", "messages.json"):
            messages = [(n, self.mailbox.read(n)) for n in reversed(self.mailbox.names()[-SHOWN:])]
            rows = [_summary(name, message) for name, message in messages if message is not None]
            if path:
                self._answer(json.dumps(rows), "application/json")
            else:
                self._answer(self._list(rows))
            return
        name, _, form = path.partition(".")
        message = self.mailbox.read(name)
        if message is None:
            self._answer("<h1>No such mail</h1>", status=404)
        elif form == "json":
            detail = _summary(name, message) | {
                "text": _body(message, "plain"),
                "html": _body(message, "html"),
                "headers": [[k, str(v)] for k, v in message.items()],
            }
            self._answer(json.dumps(detail), "application/json")
        else:
            self._answer(self._mail(message))

    def _list(self, rows: list[dict[str, Any]]) -> str:
        lines = "".join(
            f'<tr><td><a href="/{r["id"]}">{html.escape(str(r["subject"]))}</a></td>'
            f"<td>{html.escape(str(r['to']))}</td><td>{html.escape(str(r['date']))}</td></tr>"
            for r in rows
        )
        empty = "" if rows else "<p>No mail yet. Whatever Signalbox sends arrives here.</p>"
        return (
            f"<h1>Mailbox of the demo</h1>{empty}<table><thead><tr><th>Subject</th><th>To</th><th>Date</th></tr>"
            f"</thead><tbody>{lines}</tbody></table>"
        )

    def _mail(self, message: EmailMessage) -> str:
        head = "".join(f"{html.escape(k)}: {html.escape(str(v))}\n" for k, v in message.items())
        text = html.escape(_body(message, "plain"))
        subject = html.escape(str(message["Subject"]))
        return f'<p><a href="/">All mails</a></p><h1>{subject}</h1><pre>{text}</pre><pre>{head}</pre>'

    def _answer(self, body: str, kind: str = "text/html", status: int = 200) -> None:
        if kind == "text/html":
            body = (
                '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mailbox</title>'
                f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
                f"<body>{body}</body></html>"
            )
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent: the demo's terminal is for Signalbox."""


def main(smtp_port: int, http_port: int, folder: Path) -> None:
    mailbox = Mailbox(folder)
    controller = Controller(Catcher(mailbox), hostname="127.0.0.1", port=smtp_port, enable_SMTPUTF8=True)
    controller.start()
    server = ThreadingHTTPServer(("127.0.0.1", http_port), type("DemoPages", (Pages,), {"mailbox": mailbox}))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server.serve_forever(poll_interval=0.1)
    controller.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
