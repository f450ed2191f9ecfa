"""The unit of work: what one transaction reads, changes and writes, with the same three verbs in every domain.

- `load` reads rows and locks them, in the one order of that domain, so that two transactions wait for one another;
- `change` works in memory alone and says what became of it;
- `flush` writes everything that changed in a fixed number of statements, and publishes what follows from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self

from django.db import transaction


class LostRace(Exception):
    """What was read was changed by another before it could be written; read it again and repeat."""


class UnitOfWork(ABC):
    """One transaction's work as of `now`. Who opens the transaction without `begin` flushes before it ends."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    @classmethod
    @contextmanager
    def begin(cls, now: datetime, **options: Any) -> Iterator[Self]:
        """A transaction with a unit of work that is flushed at its end."""
        with transaction.atomic():
            work = cls(now, **options)
            yield work
            work.flush()

    @abstractmethod
    def flush(self) -> None:
        """Writes what changed. Raises LostRace where somebody else was quicker."""
