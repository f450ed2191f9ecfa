"""From which address of the network a request came."""

from __future__ import annotations

import ipaddress
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest

# What is one customer's of IPv6: whoever has one address of it has them all.
_SITE = 64
# Of the request that is answered now: what the audit log holds of a key's changes.
asked_from: ContextVar[str] = ContextVar("asked_from", default="")


def client_address(request: HttpRequest) -> str:
    """The peer's address; behind TRUSTED_PROXIES proxies, the one that the outermost trusted of them saw.

    Empty when there is none, as behind a Unix socket: what is no address must not reach a column for addresses.
    """
    peer, hops = request.META.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES
    if hops:
        # No more is looked at than our own proxies have written.
        seen = request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", hops)[-hops:]
        if len(parts := [part for part in map(str.strip, seen) if part]) == hops:
            return _address(parts[0]) or _address(peer)
    return _address(peer)


def limited_address(request: HttpRequest) -> str:
    """Under which address wrong passwords are counted: all who come without one share one."""
    return client_address(request) or "0.0.0.0"  # noqa: S104 - no socket is bound to it


def site_of(request: HttpRequest) -> str:
    """Under which address a stranger's requests are counted together."""
    return site(limited_address(request))


def site(text: str) -> str:
    """The address itself, or the part of it that is one customer's."""
    address = _address(text)
    return str(ipaddress.ip_network((address, _SITE), strict=False)) if ":" in address else address


def _address(text: str) -> str:
    """An address without brackets, port or zone; an IPv4 address that was wrapped into IPv6 in its own form."""
    if len(text) > 100:
        return ""
    host = text.split("]")[0].lstrip("[") if text.startswith("[") else text
    host = host.partition(":")[0] if host.count(":") == 1 else host
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)
