"""Where outgoing calls may go: URLs and addresses, judged without asking the network. Pure.

A URL is judged when it is saved and before each delivery; every address that its name resolves to is judged before
each connection, and once more when the socket is made. Private networks are refused unless the setting
OUTBOX_ALLOWED_NETWORKS names them; inside a named network any port and plain http may be used.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, quote, urlsplit

import idna

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL = 2_000
DEFAULT_PORTS = {"https": 443, "http": 80}

# The IANA special-purpose registries (RFC 6890 and its successors), and what clouds answer on. `is_global` of the
# standard library is no guard by itself: it is true for 224.0.0.1, 64:ff9b::7f00:1, 2002:7f00:1:: and ::127.0.0.1.
_SPECIAL: tuple[tuple[str, Sequence[str]], ...] = (
    (
        "cloud metadata",
        (
            "169.254.169.254/32",
            "100.100.100.200/32",
            "192.0.0.192/32",
            "168.63.129.16/32",
            "fd00:ec2::254/128",
            "fd20:ce::254/128",
        ),
    ),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    ("unspecified", ("0.0.0.0/8", "::/128")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    ("shared by a provider (CGNAT)", ("100.64.0.0/10",)),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("broadcast", ("255.255.255.255/32",)),
    ("reserved", ("192.0.0.0/24", "192.88.99.0/24", "240.0.0.0/4", "100::/64", "2001::/23", "5f00::/16")),
    ("for documentation", ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")),
    ("for benchmarks", ("198.18.0.0/15",)),
)
SPECIAL = tuple((name, tuple(ipaddress.ip_network(net) for net in nets)) for name, nets in _SPECIAL)
# Forms of IPv6 that carry an IPv4 address, which a gateway would take out: where it starts, in bits from the right.
_CARRIERS: tuple[tuple[str, ipaddress.IPv6Network, int], ...] = (
    ("an IPv4-mapped address", ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    ("an IPv4-translated address", ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
    ("an IPv4-compatible address", ipaddress.IPv6Network("::/96"), 0),
    ("a NAT64 address", ipaddress.IPv6Network("64:ff9b::/96"), 0),
    ("a local NAT64 address", ipaddress.IPv6Network("64:ff9b:1::/48"), 0),
    ("a 6to4 address", ipaddress.IPv6Network("2002::/16"), 80),
    ("a Teredo address", ipaddress.IPv6Network("2001::/32"), 64),
)
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")


class Forbidden(ValueError):
    """Where a call must not go; the sentence is for the person who named it."""


class NotPublic(Forbidden):
    """A place that is not public; an administrator may name its network."""


@dataclass(frozen=True)
class Policy:
    """What the settings allow. In `networks` everything goes; elsewhere these schemes to these ports."""

    networks: tuple[Network, ...] = ()
    schemes: Collection[str] = ("https",)
    ports: Collection[int] = (443, 8443)


@dataclass(frozen=True)
class Target:
    """A URL taken apart. `url` is written anew from the parts, so that nobody reads it differently.

    `address` is set where the host is a literal address; `only_named_networks` says that scheme or port are allowed
    in a named network alone.
    """

    url: str
    scheme: str
    host: str
    port: int
    address: Address | None
    only_named_networks: bool

    @property
    def shown(self) -> str:
        """The URL without its query, which often carries a key."""
        return self.url.partition("?")[0]


# ---- addresses ----------------------------------------------------------------------------------------------------


def check_address(address: Address, policy: Policy, *, only_named_networks: bool = False) -> None:
    """Raises Forbidden unless a connection may be made to this address."""
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise Forbidden(f"{address} is bound to a network interface.")
    carrier, carried = _carried(address)
    if any(address in network for network in policy.networks):
        # A named carrier network (a NAT64 gateway's) opens the way to it, not to every address behind it.
        if carried is not None:
            check_address(carried, policy)
        return
    if carrier:
        raise Forbidden(f"{address} is {carrier}; only plain public addresses are called.")
    for name, networks in SPECIAL:
        if any(address in network for network in networks):
            raise NotPublic(f"{address} is not a public address ({name}).")
    if not address.is_global or address.is_multicast or address.is_reserved:
        raise NotPublic(f"{address} is not a public address.")
    if isinstance(address, ipaddress.IPv6Address) and address not in _PUBLIC_IPV6:
        raise NotPublic(f"{address} is not a public address.")
    if only_named_networks:
        raise Forbidden(f"{address} is public; there only {_offer(policy)} may be used.")


def is_inside(address: Address, policy: Policy) -> bool:
    """Whether an address may be called only because the settings name its network."""
    try:
        check_address(address, replace(policy, networks=()))
    except Forbidden:
        return any(address in network for network in policy.networks)
    return False


def _carried(address: Address) -> tuple[str, ipaddress.IPv4Address | None]:
    """The name of an IPv6 form that carries an IPv4 address, and that address."""
    if isinstance(address, ipaddress.IPv4Address) or int(address) < 2:
        return "", None
    for name, network, shift in _CARRIERS:
        if address in network:
            return name, ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
    if (int(address) >> 32) & 0xFDFFFFFF == 0x5EFE:
        return "an ISATAP address", ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return "", None


def _offer(policy: Policy) -> str:
    ports = ", ".join(str(port) for port in sorted(policy.ports))
    return f"{' or '.join(sorted(policy.schemes, reverse=True))} on port {ports}"


# ---- URLs ---------------------------------------------------------------------------------------------------------

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# What browsers and libc read as a number, and therefore as an IPv4 address: 0x7f.1, 2130706433, 017700000001.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
# Names that never leave the machine or the house (RFC 6761, 6762, 8375, 9476, ICANN's .internal).
_LOCAL_NAMES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "home.arpa",
    "localdomain",
    "onion",
)


def parse_target(url: str, policy: Policy) -> Target:
    """Takes a URL apart and judges what can be judged without resolving its name. Raises Forbidden."""
    if len(url) > MAX_URL:
        raise Forbidden(f"The URL is longer than {MAX_URL} characters.")
    if any(c.isspace() or not c.isprintable() or c == "\\" for c in url):
        raise Forbidden("The URL holds a space, a backslash or an invisible character.")
    try:
        parts = urlsplit(url)
        port, literal = parts.port, parts.hostname or ""
    except ValueError as error:
        raise Forbidden(f"This is not a URL: {error}.") from error
    if parts.scheme not in DEFAULT_PORTS or not literal:
        raise Forbidden("The URL has to begin with https:// and name a host.")
    if "@" in parts.netloc:
        raise Forbidden("The URL holds a user name or password; put credentials into a header.")
    if "#" in url:
        raise Forbidden("The URL holds a fragment (#), which is never sent.")
    if port == 0 or parts.netloc.endswith(":"):
        raise Forbidden("The port of the URL is not a port.")
    port = port or DEFAULT_PORTS[parts.scheme]
    host = literal if "[" in parts.netloc else _in_ascii(literal)
    address = _literal(host, bracketed="[" in parts.netloc)
    host = str(address) if address is not None else _name(host)
    unusual = parts.scheme not in policy.schemes or port not in policy.ports
    _check_reach(host, address, policy, unusual)
    return Target(_rewritten(parts, host, port, address), parts.scheme, host, port, address, unusual)


def _check_reach(host: str, address: Address | None, policy: Policy, unusual: bool) -> None:
    if address is not None:
        check_address(address, policy, only_named_networks=unusual)
    elif not policy.networks:
        if unusual:
            raise Forbidden(f"Only {_offer(policy)} may be used.")
        if "." not in host or host.endswith(tuple(f".{name}" for name in _LOCAL_NAMES)):
            raise NotPublic(f"{host} is a name of a local network.")


def _literal(host: str, *, bracketed: bool) -> Address | None:
    """The address that the host is, in its one canonical spelling; None where it is a name."""
    if bracketed:
        try:
            return ipaddress.IPv6Address(host)
        except ValueError as error:
            raise Forbidden(f"[{host}] is not an IPv6 address.") from error
    if not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return None
    try:
        return ipaddress.IPv4Address(host)
    except ValueError as error:
        raise Forbidden(f"{host} is an odd spelling of an address; write four decimal numbers, or a name.") from error


def _in_ascii(name: str) -> str:
    """A name as the resolver is asked for it. What only looks like ASCII, or mixes alphabets, is refused."""
    if name.isascii():
        return name
    # The ideographic full stop is a dot to IDNA.
    if unicodedata.normalize("NFKC", name) != name or "\u3002" in name:
        raise Forbidden(f"{name} holds characters that only look like others; write them plainly.")
    for label in name.split("."):
        _check_alphabets(label)
    try:
        return idna.encode(name).decode()
    except idna.IDNAError as error:
        raise Forbidden(f"{name} is not a valid international name: {error}.") from error


def _name(name: str) -> str:
    name = name.removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Forbidden(f"{name} is not the name of a host.")
    for label in labels:
        if label.startswith("xn--"):
            _check_alphabets(_decoded(label))
    return name


def _decoded(label: str) -> str:
    try:
        return idna.decode(label)
    except idna.IDNAError as error:
        raise Forbidden(f"{label} is not a valid international name: {error}.") from error


def _check_alphabets(label: str) -> None:
    """Latin with Cyrillic or Greek in one label (paypal with one letter of another alphabet) is there to deceive."""
    alphabets = {unicodedata.name(c, "").split(" ")[0] for c in label if c.isalpha()}
    mixed = alphabets & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}
    if len(mixed) > 1:
        raise Forbidden(f"{label} mixes letters of different alphabets that look alike.")


def _rewritten(parts: SplitResult, host: str, port: int, address: Address | None) -> str:
    shown = f"[{host}]" if isinstance(address, ipaddress.IPv6Address) else host
    if port != DEFAULT_PORTS[parts.scheme]:
        shown += f":{port}"
    # Only what is not ASCII is escaped; escapes that are there stay as they are.
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]|")
    return f"{parts.scheme}://{shown}{path}" + (f"?{query}" if query else "")
