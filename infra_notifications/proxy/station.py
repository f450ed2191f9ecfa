"""What the listener remembers of a connection."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from infra_notifications.proxy.links import Link
from infra_notifications.rules.frames import OpenCalls
from infra_notifications.rules.tokens import Tokens


@dataclass(slots=True)
class Station:
    """A station as far as one of its connections says; `numbers` make the ids of what is heard."""

    link: Link
    protocol: str
    identity: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    messages: int = 0
    heard_at: float = 0.0
    reported_at: float = 0.0
    # It is reported again after so long.
    pause_s: float = 0.0
    round_trip_ms: float | None = None
    csms_offset_s: float | None = None
    from_station: OpenCalls = field(default_factory=OpenCalls)
    from_csms: OpenCalls = field(default_factory=OpenCalls)
    tokens: Tokens = field(default_factory=Tokens)
