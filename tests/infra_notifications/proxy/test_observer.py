"""What the observer hears of a connection, and that nothing it does is felt on it."""

from __future__ import annotations

import asyncio
import time
import zlib

import pytest

from infra_notifications.proxy.figures import Figure
from infra_notifications.proxy.links import Link
from infra_notifications.proxy.routes import FixedRoutes, Route
from tests.infra_notifications.proxy.peers import (
    Head,
    Recorder,
    accept,
    csms,
    play,
    relaying,
    station,
)
from tests.infra_notifications.proxy.test_frames import frame
from tests.waiting import soon

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def test_messages_are_heard_in_order_with_who_sent_them() -> None:
    async def scene() -> None:
        heard = Recorder()
        async with csms() as system, relaying(system.url, heard) as proxy:
            peer = await station(proxy.port, "/site/CP%201")
            visit = await system.visit()
            peer.writer.write(frame(TEXT, b"[2,") + frame(TEXT, b"half ", fin=False) + frame(0, b"whole"))
            await soon(lambda: len(heard.calls) == 3)
            visit.writer.write(frame(BINARY, b"\xff", masked=False) + frame(PING, b"", masked=False))
            await soon(lambda: len(heard.calls) == 4)
            peer.writer.write(frame(PONG, b"") + frame(PING, b"x") + frame(CLOSE, b"\x0f\xa1bye"))
            peer.writer.close()
            await soon(lambda: len(heard.calls) == 7)
            assert heard.calls == [
                ("connected", "CP 1"),
                ("frame", "station", b"[2,", True),
                ("frame", "station", b"half whole", True),
                ("frame", "csms", b"\xff", False),
                ("alive", "CP 1"),
                ("alive", "CP 1"),
                ("closed", 4001, "bye", "station"),
            ]
            link = heard.links[0]
            assert (link.slug, link.sent_identity, link.protocol, link.close_code) == (
                "site",
                "CP%201",
                "ocpp1.6",
                4001,
            )
            assert link.closed_at is not None
            assert link.connected_at <= link.closed_at
            assert proxy.figures.total(Figure.FROM_STATION_MESSAGES) == 2
            assert proxy.figures.total(Figure.FROM_CSMS_MESSAGES) == 1
            assert proxy.figures.total(Figure.CONNECTIONS) == 0

    play(scene())


@pytest.mark.parametrize(
    ("last", "ends", "expected"),
    [
        (b"", "station", (None, "", "station")),
        (b"", "csms", (None, "", "csms")),
        (frame(CLOSE, b""), "station", (1005, "", "station")),
        (frame(CLOSE, b"\x03\xe8", masked=False), "csms", (1000, "", "csms")),
        (frame(CLOSE, b"\x03\xf4\xff", masked=False), "csms", (1012, "\ufffd", "csms")),
        (frame(TEXT, b"cut short")[:-3], "station", (None, "", "station")),
    ],
    # The masks are random.
    ids=["station left", "csms left", "no code", "code", "bad reason", "cut short"],
)
def test_an_end_is_heard_once_with_its_code(last: bytes, ends: str, expected: tuple[object, ...]) -> None:
    async def scene() -> None:
        heard = Recorder()
        async with csms() as system, relaying(system.url, heard) as proxy:
            peer = await station(proxy.port)
            visit = await system.visit()
            writer = peer.writer if ends == "station" else visit.writer
            writer.write(last)
            writer.close()
            await soon(lambda: len(heard.calls) > 1)
            peer.writer.close()
            visit.writer.close()
            await soon(lambda: not proxy.relay.pairs)
        assert heard.calls == [("connected", "CP-1"), ("closed", *expected)]

    play(scene())


def test_an_agreed_compression_is_undone_for_the_observer_alone() -> None:
    def agree(head: Head) -> bytes:
        assert head.get("Sec-WebSocket-Extensions") == "permessage-deflate; client_max_window_bits"
        return accept(head, "Sec-WebSocket-Extensions: permessage-deflate")

    press = zlib.compressobj(wbits=-15)
    packed = press.compress(b"[2," * 50) + press.flush(zlib.Z_SYNC_FLUSH)
    raw = frame(TEXT, packed[:-4], rsv=0x40)

    async def scene() -> None:
        heard = Recorder()
        async with csms(agree) as system, relaying(system.url, heard) as proxy:
            offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
            peer = await station(proxy.port, "/site/CP-1", offer)
            visit = await system.visit()
            peer.writer.write(raw)
            assert await visit.read(len(raw)) == raw
            assert heard.calls[1] == ("frame", "station", b"[2," * 50, True)

    play(scene())


def test_what_is_too_long_to_be_heard_is_passed_on() -> None:
    raw = frame(BINARY, b"x" * 5_000)

    async def scene() -> None:
        heard = Recorder()
        async with csms() as system, relaying(system.url, heard, max_frame=1_000) as proxy:
            peer = await station(proxy.port)
            visit = await system.visit()
            peer.writer.write(raw)
            assert await visit.read(len(raw)) == raw
            await soon(lambda: len(heard.calls) == 2)
            assert heard.calls[1] == ("too_long", "station", 5_000)
            assert proxy.figures.total(Figure.UNREAD) == 1

    play(scene())


class Failing(Recorder):
    """Raises at every call, each time something else."""

    def _fail(self) -> None:
        raise [ValueError, KeyError, RecursionError, MemoryError, AssertionError][len(self.calls) % 5]("broken")

    def connected(self, link: Link) -> None:
        super().connected(link)
        self._fail()

    def frame(self, link: Link, *, from_station: bool, data: bytes, text: bool) -> None:
        super().frame(link, from_station=from_station, data=data, text=text)
        self._fail()

    def alive(self, link: Link) -> None:
        super().alive(link)
        self._fail()

    def closed(self, link: Link, *, code: int | None, reason: str, by_station: bool) -> None:
        super().closed(link, code=code, reason=reason, by_station=by_station)
        self._fail()


def test_an_observer_that_raises_is_counted_and_not_felt() -> None:
    raw = b"".join(frame(TEXT, b"%d" % number) + frame(PING, b"") for number in range(200))

    async def scene() -> None:
        heard = Failing()
        async with csms() as system, relaying(system.url, heard) as proxy:
            peer = await station(proxy.port)
            visit = await system.visit()
            peer.writer.write(raw)
            visit.writer.write(raw)
            assert await visit.read(len(raw)) == raw
            assert await peer.read(len(raw)) == raw
            peer.writer.close()
            assert await visit.read_rest() == b""
            assert len(heard.calls) == 1 + 200 + 200 + 200 + 1
            assert proxy.figures.total(Figure.OBSERVER_ERRORS) == len(heard.calls)

    play(scene())


# ---- closing by the proxy -------------------------------------------------------------------------------------------


def test_a_station_whose_csms_changed_is_asked_to_come_back_and_loses_nothing() -> None:
    async def scene() -> None:
        heard = Recorder()
        async with csms() as old, csms() as new:
            table = FixedRoutes([Route("site", old.url), Route("other", old.url)])
            async with relaying(table, heard) as proxy:
                peer, stays = await station(proxy.port), await station(proxy.port, "/other/CP-2")
                visit, _ = await old.visit(), await old.visit()
                half = frame(TEXT, b"half a frame", masked=False)
                visit.writer.write(half[:5])
                assert await peer.read(5) == half[:5]
                table.replace([Route("site", new.url), Route("other", old.url, register_unknown=True)])
                await asyncio.sleep(1.5)
                visit.writer.write(half[5:])
                assert await peer.read(len(half) - 5) == half[5:]  # no Close in the middle of it
                closing = await peer.read(4)
                assert (closing[0], closing[2:]) == (0x88, (1012).to_bytes(2, "big"))
                reason = (await peer.read(closing[1] - 2)).decode()
                # What the station sends up to its own Close still reaches the CSMS.
                last = frame(TEXT, b"the last call") + frame(CLOSE, closing[2:])
                peer.writer.write(last)
                assert await visit.read(len(last)) == last
                visit.writer.write(frame(CLOSE, closing[2:], masked=False))
                visit.writer.close()
                assert await peer.read_rest() == b""
                assert ("closed", 1012, reason, "csms") in heard.calls
                assert (await station(proxy.port)).head.status == 101
                assert (await new.visit()).head.first == "GET /ocpp/CP-1 HTTP/1.1"
                assert {link.identity for link in (pair.link for pair in proxy.relay.pairs)} >= {"CP-2"}
                assert proxy.figures.total(Figure.MOVED) == 1
                stays.close()

    play(scene())


def test_a_station_that_does_not_answer_a_move_is_closed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra_notifications.proxy.relay.CLOSE_S", 0.5)

    async def scene() -> None:
        async with csms() as system:
            table = FixedRoutes([Route("site", system.url)])
            async with relaying(table) as proxy:
                peer = await station(proxy.port)
                visit = await system.visit()
                table.replace([])
                assert (await peer.read_rest())[2:4] == (1012).to_bytes(2, "big")
                # A Close 1001 from us, masked as a client's.
                assert await visit.read_rest() == b"\x88\x82\x00\x00\x00\x00\x03\xe9"

    play(scene())


def test_moves_are_paced() -> None:
    async def scene() -> None:
        async with csms() as system:
            table = FixedRoutes([Route("site", system.url)])
            async with relaying(table, moves_per_s=4) as proxy:
                peers = [await station(proxy.port, f"/site/CP-{number}") for number in range(20)]
                began = time.monotonic()
                table.replace([])
                await asyncio.sleep(2)
                assert 1 <= proxy.figures.total(Figure.MOVED) <= min(19, 4 * (time.monotonic() - began) + 6)
                assert all(peer.head.status == 101 for peer in peers)

    play(scene())


def test_the_end_of_the_proxy_closes_with_1012() -> None:
    async def scene() -> None:
        heard = Recorder()
        async with csms() as system:
            async with relaying(system.url, heard) as proxy:
                peers = [await station(proxy.port, f"/site/CP-{number}") for number in range(3)]
                ends = [asyncio.ensure_future(proxy.relay.drain())]
                for peer in peers:
                    assert (await peer.read(4))[2:] == (1012).to_bytes(2, "big")
                    peer.writer.write(frame(CLOSE, (1012).to_bytes(2, "big")))
                    visit = await system.visit()
                    assert await visit.read(8)
                    visit.writer.close()
                await asyncio.gather(*ends)
            assert [call[:2] for call in heard.calls[-3:]] == [("closed", 1012)] * 3

    play(scene())
