"""The one HTTP client, of webhooks and of whatever else is called: no way to an address that was not judged.

A name is resolved anew for every connection, all of its addresses are judged (`targets`), the connection is
made to one of exactly those, and the address is judged once more when the socket is made: neither a name that answers
differently the second time nor a literal address gets by. TLS and the Host header keep the name of the URL.
Redirects are not followed, cookies not kept, proxies of the environment not used.

Of what answers inside a network that only the settings open, its status is kept and none of its words: else whoever may
name an address could read there.
"""

from __future__ import annotations

import asyncio
import email.utils
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from django.utils import timezone
from yarl import URL

from outbox.choices import Reason
from outbox.contract import ANSWER_BYTES, Outcome, delivered, failed, retry
from outbox.transports.webhook.targets import Forbidden, Policy, Target, check_address, is_inside, parse_target

TOTAL_S, CONNECT_S = 15.0, 5.0
# An unused connection is kept this long: shorter than the 60 s and more that servers keep theirs.
KEEP_WARM_S = 20.0
# What is behind the kept part of an answer is read this far, so that the connection can be used again.
DRAIN_BYTES = 64 * 1024
RESOLVER_THREADS = 32
# How many kept connections in a row may prove to be dead before that counts as an attempt.
MOST_STALE = 3
THROTTLED = frozenset({408, 425, 429})


class ForbiddenAddress(OSError):
    """Raised inside the client where `Forbidden` would be swallowed: it passes on errors of the system alone."""


class Unreachable(Exception):
    """There was no answer; the sentence says why."""

    def __init__(self, sentence: str, *, may_have_arrived: bool = True) -> None:
        super().__init__(sentence)
        self.may_have_arrived = may_have_arrived


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is read: headers by their names in lower case. What came from `inside` is shown to nobody."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_inside: bool


@dataclass(slots=True)
class _Call:
    """What the resolver and the socket must know of the request for which they work."""

    target: Target
    has_connected: bool = False


_call: ContextVar[_Call] = ContextVar("call")


class CheckedResolver(AbstractResolver):
    """The system's resolver, in threads of its own so that a name without an answer delays no other."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, "outbox-resolver")
        self._asked: dict[str, asyncio.Future[list[str]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises ForbiddenAddress when any of the name's addresses must not be called."""
        if host not in self._asked:
            self._asked[host] = asyncio.ensure_future(self._look_up(host))
            self._asked[host].add_done_callback(lambda done: self._forget(host, done))
        addresses = await asyncio.shield(self._asked[host])
        for address in addresses:
            judge(address, self._policy)
        return [_resolved(host, address, port) for address in addresses]

    async def _look_up(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        addresses = await loop.run_in_executor(self._threads, look_up, host)
        return list(dict.fromkeys(addresses))

    def _forget(self, host: str, done: asyncio.Future[list[str]]) -> None:
        self._asked.pop(host, None)
        if not done.cancelled():
            done.exception()  # whoever asked has been told, or has given up

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def look_up(host: str) -> list[str]:
    """All addresses of a name, as the system knows them. Raises OSError."""
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in entries]


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)


def judge(address: str, policy: Policy) -> None:
    try:
        named_only = _call.get().target.only_named_networks
        check_address(ipaddress.ip_address(address), policy, only_named_networks=named_only)
    except (Forbidden, ValueError) as error:
        raise ForbiddenAddress(str(error)) from error


class WebhookClient:
    """To be made and closed on the event loop that uses it."""

    def __init__(self, policy: Policy, *, tls: ssl.SSLContext | None = None, total_s: float = 0) -> None:
        self.policy = policy
        self._total_s = total_s or TOTAL_S
        # Hosts of which an address inside a named network was called.
        self._inside: set[str] = set()

        def judged_socket(info: Any) -> socket.socket:
            family, kind, protocol, _name, address = info
            judge(address[0], policy)
            call = _call.get()
            call.has_connected = True
            if is_inside(ipaddress.ip_address(address[0]), policy):
                self._inside.add(call.target.host)
            return socket.socket(family, kind, protocol)

        self._resolver = CheckedResolver(policy)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._resolver,
                use_dns_cache=False,
                socket_factory=judged_socket,
                ssl=tls or True,
                limit=0,
                keepalive_timeout=KEEP_WARM_S,
            ),
            timeout=aiohttp.ClientTimeout(total=self._total_s, connect=min(CONNECT_S, self._total_s)),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        )

    async def close(self) -> None:
        await self._session.close()
        await self._resolver.close()

    async def ask(
        self, method: str, target: Target, headers: Mapping[str, str], most_bytes: int, body: bytes | None = None
    ) -> Answer:
        """The whole answer. Raises Unreachable without one, and for one that is larger than `most_bytes`."""
        _call.set(_Call(target))
        try:
            async with self._session.request(
                method, URL(target.url, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as response:
                found = await response.content.read(most_bytes + 1)
                while len(found) <= most_bytes and (more := await response.content.read(most_bytes)):
                    found += more
                if len(found) > most_bytes:
                    response.close()
                    raise Unreachable(f"the answer is larger than {most_bytes // 1024 // 1024} MiB")
                named = {k.lower(): v for k, v in response.headers.items()}
                return Answer(response.status, named, found, self._is_inside(target))
        except Unreachable:
            raise
        except Exception as error:  # whatever a server sends may only fail its own request
            never_sent = isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
            raise Unreachable(self._unsent(error, target).answer, may_have_arrived=not never_sent) from error

    def _is_inside(self, target: Target) -> bool:
        return target.host in self._inside

    async def post(self, target: Target, url: URL, headers: Mapping[str, str], body: bytes) -> Outcome:
        """What became of one request; `url` is the target's, parsed once. Never raises but for cancellation."""
        call = _Call(target)
        _call.set(call)
        try:
            return await self._on_a_living_connection(call, url, headers, body)
        except Exception as error:  # whatever a receiver sends may only fail its own request
            return self._unsent(error, target)

    async def _on_a_living_connection(self, call: _Call, url: URL, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Tries again at once when a kept connection turns out to have been closed meanwhile."""
        for _ in range(MOST_STALE):
            try:
                return await self._try(call.target, url, headers, body)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if call.has_connected or isinstance(error, aiohttp.ClientConnectorError):
                    raise
        return await self._try(call.target, url, headers, body)

    async def _try(self, target: Target, url: URL, headers: Mapping[str, str], body: bytes) -> Outcome:
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            words = await _first_bytes(response)
            words = "" if self._is_inside(target) else words
            return judge_answer(response.status, words, response.headers.get("Retry-After"))

    def _unsent(self, error: Exception, target: Target) -> Outcome:
        """Why there is no answer, without what was read instead of one inside a named network."""
        outcome = _unsent(error, self._total_s)
        if outcome.reason == Reason.BROKEN_OFF and self._is_inside(target):
            return retry(Reason.BROKEN_OFF, None, "the connection was cut off, or what came is no HTTP")
        return outcome


class BlockingClient:
    """The client for code that runs on no event loop.

    with BlockingClient(policy) as client:
        answer = client.ask("GET", url, headers, most_bytes)
    """

    def __init__(self, policy: Policy, *, tls: ssl.SSLContext | None = None, total_s: float = 0) -> None:
        self._policy, self._tls, self._total_s = policy, tls, total_s

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        self._client = self._runner.run(self._open())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    async def _open(self) -> WebhookClient:
        return WebhookClient(self._policy, tls=self._tls, total_s=self._total_s)

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], most_bytes: int, body: bytes | None = None
    ) -> Answer:
        """The whole answer. Raises Forbidden and Unreachable."""
        target = parse_target(url, self._policy)
        return self._runner.run(self._client.ask(method, target, headers, most_bytes, body))


async def _first_bytes(response: aiohttp.ClientResponse) -> str:
    """The kept part of an answer. A receiver that trickles the rest is left: its status has been read."""
    answer, read = bytearray(), 0
    try:
        async for chunk in response.content.iter_any():
            answer += chunk[: max(0, ANSWER_BYTES - len(answer))]
            read += len(chunk)
            if read > DRAIN_BYTES:
                response.close()
                break
    except (aiohttp.ClientError, TimeoutError):
        response.close()
    return answer.decode(errors="replace")


def judge_answer(status: int, answer: str, retry_after: str | None) -> Outcome:
    """Only 2xx is success; 410 says "no more"; 408, 425, 429 and 5xx are tried again, every other 4xx is final."""
    if 200 <= status < 300:
        return delivered(status, answer)
    if status == 410:
        return failed(Reason.GONE, status, answer)
    if 400 <= status < 500 and status not in THROTTLED:
        return failed(Reason.REJECTED, status, answer)
    reason = Reason.REDIRECT if status < 400 else Reason.TEMPORARY
    return retry(reason, status, answer, pause_asked_for(retry_after, timezone.now().timestamp()))


def pause_asked_for(header: str | None, now: float) -> float | None:
    """Seconds that a `Retry-After` asks for, given in seconds or as a date; None where it cannot be read."""
    header = (header or "").strip()
    if header.isascii() and header.isdigit():
        return float(header[:10])
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)


def _unsent(error: Exception, total_s: float) -> Outcome:
    """Why there is no answer, in the words of the operating system or the library."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    text = str(cause) or type(cause).__name__
    match error:
        case _ if isinstance(cause, ForbiddenAddress):
            return failed(Reason.FORBIDDEN, None, text)
        case aiohttp.ConnectionTimeoutError():
            return retry(Reason.CONNECTION, None, f"no connection within {CONNECT_S:.0f} s")
        case TimeoutError():
            return retry(Reason.TIMEOUT, None, f"no answer within {total_s:.0f} s")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return retry(Reason.TLS, None, str(error))
        case aiohttp.ClientConnectorError():
            return retry(Reason.CONNECTION, None, text)
        case _:
            return retry(Reason.BROKEN_OFF, None, text)
