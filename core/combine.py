"""Shared commits: requests that arrive while one is being written are written together with the next.

The first thread to come writes at once, so an idle system gains no delay; those who come meanwhile queue up and one of
them writes for all. Every caller returns after the commit that holds its own work.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog
from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable

Given = TypeVar("Given")
Taken = TypeVar("Taken")


class _Ticket(Generic[Given, Taken]):
    """One caller's work; its thread waits at the gate until the work is done or it is its turn to write."""

    __slots__ = ("alone", "answer", "done", "error", "gate", "given", "size", "written_by")

    def __init__(self, given: Given, size: int) -> None:
        self.given, self.size = given, size
        self.done = False
        # Written by its own thread, outside of any turn.
        self.alone = False
        # The id of the request that wrote this one with its own.
        self.written_by = ""
        self.answer: list[Taken] = []
        self.error: BaseException | None = None
        # A bare lock: an Event costs three of them, and there is one per request.
        self.gate = threading.Lock()
        self.gate.acquire()


def _give_back_connection() -> None:
    """Who waits holds no connection of the pool: the one who writes for all may need the last of them."""
    if not connection.in_atomic_block:
        connection.close()


_turn = threading.local()


def is_turn() -> bool:
    """Whether others wait, or may, for what this thread writes."""
    return getattr(_turn, "is_on", False)


def _waited_for_a_row(error: Exception) -> bool:
    return isinstance(error, OperationalError) and isinstance(error.__cause__, LockNotAvailable)


class Combiner(Generic[Given, Taken]):
    """`write` takes several callers' work and returns an answer for each, in order.

    When a combined write fails, each caller's work is written on its own, so that one bad request fails alone. Where it
    waited for a row (`is_turn` says that it should do so briefly), each caller writes in its own thread, outside of any
    turn, so that nobody waits for the one who does.
    """

    def __init__(self, write: Callable[[Sequence[Given]], Sequence[Taken]], *, most: int = 1_000) -> None:
        self._write, self._most = write, most
        self._lock = threading.Lock()
        self._waiting: deque[_Ticket[Given, Taken]] = deque()
        self._is_writing = False

    def submit(self, given: Given, *, size: int = 1) -> Taken:
        """Returns the answer after the commit. Raises what `write` raised for this caller's own work."""
        ticket: _Ticket[Given, Taken] = _Ticket(given, size)
        with self._lock:
            self._waiting.append(ticket)
            writes, self._is_writing = not self._is_writing, True
        if not writes:
            _give_back_connection()
            ticket.gate.acquire()
        # More than once when so much waits before us that our own work does not fit into the first write.
        while not (ticket.done or ticket.alone):
            self._lead(ticket)
        if ticket.alone:
            self._write_alone(ticket)
        if ticket.written_by:
            structlog.contextvars.bind_contextvars(written_by=ticket.written_by)
        if ticket.error is not None:
            raise ticket.error
        return ticket.answer[0]

    def _lead(self, own: _Ticket[Given, Taken]) -> None:
        """Writes for those who came first, up to the size of one batch, and hands on to the next who waits."""
        with self._lock:
            group: list[_Ticket[Given, Taken]] = []
            size = 0
            while self._waiting and (not group or size + self._waiting[0].size <= self._most):
                ticket = self._waiting.popleft()
                if ticket is not own:
                    ticket.written_by = structlog.contextvars.get_contextvars().get("request_id", "")
                group.append(ticket)
                size += ticket.size
        try:
            _turn.is_on = True
            answers = self._write([ticket.given for ticket in group])
            for ticket, answer in zip(group, answers, strict=True):
                ticket.answer.append(answer)
        except Exception as error:
            if _waited_for_a_row(error):
                for ticket in group:
                    ticket.alone = True
            else:
                self._one_by_one(group, error)
        except BaseException as error:  # the process is told to end: nobody may wait for an answer for ever
            for ticket in group:
                ticket.error = error
        finally:
            _turn.is_on = False
            for ticket in group:
                ticket.done = not ticket.alone
            if own.done or own.alone:
                self._hand_on()
            for ticket in group:
                if ticket is not own:
                    ticket.gate.release()

    def _write_alone(self, ticket: _Ticket[Given, Taken]) -> None:
        ticket.written_by = ""
        try:
            ticket.answer.append(self._write([ticket.given])[0])
        except Exception as error:
            ticket.error = error

    def _hand_on(self) -> None:
        """Lets the first who waits write next; with nobody waiting, the next to come writes at once."""
        with self._lock:
            if self._waiting:
                self._waiting[0].gate.release()
            else:
                self._is_writing = False

    def _one_by_one(self, group: Sequence[_Ticket[Given, Taken]], error: Exception) -> None:
        if len(group) == 1:
            group[0].error = error
            return
        for ticket in group:
            try:
                ticket.answer.append(self._write([ticket.given])[0])
            except Exception as own:
                ticket.error = own
