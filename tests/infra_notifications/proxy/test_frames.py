"""What is read out of a copy of the bytes: every message, in any pieces, and never an end to the reading."""

from __future__ import annotations

import os
import random
import zlib
from typing import Any

import pytest

from infra_notifications.proxy.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Budget,
    FrameReader,
    Unread,
    close_frame,
)

CONTINUATION = 0
LIMIT, HELD = 100_000, 1_000_000


def frame(opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True, rsv: int = 0) -> bytes:
    """A frame, by the specification (RFC 6455 § 5.2), byte after byte."""
    size, mark = len(payload), 0x80 if masked else 0
    head = bytes([opcode | (0x80 if fin else 0) | rsv])
    if size < 126:
        head += bytes([mark | size])
    elif size < 65_536:
        head += bytes([mark | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mark | 127]) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))


class Heard:
    def __init__(self, *, limit: int = LIMIT, deflates: bool = False, held: int = HELD) -> None:
        self.all: list[Any] = []
        self.budget = Budget(held)
        self.reader = FrameReader(self, from_station=True, limit=limit, budget=self.budget, deflates=deflates)

    def message(self, data: bytes, *, from_station: bool, text: bool) -> None:
        self.all.append(("text" if text else "binary", data))

    def control(self, opcode: int, data: bytes, *, from_station: bool) -> None:
        self.all.append((opcode, data))

    def unread(self, why: Unread, size: int, *, from_station: bool) -> None:
        self.all.append((why, size))

    def feed(self, data: bytes, piece: int = 0) -> list[Any]:
        for start in range(0, len(data), piece or len(data)):
            self.reader.feed(data[start : start + (piece or len(data))])
        heard, self.all = self.all, []
        return heard


@pytest.mark.parametrize("seed", range(40))
def test_messages_are_read_whatever_the_pieces(seed: int) -> None:
    rolls = random.Random(seed)
    raw = b""
    expected: list[Any] = []
    for _ in range(12):
        payload = rolls.randbytes(rolls.choice([0, 1, 5, 125, 126, 127, 300, 70_000]))
        match rolls.choice(["whole", "control", "fragments"]):
            case "whole":
                raw += frame(TEXT, payload, masked=rolls.random() < 0.8)
                expected.append(("text", payload))
            case "control":
                raw += frame(PING, payload[:125])
                expected.append((PING, payload[:125]))
            case _:
                cuts = [0, *sorted(rolls.choices(range(len(payload) + 1), k=2)), len(payload)]
                for place in range(3):
                    opcode = CONTINUATION if place else BINARY
                    raw += frame(opcode, payload[cuts[place] : cuts[place + 1]], fin=place == 2)
                    if place < 2:  # control frames may stand between the fragments of a message
                        raw += frame(PONG, b"between")
                        expected.append((PONG, b"between"))
                expected.append(("binary", payload))
    heard, position = Heard(), 0
    while position < len(raw):
        size = rolls.choice([1, 2, 3, 7, 50, 1_000, 65_536])
        heard.reader.feed(raw[position : position + size])
        position += size
    assert heard.all == expected
    assert heard.reader.between_frames
    assert heard.budget.left == HELD


@pytest.mark.parametrize("piece", [1, 3, 0])
def test_what_is_too_long_is_counted_and_what_follows_is_read(piece: int) -> None:
    heard = Heard(limit=1_000)
    assert heard.feed(frame(TEXT, b"a" * 2_000) + frame(TEXT, b"next"), piece) == [
        (Unread.TOO_LONG, 2_000),
        ("text", b"next"),
    ]
    halves = frame(TEXT, b"a" * 600, fin=False) + frame(CONTINUATION, b"b" * 600)
    assert heard.feed(halves + frame(TEXT, b"next"), piece) == [(Unread.TOO_LONG, 1_200), ("text", b"next")]
    assert heard.budget.left == HELD


def test_a_length_that_is_only_announced_takes_no_memory() -> None:
    heard = Heard(limit=1 << 62)
    heard.feed(b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 1_000)
    assert heard.budget.left == HELD - 1_000
    heard.reader.release()
    assert heard.budget.left == HELD


def test_all_readers_together_hold_no_more_than_their_budget() -> None:
    heard = Heard(held=5_000)
    assert heard.feed(frame(TEXT, b"a" * 9_000), 500) == [(Unread.TOO_LONG, 9_000)]
    assert heard.feed(frame(TEXT, b"a" * 4_000), 500) == [("text", b"a" * 4_000)]
    assert heard.budget.left == 5_000


@pytest.mark.parametrize(
    "raw",
    [
        frame(CONTINUATION, b"of nothing"),
        frame(3, b"reserved opcode"),
        frame(TEXT, b"reserved bit", rsv=0x20),
        frame(11, b"reserved control"),
    ],
    # The masks are random.
    ids=["nothing to continue", "opcode", "bit", "control"],
)
def test_garbage_is_counted_and_what_follows_is_read(raw: bytes) -> None:
    first, second = Heard().feed(raw + frame(TEXT, b"next"), 2)
    assert first[0] == Unread.GARBAGE
    assert second == ("text", b"next")


@pytest.mark.parametrize("seed", range(20))
def test_noise_raises_nothing_and_holds_little(seed: int) -> None:
    heard, rolls = Heard(limit=1_000, deflates=True), random.Random(seed)
    for _ in range(300):
        heard.reader.feed(rolls.randbytes(rolls.choice([1, 10, 500])))
        assert heard.budget.left >= HELD - 2_000
    heard.reader.release()
    assert heard.budget.left == HELD


def test_deflated_messages_are_inflated_with_what_came_before() -> None:
    press = zlib.compressobj(wbits=-15)

    def deflated(text: bytes) -> bytes:
        squeezed = press.compress(text) + press.flush(zlib.Z_SYNC_FLUSH)
        return frame(TEXT, squeezed.removesuffix(b"\0\0\xff\xff"), rsv=0x40)

    text = b'[2,"1","MeterValues",{"connectorId":1}]' * 3
    raw = [deflated(text), frame(TEXT, b"plain"), deflated(text)]
    assert len(raw[2]) < len(raw[0]) / 2  # the second refers to the first
    assert Heard(deflates=True).feed(b"".join(raw), 7) == [("text", text), ("text", b"plain"), ("text", text)]


def test_a_message_that_inflates_without_end_is_not_followed() -> None:
    bomb = zlib.compress(b"\0" * 50_000_000, wbits=-15)
    heard = Heard(limit=100_000_000, deflates=True, held=100_000_000)
    heard.reader = FrameReader(heard, from_station=True, limit=LIMIT, budget=heard.budget, deflates=True)
    (first, second, third) = heard.feed(
        frame(TEXT, bomb, rsv=0x40) + frame(TEXT, bomb[:20], rsv=0x40) + frame(TEXT, b"plain")
    )
    assert first[0] == Unread.TOO_LONG
    assert second == (Unread.NOT_INFLATED, 20)
    assert third == ("text", b"plain")


def squeezed(press: Any, text: bytes) -> bytes:
    """A deflated message, in the context of those before."""
    return frame(TEXT, (press.compress(text) + press.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff"), rsv=0x40)


@pytest.mark.parametrize("size", [LIMIT + 1, 1_200_000, 7_000_000])
def test_what_follows_a_message_that_inflates_beyond_the_limit_is_heard(size: int) -> None:
    press, rolls = zlib.compressobj(wbits=-15), random.Random(1)
    long = bytes(rolls.choices(b"abcdefgh", k=1_000)) * (size // 1_000 + 1)
    parts = [b'[2,"1","Heartbeat",{}]', long, long[-20_000:], b'[2,"2","Heartbeat",{}]']
    raw = b"".join(squeezed(press, part) for part in parts)
    first, second, third, fourth = Heard(deflates=True).feed(raw)
    assert second[0] == Unread.TOO_LONG
    assert (first, third, fourth) == (("text", parts[0]), ("text", parts[2]), ("text", parts[3]))


def test_a_message_that_is_not_inflated_costs_those_alone_that_refer_to_it() -> None:
    press, rolls = zlib.compressobj(wbits=-15), random.Random(1)
    texts = [f'[2,"{n}","StatusNotification",{{"info":"{rolls.random()}"}}]'.encode() for n in range(1_000)]
    heard = Heard(deflates=True)
    assert heard.feed(squeezed(press, texts[0])) == [("text", texts[0])]
    assert heard.feed(squeezed(press, rolls.randbytes(2 * LIMIT)))[0][0] == Unread.TOO_LONG
    said = [found for text in texts for found in heard.feed(squeezed(press, text))]
    assert {found[1] for found in said if found[0] == "text"} <= set(texts)
    # When what is not known is 32 KiB ago.
    assert sum(map(len, texts[:600])) > 1 << 15
    assert said[600:] == [("text", text) for text in texts[600:]]


def test_what_needs_nothing_of_what_was_not_inflated_is_heard() -> None:
    """Without a context that is taken over, or behind a message of a kind of its own."""
    texts = [b'[2,"1","Heartbeat",{}]', b'[2,"2","Heartbeat",{}]']
    alone = [squeezed(zlib.compressobj(wbits=-15), text) for text in texts]
    broken = frame(TEXT, b"\xff" * 30, rsv=0x40)
    heard = Heard(deflates=True).feed(alone[0] + broken + alone[1])
    assert heard == [("text", texts[0]), (Unread.NOT_INFLATED, 30), ("text", texts[1])]


def test_compression_that_nobody_agreed_on_is_not_inflated() -> None:
    assert Heard().feed(frame(TEXT, b"abc", rsv=0x40)) == [(Unread.NOT_INFLATED, 3)]


@pytest.mark.parametrize("masked", [True, False])
def test_our_own_close_is_one_that_is_read(masked: bool) -> None:
    raw = close_frame(1012, "The proxy is restarting.", masked=masked)
    assert Heard().feed(raw) == [(CLOSE, (1012).to_bytes(2, "big") + b"The proxy is restarting.")]
