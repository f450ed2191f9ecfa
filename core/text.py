"""What PostgreSQL cannot store, taken out once, where text comes in: NUL, lone surrogates, bytes that are no UTF-8.

Whoever reads a JSON body, an address, a file or a stranger's answer calls one of these; nobody behind them looks again.
A text that only spells such a character (`\\u0000` written out) is a text like any other.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

_MARK = b"\xef\xbb\xbf"
UNKNOWN = "\ufffd"
_SURROGATE = re.compile("[\ud800-\udfff]")
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
# Every escape, so that an escaped backslash before "u0000" is read as what it is; a pair of surrogates is one escape.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u(0000)|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_NUL_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def clean_text(text: str) -> str:
    """The text without NUL; a lone surrogate becomes U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if text.isascii() else _SURROGATE.sub(UNKNOWN, text)


# What breaks a line is a blank in a short text; what steers a terminal, or turns the rest of a line round, is nothing.
_BREAK = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]\\s*")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """A text of a device, a file or another system as a part of a line of ours: it can neither begin a line nor turn
    one round."""
    return text if text.isprintable() else _CONTROL.sub("", _BREAK.sub(" ", text)).strip()


# Zero-width and soft characters, directional marks: they come along when an id is copied from a document.
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


def visible(text: str) -> str:
    """The text without what nobody sees, which would part its words."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def composed(text: str) -> str:
    """The text with its accents composed (NFC), in one line, without what nobody sees, and without blanks
    around it."""
    text = one_line(text)
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFC", visible(text)).strip()


_AROUND = re.compile(r"^[\s/]+|[\s/]+$")


def identity(text: str) -> str:
    """An identity (an EVSE id, a station) as it is stored, wherever that is: composed, without the slashes that the
    address of its connection left around it."""
    return _AROUND.sub("", composed(text))


def identity_key(text: str | None) -> str:
    """By what two spellings of an identity (an EVSE id, a station) are the same: OCPP compares them without case.

    It is what PostgreSQL's `upper` makes of the identity: letter by letter, so that ß stays one.
    """
    return capitals(identity(text or ""))


def capitals(text: str) -> str:
    """The text as PostgreSQL's `upper` writes it."""
    return text.upper() if text.isascii() else "".join(map(_capital, text))


def _capital(letter: str) -> str:
    # ᾳ has a capital of one letter, which Python counts as that of titles alone.
    return next((big for big in (letter.upper(), letter.title()) if len(big) == 1), letter)


class IdentityKeys(dict[str | None, str]):
    """The keys of a batch's identities, each made when it is first asked for: most messages name the same stations."""

    def __missing__(self, text: str | None) -> str:
        key = self[text] = identity_key(text)
        return key


def shown_url(url: str) -> str:
    """Of a web address what names its owner: scheme, host and port. Path and query may be a key."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return origin + ("/***" if parts.path.strip("/") or parts.query or parts.fragment else "/")


# The last part of an address, or a name in one: lower-case letters and digits, joined by single hyphens.
SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


def clean_json(body: bytes) -> bytes:
    """A JSON body as UTF-8, without a byte order mark and without escapes of NUL.

    Bytes that no JSON text holds (no UTF-8, a raw NUL) and escapes of lone surrogates become U+FFFD, so that they spoil
    one text and no more. What is no JSON stays none.
    """
    body = as_utf8(body)
    if not body.isascii() or b"\x00" in body:
        body = body.decode("utf-8", "replace").replace("\x00", UNKNOWN).encode()
    body = composed_json(body)
    if b"\\u" not in body or not _SUSPECT.search(body):
        return body
    return _ESCAPE.sub(_clean_escape, body) or body


# Escapes of what is composed with the letter before it: accents, the marks of kana, the parts of Hangul.
_PARTED = re.compile(rb"\\u(?:03[0-6][0-9a-fA-F]|11[0-9a-fA-F]{2}|309[9aA])")
_WRITTEN_OUT = re.compile(
    rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|.)", re.DOTALL
)

_AN_ESCAPE = re.compile(r"(\\(?:u[0-9a-fA-F]{4}|.))", re.DOTALL)


def composed_json(body: bytes) -> bytes:
    """A JSON body with the accents of its texts composed (NFC), so that nobody behind compares what looks the same and
    is not. What is no UTF-8 is left alone.
    """
    is_parted = b"\\u" in body and _PARTED.search(body) is not None
    if body.isascii() and not is_parted:
        return body
    try:
        text = (_WRITTEN_OUT.sub(_plain_letter, body) if is_parted else body).decode()
    except UnicodeDecodeError:
        return body
    if unicodedata.is_normalized("NFC", text):
        return text.encode() if is_parted else body
    # Not across the end of an escape, whose last letter is none of the text's.
    return "".join(unicodedata.normalize("NFC", part) for part in _AN_ESCAPE.split(text)).encode()


def _plain_letter(escape: re.Match[bytes]) -> bytes:
    """A letter that was escaped and need not be."""
    high, low, single = escape.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)).encode()
    code = int(single, 16) if single else 0
    is_plain = code >= 0x20 and not 0xD800 <= code < 0xE000 and chr(code) not in '"\\'
    return chr(code).encode() if is_plain else escape[0]


def as_utf8(body: bytes) -> bytes:
    """A body without its byte order mark; one in UTF-32 or UTF-16, which begins with a mark or a bracket, is written as
    UTF-8.
    """
    if body.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return body.decode("utf-32", "replace").encode()
    if len(body) % 4 == 0 and body[:4] in (b"[\0\0\0", b"{\0\0\0", b"\0\0\0[", b"\0\0\0{"):
        return body.decode("utf-32-le" if body[0] else "utf-32-be", "replace").encode()
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace").encode()
    if len(body) % 2 == 0 and body[:2] in (b"[\0", b"{\0", b"\0[", b"\0{"):
        return body.decode("utf-16-le" if body[1] == 0 else "utf-16-be", "replace").encode()
    return body.removeprefix(_MARK)


def _clean_escape(escape: re.Match[bytes]) -> bytes:
    if escape[1]:
        return b""
    return rb"\ufffd" if escape[2] else escape[0]


def without_nul(encoded: str) -> str:
    """JSON text that we encoded ourselves, without escapes of NUL: jsonb knows none."""
    return _NUL_ESCAPE.sub(r"\1", encoded) if "\\u0000" in encoded else encoded


def brand_written(name: str) -> str:
    """A brand as people write it: platforms shout TESLA; BMW is three letters."""
    return name.title() if name.isupper() and len(name) > 3 else name


def said_once(name: str, rest: str) -> str:
    """Both, a blank between them; a rest that begins with the name says that already: Volkswagen, Volkswagen ID.3."""
    repeats = f"{rest} ".casefold().startswith(f"{name} ".casefold())
    return rest if repeats else f"{name} {rest}".strip()
