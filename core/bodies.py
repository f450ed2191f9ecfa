"""Between the server and Django: bodies are whole, and an error is said after the client has finished speaking.

A WSGI application is told of a body by its Content-Length; one that is sent in chunks has none and would be read as
empty. And a client that still writes when the answer comes loses the answer with the connection, so what nobody read
is read and thrown away first, within bounds.
"""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from core.slow_bodies import Peer, Watch

# What Django holds in memory at most (DATA_UPLOAD_MAX_MEMORY_SIZE); longer ones in chunks are refused.
MAX_CHUNKED_BYTES = 6 * 1024 * 1024
# How much of a refused body is read, and for how long: a client that sends more than this sees the connection end.
DRAIN_BYTES, DRAIN_S = 64 * 1024 * 1024, 15.0
# What an API request may hold is read before it is served; longer bodies are read by who wants them.
_AT_ONCE = 5 * 1024 * 1024
_STEP = 256 * 1024
# A packed body may be several, one behind the other; each costs as much as some KiB.
MOST_MEMBERS, _UNPACKED_AT_ONCE = 1_000, 16 * 1024
_TOO_SLOW = (
    b'{"type": "about:blank", "title": "Request Timeout", "status": 408,'
    b' "detail": "The body did not arrive in time; nothing was kept. Send it again."}'
)
GZIP = b"\x1f\x8b"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Watched:
    """A body that is waited for until it is late and no longer, and knows how much of it was read."""

    def __init__(self, stream: Any, watch: Watch, peer: Peer) -> None:
        self._stream, self._watch, self._peer = stream, watch, peer
        self.count, self.is_late = 0, False

    def read(self, size: int = -1) -> bytes:
        return self._take(self._stream.read, size)

    def readline(self, size: int = -1) -> bytes:
        return self._take(self._stream.readline, size)

    def _take(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            with self._watch.waiting(max(size, 0), self._peer):
                data = read(size)
        except TimeoutError:
            self.is_late = True
            raise
        self.count += len(data)
        return data


class WholeBodies:
    """Wraps a WSGI application. What does not arrive within `timeout_s`, and a while for each MiB, is answered 408."""

    def __init__(self, application: Application, timeout_s: float = 30.0) -> None:
        self._application, self.watch = application, Watch(timeout_s)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        said = "0" if is_chunked else environ.get("CONTENT_LENGTH") or "0"
        length = int(said) if said.isdecimal() and len(said) < 16 else 0
        if not (is_chunked or length):
            return self._application(environ, start_response)
        peer = Peer(environ.get("REMOTE_ADDR", ""), int(environ.get("SERVER_PORT") or 0))
        body = environ["wsgi.input"] = _Watched(environ["wsgi.input"], self.watch, peer)
        try:
            if is_chunked:
                _join_chunks(environ)
            elif length <= _AT_ONCE:
                whole = body.read(length)
                if len(whole) < length:  # its sender has gone, or was ended with another one
                    return _too_slow(start_response)
                environ["wsgi.input"] = io.BytesIO(whole)
        except TimeoutError:
            return _too_slow(start_response)
        statuses: list[str] = []

        def start(status: str, *more: Any) -> Any:
            statuses.append(status)
            return start_response(status, *more)

        answer = self._application(environ, start)
        if body.is_late:
            return _too_slow(start_response)
        if not is_chunked and statuses and statuses[-1] >= "4":
            _drain(body, length - body.count)
        return answer


def _too_slow(start_response: Callable[..., Any]) -> Iterable[bytes]:
    headers = [("Content-Type", "application/problem+json"), ("Connection", "close"), ("Cache-Control", "no-store")]
    start_response("408 Request Timeout", headers)
    return [_TOO_SLOW]


def _join_chunks(environ: dict[str, Any]) -> None:
    """Makes a body of a known length out of one in chunks; of one that is too long only the length is left."""
    stream = environ["wsgi.input"]
    parts, size = [], 0
    while size <= MAX_CHUNKED_BYTES and (data := stream.read(_STEP)):
        parts.append(data)
        size += len(data)
    if size > MAX_CHUNKED_BYTES:
        size += _drain(stream, DRAIN_BYTES)
        parts.clear()
    environ["CONTENT_LENGTH"] = str(size)
    environ["wsgi.input"] = io.BytesIO(b"".join(parts))


def _drain(stream: Any, length: int) -> int:
    """Reads what is left and returns how much it was."""
    end, left = time.monotonic() + DRAIN_S, min(length, DRAIN_BYTES)
    drained = 0
    with suppress(TimeoutError):
        while drained < left and time.monotonic() < end and (data := stream.read(min(_STEP, left - drained))):
            drained += len(data)
    return drained


class CompressionError(Exception):
    """Why a compressed body cannot be read, with the status that says so."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """A body without its gzip or deflate, of which no more than `limit` bytes are ever made; JSON as it is.

    Raises CompressionError: 413 above the limit, 415 for another encoding, 400 for what is not encoded so.
    """
    named = encoding.strip().lower()
    if named == "identity" or body.lstrip()[:1] in (b"{", b"["):
        return body
    if named not in ("gzip", "x-gzip", "deflate"):
        raise CompressionError(415, "Send the body as it is or with Content-Encoding: gzip.")
    found, at, members = bytearray(), 0, 0
    try:
        while at < len(body):
            members += 1
            if members > MOST_MEMBERS:
                raise CompressionError(413, f"The body is packed in more than {MOST_MEMBERS} pieces; pack it as one.")
            at = _unpack(body, at, found, named, limit)
            while at < len(body) and body[at] == 0:  # some fill up their blocks
                at += 1
    except zlib.error as error:
        raise CompressionError(400, f"The body is not {named} as its Content-Encoding says: {error}.") from error
    return bytes(found)


def _unpack(body: bytes, at: int, found: bytearray, encoding: str, limit: int) -> int:
    """Adds to `found` what a member that begins here holds, and returns where it ends.

    It is fed in steps: of the last of them alone zlib copies what is behind the member.
    """
    bare = _is_bare(body[at : at + 2], encoding)
    member = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)
    while not member.eof:
        if at >= len(body):
            raise CompressionError(400, "The compressed body ends too early.")
        step = body[at : at + _UNPACKED_AT_ONCE]
        found += member.decompress(step, limit + 1 - len(found))
        if len(found) > limit:
            raise CompressionError(413, f"The body is larger than {limit // 1024**2} MiB; send smaller batches.")
        at += len(step) - len(member.unused_data)
    return at


def _is_bare(body: bytes, encoding: str) -> bool:
    """Whether it is deflate without the header that RFC 9110 asks for, as some send it."""
    return encoding == "deflate" and (body[0] & 0x0F != zlib.DEFLATED or int.from_bytes(body[:2], "big") % 31 != 0)
