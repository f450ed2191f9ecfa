"""Reads what is not quite JSON item by item, so that one bad item costs no other.

Only what a strict reader refused comes here. An array is cut at the commas between its items, without a look at what is
in them; each item is then decoded by itself, at last with what no JSON may hold taken out of it: characters that cannot
be stored, control characters within a text, numbers that are none, a comma with nothing behind it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from core.text import clean_json

Value = TypeVar("Value")
_WHOLE = msgspec.json.Decoder(msgspec.Raw)
MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# Texts whole, so that no bracket in one counts; the last may be cut off.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_TEXT_OR_NUMBER = re.compile(
    rb'("(?:[^"\\]|\\.)*+(?:"|\\?\Z))|(-?(?:NaN|Infinity|nan|inf)\b)|(-?\d[\d.]*[eE][+-]?\d+|-?\d{309,}(?:\.\d+)?)'
    rb"|(,)(?=\s*[,\]}])",
    re.DOTALL,
)
_CONTROL = re.compile(rb"[\x00-\x1f]")
# What may stand around a body or an item and says nothing: blanks, NUL, the marks of ends of files and of records.
OUTER = b" \t\r\n\0\x1a\x1e"
_OPENS = {b"}": b"{", b"]": b"["}

REPLACED = "It held characters that no text may hold (NUL, half a surrogate pair, bytes that are no UTF-8)."
REPAIRED = "It held what JSON does not allow (a control character in a text, a number that is none, a comma too many)."
CUT_OFF = "The body ends within this item."
CUT_BEHIND = "The body ends behind this item before its array does; what should have followed did not come."


@dataclass(frozen=True, slots=True)
class Pieces:
    """The items of an array as bytes; `is_cut_off` when it ends within the last of them, `rest` is what follows it."""

    items: list[bytes]
    is_cut_off: bool
    rest: bytes = b""


def split_array(body: bytes) -> Pieces:
    """The items of an array that begins at the first bracket. A bracket that closes nothing is passed over; where
    another item begins without a comma before it, the one before has ended.
    """
    items: list[bytes] = []
    start = body.index(b"[") + 1
    opened: list[bytes] = []
    for token in _TOKEN.finditer(body, start):
        sign = token[0]
        if sign in (b"[", b"{"):
            if not opened and (piece := body[start : token.start()].strip(OUTER)):
                items.append(piece)
                start = token.start()
            opened.append(sign)
        elif sign in _OPENS:
            if not opened and sign == b"]":
                return Pieces([*items, *_last(body[start : token.start()])], False, body[token.end() :])
            # What was opened within and never closed ends with what is around it.
            while opened and opened.pop() != _OPENS[sign]:
                pass
        elif sign == b"," and not opened:
            items.append(body[start : token.start()])
            start = token.end()
    return Pieces([*items, *_last(body[start:])], True)


def _last(piece: bytes) -> list[bytes]:
    """The last item; there is none behind a trailing comma."""
    return [piece] if piece.strip(OUTER) else []


def split_values(text: bytes) -> list[bytes]:
    """Values that follow one another, with blanks, commas or nothing between them."""
    found, opened, start = list[bytes](), list[bytes](), 0
    for token in _TOKEN.finditer(text):
        sign, end = token[0], 0
        if sign in (b"[", b"{"):
            end = 0 if opened else token.start()
            opened.append(sign)
        elif sign in _OPENS:
            while opened and opened.pop() != _OPENS[sign]:
                pass
            end = 0 if opened else token.end()
        elif sign == b"," and not opened:
            end = token.start()
        if end:
            found.append(text[start:end])
            start = end
    return [piece for each in (*found, text[start:]) if (piece := each.strip(OUTER + b",")) and piece.strip(b"]}")]


def split_objects(body: bytes) -> list[bytes]:
    """Objects that follow one another, in lines or not; nothing where there is but one."""
    lines = [line for each in body.splitlines() if (line := each.strip(OUTER))]
    if len(lines) > 1 and all(line.startswith(b"{") for line in lines):
        return lines
    items = split_array(b"[" + body + b"]").items
    # With signs between them it is something else.
    are_all = b"".join(items).translate(None, OUTER) == body.translate(None, OUTER)
    return items if len(items) > 1 and are_all and all(item.strip(OUTER)[:1] == b"{" for item in items) else []


def decode_piece(piece: bytes, decode: Callable[[bytes], Value]) -> tuple[Value, str]:
    """What an item holds, and what had to be done for it, as a sentence; "" when nothing had.

    Raises msgspec.DecodeError (ValidationError for what is JSON but no such item), RecursionError.
    """
    cleaned = clean_json(piece)
    try:
        value = decode(cleaned)
    except RecursionError:
        raise  # no repair makes it shallower
    except MALFORMED as error:
        repaired = _TEXT_OR_NUMBER.sub(_repair, cleaned)
        try:
            return decode(repaired), REPAIRED
        except MALFORMED:
            _WHOLE.decode(cleaned)  # a wrong field is found before what is malformed behind it
            raise error from None
    return value, REPLACED if cleaned != piece else ""


def _repair(token: re.Match[bytes]) -> bytes:
    text, no_number, number, comma = token.groups()
    if text:
        return _CONTROL.sub(lambda control: b"\\u%04x" % control[0][0], text)
    if comma:
        return b""
    if no_number:
        return b"null"
    return b"null" if _is_beyond(number) else token[0]


def _is_beyond(number: bytes) -> bool:
    try:
        return abs(float(number)) == float("inf")
    except ValueError:
        return False


def keys_in(text: bytes) -> int:
    """How many keys a JSON text holds; a text in it that looks like one is counted in every spelling of it."""
    return text.count(b'":') + text.count(b'" :')


def repeats_keys(body: bytes) -> bool:
    """Whether an object of a JSON text has a key twice; of those a decoder keeps the last."""
    try:
        return keys_in(body) > keys_in(msgspec.json.encode(msgspec.json.decode(body)))
    except MALFORMED:
        return False


def repeated_keys(body: bytes) -> list[str]:
    """The keys that stand twice in one object of a JSON text."""
    found = dict[str, None]()

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        kept = dict(pairs)
        if len(kept) < len(pairs):
            found.update(dict.fromkeys(name for name, n in Counter(name for name, _value in pairs).items() if n > 1))
        return kept

    if repeats_keys(body):
        # A number of thousands of digits, or objects deeper than this reader goes, are read by the other one.
        with suppress(ValueError, RecursionError):
            json.loads(body, object_pairs_hook=note)
    return list(found)


def repeated_sentence(names: Sequence[str]) -> str:
    named = ", ".join(f"`{name[:60]}`" for name in names[:5])
    return f"It holds {named} twice in one object; the last one counts."


def is_json(body: bytes) -> bool:
    try:
        _WHOLE.decode(body)
    except MALFORMED:
        return False
    return True


def why_malformed(error: Exception) -> str:
    """Why something could not be decoded, in words that stand behind a colon."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is no UTF-8"
    said = str(error)
    return "it ends before it is complete" if "truncated" in said else said.removeprefix("JSON is malformed: ")


def decode_any(piece: bytes) -> tuple[Any, str]:
    """Any JSON value of a piece, and what had to be done for it."""
    return decode_piece(piece, msgspec.json.decode)
