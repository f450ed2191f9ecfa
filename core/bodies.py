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
from typing import Any

# What Django holds in memory at most (DATA_UPLOAD_MAX_MEMORY_SIZE); longer ones in chunks are refused.
MAX_CHUNKED_BYTES = 6 * 1024 * 1024
# How much of a refused body is read, and for how long: a client that sends more than this sees the connection end.
DRAIN_BYTES, DRAIN_S = 64 * 1024 * 1024, 15.0
# The server reads this much by itself.
_SMALL = 16 * 1024
_STEP = 256 * 1024
GZIP = b"\x1f\x8b"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Counted:
    """A body that knows how much of it was read."""

    def __init__(self, stream: Any) -> None:
        self._stream, self.count = stream, 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self.count += len(data)
        return data

    def readline(self, size: int = -1) -> bytes:
        line: bytes = self._stream.readline(size)
        self.count += len(line)
        return line


class WholeBodies:
    """Wraps a WSGI application."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            _join_chunks(environ)
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) <= _SMALL:
            return self._application(environ, start_response)
        body = environ["wsgi.input"] = _Counted(environ["wsgi.input"])
        statuses: list[str] = []

        def start(status: str, *more: Any) -> Any:
            statuses.append(status)
            return start_response(status, *more)

        answer = self._application(environ, start)
        if statuses and statuses[-1] >= "4":
            _drain(body, int(length) - body.count)
        return answer


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
    parts, size = [], 0
    try:
        while body:
            member = zlib.decompressobj(-zlib.MAX_WBITS if _is_bare(body, named) else zlib.MAX_WBITS | 32)
            parts.append(member.decompress(body, limit + 1 - size))
            size += len(parts[-1])
            if size > limit:
                raise CompressionError(413, f"The body is larger than {limit // 1024**2} MiB; send smaller batches.")
            if not member.eof:
                raise CompressionError(400, "The compressed body ends too early.")
            body = member.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise CompressionError(400, f"The body is not {named} as its Content-Encoding says: {error}.") from error
    return b"".join(parts)


def _is_bare(body: bytes, encoding: str) -> bool:
    """Whether it is deflate without the header that RFC 9110 asks for, as some send it."""
    return encoding == "deflate" and (body[0] & 0x0F != zlib.DEFLATED or int.from_bytes(body[:2], "big") % 31 != 0)
