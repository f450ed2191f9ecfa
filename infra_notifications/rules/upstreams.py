"""Which addresses a route of the OCPP proxy may lead to, judged without asking the network. Pure.

Every address that its name resolves to is judged by the proxy before each connection; here what can be read off a URL.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from outbox.transports.webhook.targets import Forbidden, Network, NotPublic, Policy, parse_target

_HTTP = {"ws": "http", "wss": "https"}
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
    if "?" in rest:
        raise Forbidden("The address holds a query (?); stations append their identity to it, so it ends with a path.")
    try:
        target = parse_target(f"{_HTTP[scheme.lower()]}://{rest}", upstream_policy(networks))
    except NotPublic:
        raise
    except Forbidden as error:
        raise Forbidden(str(error).replace("https://", "wss://")) from error
    return f"{_WS[target.scheme]}{target.url.removeprefix(target.scheme)}".rstrip("/")


def is_same_place(upstream: str, proxy: str) -> bool:
    """Whether a route would lead back to the proxy itself."""
    here, there = urlsplit(proxy), urlsplit(upstream)
    ports = {"ws": 80, "wss": 443}
    return (here.hostname, here.port or ports.get(here.scheme)) == (
        there.hostname,
        there.port or ports.get(there.scheme),
    )
