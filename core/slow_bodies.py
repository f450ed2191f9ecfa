"""Bodies that arrive in time: whoever sends one letter a minute keeps no thread of the server busy.

The server reads without a limit of time, and nothing wakes a thread that waits in it but the end of what its client
sends. So a thread watches who waits, and ends the receiving side of a connection that is late: the read returns, and
the sender is answered 408 (docs/decisions/0048-slow-bodies.md). Behind proxies, which hold bodies until they are whole,
all connections have one address, and none is ended here.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from core.addresses import site

log = structlog.get_logger("signalbox.bodies")
# A long body gets beside the time-out the time that it takes at this pace.
LEAST_BYTES_PER_S = 64 * 1024
WATCHED_EVERY_S = 0.5
# So many bodies of one address may take longer than that; where there are more, they take the threads of all others.
MOST_SLOW, SLOW_S = 4, 3.0
# By how much the clocks of the system and of a connection may differ.
_SLACK_S = 0.5
# In Linux's struct tcp_info: milliseconds since data were last sent, and received; how many segments of data were sent.
_SENT, _RECEIVED, _SEGMENTS, _SIZE = 44, 52, 156, 160


class Peer(NamedTuple):
    """Who sends, and to which port of ours: what we ourselves asked of that machine, a database, goes on."""

    address: str
    port: int


@dataclass(slots=True, eq=False)
class Wait:
    peer: Peer
    began: float
    until: float
    is_late: bool = False


class Watch:
    """Who waits for a body, since when and until when; ended where it is late."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._waiting: dict[int, Wait] = {}
        self._pid = 0

    @contextmanager
    def waiting(self, length: int, peer: Peer) -> Iterator[None]:
        """Around a read of so many bytes. Raises TimeoutError behind it where it was ended."""
        me, now = threading.get_ident(), time.monotonic()
        wait = self._waiting[me] = Wait(peer, now, now + self._timeout_s + length / LEAST_BYTES_PER_S)
        try:
            yield
        finally:
            del self._waiting[me]
        if wait.is_late:
            raise TimeoutError("The body did not arrive in time.")

    def start(self) -> None:
        """Begins to watch in this process."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            threading.Thread(target=self._go_on, name="slow bodies", daemon=True).start()

    def _go_on(self) -> None:
        while os.path.isdir("/proc/self/fd"):  # as long as this is Linux
            time.sleep(WATCHED_EVERY_S)
            now = time.monotonic()
            late = late_of(list(self._waiting.values()), now)
            for wait in late:
                wait.is_late = True
            for peer in {wait.peer for wait in late}:
                longest = max(now - wait.began for wait in late if wait.peer == peer)
                ended = _end(peer, min(now - wait.began for wait in late if wait.peer == peer))
                log.warning("bodies too slow", address=peer.address, since_s=round(longest, 1), ended=ended)


def late_of(waits: Sequence[Wait], now: float) -> list[Wait]:
    """Those that had their time, and the longest of an address (of IPv6: a site) of which too many wait."""
    slow: dict[tuple[str, int], list[Wait]] = {}
    for wait in sorted(waits, key=lambda each: -each.began):
        if wait.began + SLOW_S < now:
            slow.setdefault((site(wait.peer.address), wait.peer.port), []).append(wait)
    crowd = {id(wait) for of_peer in slow.values() for wait in of_peer[MOST_SLOW:]}
    return [wait for wait in waits if wait.until < now or id(wait) in crowd]


def _end(peer: Peer, age_s: float) -> int:
    """Ends the receiving side of an address's connections that have got no answer for so long and sent something since
    the last one (a connection between two requests has not); returns how many."""
    return sum(_end_one(name, peer, age_s) for name in os.listdir("/proc/self/fd"))


def _end_one(name: str, peer: Peer, age_s: float) -> bool:
    with suppress(OSError):
        if not os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
            return False
        with socket.socket(fileno=os.dup(int(name))) as connection:
            if connection.family not in (socket.AF_INET, socket.AF_INET6):
                return False
            if peer != (connection.getpeername()[0], connection.getsockname()[1]):
                return False
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE)
            if len(info) < _SIZE:
                return False
            sent, received, segments = (struct.unpack_from("I", info, at)[0] for at in (_SENT, _RECEIVED, _SEGMENTS))
            # Of a connection that was never answered, the first number counts from its beginning.
            if sent >= (age_s - _SLACK_S) * 1000 and (received < sent or not segments):
                connection.shutdown(socket.SHUT_RD)
                return True
    return False
