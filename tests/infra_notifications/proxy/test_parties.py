"""Charge points and a CSMS that others wrote (PyPI `ocpp`, over aiohttp), through the proxy as it is installed.

Each conversation is held twice, directly and through the proxy, and must be the same word for word.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import ocpp.v16
import ocpp.v16.call
import ocpp.v16.call_result
import ocpp.v21
import ocpp.v21.call
import ocpp.v21.call_result
import ocpp.v201
import ocpp.v201.call
import ocpp.v201.call_result
import pytest
from aiohttp import web
from ocpp.routing import on

from tests.infra_notifications.proxy.peers import Proxy, play, proxy
from tests.mailserver import free_port
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.processes
TIME = "2026-11-30T00:00:00Z"
PASSWORD = "0001020304050607FFFF"


class Socket:
    """What `ocpp` calls a connection: `recv` and `send`. All that passes is written down."""

    def __init__(self, ws: web.WebSocketResponse | aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws
        self.heard: list[str] = []
        self.said: list[str] = []

    async def recv(self) -> str:
        text = await self._ws.receive_str()
        self.heard.append(text)
        return text

    async def send(self, text: str) -> None:
        self.said.append(text)
        await self._ws.send_str(text)


# ---- a CSMS in the three versions -----------------------------------------------------------------------------------


class Csms16(ocpp.v16.ChargePoint):
    @on("BootNotification")
    def boot(self, **payload: Any) -> Any:
        return ocpp.v16.call_result.BootNotification(TIME, 300, "Accepted")

    @on("StatusNotification")
    def status(self, **payload: Any) -> Any:
        return ocpp.v16.call_result.StatusNotification()


class Csms201(ocpp.v201.ChargePoint):
    @on("BootNotification")
    def boot(self, **payload: Any) -> Any:
        return ocpp.v201.call_result.BootNotification(TIME, 300, "Accepted")

    @on("StatusNotification")
    def status(self, **payload: Any) -> Any:
        return ocpp.v201.call_result.StatusNotification()


class Csms21(ocpp.v21.ChargePoint):
    @on("BootNotification")
    def boot(self, **payload: Any) -> Any:
        return ocpp.v21.call_result.BootNotification(TIME, 300, "Accepted")

    @on("NotifyEvent")
    def event(self, **payload: Any) -> Any:
        return ocpp.v21.call_result.NotifyEvent()


# ---- charge points --------------------------------------------------------------------------------------------------


class Station16(ocpp.v16.ChargePoint):
    @on("Reset")
    def reset(self, **payload: Any) -> Any:
        return ocpp.v16.call_result.Reset("Accepted")


class Station201(ocpp.v201.ChargePoint):
    @on("Reset")
    def reset(self, **payload: Any) -> Any:
        return ocpp.v201.call_result.Reset("Accepted")


class Station21(ocpp.v21.ChargePoint):
    @on("Reset")
    def reset(self, **payload: Any) -> Any:
        return ocpp.v21.call_result.Reset("Accepted")


def boot2(version: Any) -> Any:
    return version.call.BootNotification({"model": "Säule", "vendor_name": "Wallbox & Co"}, "PowerUp")


EVENT = {
    "event_id": 1,
    "timestamp": TIME,
    "trigger": "Alerting",
    "actual_value": "true",
    "tech_code": "E01",
    "tech_info": "RCD triggered",
    "event_notification_type": "HardWiredNotification",
    "component": {"name": "EVSE"},
    "variable": {"name": "Problem"},
}


@dataclass(frozen=True)
class Version:
    protocol: str
    csms: type[Any]
    station: type[Any]
    calls: list[Any]
    reset: Any


VERSIONS = [
    Version(
        "ocpp1.6",
        Csms16,
        Station16,
        [
            ocpp.v16.call.BootNotification("Säule", "Wallbox & Co"),
            ocpp.v16.call.StatusNotification(1, "GroundFailure", "Faulted", info="RCD triggered \U0001f50c"),
        ],
        ocpp.v16.call.Reset("Soft"),
    ),
    Version(
        "ocpp2.0.1",
        Csms201,
        Station201,
        [boot2(ocpp.v201), ocpp.v201.call.StatusNotification(TIME, "Faulted", 1, 1)],
        ocpp.v201.call.Reset("Immediate"),
    ),
    Version(
        "ocpp2.1",
        Csms21,
        Station21,
        [boot2(ocpp.v21), ocpp.v21.call.NotifyEvent([EVENT], TIME, 0)],
        ocpp.v21.call.Reset("Immediate"),
    ),
]


# ---- the conversation -----------------------------------------------------------------------------------------------


@dataclass
class Talk:
    """What passed at both ends of one connection."""

    results: list[Any] = field(default_factory=list)
    at_station: list[list[str]] = field(default_factory=list)
    at_csms: list[list[str]] = field(default_factory=list)
    authorization: str | None = None


@contextlib.asynccontextmanager
async def serving(port: int, visit: Callable[[web.Request, web.WebSocketResponse], Any]) -> AsyncIterator[None]:
    protocols = tuple(version.protocol for version in VERSIONS)

    async def handle(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(protocols=protocols)
        await ws.prepare(request)
        await visit(request, ws)
        return ws

    app = web.Application()
    app.router.add_get("/ocpp/{identity}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def listen(party: Any) -> None:
    """Until the other side closes."""
    with contextlib.suppress(TypeError, aiohttp.WSMessageTypeError, ConnectionError):
        await party.start()


def numbered(party: Any) -> Any:
    """Message ids that are the same in every conversation."""
    numbers = iter(range(1_000))
    party._unique_id_generator = lambda: f"{type(party).__name__}-{next(numbers)}"
    return party


async def held(url: str, csms_port: int, version: Version) -> Talk:
    """The station boots and reports a fault, the CSMS resets it, and the station closes."""
    talk = Talk()

    async def visit(request: web.Request, ws: web.WebSocketResponse) -> None:
        talk.authorization = request.headers.get("Authorization")
        assert ws.ws_protocol == version.protocol
        socket = Socket(ws)
        system = numbered(version.csms(request.match_info["identity"], socket))
        listening = asyncio.ensure_future(listen(system))
        await reported.wait()
        talk.results.append(await system.call(version.reset))
        done.set()
        await listening
        talk.at_csms = [socket.heard, socket.said]

    reported, done = asyncio.Event(), asyncio.Event()
    auth = aiohttp.BasicAuth("CP 1", PASSWORD)
    async with serving(csms_port, visit), aiohttp.ClientSession() as session:
        async with session.ws_connect(url, protocols=(version.protocol,), auth=auth) as ws:
            socket = Socket(ws)
            station = numbered(version.station("CP 1", socket))
            listening = asyncio.ensure_future(listen(station))
            talk.results += [await station.call(call) for call in version.calls]
            reported.set()
            await asyncio.wait_for(done.wait(), PATIENCE_S)
            listening.cancel()
        talk.at_station = [socket.said, socket.heard]
        while not talk.at_csms:
            await asyncio.sleep(0.01)
    return talk


@pytest.fixture(scope="module")
def csms_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, csms_port: int) -> Iterator[Proxy]:
    with proxy(tmp_path_factory.mktemp("proxy"), f"site=ws://127.0.0.1:{csms_port}/ocpp") as process:
        yield process


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.protocol)
def test_a_conversation_is_the_same_with_and_without_the_proxy(
    running: Proxy, csms_port: int, version: Version
) -> None:
    async def scene() -> None:
        direct = await held(f"ws://127.0.0.1:{csms_port}/ocpp/CP%201", csms_port, version)
        proxied = await held(f"ws://127.0.0.1:{running.port}/site/CP%201", csms_port, version)
        assert len(direct.at_station[0]) == len(version.calls) + 1  # and the answer to the reset
        assert proxied == direct
        assert proxied.at_csms == proxied.at_station
        assert proxied.authorization is not None

    play(scene())


def test_stations_come_back_by_themselves_when_the_proxy_was_killed(
    tmp_path_factory: pytest.TempPathFactory, csms_port: int
) -> None:
    """SIGKILL: the stations lose their sockets, try again, and find the same CSMS through the next process."""
    version = VERSIONS[0]
    boots: list[str] = []

    async def visit(request: web.Request, ws: web.WebSocketResponse) -> None:
        system = version.csms(request.match_info["identity"], Socket(ws))
        await listen(system)

    async def station(port: int, identity: str) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
                    url = f"ws://127.0.0.1:{port}/site/{identity}"
                    async with session.ws_connect(url, protocols=("ocpp1.6",)) as ws:
                        point = version.station(identity, Socket(ws), response_timeout=PATIENCE_S)
                        listening = asyncio.ensure_future(listen(point))
                        assert (await point.call(version.calls[0])).status == "Accepted"
                        boots.append(identity)
                        await listening
                await asyncio.sleep(0.1)

    async def boots_are(count: int) -> None:
        for _ in range(600):
            if len(boots) >= count:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{len(boots)} of {count} boots")

    with proxy(tmp_path_factory.mktemp("killed"), f"site=ws://127.0.0.1:{csms_port}/ocpp") as process:

        async def scene() -> None:
            async with serving(csms_port, visit):
                stations = [asyncio.ensure_future(station(process.port, f"CP-{number}")) for number in range(20)]
                await boots_are(20)
                process.process.kill()
                process.process.wait()
                await asyncio.get_running_loop().run_in_executor(None, process.start)
                await boots_are(40)
                assert sorted(boots[20:40]) == sorted(f"CP-{number}" for number in range(20))
                for task in stations:
                    task.cancel()
                await asyncio.gather(*stations, return_exceptions=True)

        play(scene())
