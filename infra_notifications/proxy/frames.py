"""Reads WebSocket messages (RFC 6455, RFC 7692) out of a copy of the bytes that one side sent.

It is a reader beside the connection, not a party to it: it answers nothing and raises nothing. Whatever comes is walked
through by the lengths that it announces, so that the end of a frame is always known. Why this is our own and no
library's: docs/decisions.
"""

from __future__ import annotations

import enum
import zlib
from typing import Any, Protocol

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
FIN, DEFLATED, RESERVED, OPCODE = 0x80, 0x40, 0x30, 0x0F
MASKED, LENGTH = 0x80, 0x7F
MOST_OF_CONTROL = 125
# So much of a message that inflates beyond the limit is inflated all the same, in pieces.
MOST_THROWN, THROWN_AT_ONCE = 8 * 1024 * 1024, 64 * 1024
# What stands for the window that an inflation lost: a message that refers to it holds what no text does.
LOST = bytes(1 << zlib.MAX_WBITS)
# What the sender took off the end of a message that it deflated (RFC 7692 § 7.2.1).
DEFLATE_TAIL = b"\x00\x00\xff\xff"


class Unread(enum.StrEnum):
    """Why a message passed that nobody could look at."""

    TOO_LONG = "too_long"
    GARBAGE = "garbage"
    NOT_INFLATED = "not_inflated"


class Sink(Protocol):
    """Who is told what a reader reads."""

    def message(self, data: bytes, *, from_station: bool, text: bool) -> None: ...

    def control(self, opcode: int, data: bytes, *, from_station: bool) -> None: ...

    def unread(self, why: Unread, size: int, *, from_station: bool) -> None: ...


class Budget:
    """How many bytes of messages that are not complete yet all readers of a process may hold together."""

    __slots__ = ("left",)

    def __init__(self, size: int) -> None:
        self.left = size


class FrameReader:
    """One direction of one connection. Between messages it holds no buffer (but the window of an inflation).

    `limit` is the longest message that is read, in bytes; `deflates` says that permessage-deflate was agreed.
    """

    __slots__ = (
        "_budget",
        "_deflates",
        "_first",
        "_frame",
        "_from_station",
        "_header",
        "_inflator",
        "_left",
        "_limit",
        "_lost",
        "_mask",
        "_message",
        "_opening",
        "_sink",
        "_size",
        "_unread",
    )

    def __init__(self, sink: Sink, *, from_station: bool, limit: int, budget: Budget, deflates: bool) -> None:
        self._sink, self._from_station, self._limit, self._budget = sink, from_station, limit, budget
        self._deflates = deflates
        self._inflator: Any = None  # zlib names no public type
        self._lost = 0  # of the last 32 KiB, that what follows may refer to, so much is not known
        self._header = b""  # of the frame that begins, until it is complete
        self._first, self._mask, self._left = 0, b"", 0  # of the frame under way
        self._frame: bytearray | None = None
        self._opening = 0  # the first byte of the message under way, 0 between messages
        self._message: bytearray | None = None
        self._size = 0
        self._unread: Unread | None = None  # the message under way is only counted

    @property
    def between_frames(self) -> bool:
        """Whether a frame of our own may be put here."""
        return not self._left and not self._header

    def feed(self, data: bytes) -> None:
        if self._header:
            data, self._header = self._header + data, b""
        position, end = 0, len(data)
        while position < end:
            if self._left:
                piece = data[position : position + self._left]
                position += len(piece)
                self._continue_frame(piece)
                continue
            start = self._read_header(data, position, end)
            if not start:
                self._header = data[position:]
                return
            position = min(start + self._left, end)
            if start + self._left <= end:
                payload, self._left = data[start:position], 0
                self._end_frame(_unmasked(payload, self._mask) if self._mask else payload)
            else:
                self._begin_frame(data[start:position])

    def release(self) -> None:
        """Gives back what it holds; the connection is over."""
        self._budget.left += len(self._frame or b"") + len(self._message or b"")
        self._frame = self._message = self._inflator = None

    # ---- frames -----------------------------------------------------------------------------------------------------

    def _read_header(self, data: bytes, position: int, end: int) -> int:
        """Where the payload starts; 0 while the header is incomplete. Sets first byte, mask and length."""
        start = position + 2
        if end < start:
            return 0
        second = data[position + 1]
        length = second & LENGTH
        if length > MOST_OF_CONTROL:
            start += 2 if length == 126 else 8
        masked = second & MASKED
        if end < start + (4 if masked else 0):
            return 0
        if length > MOST_OF_CONTROL:
            length = int.from_bytes(data[position + 2 : start], "big")
        self._mask = data[start : start + 4] if masked else b""
        self._first, self._left = data[position], length
        return start + 4 if masked else start

    def _begin_frame(self, piece: bytes) -> None:
        """The first bytes of a frame that is not complete yet."""
        if self._first & OPCODE >= CLOSE:
            self._frame = bytearray() if self._left <= MOST_OF_CONTROL else None
        elif not self._unread and self._size + self._left <= self._limit:
            self._frame = bytearray()
        else:
            self._skip(Unread.TOO_LONG)
        self._continue_frame(piece)

    def _continue_frame(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._frame is None:
            if self._first & OPCODE < CLOSE:
                self._size += len(piece)
        elif self._budget.left < len(piece):
            self._skip(Unread.TOO_LONG)
            self._size += len(piece)
        else:
            # Piece by piece, so that a long message takes no long time at its end.
            turn = len(self._frame) % 4
            self._frame += _unmasked(piece, self._mask[turn:] + self._mask[:turn]) if self._mask else piece
            self._budget.left -= len(piece)
        if not self._left:
            self._end_held_frame()

    def _skip(self, why: Unread) -> None:
        """Gives up the message under way: the rest of it is counted, not kept."""
        self._unread = self._unread or why
        held = len(self._frame or b"") + len(self._message or b"")
        self._size += len(self._frame or b"")
        self._budget.left += held
        self._frame = self._message = None

    def _end_held_frame(self) -> None:
        frame, self._frame = self._frame, None
        if frame is None:
            self._end_frame(b"", counted=True)
            return
        self._budget.left += len(frame)
        self._end_frame(bytes(frame))

    # ---- messages ---------------------------------------------------------------------------------------------------

    def _end_frame(self, payload: bytes, *, counted: bool = False) -> None:
        """A frame is complete; `counted`: its bytes were not kept and are in the size already."""
        first = self._first
        opcode = first & OPCODE
        if opcode >= CLOSE:
            self._control(opcode, payload)
            return
        if not counted:
            self._size += len(payload)
        if bool(opcode) == bool(self._opening) or opcode > BINARY or first & RESERVED:
            self._skip(Unread.GARBAGE)  # a message inside a message, one that never began, what no extension explains
        if opcode:
            self._opening = first
        if first & FIN and self._message is None:
            self._end_message(payload)
        elif not self._unread:
            self._add(payload)
            if first & FIN:
                self._end_joined_message()
        elif first & FIN:
            self._end_message(b"")

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode > PONG or len(payload) > MOST_OF_CONTROL:
            self._sink.unread(Unread.GARBAGE, len(payload), from_station=self._from_station)
        else:
            self._sink.control(opcode, payload, from_station=self._from_station)

    def _add(self, payload: bytes) -> None:
        """One more fragment of the message under way."""
        if self._size > self._limit or self._budget.left < len(payload):
            self._skip(Unread.TOO_LONG)
            return
        if self._message is None:
            self._message = bytearray()
        self._message += payload
        self._budget.left -= len(payload)

    def _end_joined_message(self) -> None:
        message, self._message = self._message or b"", None
        self._budget.left += len(message)
        self._end_message(bytes(message))

    def _end_message(self, data: bytes) -> None:
        opening, size, why = self._opening, self._size, self._unread
        self._opening, self._size, self._unread = 0, 0, None
        if not why and size > self._limit:
            why = Unread.TOO_LONG
        if opening & DEFLATED:
            if not why and self._deflates:
                data, why = self._inflated(data)
            else:
                # What follows may refer to what is in here; where it does not, it is read.
                self._lose_window()
                why = why or Unread.NOT_INFLATED
        if why:
            self._sink.unread(why, size, from_station=self._from_station)
        else:
            self._sink.message(data, from_station=self._from_station, text=opening & OPCODE == TEXT)

    def _inflated(self, data: bytes) -> tuple[bytes, Unread | None]:
        """The message, or why there is none. One that is too long is inflated on, as far as that is quick, and thrown
        away: what follows refers to it."""
        why = Unread.NOT_INFLATED
        try:
            if self._inflator is None or self._inflator.eof:
                window = LOST if self._lost else b""
                self._inflator = zlib.decompressobj(-zlib.MAX_WBITS, **({"zdict": window} if window else {}))
            message = self._inflator.decompress(data + DEFLATE_TAIL, self._limit + 1)
            is_whole = not (self._lost and 0 in message)
            self._lost = max(0, self._lost - len(message))
            if len(message) <= self._limit:
                return (message, None) if is_whole else (b"", why)
            why = Unread.TOO_LONG
            thrown = 0
            while (left := self._inflator.unconsumed_tail) and thrown < MOST_THROWN:
                thrown += len(self._inflator.decompress(left, THROWN_AT_ONCE))
            if not left:
                return b"", why
        except zlib.error:
            pass
        self._lose_window()
        return b"", why

    def _lose_window(self) -> None:
        self._inflator, self._lost = None, len(LOST)


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """XOR with the repeated mask, as one long number: as quick as anything without a compiler."""
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    return (int.from_bytes(payload, "little") ^ key).to_bytes(size, "little")


def close_frame(code: int, reason: str, *, masked: bool) -> bytes:
    """A Close frame. `masked` for the CSMS, which takes us for a client: with the mask 0, which changes nothing."""
    payload = code.to_bytes(2, "big") + reason.encode()
    head = bytes([FIN | CLOSE, len(payload) | (MASKED if masked else 0)])
    return head + (b"\x00\x00\x00\x00" if masked else b"") + payload
