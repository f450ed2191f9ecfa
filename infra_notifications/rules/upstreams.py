"""Which addresses a route of the OCPP proxy may lead to, judged without asking the network. Pure.

Every address that its name resolves to is judged by the proxy before each connection; here what can be read off a URL.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from outbox.transports.webhook.targets import Address, Forbidden, Network, NotPublic, Policy, parse_target

_HTTP = {"ws": "http", "wss": "https"}
_IDENTITY = re.compile(r"/(?:\{[^/{}]*\}|<[^/<>]*>)/?$")
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WS = {http: ws for ws, http in _HTTP.items()}


def upstream_policy(networks: Sequence[Network]) -> Policy:
    """A CSMS may be on any port, and behind `ws://` where its operator offers no TLS; private only where named."""
    return Policy(tuple(networks), ("https", "http"), range(1, 65_536))


def parse_upstream(url: str, networks: Sequence[Network]) -> str:
    """The URL of a CSMS as it is stored: written anew, without a slash at its end.

    Raises Forbidden with a sentence for whoever named it; NotPublic where naming a network would help.
    """
    scheme, colon, rest = url.strip().partition("://")
    if not colon or scheme.lower() not in _HTTP:
        raise Forbidden("The address of a CSMS begins with wss:// or ws://.")
    # Some guides write where the identity stands, which stations append by themselves.
    rest = _IDENTITY.sub("", rest)
    if "{" in rest or "<" in rest:
        raise Forbidden(
            "The address holds a placeholder; stations append their identity to it, so it ends with a path."
        )
    if "?" in rest:
        raise Forbidden("The address holds a query (?); stations append their identity to it, so it ends with a path.")
    if _NO_ESCAPE.search(rest):
        raise Forbidden("The address holds a % that begins no escape, such as %20.")
    try:
        target = parse_target(f"{_HTTP[scheme.lower()]}://{rest}", upstream_policy(networks))
    except NotPublic:
        raise
    except Forbidden as error:
        raise Forbidden(str(error).replace("https://", "wss://")) from error
    return f"{_WS[target.scheme]}{target.url.removeprefix(target.scheme)}".rstrip("/")


def is_own_address(address: str, own: Iterable[str]) -> bool:
    """Whether a connection to this address, at the proxy's port, would come back to a proxy that listens on `own`.

    All loopback addresses are one machine, and an unspecified one is every address of it. What holds no IP address is
    nobody's.
    """
    there = _plain(address)
    if there is None:
        return False
    here = [plain for each in own if (plain := _plain(each)) is not None]
    is_near = any(each.is_loopback or each.is_unspecified for each in here)
    return there in here or (is_near and (there.is_loopback or there.is_unspecified))


def _plain(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address


def port_of(url: str) -> int | None:
    """The port that a ws:// or wss:// URL leads to."""
    parts = urlsplit(url)
    return parts.port or {"ws": 80, "wss": 443}.get(parts.scheme)


def is_same_place(upstream: str, proxy: str) -> bool:
    """Whether a route would lead back to the proxy itself."""
    return (urlsplit(proxy).hostname, port_of(proxy)) == (urlsplit(upstream).hostname, port_of(upstream))
