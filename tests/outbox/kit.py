"""Events, deliveries and outcomes for the outbox's tests, in a line each."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import hypothesis
import msgspec
from django.db import transaction

from outbox.choices import Channel, Verdict
from outbox.contract import Claimed, ClaimedEvent, NewEvent, Outcome, Recipient, Result, delivered
from outbox.event_kinds import EventKind
from outbox.models import Delivery
from outbox.services import publish
from outbox.services.settling import claim, settle
from outbox.transports.base import Work
from outbox.transports.email.mime import Message, build_message
from outbox.transports.email.smtp import ServerAway, SmtpServer, SmtpSession
from outbox.transports.email.transport import EmailTransport
from outbox.transports.rendering.render import Body
from tests import clock
from tests.mailserver import SmtpScript
from tests.racing import at_once
from tests.waiting import PATIENCE_S, soon

NOW = clock.NOW
# For properties that write to the test's own transaction, which is the same for every example.
in_one_transaction = hypothesis.settings(max_examples=60)
# What starts a server that follows a script; returns its port.
StartScript = Callable[[SmtpScript], int]
_number = itertools.count(1)


class Note(msgspec.Struct, kw_only=True):
    """The payload of the tests' own kinds."""

    title: str = "A fuse tripped"
    words: str = "Deck 2 is dark"


NOTE = EventKind("test.note", "Note", "A note.", "test", Note, Note(), mail="outbox_tests/note", is_public=False)
BROKEN = EventKind("test.broken", "Broken", "Its template raises.", "test", Note, Note(), mail="outbox_tests/broken")
MISSING = EventKind("test.missing", "Missing", "Has no template.", "test", Note, Note(), mail="outbox_tests/missing")
SILENT = EventKind("test.silent", "Silent", "Is never mailed.", "test", Note, Note())
TRIP = EventKind("test.trip.mark.updated", "Trip", "For patterns.", "test", Note, Note())
KINDS = (NOTE, BROKEN, MISSING, SILENT, TRIP)


# ---- in the database ----------------------------------------------------------------------------------------------


def to(*addresses: str, **more: Any) -> tuple[Recipient, ...]:
    return tuple(Recipient(address, **more) for address in addresses)


def a_note(*addresses: str, list_key: str = "", **more: Any) -> NewEvent:
    """An event for these addresses, with a key of its own unless one is given."""
    number = next(_number)
    values: dict[str, Any] = {
        "kind": "test.note",
        "subject": f"note:{number}",
        "payload": Note(),
        "dedup_key": f"note:{number}",
        "occurred_at": NOW,
        "recipients": to(*addresses, list_key=list_key),
    }
    return NewEvent(**values | more)


def published(*events: NewEvent, now: datetime = NOW) -> list[Delivery]:
    """Publishes in a transaction; returns the deliveries of the new events in their order."""
    with transaction.atomic():
        ids = publish(events=events, now=now)
    return list(Delivery.objects.filter(event_id__in=ids.values()).order_by("id"))


def a_delivery(address: str = "ops@example.org", *, now: datetime = NOW, **changes: Any) -> Delivery:
    """One delivery, in any state."""
    (delivery,) = published(
        a_note(address, **{k: changes.pop(k) for k in ("list_key", "kind") if k in changes}), now=now
    )
    Delivery.objects.filter(pk=delivery.pk).update(**changes)
    delivery.refresh_from_db()
    return delivery


def taken(limit: int = 100, *, now: datetime = NOW, lease_s: int = 120) -> list[Claimed]:
    return claim(channel=Channel.EMAIL, limit=limit, lease_s=lease_s, now=now)


def settled(outcome: Outcome, *held: Claimed, now: datetime = NOW, pause_s: float = 0) -> int:
    """Settles these (default: everything that is due) with one outcome."""
    results = [Result(one, outcome, now, 0.25, pause_s) for one in held or taken(now=now)]
    return settle(results=results, now=now)


def fine() -> Outcome:
    return delivered(250, "250 OK")


def fresh(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


def in_threads(*works: Callable[[], Any]) -> list[Any]:
    """Runs each work in a thread with a database connection of its own; returns their results or raises."""
    return at_once(works)


# ---- messages and servers ------------------------------------------------------------------------------------------


def a_message(address: str = "ops@example.org", *, subject: str = "Hello", text: str = "Hello", **more: Any) -> Message:
    values: dict[str, Any] = {
        "sender": "Signalbox <signalbox@example.com>",
        "event_hex": uuid.UUID(int=7).hex,
        "thread": "",
        "date": NOW,
        "host": "signalbox.example",
    }
    html = more.pop("html", f"<p>{text}</p>")
    return build_message(Body(subject, text, html), recipient=address, **values | more)


def a_claim(address: str = "ops@example.org", *, kind: str = "test.note", **more: Any) -> Claimed:
    """A claimed delivery without a database, for what works on the network alone."""
    number = next(_number)
    payload = msgspec.to_builtins(Note())
    event = ClaimedEvent(number, uuid.uuid4(), kind, f"note:{number}", payload, NOW, more.pop("thread", ""))
    values: dict[str, Any] = {"list_key": "", "language": "en", "destination": "", "attempts": 0, "created_at": NOW}
    values |= {"event": event, "channel": str(Channel.EMAIL), "address": address, "lease": uuid.uuid4()}
    return Claimed(id=number, **values | more)


def claims(number: int) -> list[Claimed]:
    return [a_claim(f"a{n}@example.org") for n in range(number)]


def server_at(port: int, **more: Any) -> SmtpServer:
    values: dict[str, Any] = {"host": "127.0.0.1", "port": port, "timeout_s": 5.0, "hello": "signalbox.example"}
    return SmtpServer(**values | more)


def opened(server: SmtpServer) -> SmtpSession:
    """Opens a connection and closes it again; what the server said of itself stays to be read. Raises ServerAway."""

    async def ask() -> SmtpSession:
        session = SmtpSession(server)
        await session.open()
        await session.close()
        return session

    return asyncio.run(ask())


def away(server: SmtpServer) -> Outcome:
    """Why a server cannot be used."""
    try:
        opened(server)
    except ServerAway as away:
        return away.outcome
    raise AssertionError("the connection was made")


def transmitted(server: SmtpServer, *messages: Message) -> list[Outcome]:
    """Sends messages over one connection, each with the next one at hand, as the transport does."""

    async def send() -> list[Outcome]:
        session = SmtpSession(server)
        await session.open()
        try:
            return [
                await session.transmit(message, lambda n=n: messages[n + 1] if n + 1 < len(messages) else None)  # type: ignore[misc]
                for n, message in enumerate(messages)
            ]
        finally:
            await session.close()

    return asyncio.run(send())


def verdicts(outcomes: dict[str, Any]) -> list[Verdict]:
    return [outcome.verdict for outcome in outcomes.values()]


class TransportRun:
    """An e-mail transport on an event loop of its own, with what it reported."""

    def __init__(self, server: SmtpServer, *, connections: int = 1, **more: Any) -> None:
        self.transport = EmailTransport(server, connections=connections, **more)
        self.results: list[Result] = []
        self._changed = asyncio.Event()
        self.transport.bind(self._report, self._changed.set, asyncio.get_running_loop())

    def _report(self, result: Result) -> None:
        self.results.append(result)
        self._changed.set()

    def submit(self, held: Sequence[Claimed], send_within: float = 60.0) -> None:
        ready = self.transport.prepare(held, time.monotonic() + send_within)
        self.results += [one for one in ready if isinstance(one, Result)]
        self.transport.submit([one for one in ready if isinstance(one, Work)])

    async def reported(self, number: int) -> None:
        """Waits for so many results; fails with those that came."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while len(self.results) < number:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{len(self.results)} of {number} were reported: {self.results}") from None

    async def ready(self) -> None:
        """Waits until the transport takes work again."""
        await soon(lambda: self.transport.room() > 0)

    def outcomes(self) -> dict[str, Outcome]:
        assert len({one.claimed.id for one in self.results}) == len(self.results), "something was reported twice"
        return {one.claimed.address: one.outcome for one in self.results}


def sent(server: SmtpServer, held: Sequence[Claimed], *, connections: int = 1, **more: Any) -> dict[str, Outcome]:
    """Has a transport send these; returns what became of each address."""

    async def run() -> dict[str, Outcome]:
        transport = TransportRun(server, connections=connections)
        transport.submit(held, **more)
        await transport.reported(len(held))
        await transport.transport.close()
        return transport.outcomes()

    return asyncio.run(run())


def days(number: float) -> timedelta:
    return timedelta(days=number)
