"""Frames that take long to read: they wait for the thread that writes, so that the loop goes on with the others."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from infra_notifications.proxy.station import Station

MOST_BYTES = 32 * 1024 * 1024
# Whose it is, whether the station sent it, its head, itself, and when it came.
Waiting = tuple[Station, bool, re.Match[bytes] | None, bytes, float]


class Lengthy:
    """The loop puts, one thread takes."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._bytes_put = self._bytes_taken = 0

    def put(self, waiting: Waiting) -> bool:
        """Says whether there was room."""
        size = len(waiting[3])
        if self._bytes_put - self._bytes_taken + size > MOST_BYTES:
            return False
        self._bytes_put += size
        self._waiting.append(waiting)
        return True

    def taken(self) -> Iterator[Waiting]:
        """What waits, in the order in which it came."""
        while self._waiting:
            waiting = self._waiting.popleft()
            yield waiting
            self._bytes_taken += len(waiting[3])
