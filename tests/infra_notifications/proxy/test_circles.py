"""A route that leads back to the proxy ends at its first turn, by whatever name or way it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator

import pytest

from infra_notifications.proxy.figures import OUTCOMES, Figure, Figures
from infra_notifications.proxy.route_table import Routing
from infra_notifications.proxy.routes import FixedRoutes, Route
from infra_notifications.rules.upstreams import is_own_address
from tests.infra_notifications.proxy.peers import LOOPBACK, Recorder, body, csms, play, relaying, station

HERE = (*LOOPBACK, ipaddress.ip_network("::1/128"))


def counted(figures: Figures, outcome: str) -> int:
    return figures.total(Figure.ACCEPTED + OUTCOMES.index(outcome))


@contextlib.asynccontextmanager
async def forwarder(port: int) -> AsyncIterator[int]:
    """A port that hands every connection on to another, as a container's or a balancer's does."""
    tasks: list[asyncio.Task[None]] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        tasks.extend(asyncio.create_task(pump(*ends)) for ends in ((reader, back), (there, writer)))

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_the_address_of_the_proxy_itself_is_not_called(host: str) -> None:
    async def scene() -> None:
        table, heard = FixedRoutes(), Recorder()
        async with relaying(table, heard, upstream_networks=HERE) as proxy:
            table.replace([Route("loop", f"ws://{host}:{proxy.port}/loop")])
            peer = await station(proxy.port, "/loop/CP-1")
            assert peer.head.status == 508
            assert b"circle" in await body(peer)
            assert (counted(proxy.figures, "forbidden"), sum(counted(proxy.figures, each) for each in OUTCOMES)) == (
                1,
                1,
            )
            assert heard.calls == []

    play(scene())


def test_a_circle_by_way_of_another_port_ends_at_its_first_turn() -> None:
    async def scene() -> None:
        table, heard = FixedRoutes(), Recorder()
        async with relaying(table, heard) as proxy, forwarder(proxy.port) as port:
            table.replace([Route("loop", f"ws://127.0.0.1:{port}/loop")])
            peer = await station(proxy.port, "/loop/CP-1")
            assert peer.head.status == 508
            # The turn that was refused, and the station that got its answer.
            assert (counted(proxy.figures, "forbidden"), counted(proxy.figures, "refused")) == (1, 1)
            assert sum(counted(proxy.figures, each) for each in OUTCOMES) == 2
            assert heard.calls == []

    play(scene())


def test_other_proxies_on_the_way_are_no_circle() -> None:
    async def scene() -> None:
        async with (
            csms() as system,
            relaying(system.url, mark="signalbox-b") as second,
            relaying(f"ws://127.0.0.1:{second.port}/site", mark="signalbox-a") as first,
        ):
            peer = await station(first.port, "/site/CP-1", "Via: 1.1 edge, 1.1 signalbox")
            assert peer.head.status == 101
            via = (await system.visit()).head.get("Via")
            assert via == "1.1 edge, 1.1 signalbox, 1.1 signalbox-a, 1.1 signalbox-b"

    play(scene())


@pytest.mark.parametrize(
    ("address", "own", "is_own"),
    [
        ("127.0.0.2", ["0.0.0.0"], True),
        ("::1", ["127.0.0.1"], True),
        ("::ffff:127.0.0.1", ["::"], True),
        ("0.0.0.0", ["127.0.0.1"], True),
        ("10.0.0.5", ["::ffff:10.0.0.5"], True),
        ("10.0.0.6", ["10.0.0.5", "0.0.0.0"], False),
        ("127.0.0.1", ["10.0.0.5"], False),
        ("127.0.0.1", ["proxy"], False),
        ("csms.example", ["0.0.0.0"], False),
    ],
)
def test_which_addresses_are_the_proxys(address: str, own: list[str], is_own: bool) -> None:
    assert is_own_address(address, own) is is_own


def test_what_a_station_says_is_heard_by_the_routes_own_name() -> None:
    """However it writes it, and also where it was moved to another route."""

    async def scene() -> None:
        heard = Recorder()
        async with csms() as system:
            here, there = Route("b15", system.url), Route("other", system.url)
            table = Routing({"b15": here, "other": there}, {"b15": {"CP-2": "other"}})
            async with relaying(table, heard) as proxy:
                for path in ("/B15/CP-1", "/b15/CP-1", "/B15/CP-2"):
                    assert (await station(proxy.port, path)).head.status == 101
                assert [(link.slug, link.route.slug) for link in heard.links] == [
                    ("b15", "b15"),
                    ("b15", "b15"),
                    ("b15", "other"),
                ]

    play(scene())
