"""What the relay and its observer share: a link is one station's connection with its CSMS, through us."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from infra_notifications.proxy.routes import Route


@dataclass(slots=True, eq=False)
class Link:
    """One station's connection. Made when the CSMS has accepted the station; `connected` is the observer's first word.

    `identity` is the last part of the path, decoded (as the station spells it: compare by `rules.stations`);
    `sent_identity` is the same as it was in the path, percent-encoded. `protocol` is the subprotocol that the CSMS
    chose, such as "ocpp1.6", or "" when it chose none. `slug` is that of the route by which the station connects, also
    where it was moved and `route` is another. `remote` is the station's address, as far as it is known.
    The last four are set when the link is closed, before the observer's `closed`.
    """

    route: Route
    slug: str
    identity: str
    sent_identity: str
    protocol: str
    remote: str
    user_agent: str
    connected_at: datetime  # aware, UTC
    # Unique over all processes and restarts.
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    closed_at: datetime | None = None
    close_code: int | None = None
    close_reason: str = ""
    closed_by_station: bool = False


class Observer(Protocol):
    """Hears what passes, on the event loop that relays: every call returns at once, writes nothing, waits for nothing.

    What a call raises is counted, logged at a bounded rate and kept from the connection. `data` is what was passed on,
    already: nothing an observer does delays or alters it.
    """

    def connected(self, link: Link) -> None:
        """The CSMS accepted the station (HTTP 101); frames follow."""

    def frame(self, link: Link, *, from_station: bool, data: bytes, text: bool) -> None:
        """A whole message passed: fragments are joined, permessage-deflate is undone.

        `text` tells a text message (whose bytes may be no UTF-8: they are passed on as they are) from a binary one.
        What is longer than OCPP_PROXY_MAX_FRAME_BYTES is passed on as any other, but comes to `too_long` instead.
        """

    def too_long(self, link: Link, *, from_station: bool, size: int) -> None:
        """A message passed that was too long to be looked at; `size` is what is known of it, in bytes."""

    def alive(self, link: Link) -> None:
        """The station sent a ping or a pong."""

    def closed(self, link: Link, *, code: int | None, reason: str, by_station: bool) -> None:
        """The connection is over, for whatever cause; exactly one for each `connected`.

        `code` and `reason` are those of the first Close frame (code 1005 when it held none); None and "" when a side
        went without one. `by_station`: which side closed first. When this process ends, or moves the station to another
        CSMS, it closes with 1012 itself, `by_station` False.
        """
