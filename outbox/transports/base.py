"""What every channel is to the dispatcher: it takes claimed deliveries as it has room and reports each one's result."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone

from outbox.choices import Reason, Verdict
from outbox.contract import Claimed, Outcome, Result


@dataclass(slots=True)
class Work:
    """A claimed delivery made ready; `item` is what the transport sends. It must not be sent after `send_before`."""

    claimed: Claimed
    item: Any
    send_before: float
    # It tells that all of it is over.
    is_over: bool = False
    started_at: datetime = field(default_factory=timezone.now)
    started: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        self.started_at, self.started = timezone.now(), time.monotonic()

    def result(self, outcome: Outcome, pause_s: float = 0.0) -> Result:
        if self.is_over and outcome.verdict == Verdict.DELIVERED:
            outcome = replace(outcome, reason=Reason.OVER)
        return Result(self.claimed, outcome, self.started_at, time.monotonic() - self.started, pause_s)


Report = Callable[[Result], None]
# Takes due deliveries at a moment; called in the database thread.
Claimer = Callable[[datetime], list[Claimed]]


class Transport(ABC):
    """One channel. The methods run on the dispatcher's event loop where they do not say otherwise."""

    channel: ClassVar[str]
    # How many deliveries it holds at most; enough to keep its connections busy while the next are claimed.
    capacity: int

    def bind(self, report: Report, wake: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        """Tells the transport where to report, and how to wake the dispatcher when it has room again."""
        self._report, self._wake, self._loop = report, wake, loop

    @abstractmethod
    def room(self) -> int:
        """How many more deliveries it takes now; 0 while its server is left alone."""

    @abstractmethod
    def claimer(self, limit: int, lease_s: int) -> Claimer:
        """How the next deliveries are taken, by what each destination may have under way now."""

    @abstractmethod
    def prepare(self, claimed: Sequence[Claimed], send_before: float) -> list[Work | Result]:
        """Makes deliveries ready, or says at once why one cannot be. Runs in the database thread."""

    @abstractmethod
    def submit(self, works: Sequence[Work]) -> None:
        """Begins to send; each work is reported exactly once."""

    @abstractmethod
    async def close(self) -> None:
        """Ends what is under way, hands back what was not begun, closes connections."""

    @classmethod
    def learn(cls, results: Sequence[Result], now: datetime) -> None:
        """Takes note of what its results say of their receivers. Runs in the database thread, before they are written,
        and again when the database failed in between."""
        return

    @classmethod
    def sweep(cls, now: datetime) -> None:
        """What is to be looked after every few seconds. Runs in a worker's task."""
        return
