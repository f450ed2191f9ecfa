"""Looks for reports in a mailbox (IMAP), where no pipe of a mail server can be had.

Each mail is taken, then marked as seen; one that cannot be taken now stays unseen and is looked at again.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import ssl
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import unquote, urlsplit

import structlog
from django.conf import settings
from django.db import Error

from outbox.rules.mime_parts import MOST_BYTES
from outbox.services.bounces.taking import take_report

log = structlog.get_logger("signalbox.bounces")

TIMEOUT_S = 30
# Mails at one look; the others have their turn at the next.
MOST_AT_ONCE = 200
_PORTS = {"imaps": 993, "imap+tls": 143, "imap": 143}


def poll_mailbox(*, now: datetime) -> int:
    """Takes the unseen mails of BOUNCE_MAILBOX_URL and returns how many were about mails of ours.

    What a mailbox that cannot be reached holds is taken later. Two workers at once do no harm: a report counts once.
    """
    try:
        with _signed_in(settings.BOUNCE_MAILBOX_URL) as mailbox:
            return sum(_take(mailbox, uid, now) for uid in _unseen(mailbox)[:MOST_AT_ONCE])
    except (OSError, imaplib.IMAP4.error, Error) as error:
        log.warning("bounce mailbox unavailable", error=f"{type(error).__name__}: {error}"[:200])
        return 0


@contextlib.contextmanager
def _signed_in(url: str) -> Iterator[imaplib.IMAP4]:
    """`imaps://` is encrypted from the first byte, `imap+tls://` by STARTTLS; `imap://` is for this machine alone."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    context = ssl.create_default_context()
    mailbox: imaplib.IMAP4 = (
        imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=TIMEOUT_S)
        if parts.scheme == "imaps"
        else imaplib.IMAP4(host, port, timeout=TIMEOUT_S)
    )
    try:
        if parts.scheme == "imap+tls":
            mailbox.starttls(context)
        mailbox.login(unquote(parts.username or ""), unquote(parts.password or ""))
        name = unquote(parts.path.strip("/")) or "INBOX"
        answer, data = mailbox.select('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"')
        if answer != "OK":
            raise imaplib.IMAP4.error(f"cannot open {name}: {data!r}")
        yield mailbox
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            mailbox.logout()


def _unseen(mailbox: imaplib.IMAP4) -> list[str]:
    _answer, data = mailbox.uid("SEARCH", "UNSEEN")
    return [uid.decode() for uid in (data[0] or b"").split() if uid.isdigit()]


def _take(mailbox: imaplib.IMAP4, uid: str, now: datetime) -> int:
    # By PEEK nothing is marked before it was taken; more than MOST_BYTES is not looked at.
    _answer, data = mailbox.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
    raw = next((part[1] for part in data if isinstance(part, tuple)), b"")
    taken = take_report(raw=raw, envelope_to=_delivered_to(raw), now=now)
    mailbox.uid("STORE", uid, "+FLAGS.SILENT", "(\\Seen)")
    return int(taken.matched > 0)


def _delivered_to(raw: bytes) -> str:
    found = re.search(
        rb"^(?:Delivered-To|X-Original-To|Envelope-To): *(\S+)", raw[:20_000], re.MULTILINE | re.IGNORECASE
    )
    return found[1].decode("ascii", "replace") if found is not None else ""
