"""JSON texts of machines, as what they say, also where they are not quite JSON. Pure.

What is read with pains is warned of. Only what can mean one thing is mended: a last bracket that did not come behind a
payload that is whole, quotes within a text, texts in single quotes and keys in none. What can mean several things stays
what nobody can read.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from typing import Any

import msgspec

from core.pieces import MALFORMED, OUTER, REPLACED, decode_any, keys_in, repeated_keys, repeated_sentence
from core.text import clean_json

MENDED = "It was not valid JSON (a last bracket missing, other quotes or none); it was read as what it says."
SIGNED = "It is signed; what it says was read, and its signature was not checked."
# Strict readers take it; no database does.
NUL = b"\\u0000"
# A text, to its end or that of all: what looks for an end that is not there looks no second time.
_SIGN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_QUOTE = re.compile(rb'\\.|"', re.DOTALL)
# What follows a quote that ends a text.
_ENDS = re.compile(rb'\s*(?:[:}\]]|\Z|,\s*(?:["{\[}\]\d-]|true|false|null))')
# A text in double or single quotes, to its end or that of all, and a word that is a key or a value of Python.
_TEXT_OR_WORD = re.compile(rb'"(?:[^"\\]|\\.)*+"?|(\'(?:[^\'\\]|\\.)*+\'?)|([A-Za-z_$][\w$]*+)(?=\s*(:)?)', re.DOTALL)
_WORDS = {b"True": b"true", b"False": b"false", b"None": b"null"}
_SIGNATURES = {"signature", "signatures"}
_OPENED = {b"]": b"[", b"}": b"{"}


def decoded(body: bytes) -> tuple[Any, str]:
    """What a JSON text says, and what had to be done to read it, as a sentence. Raises MALFORMED."""
    try:
        value, note = msgspec.json.decode(body), ""
        if NUL in body and (cleaned := clean_json(body)) != body:
            value, note = msgspec.json.decode(cleaned), REPLACED
    except MALFORMED as error:
        value, note = _with_pains(body.strip(OUTER), error)
    return value, note or repeats(body, value)


def signed_content(value: Any) -> Any | None:
    """What a signed message of OCPP 2.1 holds, a JWS in JSON, as far as that can be read; None where it is none."""
    if not (isinstance(value, dict) and isinstance(held := value.get("payload"), str) and _SIGNATURES & value.keys()):
        return None
    try:
        return decoded(urlsafe_b64decode(held + "=" * (-len(held) % 4)))[0]
    except (ValueError, *MALFORMED):
        return None


def repeats(body: bytes, value: Any) -> str:
    """That a key stands twice in one object, as a sentence; `value` is what was read."""
    if keys_in(body) <= keys_in(msgspec.json.encode(value)):
        return ""
    names = repeated_keys(body)
    return repeated_sentence(names) if names else ""


def _with_pains(piece: bytes, error: Exception) -> tuple[Any, str]:
    try:
        return decode_any(piece)
    except MALFORMED:
        for mended in (_ended(piece), _ended(_escaped(piece)), _ended(_requoted(piece))):
            try:
                return decode_any(mended)[0], MENDED
            except MALFORMED:
                continue
        raise error from None


def _ended(piece: bytes) -> bytes:
    """With the last brackets of arrays around an object or array that is whole, and the one before the last bracket."""
    opened = list[bytes]()
    for found in _SIGN.finditer(piece):
        if (sign := found[0]) in (b"[", b"{"):
            opened.append(sign)
        elif sign in _OPENED and (not opened or opened.pop() != _OPENED[sign]):
            is_last = found.end() == len(piece) and opened == [_OPENED[sign]]
            return piece[:-1] + b"}" + piece[-1:] if is_last and sign == b"]" else piece
    whole = piece.rstrip(b", \t\r\n\0")
    is_whole = whole[-1:] in (b"}", b"]") and set(opened) == {b"["}
    return whole + b"]" * len(opened) if is_whole else piece


def _escaped(piece: bytes) -> bytes:
    """With quotes within texts escaped: one that ends a text stands before a sign of JSON."""
    parts, start, is_inside = list[bytes](), 0, False
    for quote in _QUOTE.finditer(piece):
        if quote[0] != b'"':
            continue
        if is_inside and not _ENDS.match(piece, quote.end()):
            parts += [piece[start : quote.start()], b'\\"']
            start = quote.end()
        else:
            is_inside = not is_inside
    return b"".join([*parts, piece[start:]])


def _requoted(piece: bytes) -> bytes:
    """With texts in single quotes, and keys in none, in double ones."""

    def quoted(found: re.Match[bytes]) -> bytes:
        said, word, is_key = found.groups()
        if said and (len(said) == 1 or said[-1:] != b"'"):
            return said
        if said:
            inner = _QUOTE.sub(lambda sign: b'\\"' if sign[0] == b'"' else sign[0], said[1:-1])
            return b'"' + inner.replace(b"\\'", b"'") + b'"'
        return b'"' + word + b'"' if is_key else _WORDS.get(word, word or found[0])

    return _TEXT_OR_WORD.sub(quoted, piece)
