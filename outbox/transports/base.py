"""What every way out is to the courier: it takes claimed deliveries as it has room and reports what became of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.utils import timezone

from outbox.contract import Claimed, Outcome, Result


@dataclass(slots=True)
class Work:
    """A claimed delivery made ready; `item` is what the lane sends. It must not be sent after `send_before`."""

    claimed: Claimed
    item: Any
    send_before: float
    started_at: datetime = field(default_factory=timezone.now)
    started: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        self.started_at, self.started = timezone.now(), time.monotonic()

    def result(self, outcome: Outcome, pause_s: float = 0.0) -> Result:
        return Result(self.claimed, outcome, self.started_at, time.monotonic() - self.started, pause_s)


Report = Callable[[Result], None]
# Takes due deliveries at a moment; called in the database thread.
Claimer = Callable[[datetime], list[Claimed]]


class Lane(Protocol):
    """One channel. All methods but `prepare` run on the courier's event loop."""

    channel: str
    # How many deliveries it holds at most; enough to keep its connections busy while the next are claimed.
    capacity: int

    def room(self) -> int:
        """How many more deliveries it takes now; 0 while its server is left alone."""

    def claimer(self, limit: int, lease_s: int) -> Claimer:
        """How the next deliveries are taken, by what each destination may have under way now."""

    def prepare(self, claimed: Sequence[Claimed], send_before: float) -> list[Work | Result]:
        """Makes deliveries ready, or says at once why one cannot be. Runs in the database thread."""

    def submit(self, works: Sequence[Work]) -> None:
        """Begins to send; each work is reported exactly once."""

    async def close(self) -> None:
        """Ends what is under way, hands back what was not begun, closes connections."""

    def bind(self, report: Report, wake: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        """Tells the lane where to report, and how to wake the courier when it has room again."""
