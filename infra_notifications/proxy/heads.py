"""The HTTP heads of a WebSocket handshake: what a station asks, what the CSMS is asked for it, what goes back.

aiohttp reads the heads (strictly: a head that two programs could read differently is refused); here is what is made of
them. Headers keep their order and spelling.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from unicodedata import category
from urllib.parse import unquote, urlsplit

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser, HttpResponseParser, RawRequestMessage

from outbox.transports.webhook.targets import Network

RawHeaders = Sequence[tuple[bytes, bytes]]

HEAD_END = b"\r\n\r\n"
MAX_HEAD, MAX_LINE = 32 * 1024, 16 * 1024
# Of the body of a refusal so much goes back to the station.
MAX_REFUSAL = 64 * 1024
# Headers that concern one hop alone (RFC 9110 § 7.6.1); the handshake's are written anew.
_ONE_HOP = frozenset(
    (b"connection", b"upgrade", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding")
)
# What we say of the station, and believe of nobody but a trusted proxy in front.
_OF_PROXIES = frozenset((b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip"))

# What RFC 9440 § 4 has whoever ends TLS take away where he did not write it himself.
_OF_CERTIFICATES = frozenset((b"client-cert", b"client-cert-chain"))


class Refusal(Exception):
    """The station gets no connection; `status` and `sentence` are its answer, `outcome` is counted."""

    def __init__(
        self, status: int, sentence: str, outcome: str, *, headers: RawHeaders = (), body: bytes | None = None
    ) -> None:
        super().__init__(sentence)
        self.status, self.outcome, self.headers = status, outcome, headers
        self.body = (sentence + "\n").encode() if body is None else body
        self.is_plain = body is None

    def answer(self) -> bytes:
        """All bytes of the answer, after which the connection is closed."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = ""
        lines = [f"HTTP/1.1 {self.status} {phrase}".encode()]
        lines += [name + b": " + value for name, value in self.headers]
        if self.is_plain:
            lines.append(b"Content-Type: text/plain; charset=utf-8")
        lines += [b"Content-Length: %d" % len(self.body), b"Connection: close"]
        return b"\r\n".join(lines) + HEAD_END + self.body


def circle() -> Refusal:
    """For a station whose route leads back to the proxy."""
    sentence = "The route leads back to this proxy, in a circle."
    return Refusal(508, sentence, "forbidden", headers=((b"Retry-After", b"60"),))


@dataclass(frozen=True, slots=True)
class Request:
    """What a station asks for. `rest` is the raw path behind the route's name, with its slash; `query` is raw too."""

    message: RawRequestMessage
    slug: str
    rest: str
    query: str
    identity: str
    sent_identity: str

    def header(self, name: bytes) -> str:
        """The values of a header, joined; "" without one."""
        return ", ".join(value.decode("latin-1") for key, value in self.message.raw_headers if key.lower() == name)


def is_handshake(message: RawRequestMessage) -> bool:
    upgrade = message.headers.get("Upgrade", "").lower()
    return message.upgrade and "websocket" in upgrade and message.method == "GET"


def read_request(message: RawRequestMessage) -> Request:
    """Takes the path apart. Raises Refusal for one that names no route and station."""
    target = message.path
    if not target.startswith("/"):
        parts = urlsplit(target)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path, _, query = target.partition("?")
    # Some stations write more slashes than one; those behind the route are the CSMS's to read.
    slug, slash, rest = path.lstrip("/").partition("/")
    sent = rest.rstrip("/").rpartition("/")[2]
    if not slug or not slash or not sent:
        raise Refusal(
            404, "Connect to /ROUTE/IDENTITY, with the name of a route and the station's identity.", "unknown"
        )
    # A CSMS or a proxy before it might read a dot segment, encoded or not, as a way out of the route's path.
    if any(part in (".", "..") for part in unquote(rest).replace("\\", "/").split("/")):
        raise Refusal(400, "The path holds a segment of dots.", "malformed")
    return Request(message, slug, "/" + rest, query, _identity(sent), sent)


def _identity(sent: str) -> str:
    """What a segment of a path says; as it was sent where that is no text, so that no two identities become one."""
    try:
        text = unquote(sent, errors="strict")
    except UnicodeDecodeError:
        return sent
    return text if all(category(sign) not in ("Cc", "Cs") for sign in text) else sent


def has_been_here(request: Request, mark: str) -> bool:
    """Whether a proxy of this name has passed the request on before (RFC 9110 § 7.6.3)."""
    return any(hop.split()[1:2] == [mark] for hop in request.header(b"via").split(","))


def check_handshake(message: RawRequestMessage) -> None:
    """Raises Refusal for what is no opening of a WebSocket."""
    if not is_handshake(message) or message.version < (1, 1):
        raise Refusal(426, "This is a WebSocket address of OCPP.", "malformed", headers=((b"Upgrade", b"websocket"),))
    if message.chunked or any(length.strip("0 \t") for length in message.headers.getall("Content-Length", ())):
        raise Refusal(400, "A WebSocket handshake has no body.", "malformed")


# ---- who asks -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end. `address` is the station's; `peer` the one of the socket, perhaps a proxy's that is
    `trusted`; `certificate` (DER) was checked by us."""

    address: str
    peer: str
    trusted: bool
    scheme: str
    certificate: bytes | None = None


def client_of(
    peer: str, headers: RawHeaders, trusted: Iterable[Network], scheme: str, certificate: bytes | None
) -> Client:
    """The station's address: the last one in X-Forwarded-For that no trusted proxy wrote for another trusted proxy."""
    if not _is_in(peer, trusted):
        return Client(peer, peer, False, scheme, certificate)
    address = peer
    for said in reversed(_passed_on(headers)):
        address = said
        if not _is_in(said, trusted):
            break
    proto = [value.decode("latin-1").strip() for name, value in headers if name.lower() == b"x-forwarded-proto"]
    return Client(address, peer, True, proto[-1] if proto else scheme, certificate)


def _passed_on(headers: RawHeaders) -> list[str]:
    joined = ",".join(value.decode("latin-1") for name, value in headers if name.lower() == b"x-forwarded-for")
    return [word.strip() for word in joined.split(",") if word.strip()]


def _is_in(address: str, networks: Iterable[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


# ---- what the CSMS is asked -----------------------------------------------------------------------------------------


def upstream_request(request: Request, client: Client, upstream: str, certificate_header: str, mark: str) -> bytes:
    """The station's request as the CSMS gets it: the same but for Host, and with who asks and by whom it came."""
    parts = urlsplit(upstream)
    queries = [query for query in (parts.query, request.query) if query]
    target = parts.path.rstrip("/") + request.rest + ("?" + "&".join(queries) if queries else "")
    headers = request.message.raw_headers
    host = request.header(b"host")
    dropped = _ONE_HOP | _OF_PROXIES | {b"host"} | _named_by_connection(headers)
    if not client.trusted or client.certificate:
        dropped |= _OF_CERTIFICATES | {certificate_header.lower().encode()}
    lines = [
        f"GET {target} HTTP/1.1".encode(),
        b"Host: " + parts.netloc.encode(),
        b"Upgrade: websocket",
        b"Connection: Upgrade",
    ]
    lines += [name + b": " + value for name, value in headers if name.lower() not in dropped]
    lines += _forwarded(client, headers, host)
    lines.append(f"Via: 1.1 {mark}".encode())
    if client.certificate:
        lines.append(f"{certificate_header}: ".encode() + _structured(client.certificate))
    return b"\r\n".join(lines) + HEAD_END


def _forwarded(client: Client, headers: RawHeaders, host: str) -> list[bytes]:
    """Both spellings; what a trusted proxy said before is kept in front."""
    chain = [*_passed_on(headers), client.peer] if client.trusted else [client.peer]
    said = [value.decode("latin-1") for name, value in headers if client.trusted and name.lower() == b"forwarded"]
    node = f'"[{client.peer}]"' if ":" in client.peer else client.peer
    said.append(f'for={node};proto={client.scheme};host="{host}"')
    lines = [
        f"X-Forwarded-For: {', '.join(chain)}",
        f"X-Forwarded-Proto: {client.scheme}",
        f"X-Forwarded-Host: {host}",
        f"Forwarded: {', '.join(said)}",
    ]
    return [line.encode("latin-1") for line in lines]


def _named_by_connection(headers: RawHeaders) -> set[bytes]:
    named = b",".join(value for name, value in headers if name.lower() == b"connection").lower()
    # Never those of the handshake, which a hostile client could name to have them dropped.
    return {word.strip() for word in named.split(b",") if not word.strip().startswith((b"sec-websocket", b"auth"))}


def _structured(der: bytes) -> bytes:
    """A certificate as RFC 9440 writes it into a header."""
    return b":" + base64.b64encode(der) + b":"


# ---- what comes back ------------------------------------------------------------------------------------------------


class RequestReader:
    """Reads one request head."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._parser = _request_parser(loop)
        self._loop, self._seen, self._is_odd = loop, b"", False

    def feed(self, data: bytes) -> tuple[RawRequestMessage, bytes] | None:
        """The head and what came behind it; None while it is incomplete. Raises Refusal."""
        self._seen += data
        try:
            found, rest = self._parse(data)
        except HttpProcessingError as error:
            raise Refusal(400, "This is no HTTP request that can be read.", "malformed") from error
        if len(self._seen) - len(rest) > MAX_HEAD:
            raise Refusal(431, "The head of the request is too long.", "malformed")
        return (found, rest) if found is not None else None

    def _parse(self, data: bytes) -> tuple[RawRequestMessage | None, bytes]:
        if not self._is_odd:
            try:
                messages, _, rest = self._parser.feed_data(data)
            except HttpProcessingError:
                if not self._seen.startswith(b"GET /"):
                    raise
                self._is_odd = True
            else:
                return (messages[0][0] if messages else None), rest
        head, rest = _plainly(self._seen)
        messages, _, _ = _request_parser(self._loop).feed_data(head)
        return (messages[0][0] if messages else None), rest


def _request_parser(loop: asyncio.AbstractEventLoop) -> HttpRequestParser:
    return HttpRequestParser(BaseProtocol(loop), loop, 2**16, max_line_size=MAX_LINE)


def _plainly(seen: bytes) -> tuple[bytes, bytes]:
    """A whole head, its path percent-encoded and its lines ended as HTTP asks for, where all end otherwise, and what
    stands behind it; nothing while it is incomplete."""
    end = HEAD_END if b"\r" in seen else b"\n\n"
    head, ended, rest = seen.partition(end)
    if not ended:
        return b"", b""
    lines = head.split(end[: len(end) // 2])
    lines[0] = b"".join(bytes([byte]) if byte < 128 else b"%%%02X" % byte for byte in lines[0])
    return b"\r\n".join(lines) + HEAD_END, rest


def _with_its_ends(seen: bytes) -> tuple[bytes, bytes]:
    """The head of an answer and what stands behind it, nothing while it is incomplete; its lines end as HTTP asks for,
    also where a CSMS ends all with a bare LF."""
    first = seen.partition(b"\n")[0]
    end = HEAD_END if first == seen or first.endswith(b"\r") else b"\n\n"
    head, ended, rest = seen.partition(end)
    if not ended:
        return b"", b""
    return (head if end == HEAD_END else head.replace(b"\n", b"\r\n")) + HEAD_END, rest


@dataclass(frozen=True, slots=True)
class Accepted:
    """The CSMS took the station: its head as it came, and the first bytes behind it."""

    head: bytes
    rest: bytes
    protocol: str
    deflates: bool


class ResponseReader:
    """Reads the answer of a CSMS, whole where it is a refusal."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parser = self._new_parser()
        self._head: bytearray | None = bytearray()
        self._read = 0

    @property
    def is_refusal(self) -> bool:
        """Whether the head is complete, and not that of an acceptance."""
        return self._head is None

    def _new_parser(self) -> HttpResponseParser:
        return HttpResponseParser(
            BaseProtocol(self._loop),
            self._loop,
            MAX_REFUSAL,
            max_line_size=MAX_LINE,
            read_until_eof=True,
            auto_decompress=False,
        )

    def feed(self, data: bytes) -> Accepted | Refusal | None:
        """None while there is more to come. Raises Refusal when this is no HTTP."""
        try:
            return self._feed(data)
        except HttpProcessingError as error:
            raise Refusal(502, "The CSMS answered what is no HTTP.", "unreachable") from error

    def _feed(self, data: bytes) -> Accepted | Refusal | None:
        if self._head is None:
            return self._feed_body(data)
        self._head += data
        head, rest = _with_its_ends(bytes(self._head))
        if not head:
            if len(self._head) > MAX_HEAD:
                raise Refusal(502, "The head of the CSMS's answer is too long.", "unreachable")
            return None
        messages, _, _ = self._parser.feed_data(head)
        if not messages:
            raise Refusal(502, "The CSMS answered what is no HTTP.", "unreachable")
        self._message, self._body = messages[0]
        if self._message.code == 101:
            names = self._message.headers
            extensions = names.get("Sec-WebSocket-Extensions", "")
            protocol = names.get("Sec-WebSocket-Protocol", "")
            return Accepted(head, rest, protocol, "permessage-deflate" in extensions.lower())
        if self._message.code < 200:
            self._head, self._parser = bytearray(), self._new_parser()
            return self._feed(rest)
        self._head = None
        return self._feed_body(rest)

    def _feed_body(self, data: bytes) -> Refusal | None:
        if data and not self._body.is_eof():
            self._parser.feed_data(data)
        self._read += len(data)
        return self._refusal() if self._body.is_eof() or self._read >= MAX_REFUSAL else None

    def ended(self) -> Refusal:
        """The CSMS closed the connection, or took too long with the rest."""
        if self._head is not None:
            return Refusal(502, "The CSMS closed the connection without an answer.", "unreachable")
        return self._refusal()

    def _refusal(self) -> Refusal:
        message = self._message
        dropped = _ONE_HOP | {b"content-length"} | _named_by_connection(message.raw_headers)
        headers = [(name, value) for name, value in message.raw_headers if name.lower() not in dropped]
        sentence = f"The CSMS refused the station with status {message.code}."
        return Refusal(message.code, sentence, "refused", headers=headers, body=self._body.read_nowait()[:MAX_REFUSAL])
