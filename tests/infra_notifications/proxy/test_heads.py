"""Heads of requests as stations write them, and what of them reaches the CSMS."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infra_notifications.proxy.heads import Accepted, ResponseReader
from tests.infra_notifications.proxy.peers import LOOPBACK, Recorder, csms, play, relaying, request, station

CERTIFICATES = ("Client-Cert: :AAAA:", "Client-Cert-Chain: :AAAA:, :BBBB:", "client-cert-chain: :CCCC:")


@pytest.mark.parametrize("trusted", [True, False])
def test_a_chain_of_certificates_is_believed_of_a_proxy_alone(trusted: bool) -> None:
    async def scene() -> None:
        async with csms() as system, relaying(system.url, trusted_networks=LOOPBACK if trusted else ()) as proxy:
            await station(proxy.port, "/site/CP-1", *CERTIFICATES)
            head = (await system.visit()).head
            assert (head.get("Client-Cert") is not None) == (head.get("Client-Cert-Chain") is not None) == trusted

    play(scene())


@pytest.mark.parametrize(
    ("head", "target", "identity"),
    [
        (request("//site/CP-1"), "/ocpp/CP-1", "CP-1"),
        (request("/site/CP-1", "Content-Length: 0"), "/ocpp/CP-1", "CP-1"),
        (request("///site///CP-1"), "/ocpp///CP-1", "CP-1"),
        (request("/site/CP-1").replace(b"CP-1", "CPä".encode()), "/ocpp/CP%C3%A4", "CPä"),
        (request("/site/CPä"), "/ocpp/CP%E4", "CP%E4"),
        (request("/site/CP-1").replace(b"\r\n", b"\n"), "/ocpp/CP-1", "CP-1"),
        (request("/site/CP-1").replace(b"\r\n", b"\n").replace(b"CP-1", "CPä".encode()), "/ocpp/CP%C3%A4", "CPä"),
        (request("/site/%FF%FE"), "/ocpp/%FF%FE", "%FF%FE"),
        (request("/site/%FF%FD"), "/ocpp/%FF%FD", "%FF%FD"),
        (request("/site/S%0017"), "/ocpp/S%0017", "S%0017"),
        (request("/site/S%0A17"), "/ocpp/S%0A17", "S%0A17"),
    ],
)
@pytest.mark.parametrize("piece", [1, 10_000])
def test_heads_that_are_spelt_oddly_are_read(head: bytes, target: str, identity: str, piece: int) -> None:
    async def scene() -> None:
        heard = Recorder()
        async with csms() as system, relaying(system.url, heard) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            for start in range(0, len(head), piece):
                writer.write(head[start : start + piece])
                await writer.drain()
            assert b" 101 " in await reader.readline()
            assert (await system.visit()).head.first == f"GET {target} HTTP/1.1"
            assert heard.calls == [("connected", identity)]
            writer.close()

    play(scene())


async def _answers(*parts: bytes) -> Accepted | None:
    reader = ResponseReader(asyncio.get_running_loop())
    found: Any = None
    for part in parts:
        found = found or reader.feed(part)
    return found if isinstance(found, Accepted) else None


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("at", [1, 20, 33, 34, 60, 1_000])
def test_a_csms_may_end_its_lines_with_a_bare_line_feed(end: bytes, at: int) -> None:
    lines = (b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Sec-WebSocket-Protocol: ocpp1.6", b"", b"")
    behind = b"\x81\x02\r\n\r\n"
    sent = end.join(lines) + behind
    found = asyncio.run(_answers(sent[:at], sent[at:]))
    assert found is not None
    assert (found.head, found.protocol, found.rest) == (b"\r\n".join(lines), "ocpp1.6", behind)
