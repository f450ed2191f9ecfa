"""How much one receiver may have under way: little at first, more with each success, little again when it fails.

So a receiver that hangs holds a handful of places, whatever stands in its queue, and one that answers quickly gets as
many connections as it can use. (The way TCP finds the speed of a line: additive increase, multiplicative decrease.)
"""

from __future__ import annotations

import collections
from dataclasses import dataclass, field

from outbox.choices import Verdict
from outbox.contract import Outcome
from outbox.transports.base import Work

FIRST_WINDOW, QUICK_WINDOW, SLOW_WINDOW = 4, 32, 8
# Longer than this an answer is slow: it is waited for with fewer connections and nothing in stock.
SLOW_S = 1.0
# A quick receiver has so many times its window in stock, so that its connections never wait for the database.
STOCK = 8
# Receivers that are remembered without having anything in progress.
MOST_REMEMBERED = 5_000
# A receiver that says "not now" is left alone for as long as it asks, up to this.
MAX_REST_S = 60.0


@dataclass(slots=True)
class Destination:
    """One receiver as this worker knows it. Times are those of the event loop's clock."""

    key: str
    window: float = FIRST_WINDOW
    is_slow: bool = False
    running: int = 0
    rests_until: float = 0.0
    queue: collections.deque[Work] = field(default_factory=collections.deque)

    @property
    def held(self) -> int:
        return self.running + len(self.queue)

    def allowance(self, now: float) -> int:
        """How many more deliveries may be claimed for it."""
        if now < self.rests_until:
            return 0
        stock = STOCK if self.window > FIRST_WINDOW and not self.is_slow else 1
        return max(0, int(self.window) * stock - self.held)

    def has_place(self, now: float) -> bool:
        """Whether one more request may begin."""
        return bool(self.queue) and self.running < int(self.window) and now >= self.rests_until

    def learn(self, outcome: Outcome, took_s: float, now: float) -> None:
        """Makes the window fit what the last request showed."""
        self.is_slow = took_s > SLOW_S
        if outcome.verdict == Verdict.RETRY:
            self.shrink()
            if outcome.retry_after_s is not None:
                self.rests_until = now + min(outcome.retry_after_s, MAX_REST_S)
        else:
            self.grow(SLOW_WINDOW if self.is_slow else QUICK_WINDOW)

    def grow(self, most: int) -> None:
        self.window = min(self.window + 1, most) if self.window <= most else self.window / 2

    def shrink(self) -> None:
        self.window = max(1.0, self.window / 2)


class Destinations(dict[str, Destination]):
    """The receivers that this worker knows, by key; those with nothing in progress are forgotten when they are many."""

    def __missing__(self, key: str) -> Destination:
        if len(self) >= MOST_REMEMBERED:
            for name in [name for name, destination in self.items() if not destination.held]:
                del self[name]
        destination = self[key] = Destination(key)
        return destination
