"""Every byte that one side sends arrives at the other, in order and unchanged, through the proxy as it is installed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest

from tests.infra_notifications.proxy.peers import (
    Csms,
    Proxy,
    Station,
    Visit,
    accept,
    csms,
    play,
    proxy,
    request,
    station,
)
from tests.infra_notifications.proxy.test_frames import frame
from tests.mailserver import free_port
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.processes
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@pytest.fixture(scope="module")
def csms_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, csms_port: int) -> Iterator[Proxy]:
    with proxy(tmp_path_factory.mktemp("proxy"), f"site=ws://127.0.0.1:{csms_port}/ocpp") as process:
        yield process


def close(code: int | None, reason: str = "") -> bytes:
    return b"" if code is None else code.to_bytes(2, "big") + reason.encode()


def streams(*, masked: bool) -> dict[str, bytes]:
    """What one side sends. Masked is the station's."""
    rolls = random.Random(7)

    def made(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
        return frame(opcode, payload, fin=fin, rsv=rsv, masked=masked)

    codes = [(1000, ""), (1001, "bye"), (3000, "moved"), (4000, "ü" * 60), (4999, "x" * 123), (None, "")]
    closes = {f"close {code} {reason}": made(CLOSE, close(code, reason)) for code, reason in codes}
    return closes | {
        "call": made(TEXT, b'[2,"1","Heartbeat",{}]'),
        "no UTF-8": made(TEXT, b"\xff\xfe\xed\xa0\xbd"),
        "binary": made(BINARY, bytes(range(256)) * 3),
        "empty": made(TEXT, b"") + made(BINARY, b"") + made(PING, b""),
        "1 MiB": made(BINARY, rolls.randbytes(1 << 20)),
        "5 MiB of text": made(TEXT, b"[" + b"0," * (5 << 19) + b"0]"),
        "fragments": made(TEXT, b"a" * 70_000, fin=False) + made(PING, b"between") + made(0, b"b"),
        "an end that never comes": made(TEXT, b"abc", fin=False),
        "pings": made(PING, b"\x00\x01payload") + made(PONG, b"unasked") + made(PING, b"x" * 125),
        "reserved": made(3, b"opcode") + made(TEXT, b"bit", rsv=0x20) + made(TEXT, b"deflated?", rsv=0x40),
        "a control frame that is too long": made(PING, b"x" * 5_000),
        "garbage": rolls.randbytes(200_000),
        "half a header": b"\x82\xff\x00\x00",
        "a length that is a lie": b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff" + b"x" * 1_000,
    }


async def send(writer: asyncio.StreamWriter, data: bytes, rolls: random.Random) -> None:
    """In pieces, most of the small ones in packets of their own."""
    position = 0
    while position < len(data):
        size = rolls.choice([1, 3, 100, 65_536, 1_000_000])
        writer.write(data[position : position + size])
        await writer.drain()
        await asyncio.sleep(0.001)
        position += size


async def exchange(peer: Station, visit: Visit, from_station: bytes, from_csms: bytes, seed: int = 0) -> None:
    """Both send at once; both get exactly what was sent."""
    rolls = random.Random(seed)
    _, _, at_csms, at_station = await asyncio.gather(
        send(peer.writer, from_station, rolls),
        send(visit.writer, from_csms, rolls),
        visit.read(len(from_station)),
        peer.read(len(from_csms)),
    )
    assert at_csms == from_station
    assert at_station == from_csms


@pytest.mark.parametrize("name", streams(masked=True))
@pytest.mark.parametrize("ends", ["station", "csms"])
def test_bytes_arrive_as_they_were_sent(running: Proxy, csms_port: int, name: str, ends: str) -> None:
    async def scene() -> None:
        async with csms(port=csms_port) as system:
            peer = await station(running.port)
            visit = await system.visit()
            await exchange(peer, visit, streams(masked=True)[name], streams(masked=False)[name])
            # Whoever closes: the other has got everything, and sees the end.
            first, second = (peer, visit) if ends == "station" else (visit, peer)
            last = frame(BINARY, b"the end", masked=ends == "station")
            first.writer.write(last)
            first.writer.close()
            assert await second.read_rest() == last
            second.writer.close()

    play(scene())


def test_everything_at_once_over_many_connections(running: Proxy, csms_port: int) -> None:
    async def one(system: Csms, seed: int) -> None:
        rolls = random.Random(seed)
        peer = await station(running.port, f"/site/CP-{seed}")
        ours, theirs = list(streams(masked=True).values()), list(streams(masked=False).values())
        rolls.shuffle(ours)
        rolls.shuffle(theirs)
        visit = await system.visit()
        assert visit.head.first == f"GET /ocpp/CP-{seed} HTTP/1.1"
        tasks.append(asyncio.ensure_future(exchange(peer, visit, b"".join(ours), b"".join(theirs), seed)))

    async def scene() -> None:
        async with csms(port=csms_port) as system:
            for seed in range(8):
                await one(system, seed)
            await asyncio.gather(*tasks)

    tasks: list[asyncio.Future[None]] = []
    play(scene())


def test_what_came_with_the_handshake_is_not_lost(running: Proxy, csms_port: int) -> None:
    """A CSMS may send right behind its answer, in one packet; a hasty station before it."""

    async def scene() -> None:
        async with csms(lambda head: accept(head) + b"\x81\x02hi", port=csms_port) as system:
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            hasty = frame(TEXT, b"too early")
            writer.write(request("/site/CP-1") + hasty)
            visit = await system.visit()
            assert await visit.read(len(hasty)) == hasty
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
            assert head.startswith(b"HTTP/1.1 101 ")
            assert await asyncio.wait_for(reader.readexactly(4), PATIENCE_S) == b"\x81\x02hi"
            writer.close()

    play(scene())
