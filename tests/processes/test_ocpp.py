"""OCPP with real processes: a charge point and a CSMS that others wrote, the proxy between them, and what is mailed."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import ocpp.v16.call
import pytest
from aiohttp import web

from config.demo.supervisor import start_process, stop_process
from tests.infra_notifications.proxy.test_parties import Csms16, Socket, Station16
from tests.live import ROOT, Live, running
from tests.mailserver import MailServer, free_port

pytestmark = pytest.mark.processes
EVSE_ID, STATION, ADDRESS = "DE*OCP*E1*1", "CP-0001", "night@ocpp.example"
TOKEN = "04A1B2C3D4E5F6"


@pytest.fixture(scope="module")
def live(server: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    env = {"OCPP_UPSTREAM_NETWORKS": "127.0.0.0/8", "CHARGING_GATHER_S": "1", "OCPP_GRACE_S": "1"}
    with running(tmp_path_factory.mktemp("ocpp"), smtp_port=server.port, **env) as found:
        yield found


@pytest.fixture
def port(live: Live) -> Iterator[int]:
    """The proxy's, as an installation runs it."""
    listening = free_port()
    command = [sys.executable, str(ROOT / "manage.py"), "ocpp_proxy", "--port", str(listening)]
    process = start_process(command, live.folder / "log" / "ocpp_proxy.log", live.env)
    until = time.monotonic() + 60
    try:
        while not _answers(listening):
            assert process.poll() is None, (live.folder / "log" / "ocpp_proxy.log").read_text()
            assert time.monotonic() < until
            time.sleep(0.1)
        yield listening
    finally:
        stop_process(process, 20)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.suppress(OSError):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    return False


def test_proxy_passes_its_health_check(port: int) -> None:
    def is_alive(at: int) -> bool:
        command = [sys.executable, "-m", "core.alive", "proxy"]
        return not subprocess.run(command, cwd=ROOT, env=os.environ | {"OCPP_PORT": str(at)}, check=False).returncode

    assert is_alive(port)
    assert not is_alive(free_port())


async def csms(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(protocols=("ocpp1.6",))
    await ws.prepare(request)
    with contextlib.suppress(TypeError, ConnectionError):  # the station left
        await Csms16(request.match_info["identity"], Socket(ws)).start()
    return ws


@contextlib.asynccontextmanager
async def serving(port: int) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/ocpp/{identity}", csms)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[Station16]:
    """A charge point on the route, which has booted."""
    url = f"ws://127.0.0.1:{port}/site/{STATION}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, protocols=("ocpp1.6",)) as ws:
        assert ws.protocol == "ocpp1.6"
        station = Station16(STATION, Socket(ws))
        hearing = asyncio.create_task(station.start())
        await station.call(ocpp.v16.call.BootNotification("Säule", "Wallbox & Co"))
        try:
            yield station
        finally:
            hearing.cancel()


async def status(station: Station16, code: str, state: str) -> None:
    answer = await station.call(ocpp.v16.call.StatusNotification(1, code, state))
    assert answer is not None


def test_a_fault_that_passes_is_mailed_and_a_closed_socket_too(live: Live, server: MailServer, port: int) -> None:
    upstream = free_port()
    route = {"slug": "site", "upstream": f"ws://127.0.0.1:{upstream}/ocpp"}
    live.api("POST", "/charging/ocpp-routes", route)
    live.api("PUT", "/charging/charge-points", {"evse_id": EVSE_ID, "station": STATION, "connector": 1})
    hold_off = {"FUSE_TRIPPED": 0, "UNAVAILABLE": 0}
    live.api(
        "POST",
        "/charging/groups",
        {"name": "Night", "emails": [ADDRESS], "charge_points": [EVSE_ID], "hold_off_s": hold_off},
    )

    async def mails(n: int, what: str) -> str:
        await asyncio.to_thread(live.wait_until, lambda: len(server.to(ADDRESS)) == n, what)
        return server.to(ADDRESS)[-1].text

    async def story() -> None:
        async with serving(upstream):
            async with connected_when_known(port) as station:
                await status(station, "NoError", "Available")
                await station.call(ocpp.v16.call.Authorize(TOKEN), suppress=True)
                await status(station, "GroundFailure", "Faulted")
                assert EVSE_ID in await mails(1, "the fault is mailed")
                assert live.api("GET", f"/charging/stations/{STATION}")["connected"] is True
                await status(station, "NoError", "Available")
                await mails(2, "its end is mailed")
            text = await mails(3, "the closed socket is mailed")
            assert "connection" in text.lower()
            assert live.api("GET", f"/charging/stations/{STATION}")["connected"] is False
            async with connected_when_known(port):
                await mails(4, "its return is mailed")

    # In a thread of its own: the browser's tests leave a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, story()).result()
    [source] = live.api("GET", "/charging/sources?q=kind:proxy")["items"]
    assert (source["name"], source["rejected"]) == ("site", 0)
    assert not live.rows(
        "SELECT 1 FROM infra_notifications_chargepointmessage WHERE payload::text LIKE %s", f"%{TOKEN}%"
    )


@contextlib.asynccontextmanager
async def connected_when_known(port: int) -> AsyncIterator[Station16]:
    """Tries, as stations do, until the proxy has read the route."""
    for _try in range(60):
        try:
            async with connected(port) as station:
                yield station
                return
        except aiohttp.WSServerHandshakeError:
            await asyncio.sleep(0.5)
    raise AssertionError("the proxy never took the station in")
