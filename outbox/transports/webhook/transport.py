"""The way out by webhook: signed requests over kept connections, each receiver at its own speed.

Unlike mail, which leaves by one server, every endpoint is a server of its own: what one receiver does to its requests
never delays another's (`outbox.transports.destination`, `outbox.services.fair_claims`).
"""

from __future__ import annotations

import asyncio
import hmac
import resource
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import structlog
from django.conf import settings
from django.utils import timezone
from yarl import URL

from outbox.choices import Channel, EndpointState, Reason
from outbox.contract import RELEASED, Claimed, ClaimedEvent, Outcome, Result, failed, held_back
from outbox.event_kinds import domain_of
from outbox.models import Event, WebhookEndpoint
from outbox.models.webhooks import endpoint_id
from outbox.services.endpoint_health import check_endpoints, learn_about_endpoints
from outbox.services.fair_claims import FairClaim
from outbox.services.publishing import NUMBERED_AT_ONCE, number_events
from outbox.services.webhooks import current_secrets, policy_from_settings
from outbox.subscriptions.kinds import WEBHOOK_TEST
from outbox.subscriptions.personal_data import MEMBER, people_in
from outbox.transports.base import Report, Transport, Work
from outbox.transports.destination import FIRST_WINDOW, Destination, Destinations
from outbox.transports.webhook.envelope import envelope
from outbox.transports.webhook.http import WebhookClient
from outbox.transports.webhook.signing import signatures, signer
from outbox.transports.webhook.targets import Forbidden, Policy, Target, parse_target

log = structlog.get_logger("signalbox.webhook")

# Requests under way in one worker: each is an open file.
MOST_RUNNING = 1_000
OPEN_FILES = 8_192
CLOSE_WITHIN_S = 8
_HELD_BACK = {EndpointState.PAUSED: Reason.PAUSED, EndpointState.DISABLED: Reason.DISABLED}


class Route(NamedTuple):
    """Where the requests of one endpoint go and what they carry, as of the claim."""

    target: Target
    url: URL
    headers: dict[str, str]
    signers: list[hmac.HMAC]
    personal_data: bool = False


class Request(NamedTuple):
    """One request, but for its time and signature, which are those of the attempt."""

    route: Route
    message_id: str
    body: bytes


class WebhookTransport(Transport):
    channel = Channel.WEBHOOK

    def __init__(self, *, policy: Policy | None = None, tls: ssl.SSLContext | None = None, capacity: int = 0) -> None:
        self.policy = policy or policy_from_settings()
        self.capacity = capacity or 4 * settings.OUTBOX_BATCH_SIZE
        self._tls = tls
        self._claim = FairClaim(self.channel)
        self._known = Destinations()
        self._held = self._running = 0
        # Receivers that could send more as soon as there is a place.
        self._waiting: dict[str, Destination] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    @classmethod
    def learn(cls, results: Sequence[Result], now: datetime) -> None:
        learn_about_endpoints(results, now)

    @classmethod
    def sweep(cls, now: datetime) -> None:
        check_endpoints(now=now)

    def bind(self, report: Report, wake: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        super().bind(report, wake, loop)
        self._client: WebhookClient | None = None
        _allow_open_files()

    # ---- taking work ------------------------------------------------------------------------------------------

    def room(self) -> int:
        return 0 if self._closing else max(0, self.capacity - self._held)

    def claimer(self, limit: int, lease_s: int) -> Callable[[datetime], list[Claimed]]:
        """What each receiver may have is read here, on the loop; the claim itself runs in the database thread."""
        now = self._loop.time()
        allowances = {key: destination.allowance(now) for key, destination in self._known.items()}
        return lambda moment: self._claim.take(
            limit=limit, first=FIRST_WINDOW, allowances=allowances, lease_s=lease_s, now=moment
        )

    def prepare(self, claimed: Sequence[Claimed], send_before: float) -> list[Work | Result]:
        """Reads the endpoints as they are now and writes the body of each event once."""
        routes = read_routes(
            {pk for delivery in claimed if (pk := endpoint_id(delivery.list_key)) is not None}, self.policy
        )
        positions = _positions({delivery.event.id: delivery.event for delivery in claimed}.values())
        people = _people(claimed, routes)
        bodies: dict[tuple[int, bool], bytes | Outcome] = {}
        ready: list[Work | Result] = []
        for delivery in claimed:
            work = Work(delivery, None, send_before)
            route = routes.get(endpoint_id(delivery.list_key) or 0, failed(Reason.DELETED))
            if isinstance(route, _Held):
                route = route.route if delivery.event.kind == WEBHOOK_TEST else held_back(route.reason)
            if isinstance(route, Outcome):
                ready.append(work.result(route))
                continue
            event = delivery.event
            person = people.get(event.id) if route.personal_data else None
            key = event.id, person is not None
            if key not in bodies:
                bodies[key] = _written(event, positions.get(event.id, event.position), person)
            body = bodies[key]
            if isinstance(body, Outcome):
                ready.append(work.result(body))
                continue
            work.item = Request(route, f"msg_{event.uuid.hex}_{delivery.id}", body)
            ready.append(work)
        return ready

    def submit(self, works: Sequence[Work]) -> None:
        self._held += len(works)
        touched = {}
        for work in works:
            destination = touched[work.claimed.destination] = self._known[work.claimed.destination]
            destination.queue.append(work)
        for destination in touched.values():
            self._begin_more(destination)

    # ---- sending ----------------------------------------------------------------------------------------------

    def _begin_more(self, destination: Destination) -> None:
        while destination.has_place(self._loop.time()) and not self._closing:
            if self._running >= MOST_RUNNING:
                self._waiting[destination.key] = destination
                return
            destination.running += 1
            self._running += 1
            task = self._loop.create_task(self._serve(destination))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, destination: Destination) -> None:
        """Sends one receiver's queue, one request after the other, while it may have as many under way."""
        try:
            while destination.queue and destination.running <= int(destination.window) and not self._closing:
                work = destination.queue.popleft()
                if time.monotonic() >= work.send_before:
                    self._done(work, RELEASED)
                    continue
                await self._send(destination, work)
                if self._loop.time() < destination.rests_until:
                    self._rest(destination)
                if self._waiting:
                    break
        finally:
            destination.running -= 1
            self._running -= 1
            self._go_on(destination)

    def _go_on(self, destination: Destination) -> None:
        while self._waiting and self._running < MOST_RUNNING:
            self._begin_more(self._waiting.pop(next(iter(self._waiting))))
        self._begin_more(destination)

    async def _send(self, destination: Destination, work: Work) -> None:
        work.begin()
        started = self._loop.time()
        try:
            outcome = await self._post(work.item)
        except asyncio.CancelledError:
            self._done(work, RELEASED)
            raise
        now = self._loop.time()
        destination.learn(outcome, now - started, now)
        self._done(work, outcome)

    async def _post(self, request: Request) -> Outcome:
        if self._client is None:
            self._client = WebhookClient(self.policy, tls=self._tls)
        route, stamp = request.route, int(timezone.now().timestamp())
        headers = route.headers | {
            "webhook-id": request.message_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signatures(route.signers, request.message_id, stamp, request.body),
        }
        return await self._client.post(route.target, route.url, headers, request.body)

    def _rest(self, destination: Destination) -> None:
        """The receiver asked for a pause: what is in stock for it is handed back for that long."""
        pause = destination.rests_until - self._loop.time()
        while destination.queue:
            self._done(destination.queue.popleft(), RELEASED, pause)
        self._loop.call_later(pause + 0.05, self._wake)

    # ---- reporting --------------------------------------------------------------------------------------------

    def _done(self, work: Work, outcome: Outcome, pause_s: float = 0.0) -> None:
        self._held -= 1
        self._report(work.result(outcome, pause_s))

    async def close(self) -> None:
        """Hands back what was not begun and lets the requests under way finish."""
        self._closing = True
        for destination in self._known.values():
            while destination.queue:
                self._done(destination.queue.popleft(), RELEASED)
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks), timeout=CLOSE_WITHIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._client is not None:
            await self._client.close()


# ---- what a request is made of ----------------------------------------------------------------------------------


class _Held(NamedTuple):
    """An endpoint that is paused or disabled: only a test goes there."""

    route: Route | Outcome
    reason: Reason


def read_routes(ids: set[int], policy: Policy) -> dict[int, Route | Outcome | _Held]:
    """Where these endpoints' requests go now, or why none may be sent; two queries."""
    secrets = current_secrets(list(ids), timezone.now())
    routes: dict[int, Route | Outcome | _Held] = {}
    for endpoint in WebhookEndpoint.objects.filter(pk__in=ids):
        route: Route | Outcome
        try:
            target, url = _parsed(endpoint.url, policy)
            headers = {"Content-Type": "application/json", "User-Agent": "Signalbox"} | endpoint.headers
            signers = [signer(secret) for secret in secrets[endpoint.pk]]
            route = Route(target, url, headers, signers, endpoint.personal_data)
        except Forbidden as error:
            route = failed(Reason.FORBIDDEN, None, str(error))
        except (LookupError, ValueError) as error:  # a row that was changed by hand; the others must go on
            route = failed(Reason.TEMPLATE, None, f"The endpoint's row cannot be used: {type(error).__name__}")
        held = _HELD_BACK.get(EndpointState(endpoint.state))
        routes[endpoint.pk] = _Held(route, held) if held else route
    return routes


def _parsed(url: str, policy: Policy) -> tuple[Target, URL]:
    """A URL judged and parsed. Raises Forbidden, also when the HTTP client would read it differently."""
    target = parse_target(url, policy)
    parsed = URL(target.url, encoded=True)
    if (parsed.raw_host, parsed.port) != (target.host, target.port) or parsed.user is not None:
        raise Forbidden("The URL can be read in two ways.")
    return target, parsed


def _positions(events: Iterable[ClaimedEvent]) -> dict[int, int]:
    """The places in the log of events that had none when they were claimed: these are given now."""
    missing = [event.id for event in events if event.position is None]
    if not missing:
        return {}
    while number_events() >= NUMBERED_AT_ONCE:
        pass
    rows = Event.objects.filter(pk__in=missing, position__isnull=False).values_list("pk", "position")
    return {pk: position for pk, position in rows if position is not None}


def _people(claimed: Sequence[Claimed], routes: Mapping[int, Route | Outcome | _Held]) -> dict[int, Mapping[str, Any]]:
    """Who the events tell of, by their ids, for those endpoints that ask for it."""
    asking = {pk for pk, route in routes.items() if isinstance(route, Route) and route.personal_data}
    events = (
        {delivery.event.id: delivery.event for delivery in claimed if endpoint_id(delivery.list_key) in asking}
        if asking
        else {}
    )
    return people_in({pk: (domain_of(event.kind), event.payload) for pk, event in events.items()})


def _written(event: ClaimedEvent, position: int | None, person: Mapping[str, Any] | None) -> bytes | Outcome:
    """The body, or why there is none: a poisoned event must fail alone, visibly."""
    try:
        return body_of(event, position, person)
    except Exception as error:
        return failed(Reason.TEMPLATE, None, f"{type(error).__name__}: {error}")


def body_of(event: ClaimedEvent, position: int | None, person: Mapping[str, Any] | None = None) -> bytes:
    """The body that is signed and sent, the same bytes for every endpoint that asks for as much."""
    data = event.payload if person is None else event.payload | {MEMBER: person}
    return msgspec.json.encode(
        envelope(
            event_uuid=event.uuid,
            kind=event.kind,
            subject=event.subject,
            occurred_at=event.occurred_at,
            sequence=position,
            data=data,
        )
    )


def _allow_open_files() -> None:
    """As many open files as the system lets this process have, up to what the transport could use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
