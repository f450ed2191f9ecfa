"""Messages that wait for a connection, each domain in turn and none with more than its share of the connections.

All mail leaves by one server, but a server that asks the receiver's before it answers makes one domain slow alone.
What a domain may have under way follows from how it has done (`outbox.transports.destination`); it is never more than
half of the connections, so that a domain that begins to hang leaves the others the other half.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Iterable, Iterator

from outbox.choices import Reason
from outbox.contract import Outcome
from outbox.transports.base import Work
from outbox.transports.destination import FIRST_WINDOW, QUICK_WINDOW, SLOW_S, Destination, Destinations


class DomainQueue:
    """A queue of works by their destination. `take` marks a work as under way until `ended` or `put_back`."""

    def __init__(self, connections: int) -> None:
        # Of two or three, the half would be one: too slow for the many whose receivers all answer.
        self.share = connections // 2 if connections >= 4 else connections
        self._domains = Destinations()
        # Those with messages waiting, the next one first.
        self._turns: collections.deque[Destination] = collections.deque()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, works: Iterable[Work]) -> None:
        for work in works:
            domain = self._domains[work.claimed.destination]
            if not domain.queue:
                self._turns.append(domain)
            domain.queue.append(work)
            self._size += 1

    def put_back(self, work: Work) -> None:
        """A work that was taken and not sent comes first again."""
        domain = self._domains[work.claimed.destination]
        domain.running -= 1
        if not domain.queue:
            self._turns.appendleft(domain)
        domain.queue.appendleft(work)
        self._size += 1

    def take(self) -> Work | None:
        """The next work whose domain has a place; None where every waiting domain has its share under way."""
        for _ in range(len(self._turns)):
            domain = self._turns.popleft()
            if domain.running < min(int(domain.window), self.share):
                work = domain.queue.popleft()
                domain.running += 1
                self._size -= 1
                if domain.queue:
                    self._turns.append(domain)
                return work
            self._turns.append(domain)
        return None

    def has_next(self) -> bool:
        """Whether `take` would find one."""
        return any(domain.running < min(int(domain.window), self.share) for domain in self._turns)

    def ended(self, work: Work, outcome: Outcome) -> list[Work]:
        """Learns from what became of a work; returns what of its domain had better wait in the database.

        An answer is an answer, whatever it says and however long it took: only silence makes a domain's share smaller.
        """
        domain = self._domains[work.claimed.destination]
        domain.running -= 1
        domain.is_slow = time.monotonic() - work.started > SLOW_S
        surplus: list[Work] = []
        if outcome.reason == Reason.TIMEOUT:
            domain.shrink()
            while domain.window == 1 and domain.queue:  # not the first time
                surplus.append(domain.queue.pop())
            self._size -= len(surplus)
            if surplus and not domain.queue:
                self._turns.remove(domain)
        elif outcome.counts:
            domain.grow(QUICK_WINDOW)
        return surplus

    def note_slow(self, work: Work) -> None:
        """Its domain keeps us waiting for an answer."""
        self._domains[work.claimed.destination].is_slow = True

    def is_slow(self, work: Work) -> bool:
        """Whether its domain's last answer took long: no message of another domain is to wait behind it."""
        return self._domains[work.claimed.destination].is_slow

    def drain(self) -> Iterator[Work]:
        """Takes out all that wait."""
        for domain in self._turns:
            while domain.queue:
                self._size -= 1
                yield domain.queue.popleft()
        self._turns.clear()

    def full(self) -> list[str]:
        """Domains that did not answer and have enough under way: no more of theirs is to be claimed."""
        return [
            name
            for name, domain in self._domains.items()
            if domain.window < FIRST_WINDOW and domain.held >= int(domain.window)
        ]
