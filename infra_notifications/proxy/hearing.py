"""What is told to the observer: each call guarded, so that nothing it does comes near a connection."""

from __future__ import annotations

from infra_notifications.proxy.figures import Figure
from infra_notifications.proxy.links import Link, Observer
from infra_notifications.proxy.notes import Notes


class Hearing:
    """The observer of a process, behind a guard. Calls are as those of `Observer`."""

    def __init__(self, observer: Observer, figures: memoryview, notes: Notes) -> None:
        self._observer, self._figures, self._notes = observer, figures, notes

    def failed(self, call: str, error: Exception) -> None:
        self._figures[Figure.OBSERVER_ERRORS] += 1
        self._notes.warning("observer failed", call=call, error=f"{type(error).__name__}: {error}"[:300])

    def connected(self, link: Link) -> None:
        try:
            self._observer.connected(link)
        except Exception as error:
            self.failed("connected", error)

    def frame(self, link: Link, *, from_station: bool, data: bytes, text: bool) -> None:
        try:
            self._observer.frame(link, from_station=from_station, data=data, text=text)
        except Exception as error:
            self.failed("frame", error)

    def too_long(self, link: Link, *, from_station: bool, size: int) -> None:
        try:
            self._observer.too_long(link, from_station=from_station, size=size)
        except Exception as error:
            self.failed("too_long", error)

    def alive(self, link: Link) -> None:
        try:
            self._observer.alive(link)
        except Exception as error:
            self.failed("alive", error)

    def closed(self, link: Link) -> None:
        try:
            self._observer.closed(
                link, code=link.close_code, reason=link.close_reason, by_station=link.closed_by_station
            )
        except Exception as error:
            self.failed("closed", error)
