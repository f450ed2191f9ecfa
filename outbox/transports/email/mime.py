"""Writes a mail: a rendered text and HTML body becomes the bytes that go over the wire, one message per address.

The standard library's message classes take 0.1 to 0.3 ms per mail; this builder takes 0.02 ms and writes one form
only: multipart/alternative, quoted-printable, headers encoded by RFC 2047 and folded. `email` parses it back in the
tests, whatever the input.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parseaddr
from functools import lru_cache

from core.email_addresses import ascii_address
from outbox.transports.rendering.render import PERSONAL_MARK, UNSUBSCRIBE_MARK, Body

# Everything that could end a header line or hide in it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
# What a label of a List-Id does not hold.
_NO_LABEL = re.compile(r"[^0-9A-Za-z]+")
# Neither part of an address holds what has a meaning of its own in a header or an SMTP command.
_PART = r"[^\x00-\x20\x7f-\x9f()<>\[\]\\,;:\"@\u2028\u2029]+"
_ADDRESS = re.compile(rf"{_PART}@(?:{_PART}|\[[0-9A-Za-z.:]+\])")
# RFC 5321 § 4.5.3.1.3: a path has 256 octets, its angle brackets included.
MAX_ADDRESS_OCTETS = 254
MAX_SUBJECT = 250
LONGEST_WORD = 60
LINE = 76
CRLF = "\r\n"


@dataclass(frozen=True, slots=True)
class Message:
    """A mail ready to send: envelope and content, lines ended by CRLF."""

    sender: str
    recipient: str
    content: bytes
    utf8: bool


def one_line(text: str) -> str:
    """A header value without anything that could begin another header."""
    return _CONTROL.sub(" ", text).strip()


def wire_address(address: str) -> str:
    """An address as servers take it: an international domain in its ASCII form. Raises ValueError for what is none."""
    if not address.isascii():
        address = ascii_address(address)
    if len(address.encode()) > MAX_ADDRESS_OCTETS:
        raise ValueError(f"The address is longer than {MAX_ADDRESS_OCTETS} octets")
    if not _ADDRESS.fullmatch(address):
        raise ValueError("The address holds characters that no address can have, or no @")
    return address


@lru_cache(maxsize=64)
def sender_parts(display_and_address: str) -> tuple[str, str]:
    """The sender's name and address. One that is none is left for the server to refuse: no receiver is to blame."""
    display, address = parseaddr(one_line(display_and_address))
    try:
        return display.strip(), wire_address(address)
    except ValueError:
        return display.strip(), address


def encoded_header(name: str, text: str) -> bytes:
    """A header with free text: plain when it is ASCII, else RFC 2047; folded below 78 characters."""
    value = one_line(text)
    lines = _folded if _is_plain(value) else _encoded
    return f"{name}: {f'{CRLF} '.join(lines(value, LINE - len(name) - 2))}\r\n".encode("ascii")


def _is_plain(value: str) -> bool:
    """Text that looks encoded is encoded once more, so that it arrives as it was written; so is what cannot be folded:
    a long word, or a run of spaces, of which a line could consist."""
    if not value.isascii() or "=?" in value or "  " in value:
        return False
    return len(value) <= LONGEST_WORD or all(len(word) <= LONGEST_WORD for word in value.split(" "))


def _folded(value: str, room: int) -> Iterator[str]:
    """Lines of whole words: the first of `room` characters, the others of a line's length."""
    line = ""
    for word in value.split(" "):
        if line and len(line) + 1 + len(word) > room:
            yield line
            line, room = word, LINE - 1
        else:
            line = f"{line} {word}" if line else word
    yield line


def _encoded(value: str, room: int) -> Iterator[str]:
    """Encoded words (RFC 2047 § 4.2 and 5): each at most a line, none ends within a character."""
    word = ""
    for char in value:
        piece = _Q[char]
        if len(word) + len(piece) > room - len("=?utf-8?q??="):
            yield f"=?utf-8?q?{word}?="
            word, room = piece, LINE - 1
        else:
            word += piece
    yield f"=?utf-8?q?{word}?="


class _Quoted(dict[str, str]):
    """A character as the “Q” encoding has it; those that are safe everywhere in a header stay as they are."""

    def __missing__(self, char: str) -> str:
        safe = char.isascii() and (char.isalnum() or char in "!*+-/")
        piece = char if safe else "".join(f"={octet:02X}" for octet in char.encode("utf-8", "replace"))
        if len(self) < MOST_KEPT:
            self[char] = piece
        return piece


MOST_KEPT = 4_096
_Q = _Quoted({" ": "_"})


@lru_cache(maxsize=64)
def address_header(name: str, display_and_address: str) -> bytes:
    display, address = sender_parts(display_and_address)
    if not display:
        return f"{name}: {address}\r\n".encode()
    if display.isascii() and "=?" not in display:
        escaped = display.replace("\\", "\\\\").replace('"', '\\"')
        return f'{name}: "{escaped}"\r\n <{address}>\r\n'.encode()
    return encoded_header(name, display) + f" <{address}>\r\n".encode()


def message_id(event_hex: str, address: str, host: str, copy: int = 0) -> str:
    """The Message-ID of an event's mail to an address: the same at every attempt, so that a repeat is recognised.

    `copy` is 0 for the first mail; one that a person had sent once more is another mail with an id of its own.
    """
    receiver = hashlib.sha256(address.lower().encode()).hexdigest()[:16]
    return f"<{event_hex}.{receiver}{f'.{copy}' if copy else ''}@{host}>"


def list_id_of(list_key: str, host: str) -> str:
    """The List-Id (RFC 2919) of a mailing list of this installation: `12.notification-group.signalbox.example`."""
    labels = [_NO_LABEL.sub("-", part).strip("-") for part in (*reversed(list_key.split(":")), *host.split("."))]
    return ".".join(label for label in labels if label)


def quoted_printable(text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").replace("\n", "\r\n") + "\r\n"
    return binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True)


def build_message(
    body: Body,
    *,
    sender: str,
    recipient: str,
    event_hex: str,
    thread: str,
    date: datetime,
    host: str,
    unsubscribe: str = "",
    personal_link: str = "",
    list_id: str = "",
    reply_to: str = "",
    envelope_sender: str = "",
    language: str = "en",
    copy: int = 0,
) -> Message:
    """One address's mail. `thread` is the hex of the event that it answers, or empty.

    `envelope_sender` is where reports of failure go; without one, to the sender. Raises ValueError when the recipient
    is no address.
    """
    wire_recipient, wire_sender = wire_address(recipient), envelope_sender or sender_parts(sender)[1]
    boundary = f"=_{event_hex}"
    text, html = body.text, body.html
    headers = [
        address_header("From", sender),
        b"To: " + wire_recipient.encode() + b"\r\n",
        encoded_header("Subject", body.subject[:MAX_SUBJECT]),
        f"Date: {format_datetime(date)}\r\nMessage-ID: {message_id(event_hex, recipient, host, copy)}\r\n".encode(),
        f"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Language: {language}\r\n".encode(),
    ]
    if reply_to:
        headers.append(address_header("Reply-To", reply_to))
    if list_id:
        headers.append(f"List-Id: <{list_id_of(list_id, host)}>\r\n".encode())
    if thread:
        parent = message_id(thread, recipient, host)
        headers.append(f"In-Reply-To: {parent}\r\nReferences: {parent}\r\n".encode())
    if unsubscribe:
        headers.append(
            f"List-Unsubscribe: <{unsubscribe}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode()
        )
        text, html = text.replace(UNSUBSCRIBE_MARK, unsubscribe), html.replace(UNSUBSCRIBE_MARK, unsubscribe)
    if personal_link:
        text, html = text.replace(PERSONAL_MARK, personal_link), html.replace(PERSONAL_MARK, personal_link)
    part = "\r\nContent-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    content = b"".join(
        (
            *headers,
            f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n--{boundary}'.encode(),
            part.format("plain").encode(),
            quoted_printable(text),
            f"\r\n--{boundary}".encode(),
            part.format("html").encode(),
            quoted_printable(html),
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )
    return Message(wire_sender, wire_recipient, content, not (wire_sender + wire_recipient).isascii())
