"""Reads the parts of a mail of unknown origin: bounded, tolerant, never raising. Pure.

The standard library's parser keeps reports (`message/delivery-status`) in forms that differ by their encoding and
raises for what some servers write; a report needs far less than a mail program does.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

# What stands further behind is the returned mail's own content, of which no more than its headers are needed.
MOST_BYTES = 1024 * 1024
MOST_PARTS = 100
DEEPEST = 8

_HEADER = re.compile(r"([!-9;-~]+)[ \t]*:[ \t]*(.*)", re.DOTALL)
_END_OF_HEADERS = re.compile(rb"\r?\n[ \t]*\r?\n")
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))', re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """A part without parts of its own: its type (lower case), its text, its own headers, those of the whole mail."""

    kind: str
    text: str
    headers: dict[str, list[str]]


def headers_in(text: str) -> dict[str, list[str]]:
    """Headers by lower-case name, unfolded, as far as lines are headers."""
    found: dict[str, list[str]] = {}
    for line in re.sub(r"\r?\n[ \t]+", " ", text.lstrip("\r\n")).splitlines():
        header = _HEADER.fullmatch(line)
        if header is not None:
            found.setdefault(header[1].lower(), []).append(header[2].strip())
    return found


def parts_of(raw: bytes) -> list[Part]:
    """The parts of a mail, attached mails included, the mail's own header first as a part of kind "header"."""
    raw = raw[:MOST_BYTES].lstrip()
    if raw.startswith(b"From "):  # as mail is kept in files, and as pipes hand it over
        raw = raw.partition(b"\n")[2]
    head = _decoded(_split(raw)[0])
    found = [Part("header", head, headers_in(head))]
    for part in _walk(raw, 0):
        found.append(part)
        if len(found) > MOST_PARTS:
            break
    return found


def _split(raw: bytes) -> tuple[bytes, bytes]:
    if raw.startswith((b"\n", b"\r\n")):  # a part without headers
        return b"", raw.lstrip(b"\r\n")
    end = _END_OF_HEADERS.search(raw)
    return (raw, b"") if end is None else (raw[: end.start()], raw[end.end() :])


def _walk(raw: bytes, depth: int) -> Iterator[Part]:
    head, body = _split(raw)
    headers = headers_in(_decoded(head))
    declared = headers.get("content-type", ["text/plain"])[0]
    kind = declared.partition(";")[0].strip().lower()
    boundary = _BOUNDARY.search(declared)
    if kind.startswith("multipart/") and boundary is not None and depth < DEEPEST:
        for inner in _between(body, boundary[1] or boundary[2] or ""):
            yield from _walk(inner, depth + 1)
        return
    body = _unpacked(body, headers.get("content-transfer-encoding", [""])[0].lower())
    yield Part(kind, _decoded(body), headers)
    if kind in ("message/rfc822", "message/global") and depth < DEEPEST:
        # A report may be attached to a mail that somebody passed on.
        yield from (part for part in _walk(body, depth + 1) if part.kind.startswith("message/"))


def _between(body: bytes, boundary: str) -> list[bytes]:
    mark = re.escape(b"--" + boundary.replace("\\", "").encode("utf-8", "replace"))
    pieces = re.split(rb"(?:^|\r?\n)" + mark + rb"(--)?[ \t]*(?=\r?\n|$)", body, maxsplit=2 * MOST_PARTS)
    # Every second piece says whether the mark was the last one.
    parts: list[bytes] = []
    for last, piece in zip(pieces[1::2], pieces[2::2], strict=False):
        if last:
            break
        parts.append(re.sub(rb"\A\r?\n", b"", piece))
    return parts


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        try:
            return base64.b64decode(re.sub(rb"[^A-Za-z0-9+/]", b"", body) + b"===")
        except (binascii.Error, ValueError):
            return body
    return quopri.decodestring(body) if encoding == "quoted-printable" else body


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\x00", "")
