"""A station and its CSMS, tied together: what comes from one goes to the other as it came, byte for byte.

Nothing here waits: while one side takes nothing, the other is not read (TCP slows it down), so that a connection never
holds more than a socket's worth of bytes in each direction. What is read is looked at after it was passed on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from django.utils import timezone

from infra_notifications.proxy.figures import Figure
from infra_notifications.proxy.frames import CLOSE, PING, FrameReader, Unread, close_frame
from infra_notifications.proxy.hearing import Hearing
from infra_notifications.proxy.links import Link

NO_STATUS, GOING_AWAY = 1005, 1001
_CLOSE_WAIT, _TCP_CLOSED = 8, 7


class Side(asyncio.BufferedProtocol):
    """One of the two sockets. All sides of a process read into one buffer: its bytes are passed on before the next."""

    __slots__ = ("eof", "is_paused", "is_tls", "lost", "pair", "reader", "transport", "view")

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.pair: Pair | None = None
        self.reader: FrameReader | None = None
        self.transport: asyncio.Transport | None = None
        self.eof = self.lost = self.is_tls = self.is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.is_tls = transport.get_extra_info("ssl_object") is not None

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self.view

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self.view[:nbytes])
        if self.pair is not None:
            self.pair.pass_on(self, data)
        else:
            self.before_open(data)

    def before_open(self, data: bytes) -> None:
        """Bytes that come before both sides agreed on a WebSocket."""
        raise NotImplementedError

    def eof_received(self) -> bool:
        self.eof = True
        return self.pair is not None and self.pair.side_ended(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self.pair is not None:
            self.pair.side_lost(self)

    def pause_writing(self) -> None:
        if self.pair is not None:
            self.pair.other(self).pause_reading(True)

    def resume_writing(self) -> None:
        if self.pair is not None:
            self.pair.other(self).pause_reading(False)

    def pause_reading(self, pause: bool) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        self.is_paused = pause
        if pause:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        """Closes after what is written has gone out."""
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        if self.transport is not None and not self.lost:
            self.transport.abort()

    @property
    def peer(self) -> str:
        """The address at the other end; "" when it is not known."""
        assert self.transport is not None
        name = self.transport.get_extra_info("peername")
        return str(name[0]).removeprefix("::ffff:") if name else ""

    @property
    def own_address(self) -> tuple[str, int]:
        """Our address and port of this socket."""
        assert self.transport is not None
        name = self.transport.get_extra_info("sockname")
        return (str(name[0]), int(name[1])) if name else ("", 0)

    @property
    def has_left(self) -> bool:
        """Whether the peer of a socket that is not read now has closed it (TCP_INFO begins with the state)."""
        try:
            sock = self.transport.get_extra_info("socket") if self.transport is not None else None
            return sock is not None and sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in (
                _CLOSE_WAIT,
                _TCP_CLOSED,
            )
        except OSError:
            return True


class Pair:
    """One connection from the CSMS's acceptance to its end; reads messages as a `frames.Sink`."""

    __slots__ = (
        "_ended",
        "_figures",
        "_hearing",
        "_muted",
        "_passed",
        "_seen",
        "_wish",
        "csms",
        "deadline",
        "link",
        "station",
    )

    def __init__(
        self,
        link: Link,
        station: Side,
        csms: Side,
        hearing: Hearing,
        figures: memoryview,
        ended: Callable[[Pair], None],
    ) -> None:
        """`ended` is called when both sockets are closed."""
        self.link, self.station, self.csms = link, station, csms
        self._hearing, self._figures, self._ended = hearing, figures, ended
        # When one side went or was asked to (the loop's clock); the end may not take for ever.
        self.deadline: float | None = None
        self._passed, self._seen = 0, (-1, 0, 0)
        self._wish: tuple[int, str] | None = None
        self._muted = False

    def other(self, side: Side) -> Side:
        return self.csms if side is self.station else self.station

    # ---- passing on ---------------------------------------------------------------------------------------------

    def pass_on(self, side: Side, data: bytes) -> None:
        from_station = side is self.station
        if from_station:
            self.csms.write(data)
        elif self._muted:
            return  # the station was told that the connection is over
        else:
            self.station.write(data)
        self._passed += len(data)
        self._figures[Figure.FROM_CSMS_BYTES + from_station] += len(data)
        if side.reader is not None:
            try:
                side.reader.feed(data)
            except Exception as error:  # it is not expected to raise, and must not matter if it does
                side.reader = None
                self._hearing.failed("read", error)
        if self._wish is not None:
            self._say_goodbye()

    def side_ended(self, side: Side) -> bool:
        """A side will send nothing more. True keeps the socket open for what still goes to that side."""
        self._count_as_over(side)
        other = self.other(side)
        if side.is_tls or other.is_tls or other.eof:
            other.close()
            return False
        if other.transport is not None and not other.transport.is_closing():
            other.transport.write_eof()
        return True

    def side_lost(self, side: Side) -> None:
        """A socket is gone: the other is closed after what it still has to get."""
        self._count_as_over(side)
        self.other(side).close()
        if self.other(side).lost:
            self._ended(self)

    def _count_as_over(self, side: Side) -> None:
        """The first that ends ends the link; what the other still sends has nobody to go to."""
        self.set_deadline()
        if self.link.closed_at is not None:
            return
        self.link.closed_at = timezone.now()
        if self.link.close_code is None:
            self.link.closed_by_station = side is self.station
        self._figures[Figure.CONNECTIONS] -= 1
        self._hearing.closed(self.link)
        for reader in (self.station.reader, self.csms.reader):
            if reader is not None:
                reader.release()
        self.station.reader = self.csms.reader = None

    @property
    def was_asked(self) -> bool:
        return self._wish is not None

    def set_deadline(self) -> None:
        if self.deadline is None:
            self.deadline = asyncio.get_running_loop().time()

    def has_moved(self) -> bool:
        """Whether anything went in or out since this was asked before: a slow side may take as long as it needs."""
        waiting = [
            side.transport.get_write_buffer_size() if side.transport is not None else 0
            for side in (self.station, self.csms)
        ]
        before, self._seen = self._seen, (self._passed, waiting[0], waiting[1])
        return self._seen != before

    def abort(self) -> None:
        self.station.abort()
        self.csms.abort()

    # ---- closing by us --------------------------------------------------------------------------------------------

    def ask_to_reconnect(self, code: int, reason: str) -> None:
        """Sends the station a Close at the end of the frame that it gets now; its answer goes on to the CSMS."""
        if self._wish is None and self.link.closed_at is None:
            self._wish = (code, reason)
            self.set_deadline()
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        reader = self.csms.reader
        if self._wish is None or self._muted or reader is None or not reader.between_frames:
            return
        if self.link.close_code is not None:
            return  # the two are closing already
        self._muted = True
        code, reason = self._wish
        self.link.close_code, self.link.close_reason = code, reason
        self.station.write(close_frame(code, reason, masked=False))

    def end(self) -> None:
        """The time to close is over: the CSMS is told, if a frame ends here, and both sockets are closed."""
        reader = self.station.reader
        if self._wish is not None and not self.csms.lost and reader is not None and reader.between_frames:
            self.csms.write(close_frame(GOING_AWAY, "", masked=True))
        self.station.close()
        self.csms.close()

    # ---- what was read ----------------------------------------------------------------------------------------------

    def message(self, data: bytes, *, from_station: bool, text: bool) -> None:
        self._figures[Figure.FROM_CSMS_MESSAGES + from_station] += 1
        self._hearing.frame(self.link, from_station=from_station, data=data, text=text)

    def control(self, opcode: int, data: bytes, *, from_station: bool) -> None:
        if opcode == CLOSE:
            link = self.link
            if link.close_code is None:
                link.close_code = int.from_bytes(data[:2], "big") if len(data) >= 2 else NO_STATUS
                link.close_reason = data[2:].decode(errors="replace")
                link.closed_by_station = from_station
        elif from_station and opcode >= PING:
            self._hearing.alive(self.link)

    def unread(self, why: Unread, size: int, *, from_station: bool) -> None:
        self._figures[Figure.UNREAD] += 1
        self._figures[Figure.FROM_CSMS_MESSAGES + from_station] += why is not Unread.GARBAGE
        if why is not Unread.GARBAGE:
            self._hearing.too_long(self.link, from_station=from_station, size=size)
