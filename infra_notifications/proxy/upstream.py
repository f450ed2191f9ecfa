"""Connections to a CSMS: its name is resolved, every address is judged, and one of exactly those is connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from infra_notifications.proxy.heads import Refusal, circle
from infra_notifications.proxy.options import Options
from infra_notifications.proxy.tls import upstream_context
from infra_notifications.rules.upstreams import is_own_address, upstream_policy
from outbox.transports.webhook.http import look_up
from outbox.transports.webhook.targets import Forbidden, Target, check_address, parse_target

CONNECT_S = 10.0
# An address that does not answer in this time is left for the next one, if there is one.
NEXT_ADDRESS_S = 2.0
RESOLVER_THREADS = 8
# A name is asked for this often; what it was last is used for as long as the name server gives no answer.
NAME_S = 10.0
MOST_NAMES = 1_000
_HTTP = {"ws": "http", "wss": "https"}

P = TypeVar("P", bound=asyncio.BaseProtocol)


class Upstreams:
    """To be made and used on one event loop."""

    def __init__(self, options: Options) -> None:
        self._policy = upstream_policy(options.upstream_networks)
        self._options = options
        self._tls: ssl.SSLContext | None = None
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, "proxy-resolver")
        self._names: dict[str, tuple[float, list[str]]] = {}
        self._asked: dict[str, asyncio.Future[list[str]]] = {}
        self._targets: dict[str, Target] = {}

    async def connect(self, upstream: str, protocol: Callable[[], P], *, own: tuple[str, int]) -> P:
        """`own` is the address and port at which the station came in.

        Raises Refusal: 502 with what is wrong, 504 when nobody answered in time, 508 for the proxy's own address.
        """
        try:
            async with asyncio.timeout(CONNECT_S):
                return await self._connect(self._target(upstream), protocol, own)
        except Forbidden as error:
            raise Refusal(502, f"The route's CSMS may not be called: {error}", "forbidden") from error
        except TimeoutError as error:
            raise Refusal(504, "The CSMS does not answer.", "timeout") from error
        except ssl.SSLError as error:
            raise Refusal(502, "The CSMS's certificate is not trusted, or it speaks no TLS.", "unreachable") from error
        except OSError as error:
            raise Refusal(502, "The CSMS cannot be reached.", "unreachable") from error

    def _target(self, upstream: str) -> Target:
        target = self._targets.get(upstream)
        if target is None:
            scheme, _, rest = upstream.partition("://")
            target = parse_target(f"{_HTTP.get(scheme, scheme)}://{rest}", self._policy)
            if len(self._targets) >= MOST_NAMES:
                self._targets.clear()
            self._targets[upstream] = target
        return target

    async def _connect(self, target: Target, protocol: Callable[[], P], own: tuple[str, int]) -> P:
        addresses = [str(target.address)] if target.address else await self._addresses(target.host)
        for address in addresses:
            check_address(ipaddress.ip_address(address), self._policy)
            if target.port == own[1] and is_own_address(address, (own[0], self._options.host)):
                raise circle()
        loop = asyncio.get_running_loop()
        secure = target.scheme == "https"
        if secure and self._tls is None:
            self._tls = upstream_context(self._options)
        failure: OSError = OSError(f"{target.host} has no address")
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_S if address == addresses[-1] else NEXT_ADDRESS_S):
                    _, made = await loop.create_connection(
                        protocol,
                        address,
                        target.port,
                        ssl=self._tls if secure else None,
                        server_hostname=target.host if secure else None,
                    )
                    return made
            except OSError as error:  # a TimeoutError is one
                failure = error
        raise failure

    async def _addresses(self, host: str) -> list[str]:
        """All addresses of a name. One look-up serves all who ask meanwhile. Raises OSError."""
        loop = asyncio.get_running_loop()
        asked_at, known = self._names.get(host, (0.0, []))
        if known and loop.time() - asked_at < NAME_S:
            return known
        if host not in self._asked:
            self._asked[host] = loop.create_task(self._look_up(host))
            self._asked[host].add_done_callback(lambda done: self._looked_up(host, done))
        if known:
            return known  # as it was a moment ago; the answer is for the next
        return await asyncio.shield(self._asked[host])

    async def _look_up(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        return list(dict.fromkeys(await loop.run_in_executor(self._threads, look_up, host)))

    def _looked_up(self, host: str, done: asyncio.Future[list[str]]) -> None:
        self._asked.pop(host, None)
        if done.cancelled() or done.exception() is not None or not done.result():
            return
        if len(self._names) >= MOST_NAMES:
            self._names.clear()
        self._names[host] = (done.get_loop().time(), done.result())

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
