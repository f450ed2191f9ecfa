"""The way out by e-mail: several SMTP connections, opened as the backlog grows, kept warm for a while."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import structlog
from django.conf import settings
from django.utils.encoding import punycode
from django.utils.module_loading import import_string

from outbox.choices import Channel, Reason, Verdict
from outbox.contract import RELEASED, Claimed, Outcome, Result, failed
from outbox.event_kinds import domain_of, kind_of
from outbox.rules.retrying import server_pause
from outbox.services.bounces.envelope import envelope_sender
from outbox.services.freshness import ANSWER_PAUSE_S, bring_up_to_date
from outbox.services.mailing_lists.leaving import unsubscribe_url
from outbox.services.settling import claim
from outbox.subscriptions.personal_data import people_in
from outbox.transports.base import Claimer, Transport, Work
from outbox.transports.email.mime import Message, build_message
from outbox.transports.email.per_domain import DomainQueue
from outbox.transports.email.refusals import learn_about_addresses
from outbox.transports.email.smtp import Broken, ServerAway, SmtpServer, SmtpSession
from outbox.transports.rendering.render import Body, CannotRender, render_mail

log = structlog.get_logger("signalbox.email")

# A connection without work is kept this long: the next alarm then needs no handshake.
KEEP_WARM_S = 20.0
# One that waited for longer than this before its first message may have been closed by the server meanwhile.
FRESH_S = 0.1
# One more connection for every so many waiting messages.
MESSAGES_PER_CONNECTION = 8
# A connection without an answer for so long does not count: other messages get another one.
STUCK_S = 0.5
CLOSE_WITHIN_S = 8
# A server that takes no more connections is believed for this long.
BELIEVE_LIMIT_S = 300.0


def own_host() -> str:
    """This installation's name in ASCII, for EHLO and for Message-IDs."""
    return _in_ascii(settings.PUBLIC_HOST.rsplit(":", 1)[0])


_in_ascii = lru_cache(maxsize=8)(punycode)


def _reply_to(payload: dict[str, Any]) -> str:
    """Where answers go: as the mail's payload says, else as the installation does; empty for to the sender."""
    own = payload.get("reply_to")
    return own if isinstance(own, str) and "@" in own else str(settings.MAIL_REPLY_TO)


def _sender(payload: dict[str, Any]) -> str:
    """From whom a mail comes: as its payload says, else the installation."""
    own = payload.get("mail_from")
    return own if isinstance(own, str) and "@" in own else str(settings.DEFAULT_FROM_EMAIL)


def server_from_settings() -> SmtpServer:
    return SmtpServer(
        host=settings.EMAIL_HOST,
        port=settings.EMAIL_PORT,
        username=settings.EMAIL_HOST_USER or "",
        password=settings.EMAIL_HOST_PASSWORD or "",
        use_tls=bool(settings.EMAIL_USE_SSL),
        use_starttls=bool(settings.EMAIL_USE_TLS),
        timeout_s=settings.EMAIL_TIMEOUT,
        hello=own_host(),
    )


@dataclass(slots=True)
class UnderWay:
    """What a connection waits for the answers to, since when, and the message whose envelope was written behind it."""

    work: Work
    since: float
    ahead: list[Work]


class EmailTransport(Transport):
    channel = Channel.EMAIL

    def __init__(self, server: SmtpServer | None = None, *, connections: int | None = None, capacity: int = 0) -> None:
        self.server = server or server_from_settings()
        self.most = connections or settings.OUTBOX_SMTP_CONNECTIONS
        self.capacity = capacity or 2 * settings.OUTBOX_BATCH_SIZE
        self._queue = DomainQueue(self.most)
        self._busy: dict[SmtpSession, UnderWay] = {}
        self._recheck_timer: asyncio.TimerHandle | None = None
        self._arrived = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = 0
        self._held = 0
        # How many connections the server allows now, as far as it was learnt.
        self.limit, self._limit_until = self.most, 0.0
        self._away_until, self._away_in_a_row = 0.0, 0
        self._closing = False

    @classmethod
    def learn(cls, results: Sequence[Result], now: datetime) -> None:
        learn_about_addresses(results, now)

    # ---- taking work ------------------------------------------------------------------------------------------

    def room(self) -> int:
        if self._closing or time.monotonic() < self._away_until:
            return 0
        # After the server was away, one message finds out whether it is back.
        most = 1 if self._away_in_a_row else self.capacity
        return max(0, most - self._held)

    def claimer(self, limit: int, lease_s: int) -> Claimer:
        busy = self._queue.full()
        return lambda now: claim(channel=self.channel, limit=limit, lease_s=lease_s, now=now, busy=busy)

    def prepare(self, claimed: Sequence[Claimed], send_before: float) -> list[Work | Result]:
        """Renders each event, as of now, once per language and writes one message per address."""
        batch = bring_up_to_date(claimed)
        bodies: dict[tuple[int, str, bool], Body | CannotRender] = {}
        events = {delivery.event.id: delivery.event for delivery in batch.claimed}
        people = people_in({pk: (domain_of(event.kind), event.payload) for pk, event in events.items()})
        ready: list[Work | Result] = []
        for delivery in batch.claimed:
            work = Work(delivery, None, send_before, delivery.event.id in batch.over)
            if (outcome := batch.outcomes.get(delivery.id)) is not None:
                ready.append(work.result(outcome, ANSWER_PAUSE_S))
                continue
            key = (delivery.event.id, delivery.language, bool(delivery.list_key))
            if key not in bodies:
                try:
                    bodies[key] = render_mail(
                        delivery.event, delivery.language, unsubscribable=key[2], person=people.get(key[0])
                    )
                except CannotRender as error:
                    bodies[key] = error
            body = bodies[key]
            if isinstance(body, CannotRender):
                ready.append(work.result(failed(Reason.TEMPLATE, None, str(body))))
                continue
            try:
                work.item = self._message(delivery, body)
                ready.append(work)
            except (ValueError, UnicodeError) as error:
                ready.append(work.result(failed(Reason.ADDRESS_INVALID, None, str(error))))
        return ready

    @staticmethod
    def _message(delivery: Claimed, body: Body) -> Message:
        link = kind_of(delivery.event.kind).personal_link
        return build_message(
            body,
            sender=_sender(delivery.event.payload),
            recipient=delivery.address,
            event_hex=delivery.event.uuid.hex,
            thread=delivery.event.thread,
            date=delivery.created_at,
            host=own_host(),
            unsubscribe=unsubscribe_url(delivery.list_key, delivery.address) if delivery.list_key else "",
            personal_link=import_string(link)(delivery.id) if link else "",
            list_id=delivery.list_key,
            reply_to=_reply_to(delivery.event.payload),
            envelope_sender=envelope_sender(delivery.id),
            language=delivery.language,
            copy=delivery.copy,
        )

    def submit(self, works: Sequence[Work]) -> None:
        self._held += len(works)
        self._queue.add(works)
        self._arrived.set()
        self._add_connections()

    def _add_connections(self) -> None:
        if self.limit < self.most and time.monotonic() > self._limit_until:
            self.limit = self.most
        ready = len(self._queue) if self._queue.has_next() else 0
        stuck = sum(map(self._is_stuck, self._busy.values())) if ready else 0
        connections = min(self.limit, -(-ready // MESSAGES_PER_CONNECTION) + stuck)
        while len(self._tasks) < connections or (self._queue and not self._tasks):
            task = self._loop.create_task(self._connection())
            self._tasks.add(task)
            task.add_done_callback(self._connection_ended)
        if ready:
            self._recheck_later()

    def _is_stuck(self, under_way: UnderWay) -> bool:
        return self._loop.time() - under_way.since > STUCK_S

    def _recheck_later(self) -> None:
        if self._recheck_timer is None:
            self._recheck_timer = self._loop.call_later(STUCK_S, self._recheck)

    def _recheck(self) -> None:
        """Messages may wait behind an answer that does not come: they are left to other connections, or new ones."""
        self._recheck_timer = None
        if self._closing:
            return
        for under_way in self._busy.values():
            if under_way.ahead and self._is_stuck(under_way):
                self._queue.note_slow(under_way.work)
                self._put_back(under_way.ahead)
                under_way.ahead.clear()
        if any(under_way.ahead for under_way in self._busy.values()):
            self._recheck_later()
        if self._queue and time.monotonic() < self._away_until:
            self._release_queue()
        elif self._queue:
            self._arrived.set()
            self._add_connections()

    def _connection_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() and not self._closing:  # the event loop ends: nothing may be begun on it
            return
        if not task.cancelled() and task.exception() is not None:
            log.error("connection task failed", exc_info=task.exception())
        if self._queue and (self._closing or time.monotonic() < self._away_until):
            self._release_queue()
        elif self._queue:
            self._arrived.set()  # what it gave back may be sent by a connection that waits
            self._add_connections()

    # ---- one connection ---------------------------------------------------------------------------------------

    async def _connection(self) -> None:
        """Serves messages until there were none for a while or the server went away."""
        session = SmtpSession(self.server)
        try:
            await session.open()
        except ServerAway as away:
            self._server_away(away.outcome)
            return
        self._open += 1
        opened = self._loop.time()
        work: Work | None = None
        try:
            while (work := work or await self._next()) is not None:
                kept_warm = session.sent > 0 or self._loop.time() - opened > FRESH_S
                work = await self._serve(session, work, kept_warm=kept_warm)
            await session.close()
        except Broken:
            return
        finally:
            self._open -= 1
            self._busy.pop(session, None)
            session.abort()

    async def _serve(self, session: SmtpSession, work: Work, *, kept_warm: bool) -> Work | None:
        """Sends one message; returns the next one when its envelope is already under way."""
        taken: list[Work] = []

        def upcoming() -> Message | None:
            following = None if self._queue.is_slow(work) else self._take()
            if following is None:
                return None
            taken.append(following)
            following.begin()
            self._recheck_later()
            message: Message = following.item
            return message

        if time.monotonic() >= work.send_before:  # its envelope is under way, but the message before it took too long
            self._done(work, RELEASED)
            raise Broken(RELEASED)
        work.begin()
        self._busy[session] = UnderWay(work, self._loop.time(), taken)
        try:
            outcome = await session.transmit(work.item, upcoming)
        except Broken as broken:
            self._put_back(taken)
            if kept_warm and not session.content_written and broken.outcome.reason == Reason.BROKEN_OFF:
                # A kept connection that the server closed meanwhile: nothing of this message was sent.
                self._queue.put_back(work)
            else:
                self._done(work, broken.outcome)
            raise
        finally:
            self._busy.pop(session, None)
        if outcome.verdict == Verdict.POSTPONED:
            self._put_back(taken)
            if kept_warm and outcome.code == 421:
                # "Closing the channel", after it took messages: it wants a new connection, and refused this message.
                self._queue.put_back(work)
            else:
                self._server_away(outcome, work)
            raise Broken(outcome)
        self._done(work, outcome)
        self._server_back()
        if session.is_primed and not taken:  # with the envelope of a message that was left to another connection
            raise Broken(RELEASED)
        return taken[0] if taken else None

    def _put_back(self, taken: Sequence[Work]) -> None:
        for work in reversed(taken):
            self._queue.put_back(work)

    def _take(self) -> Work | None:
        while (work := self._queue.take()) is not None:
            if time.monotonic() < work.send_before:
                return work
            self._done(work, RELEASED)  # too close to the end of its lease: whoever claims it next sends it
        return None

    async def _next(self) -> Work | None:
        """The next message, waited for while the connection is worth keeping; None to end the connection."""
        deadline = self._loop.time() + KEEP_WARM_S
        while not self._closing:
            if (work := self._take()) is not None:
                return work
            self._arrived.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._arrived.wait()
            except TimeoutError:
                return None
        return None

    # ---- reporting --------------------------------------------------------------------------------------------

    def _done(self, work: Work, outcome: Outcome, pause_s: float = 0.0) -> None:
        """What became of a message that was taken from the queue."""
        self._hand_over(work, outcome, pause_s)
        for other in self._queue.ended(work, outcome):
            self._hand_over(other, RELEASED)
        if self._queue:
            self._arrived.set()  # its domain has a place again

    def _hand_over(self, work: Work, outcome: Outcome, pause_s: float = 0.0) -> None:
        self._held -= 1
        self._report(work.result(outcome, pause_s))

    def _release_queue(self) -> None:
        """Hands back what waits here: other workers, or a later moment, may be luckier."""
        for work in self._queue.drain():
            self._hand_over(work, RELEASED)

    def _server_away(self, outcome: Outcome, work: Work | None = None) -> None:
        """The server did not take a connection, or the first message on one: there are too many, or it is away."""
        others = self._open - (work is not None)
        # Many servers close what is too many without a word.
        is_for_now = outcome.reason == Reason.CONNECTION if outcome.code is None else 400 <= outcome.code < 500
        if is_for_now and others > 0:
            self.limit, self._limit_until = others, time.monotonic() + BELIEVE_LIMIT_S
            log.info("mail server limits connections", limit=self.limit)
            if work is not None:
                self._queue.put_back(work)
            return
        pause = self._away_until - time.monotonic()
        if pause <= 0:  # else another connection found out before
            pause = self._leave_alone(outcome)
            if work is None and (work := self._take()) is not None:
                work.begin()
        if work is not None:
            self._done(work, outcome, pause)
        self._release_queue()

    def _server_back(self) -> None:
        """It answered to a message; that a connection opens is not enough, it might refuse our login or sender."""
        if self._away_in_a_row:
            self._away_in_a_row = 0
            self._wake()

    def _leave_alone(self, outcome: Outcome) -> float:
        """Notes that the server is away; returns for how many seconds it is left alone."""
        self._away_in_a_row += 1
        self.limit = self.most  # it refused some because it went away
        pause = server_pause(self._away_in_a_row, random.random())  # noqa: S311 - jitter
        self._away_until = time.monotonic() + pause
        self._loop.call_later(pause + 0.05, self._wake)
        log.warning(
            "mail server unavailable", reason=outcome.reason, answer=outcome.answer[:200], pause_s=round(pause, 1)
        )
        return pause

    async def close(self) -> None:
        """Hands back what was not begun and lets the messages under way finish."""
        self._closing = True
        if self._recheck_timer is not None:
            self._recheck_timer.cancel()
        self._release_queue()
        self._arrived.set()
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks), timeout=CLOSE_WITHIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
