"""What a CSMS is asked for a station, and what the station gets back: the same as without a proxy, plus who asks."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from infra_notifications.proxy.routes import FixedRoutes, Route
from tests.infra_notifications.proxy.peers import (
    LOOPBACK,
    Head,
    Recorder,
    accept,
    body,
    csms,
    play,
    relaying,
    request,
    station,
)
from tests.waiting import PATIENCE_S, soon


@pytest.mark.parametrize(
    ("path", "upstream", "identity"),
    [
        ("/site/CP-1", "/ocpp/CP-1", "CP-1"),
        ("/site/DE%2aABC%2FE1%20x?token=%31&a", "/ocpp/DE%2aABC%2FE1%20x?token=%31&a", "DE*ABC/E1 x"),
        ("/site/tenant/CP%C3%A4/", "/ocpp/tenant/CP%C3%A4/", "CPä"),
        ("/site//CP-1", "/ocpp//CP-1", "CP-1"),
        ("/site/a~b;c=d@e:f", "/ocpp/a~b;c=d@e:f", "a~b;c=d@e:f"),
        ("http://ocpp.example/site/CP-1?x", "/ocpp/CP-1?x", "CP-1"),
        ("/site/%zz", "/ocpp/%zz", "%zz"),
    ],
)
def test_path_and_query_go_through_as_they_were_written(path: str, upstream: str, identity: str) -> None:
    async def scene() -> None:
        heard = Recorder()
        async with csms() as system, relaying(system.url, heard) as proxy:
            peer = await station(proxy.port, path)
            assert peer.head.status == 101
            visit = await system.visit()
            assert visit.head.first == f"GET {upstream} HTTP/1.1"
            assert heard.calls == [("connected", identity)]

    play(scene())


def test_headers_go_through_in_order_and_spelling() -> None:
    sent = [
        "authorization: Basic Q1AtMTpcw6Q=",
        "User-Agent: Box/1.2 (\xe4)",
        "X-Vendor:  two  blanks",
        "X-Vendor: b",
    ]

    async def scene() -> None:
        async with csms() as system, relaying(system.url) as proxy:
            await station(proxy.port, "/site/CP-1", *sent, protocols="ocpp2.1, ocpp2.0.1,ocpp1.6")
            head = (await system.visit()).head
            assert head.get("Host") == f"127.0.0.1:{system.port}"
            assert head.get("Sec-WebSocket-Protocol") == "ocpp2.1, ocpp2.0.1,ocpp1.6"
            assert head.get("Sec-WebSocket-Key") == "dGhlIHNhbXBsZSBub25jZQ=="
            passed = [
                (name, value) for name, value in head.headers if name in ("authorization", "User-Agent", "X-Vendor")
            ]
            assert passed == [
                ("authorization", "Basic Q1AtMTpcw6Q="),
                ("User-Agent", "Box/1.2 (\xe4)"),
                ("X-Vendor", "two  blanks"),
                ("X-Vendor", "b"),
            ]

    play(scene())


def test_the_csms_hears_who_asks_and_nobody_can_pretend() -> None:
    pretended = ["X-Forwarded-For: 8.8.8.8", "Forwarded: for=8.8.8.8", "X-Real-IP: 8.8.8.8", "Client-Cert: :AAAA:"]

    async def scene() -> None:
        heard = Recorder()
        async with csms() as system, relaying(system.url, heard) as proxy:
            await station(proxy.port, "/site/CP-1", *pretended)
            head = (await system.visit()).head
            assert head.get("X-Forwarded-For") == "127.0.0.1"
            assert head.get("X-Forwarded-Proto") == "http"
            assert head.get("X-Forwarded-Host") == "ocpp.example:9000"
            assert head.get("Forwarded") == 'for=127.0.0.1;proto=http;host="ocpp.example:9000"'
            assert head.get("X-Real-IP") is head.get("Client-Cert") is None
            assert heard.links[0].remote == "127.0.0.1"

    play(scene())


@pytest.mark.parametrize(
    ("said", "remote"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("8.8.8.8, 203.0.113.7", "203.0.113.7"),  # only the last was written by the trusted proxy
        ("203.0.113.7, 127.0.0.9", "203.0.113.7"),  # two trusted proxies, one behind the other
        ("2001:db8::7", "2001:db8::7"),
        ("unknown", "unknown"),
    ],
)
def test_a_trusted_proxy_in_front_is_believed(said: str, remote: str) -> None:
    words = [f"X-Forwarded-For: {said}", "X-Forwarded-Proto: https", "Forwarded: for=_x", "Client-Cert: :AAAA:"]

    async def scene() -> None:
        heard = Recorder()
        async with csms() as system, relaying(system.url, heard, trusted_networks=LOOPBACK) as proxy:
            await station(proxy.port, "/site/CP-1", *words)
            head = (await system.visit()).head
            assert head.get("X-Forwarded-For") == f"{said}, 127.0.0.1"
            assert head.get("X-Forwarded-Proto") == "https"
            assert head.get("Forwarded") == 'for=_x, for=127.0.0.1;proto=https;host="ocpp.example:9000"'
            assert head.get("Client-Cert") == ":AAAA:"
            assert heard.links[0].remote == remote

    play(scene())


@pytest.mark.parametrize("choice", ["ocpp1.6", "ocpp2.0.1", None])
def test_the_station_gets_the_choice_of_the_csms(choice: str | None) -> None:
    def answer(head: Head) -> bytes:
        return accept(head, "X-Csms: yes", "set-cookie: a=b", protocol=choice)

    async def scene() -> None:
        heard = Recorder()
        async with csms(answer) as system, relaying(system.url, heard) as proxy:
            head = (await station(proxy.port, protocols="ocpp1.6, ocpp2.0.1")).head
            # As the CSMS wrote it, to the letter.
            visit = await system.visit()
            assert head.first == "HTTP/1.1 101 Switching Protocols"
            assert [f"{name}: {value}" for name, value in head.headers] == answer(visit.head).decode().split("\r\n")[
                1:-2
            ]
            assert heard.links[0].protocol == (choice or "")

    play(scene())


REFUSALS = [
    (b"401 Unauthorized", [b'WWW-Authenticate: Basic realm="ocpp"'], b"who are you?"),
    (b"403 Forbidden", [], b""),
    (b"404 Not Found", [b"Content-Type: application/json"], b'{"error": "unknown station"}'),
    (b"429 Too Many Requests", [b"Retry-After: 17"], b"later"),
    (b"503 Service Unavailable", [b"Retry-After: 120"], b"\x00\xff"),
    (b"302 Found", [b"Location: wss://elsewhere.example/ocpp"], b""),
    (b"200 OK", [], b"not a WebSocket"),
]


@pytest.mark.parametrize(("status", "headers", "text"), REFUSALS)
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_refusal_goes_back_as_it_is(status: bytes, headers: list[bytes], text: bytes, framing: str) -> None:
    lines = [b"HTTP/1.1 " + status, *headers]
    match framing:
        case "length":
            lines.append(b"Content-Length: %d" % len(text))
        case "chunked":
            lines.append(b"Transfer-Encoding: chunked")
        case "close":
            lines.append(b"Connection: close")
    chunks = (b"%x\r\n%s\r\n" % (len(text), text) if text else b"") + b"0\r\n\r\n"
    answer = b"\r\n".join([*lines, b"", chunks if framing == "chunked" else text])

    async def scene() -> None:
        async with csms(answer) as system, relaying(system.url) as proxy:
            if framing == "close":
                asked = asyncio.ensure_future(station(proxy.port))
                await soon(lambda: bool(system.refused))
                system.writers[0].close()
                peer = await asked
            else:
                peer = await station(proxy.port)
            assert peer.head.status == int(status[:3])
            for header in headers:
                name, _, value = header.decode().partition(": ")
                assert peer.head.get(name) == value
            assert await body(peer) == text
            assert await peer.read_rest() == b""
            await soon(lambda: not proxy.relay.waiting)

    play(scene())


def test_a_refusal_whose_body_never_ends_goes_back_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra_notifications.proxy.relay.REFUSAL_S", 0.5)
    answer = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\nwho "

    async def scene() -> None:
        async with csms(answer) as system, relaying(system.url) as proxy:
            peer = await station(proxy.port)
            assert (peer.head.status, peer.head.get("WWW-Authenticate")) == (401, "Basic")
            assert await body(peer) == b"who "

    play(scene())


def test_a_body_that_is_too_long_is_cut() -> None:
    async def scene() -> None:
        async with csms(b"HTTP/1.1 403 Forbidden\r\n\r\n" + b"x" * 1_000_000) as system, relaying(system.url) as proxy:
            peer = await station(proxy.port)
            assert peer.head.status == 403
            assert await body(peer) == b"x" * 64 * 1024

    play(scene())


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere/CP-1", 404),
        ("/off/CP-1", 503),
        ("/site", 404),
        ("/site/", 404),
        ("/", 404),
        ("/site/../admin", 400),
        ("/site/%2e%2e/admin", 400),
        ("/site/x%2F..%2F..%2Fadmin", 400),
        ("/site/..%5cadmin", 400),
        ("/gone/CP-1", 502),
        ("/private/CP-1", 502),
        ("/metadata/CP-1", 502),
    ],
)
def test_what_leads_nowhere_is_refused_by_the_proxy(path: str, status: int) -> None:
    async def scene() -> None:
        async with csms() as system:
            routes = FixedRoutes(
                [
                    Route("site", system.url),
                    Route("off", system.url, enabled=False),
                    Route("gone", "ws://127.0.0.1:1/ocpp"),
                    Route("private", "ws://10.1.2.3/ocpp"),
                    Route("metadata", "ws://169.254.169.254/ocpp"),
                ]
            )
            async with relaying(routes) as proxy:
                peer = await station(proxy.port, path)
                assert peer.head.status == status
                assert (await body(peer)).endswith(b".\n")
                assert system.visits.empty()

    play(scene())


def test_a_name_is_judged_by_what_it_resolves_to() -> None:
    async def scene() -> None:
        async with csms() as system:
            url = f"ws://localhost:{system.port}/ocpp"
            elsewhere = (ipaddress.ip_network("10.0.0.0/8"),)
            async with relaying(url, upstream_networks=elsewhere) as proxy:
                assert (await station(proxy.port)).head.status == 502
            nets = (*LOOPBACK, ipaddress.ip_network("::1/128"))
            async with relaying(url, upstream_networks=nets) as proxy:
                assert (await station(proxy.port)).head.status == 101

    play(scene())


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /site/CP-1 HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        (request("/site/CP-1").replace(b"GET", b"POST"), 426),
        (request("/site/CP-1").replace(b"HTTP/1.1", b"HTTP/1.0"), 426),
        (request("/site/CP-1", "Content-Length: 3") + b"abc", 400),
        (request("/site/CP-1", "Host: other"), 400),
        (request("/site/CP-1", "X : blank before the colon"), 400),
        (request("/site/CP-1", "X: folded\r\n line"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 60, 400),  # TLS where none is spoken
        (request("/site/CP-1", *[f"X-{n}: {'x' * 900}" for n in range(60)]), 400),
    ],
)
def test_what_is_no_handshake_is_refused_and_reaches_no_csms(raw: bytes, status: int) -> None:
    async def scene() -> None:
        async with csms() as system, relaying(system.url) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(raw)
            answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
            assert int(answer.split(b" ")[1]) in (status, 431)
            assert system.visits.empty()
            writer.close()

    play(scene())


def test_a_station_that_gives_up_waits_at_no_csms() -> None:
    """The CSMS never answers; when the station leaves, its connection there ends too."""

    async def scene() -> None:
        arrived, left = asyncio.Event(), asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            arrived.set()
            await reader.read()
            left.set()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with relaying(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp") as proxy:
            _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(request("/site/CP-1"))
            await asyncio.wait_for(arrived.wait(), PATIENCE_S)
            writer.close()
            await asyncio.wait_for(left.wait(), PATIENCE_S)
            await soon(lambda: not proxy.relay.waiting)
        server.close()

    play(scene())


def test_more_stations_than_the_limit_are_asked_to_come_back() -> None:
    async def scene() -> None:
        async with csms() as system, relaying(system.url, max_connections=2) as proxy:
            peers = [await station(proxy.port, f"/site/CP-{n}") for n in range(3)]
            assert [peer.head.status for peer in peers] == [101, 101, 503]
            assert peers[2].head.get("Retry-After") is not None
            peers[0].close()
            (await system.visit()).writer.close()
            await soon(lambda: len(proxy.relay.pairs) == 1)
            assert (await station(proxy.port)).head.status == 101

    play(scene())
