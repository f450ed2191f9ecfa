"""What is being typed: the piece of a search in front of the caret, and the text with another piece in its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.search.grammar import Reader

_FIELD = re.compile(r"(-?)([A-Za-z][A-Za-z0-9_]*):(.*)", re.DOTALL)


@dataclass(frozen=True)
class Typing:
    """`text[start:end]` is the piece: a word, or one value behind `field`; `prefix` is what of it is typed.

    `term_start` is where the term begins, with its sign and field.
    """

    start: int
    end: int
    prefix: str
    term_start: int
    field: str | None = None


def typing_at(text: str, caret: int) -> Typing:
    """The piece of `text` that ends at the caret; an empty one between two terms."""
    caret = min(max(0, caret), len(text))
    head = text[:caret]
    begin = term_start = _last_term(head)
    piece = head[begin:]
    field_value = _FIELD.fullmatch(piece)
    if field_value is None:
        begin += piece.startswith("-")
        quoted = head[begin : begin + 1] == '"'
        return Typing(begin, _end(text, caret, quoted=quoted), head[begin:].strip('"'), term_start)
    begin += len(piece) - len(_last_value(field_value[3]))
    quoted = head[begin : begin + 1] == '"'
    return Typing(begin, _end(text, caret, quoted=quoted), head[begin:].strip('"'), term_start, field_value[2].lower())


def replaced(text: str, typing: Typing, piece: str) -> tuple[str, int]:
    """The text with `piece` in the place of what is typed, and where the caret then stands; one space follows it."""
    rest = text[typing.end :]
    if not piece.endswith(":"):
        piece += " "
        rest = rest.lstrip(" ")
    return text[: typing.start] + piece + rest, typing.start + len(piece)


def _last_term(head: str) -> int:
    """Where the term begins that is not ended by a space yet."""
    reader, begin = Reader(head), len(head)
    reader.skip_space()
    while reader.peek():
        begin = reader.at
        reader.term()
        ended = reader.at
        reader.skip_space()
        if reader.at > ended and not reader.peek():
            return len(head)
    return begin


def _last_value(values: str) -> str:
    """What stands behind the last comma that is in no phrase."""
    quoted, start = False, 0
    for place, char in enumerate(values):
        if char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            start = place + 1
    return values[start:]


def _end(text: str, caret: int, *, quoted: bool) -> int:
    """Where the piece ends behind the caret: at its closing quote, a comma or a space."""
    if quoted and (closing := text.find('"', caret)) >= 0:
        return closing + 1
    word = re.compile(r"[^\s,]*").match(text, caret)
    return word.end() if word else caret
