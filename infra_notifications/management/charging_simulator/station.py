"""A simulated station: lives its story over a WebSocket that it opens again whenever it is closed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import structlog

from infra_notifications.management.charging_simulator.dialects import DIALECTS, Knowledge
from infra_notifications.management.charging_simulator.story import Event, Step

log = structlog.get_logger("signalbox.charging_simulator")
ANSWER_WITHIN_S = 30.0
# Between two tries to connect: as real stations do, a little longer each time.
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
USUAL_INTERVAL_S = 300.0


class Gone(Exception):
    """The connection was closed before its answer came."""


class Station:
    """One station. `speed` divides every pause of its story, not the times of the protocol."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        identity: str,
        *,
        protocol: str,
        knowledge: Knowledge,
        story: Iterator[Step],
        speed: float = 1.0,
    ) -> None:
        self._session, self._url = session, f"{url}/{quote(identity, safe='')}"
        self.identity, self.protocol, self.knowledge = identity, protocol, knowledge
        self._story, self._speed = story, speed
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._reader: asyncio.Task[None] | None = None
        # Whether it is meant to be connected: then it comes back by itself.
        self._is_up = False
        self.interval_s = USUAL_INTERVAL_S

    async def live(self) -> None:
        """Never returns; ends when it is cancelled."""
        try:
            for step in self._story:
                await self._pass_time(step.after_s / self._speed)
                await self._take(step)
        finally:
            await self._hang_up()

    async def _pass_time(self, seconds: float) -> None:
        """Waits; meanwhile it sends heartbeats, and connects again when it was cut off."""
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            if not self._is_up:
                await asyncio.sleep(left)
                continue
            await self._stay_connected()
            reader = self._reader
            assert reader is not None
            await asyncio.wait([reader], timeout=min(left, self.interval_s))
            if not reader.done() and left > self.interval_s:
                await self._call("Heartbeat", {})

    async def _take(self, step: Step) -> None:
        match step.event:
            case Event.CONNECT:
                self._is_up = True
                await self._stay_connected()
            case Event.HANG_UP | Event.LOSE:
                self._is_up = False
                await self._hang_up(abruptly=step.event == Event.LOSE)
            case _:
                for action, payload in DIALECTS[self.protocol](step, self.knowledge, datetime.now(UTC)):
                    await self._say(step, action, payload)

    async def _say(self, step: Step, action: str, payload: dict[str, Any]) -> None:
        """Says it once it can: what happens while a station is cut off is told afterwards."""
        while True:
            await self._stay_connected()
            with contextlib.suppress(Gone, TimeoutError):
                answer = await self._call(action, payload)
                break
        if step.event == Event.BOOT:
            self.interval_s = float(answer.get("interval") or USUAL_INTERVAL_S)
        elif action == "StartTransaction":
            self.knowledge.transactions[step.connector] = answer.get("transactionId", 0)

    # ---- the connection -------------------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        tries = 0
        while self._socket is None or self._socket.closed:
            try:
                self._socket = await self._session.ws_connect(
                    self._url, protocols=[self.protocol], heartbeat=60.0, max_msg_size=1024 * 1024
                )
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if tries == 0:
                    log.info("station_not_connected", station=self.identity, error=str(error)[:200])
                await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
                tries += 1
            else:
                self._reader = asyncio.create_task(self._read(self._socket))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type != aiohttp.WSMsgType.TEXT:
                continue
            match json.loads(message.data):
                case [3, str(uid), dict(payload)]:
                    self._answer(uid, payload)
                case [4, str(uid), *_rest]:
                    self._answer(uid, {})
                case [2, uid, *_rest]:
                    with contextlib.suppress(ConnectionError):
                        await socket.send_str(json.dumps([3, uid, {"status": "Accepted"}]))
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(Gone())

    def _answer(self, uid: str, payload: dict[str, Any]) -> None:
        waiting = self._answers.get(uid)
        if waiting is not None and not waiting.done():
            waiting.set_result(payload)

    async def _call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Raises Gone when the connection is, TimeoutError when nobody answers."""
        socket, uid = self._socket, uuid.uuid4().hex
        if socket is None or socket.closed:
            raise Gone
        self._answers[uid] = asyncio.get_running_loop().create_future()
        try:
            await socket.send_str(json.dumps([2, uid, action, payload]))
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._answers[uid]
        except ConnectionError as error:
            raise Gone from error
        finally:
            del self._answers[uid]

    async def _hang_up(self, *, abruptly: bool = False) -> None:
        socket, self._socket = self._socket, None
        if socket is None or socket.closed:
            return
        if abruptly:
            # Nobody hears a close frame of a station whose network is gone.
            transport = socket.get_extra_info("transport")
            if transport is not None:
                transport.abort()
        await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)


@contextlib.asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """For as many stations as there are: no limit of connections, no cookies."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as made:
        yield made


async def live_together(make: Callable[[aiohttp.ClientSession], list[Station]]) -> None:
    """Lets stations live until it is cancelled; one that breaks is a mistake of ours and ends all."""
    async with session() as shared, asyncio.TaskGroup() as group:
        for station in make(shared):
            group.create_task(station.live(), name=station.identity)
