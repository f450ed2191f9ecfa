"""A name that leads inside (`127.0.0.1.nip.io`) takes no station there, whatever it says when it is asked again."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from infra_notifications.proxy import upstream
from tests.infra_notifications.proxy.peers import body, csms, play, relaying, station


def names(monkeypatch: pytest.MonkeyPatch, answers: Iterator[list[str]]) -> list[str]:
    """The resolver of the test, and the names that it was asked for; the system's own is asked by nobody for one."""
    asked: list[str] = []

    def look_up(host: str) -> list[str]:
        asked.append(host)
        return next(answers)

    def refuse(host: Any, *more: Any, **named: Any) -> Any:
        if "example" in str(host):
            raise AssertionError(f"resolved behind our back: {host}")
        return plain(host, *more, **named)

    plain = socket.getaddrinfo
    monkeypatch.setattr(upstream, "look_up", look_up)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["0.0.0.0"],
        ["::1"],
        ["::"],
        ["::ffff:127.0.0.1"],
        ["::ffff:0:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["fd00::1"],
        ["8.8.8.8", "127.0.0.1"],
        ["fe80::1%lo"],
    ],
)
def test_a_name_with_an_inner_address_is_not_called(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> None:
    names(monkeypatch, itertools.repeat(addresses))

    async def scene() -> None:
        async with csms() as system, relaying(f"ws://csms.example:{system.port}/", upstream_networks=()) as proxy:
            peer = await station(proxy.port)
            assert peer.head.status == 502
            assert b"may not be called" in await body(peer)
            assert system.writers == []

    play(scene())


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:7f00:1]", "localhost"])
def test_an_odd_spelling_of_one_is_not_called_either(host: str) -> None:
    async def scene() -> None:
        async with csms() as system, relaying(f"ws://{host}:{system.port}/", upstream_networks=()) as proxy:
            peer = await station(proxy.port)
            assert (peer.head.status, system.writers) == (502, [])

    play(scene())


def test_a_name_that_changes_its_mind_is_judged_at_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = names(monkeypatch, itertools.chain([["127.0.0.1"]], itertools.repeat(["127.0.0.2"])))
    monkeypatch.setattr(upstream, "NAME_S", 0.0)

    async def scene() -> None:
        networks = (ipaddress.ip_network("127.0.0.1/32"),)
        async with csms() as system, relaying(f"ws://csms.example:{system.port}/", upstream_networks=networks) as proxy:
            assert (await station(proxy.port)).head.status == 101
            assert (await system.visit()).head.get("Host") == f"csms.example:{system.port}"
            # The second goes where the name led a moment ago, and has it asked anew.
            assert (await station(proxy.port)).head.status == 101
            while len(asked) < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            assert (await station(proxy.port)).head.status == 502
            assert len(system.writers) == 2

    play(scene())


def test_a_station_is_not_led_on_by_a_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async with csms() as inner:
            answer = f"HTTP/1.1 302 Found\r\nLocation: {inner.url}\r\nContent-Length: 0\r\n\r\n".encode()
            async with csms(answer) as system, relaying(system.url) as proxy:
                assert (await station(proxy.port)).head.status == 302
                assert (len(system.refused), inner.writers) == (1, [])

    play(scene())
