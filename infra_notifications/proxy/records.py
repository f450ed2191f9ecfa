"""What the proxy heard, as it is kept until it is taken in: records in frames that tell where one is damaged.

    magic (2) · length of the body (4) · CRC-32 of the body (4) · body (MessagePack)

A record holds no more of a message than `rules/retained.py` keeps.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec
from msgspec.structs import replace

from infra_notifications.rules.connections import LinkReport
from infra_notifications.rules.frames import HeardMessage

MAGIC = b"\xf5\x1b"
_HEAD = struct.Struct(">2sII")
HEAD = _HEAD.size
# Beyond the longest frame; what claims more is damaged.
LONGEST = 1 << 26


class Rank(IntEnum):
    """What goes first where not everything can be kept."""

    LIFE = 0
    OTHER = 1
    STATE = 2
    FAULT = 3


class Record(msgspec.Struct, array_like=True):
    """One thing that was heard. `number` orders all of a process; exactly one of the last three is set."""

    number: int
    rank: int
    route: str
    message: HeardMessage | None = None
    link: LinkReport | None = None
    # How many records were lost.
    lost: int | None = None
    # Why the message is rejected: what could be read of it shows who sent it.
    problem: str = ""


_encoder, _decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Record)


def encode(record: Record) -> bytes:
    try:
        body = _encoder.encode(record)
    except OverflowError:
        assert record.message is not None
        payload = _without_giants(record.message.payload)
        body = _encoder.encode(replace(record, message=replace(record.message, payload=payload)))
    return _HEAD.pack(MAGIC, len(body), zlib.crc32(body)) + body


def _without_giants(value: Any) -> Any:
    """JSON without numbers that are too large for a record: nothing counts so far."""
    if isinstance(value, dict):
        return {name: _without_giants(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_giants(inner) for inner in value]
    return None if isinstance(value, int) and abs(value) >= 1 << 63 else value


@dataclass(slots=True)
class Found:
    """A record in some bytes, and where it ends; `damaged` bytes before it were none."""

    record: Record
    end: int
    damaged: int = 0


def records_in(data: bytes | memoryview, start: int = 0) -> Iterator[Found]:
    """The whole records from a place on. What is damaged is passed over up to the next whole one; what follows the last
    one is left: it may be on its way."""
    data, damaged_from = bytes(data), start
    position = start
    while position + HEAD <= len(data):
        found = _record_at(data, position)
        if found is None:
            position = data.find(MAGIC, position + 1)
            if position < 0:
                return
            continue
        found.damaged = position - damaged_from
        yield found
        position = damaged_from = found.end


def _record_at(data: bytes, position: int) -> Found | None:
    magic, length, checksum = _HEAD.unpack_from(data, position)
    body = data[position + HEAD : position + HEAD + length]
    if magic != MAGIC or length > LONGEST or len(body) < length or zlib.crc32(body) != checksum:
        return None
    try:
        return Found(_decoder.decode(body), position + HEAD + length)
    except msgspec.DecodeError:
        return None
