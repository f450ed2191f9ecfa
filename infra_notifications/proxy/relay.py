"""From a station's first byte to a pair: the route is found, the CSMS asked, and its answer given to the station."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable, Iterator

from aiohttp.http import RawRequestMessage
from django.utils import timezone

from infra_notifications.proxy.figures import OUTCOMES, Figure, Figures
from infra_notifications.proxy.frames import Budget, FrameReader
from infra_notifications.proxy.heads import (
    Accepted,
    Client,
    Refusal,
    Request,
    RequestReader,
    ResponseReader,
    check_handshake,
    circle,
    client_of,
    has_been_here,
    is_handshake,
    read_request,
    upstream_request,
)
from infra_notifications.proxy.hearing import Hearing
from infra_notifications.proxy.links import Link, Observer
from infra_notifications.proxy.notes import Notes
from infra_notifications.proxy.options import Options
from infra_notifications.proxy.pair import Pair, Side
from infra_notifications.proxy.routes import Route, RouteTable
from infra_notifications.proxy.upstream import Upstreams

# A station has this long for the head of its request, a CSMS for its answer, and for the rest of a refusal.
HEAD_S, ANSWER_S, REFUSAL_S = 10.0, 60.0, 3.0
# What a station sends before its handshake is answered is held up to this size; then it is not read until then.
MAX_EARLY = 64 * 1024
READ_SIZE = 64 * 1024
# So many bytes of messages that are not complete yet are held for the observer, for all stations of a process.
HELD_BYTES = 64 * 1024 * 1024
# A side that was asked to go goes within this time; one that takes none of the other's last bytes is cut off after it.
CLOSE_S, CUT_S = 5.0, 30.0
# Each tick some of the links are looked after: 10,000 links in two seconds.
TICK_S, LINKS_A_TICK, ROUND_S = 0.05, 250, 0.5
MOVED, RESTART = 1012, 1012


class CsmsSide(Side):
    """The socket to the CSMS; `answer` is what it says to the station's request."""

    __slots__ = ("_reader", "answer")

    def __init__(self, view: memoryview, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(view)
        self._reader = ResponseReader(loop)
        self.answer: asyncio.Future[Accepted | Refusal] = loop.create_future()

    def before_open(self, data: bytes) -> None:
        if self.answer.done():
            return
        try:
            answer = self._reader.feed(data)
        except Refusal as refusal:
            answer = refusal
        if answer is not None:
            self.pause_reading(True)
            self.answer.set_result(answer)
        elif self._reader.is_refusal:
            # The status is known: the station does not wait for a body that may never end.
            self.answer.get_loop().call_later(REFUSAL_S, self._give_up)

    def _give_up(self) -> None:
        if not self.answer.done():
            self.answer.set_result(self._reader.ended())

    def connection_lost(self, exc: Exception | None) -> None:
        self._give_up()
        super().connection_lost(exc)

    def opened(self) -> None:
        del self._reader


class StationSide(Side):
    """The socket of a station, from its first byte on."""

    __slots__ = ("_early", "_reader", "_relay", "_task", "_timer")

    def __init__(self, relay: Relay) -> None:
        super().__init__(relay.view)
        self._relay = relay
        self._reader: RequestReader | None = None
        self._early = b""
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._relay.waiting.add(self)
        self._timer = self._relay.loop.call_later(HEAD_S, self.abort)

    def before_open(self, data: bytes) -> None:
        if self._task is not None:
            self._early += data
            if len(self._early) > MAX_EARLY:
                self.pause_reading(True)
            return
        if self._reader is None:
            self._reader = RequestReader(self._relay.loop)
        try:
            read = self._reader.feed(data)
        except Refusal as refusal:
            self.refuse(refusal)
            return
        if read is None:
            return
        message, self._early = read
        self._stop_timer()
        self._reader = None
        self._task = self._relay.loop.create_task(self._relay.serve(self, message))

    def take_early(self) -> bytes:
        early, self._early = self._early, b""
        return early

    def refuse(self, refusal: Refusal) -> None:
        self._relay.count(refusal.outcome)
        self.write(refusal.answer())
        self.finish()

    def turn_away(self, refusal: Refusal) -> None:
        """Refuses it, whatever it waits for."""
        if self._task is not None:
            self._task.cancel()
        self.refuse(refusal)

    def finish(self) -> None:
        """Nothing more goes to this station; what has been written goes out."""
        self._stop_timer()
        self.close()
        if not self.lost:
            self._timer = self._relay.loop.call_later(CLOSE_S, self.abort)

    def opened(self) -> None:
        self._task = None
        self._relay.waiting.discard(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def eof_received(self) -> bool:
        if self._task is not None:
            self._task.cancel()  # it gave up before the CSMS answered
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._relay.waiting.discard(self)
        if self._task is not None:
            self._task.cancel()
        super().connection_lost(exc)


class Relay:
    """All connections of one process."""

    def __init__(
        self,
        options: Options,
        routes: RouteTable,
        observer: Observer,
        figures: Figures,
        *,
        process: int = 0,
        pages: Callable[[RawRequestMessage, str], bytes | None] = lambda message, peer: None,
    ) -> None:
        """`pages` answers what is no WebSocket (health, metrics), or None."""
        self.loop = asyncio.get_running_loop()
        self.view = memoryview(bytearray(READ_SIZE))
        self.pairs: dict[Pair, None] = {}
        self.waiting: set[StationSide] = set()
        self.notes = Notes()
        self._options, self._routes, self._pages = options, routes, pages
        self._figures = figures.row(process)
        self._hearing = Hearing(observer, self._figures, self.notes)
        self._upstreams = Upstreams(options)
        self._budget = Budget(HELD_BYTES)
        self._closing = False
        self._moves = 0.0
        self._turn: Iterator[Pair] = iter(())
        self._next_round = 0.0

    def count(self, outcome: str) -> None:
        self._figures[Figure.ACCEPTED + OUTCOMES.index(outcome)] += 1

    # ---- the handshake ----------------------------------------------------------------------------------------------

    async def serve(self, station: StationSide, message: RawRequestMessage) -> None:
        """One request of a station, to its refusal or its pair."""
        csms: CsmsSide | None = None
        try:
            peer = station.peer
            if not is_handshake(message) and (page := self._pages(message, peer)) is not None:
                station.write(page)
                station.finish()
                return
            request, route, client = self._admit(station, message, peer)
            csms = await self._upstreams.connect(
                route.upstream, lambda: CsmsSide(self.view, self.loop), own=station.own_address
            )
            accepted = await self._ask(csms, route, request, client)
            self._open(station, csms, accepted, route, request, client)
        except Refusal as refusal:
            if (refusal.status, refusal.outcome) == (508, "forbidden"):
                self.notes.warning("a route leads back to the proxy", path=message.path[:120])
            station.refuse(refusal)
        except Exception as error:
            self.notes.warning("handshake failed", error=f"{type(error).__name__}: {error}"[:300])
            station.refuse(Refusal(502, "The connection to the CSMS failed.", "unreachable"))
        finally:
            if csms is not None and csms.pair is None:
                csms.abort()

    def _admit(self, station: StationSide, message: RawRequestMessage, peer: str) -> tuple[Request, Route, Client]:
        check_handshake(message)
        request = read_request(message)
        if has_been_here(request, self._options.mark):
            raise circle()
        route = self._routes.find(request.slug, request.identity)
        if route is None:
            raise Refusal(404, "There is no route of this name.", "unknown")
        if not route.enabled:
            # Without an upstream nobody knows yet where it leads: the routes could not be read since the proxy started.
            said = "This route is switched off." if route.upstream else "The proxy does not know its routes yet."
            raise Refusal(503, said, "disabled", headers=((b"Retry-After", b"60"),))
        if self._closing or len(self.pairs) + len(self.waiting) > self._options.max_connections:
            raise Refusal(503, "This proxy takes no more stations now.", "busy", headers=((b"Retry-After", b"10"),))
        assert station.transport is not None
        tls = station.transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        scheme = "https" if tls is not None else "http"
        client = client_of(peer, message.raw_headers, self._options.trusted_networks, scheme, certificate)
        return request, route, client

    async def _ask(self, csms: CsmsSide, route: Route, request: Request, client: Client) -> Accepted:
        """Asks the CSMS for the station. Raises Refusal."""
        csms.write(upstream_request(request, client, route.upstream, self._options.client_header, self._options.mark))
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await asyncio.shield(csms.answer)
        except TimeoutError:
            raise Refusal(504, "The CSMS does not answer.", "timeout") from None
        if isinstance(answer, Refusal):
            raise answer
        return answer

    def _open(
        self, station: StationSide, csms: CsmsSide, accepted: Accepted, route: Route, request: Request, client: Client
    ) -> None:
        if csms.lost or csms.transport is None or csms.transport.is_closing():
            raise Refusal(502, "The CSMS closed the connection.", "unreachable")
        link = Link(
            route=route,
            slug=self._routes.slug_of(request.slug),
            identity=request.identity,
            sent_identity=request.sent_identity,
            protocol=accepted.protocol,
            remote=client.address,
            user_agent=request.header(b"user-agent"),
            connected_at=timezone.now(),
        )
        pair = Pair(link, station, csms, self._hearing, self._figures, self._ended)
        for side in (station, csms):
            side.pair = pair
            side.reader = FrameReader(
                pair,
                from_station=side is station,
                limit=self._options.max_frame,
                budget=self._budget,
                deflates=accepted.deflates,
            )
            self._keep_alive(side)
        station.opened()
        csms.opened()
        self.pairs[pair] = None
        self._figures[Figure.CONNECTIONS] += 1
        self.count("accepted")
        self._hearing.connected(link)
        # Before anything is written, which may pause them anew.
        csms.pause_reading(False)
        station.pause_reading(False)
        station.write(accepted.head)
        for side, early in ((csms, accepted.rest), (station, station.take_early())):
            if early:
                pair.pass_on(side, early)

    def _ended(self, pair: Pair) -> None:
        self.pairs.pop(pair, None)

    def _keep_alive(self, side: Side) -> None:
        """A peer that vanished is noticed by TCP: no ping of ours mixes into what the two say to one another."""
        assert side.transport is not None
        sock = side.transport.get_extra_info("socket")
        after = self._options.dead_after_s
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, after // 2))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, after // 8))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, after * 1000)

    # ---- looking after links ----------------------------------------------------------------------------------------

    async def look_after(self) -> None:
        """Goes through the links, some at a time, for as long as the process lives."""
        while True:
            await asyncio.sleep(TICK_S)
            self._moves = min(self._moves + self._options.moves_per_s * TICK_S, self._options.moves_per_s)
            try:
                self._tick()
            except Exception as error:
                self.notes.warning("looking after links failed", error=f"{type(error).__name__}: {error}"[:300])

    def _tick(self) -> None:
        now = self.loop.time()
        turn = list(itertools.islice(self._turn, LINKS_A_TICK))
        if not turn and now >= self._next_round:
            self._turn, self._next_round = iter(list(self.pairs)), now + ROUND_S
        for pair in turn:
            if pair.deadline is not None:
                self._end_if_due(pair, now)
            elif any(side.is_paused and side.has_left for side in (pair.station, pair.csms)):
                pair.set_deadline()
            else:
                self._move_if_due(pair)

    def _end_if_due(self, pair: Pair, now: float) -> None:
        assert pair.deadline is not None
        waited = now - pair.deadline
        if waited > CLOSE_S and pair.was_asked:
            pair.end()
        if waited > CUT_S:
            if pair.has_moved():
                pair.deadline = now
            else:
                pair.abort()

    def _move_if_due(self, pair: Pair) -> None:
        link = pair.link
        route = self._routes.find(link.slug, link.identity)
        if route is not None and route.enabled and route.upstream == link.route.upstream:
            link.route = route
        elif self._moves >= 1:
            self._moves -= 1
            self._figures[Figure.MOVED] += 1
            pair.ask_to_reconnect(MOVED, "The route of this station has changed.")

    # ---- the end ----------------------------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Asks all stations to reconnect and waits until they have gone, for a bounded time. No station is lost: each
        gets the whole of the frame that was on its way, and what it sends up to its own Close goes to the CSMS."""
        self._closing = True
        ends = self.loop.time() + self._options.drain_s
        for station in list(self.waiting):
            station.turn_away(Refusal(503, "This proxy is restarting.", "busy", headers=((b"Retry-After", b"1"),)))
        for number, pair in enumerate(list(self.pairs), 1):
            pair.ask_to_reconnect(RESTART, "The proxy is restarting.")
            if number % LINKS_A_TICK == 0:
                await asyncio.sleep(0)
        while self.pairs and self.loop.time() < ends:
            await asyncio.sleep(TICK_S)
        for pair in list(self.pairs):
            pair.end()
        await asyncio.sleep(TICK_S)
        for pair in list(self.pairs):
            pair.abort()
        await asyncio.sleep(0)
        self._upstreams.close()
