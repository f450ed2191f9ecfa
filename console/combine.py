"""Shared commits: requests that arrive while one is being written are written together with the next.

The first thread to come writes at once, so an idle system gains no delay; those who come meanwhile queue up and one of
them writes for all. Every caller returns after the commit that holds its own work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Given = TypeVar("Given")
Taken = TypeVar("Taken")


class _Ticket(Generic[Given, Taken]):
    __slots__ = ("answer", "done", "error", "given", "size")

    def __init__(self, given: Given, size: int) -> None:
        self.given, self.size = given, size
        self.done = threading.Event()
        self.answer: list[Taken] = []
        self.error: BaseException | None = None


class Combiner(Generic[Given, Taken]):
    """`write` takes several callers' work and returns an answer for each, in order.

    When a combined write fails, each caller's work is written on its own, so that one bad request fails alone.
    """

    def __init__(self, write: Callable[[Sequence[Given]], Sequence[Taken]], *, most: int = 1_000) -> None:
        self._write, self._most = write, most
        self._lock = threading.Lock()
        self._waiting: list[_Ticket[Given, Taken]] = []
        self._turn = threading.Lock()

    def submit(self, given: Given, *, size: int = 1) -> Taken:
        """Returns the answer after the commit. Raises what `write` raised for this caller's own work."""
        ticket: _Ticket[Given, Taken] = _Ticket(given, size)
        with self._lock:
            self._waiting.append(ticket)
        with self._turn:
            # More than once when so much waits before us that our own work does not fit into the first write.
            while not ticket.done.is_set():
                self._lead()
        if ticket.error is not None:
            raise ticket.error
        return ticket.answer[0]

    def _lead(self) -> None:
        """Writes for those who came first, up to the size of one batch."""
        with self._lock:
            group: list[_Ticket[Given, Taken]] = []
            size = 0
            while self._waiting and (not group or size + self._waiting[0].size <= self._most):
                ticket = self._waiting.pop(0)
                group.append(ticket)
                size += ticket.size
        try:
            answers = self._write([ticket.given for ticket in group])
            for ticket, answer in zip(group, answers, strict=True):
                ticket.answer.append(answer)
        except Exception as error:
            self._one_by_one(group, error)
        except BaseException as error:  # the process is told to end: nobody may wait for an answer for ever
            for ticket in group:
                ticket.error = error
        finally:
            for ticket in group:
                ticket.done.set()

    def _one_by_one(self, group: Sequence[_Ticket[Given, Taken]], error: Exception) -> None:
        if len(group) == 1:
            group[0].error = error
            return
        for ticket in group:
            try:
                ticket.answer.append(self._write([ticket.given])[0])
            except Exception as own:
                ticket.error = own
