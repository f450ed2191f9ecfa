"""Between the server and Django: bodies are whole, and an error is said after the client has finished speaking.

A WSGI application is told of a body by its Content-Length; one that is sent in chunks has none and would be read as
empty. And a client that still writes when the answer comes loses the answer with the connection, so what nobody read
is read and thrown away first, within bounds.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable
from typing import Any

# What Django holds in memory at most (DATA_UPLOAD_MAX_MEMORY_SIZE); longer ones in chunks are refused.
MAX_CHUNKED_BYTES = 6 * 1024 * 1024
# How much of a refused body is read, and for how long: a client that sends more than this sees the connection end.
DRAIN_BYTES, DRAIN_S = 64 * 1024 * 1024, 15.0
# The server reads this much by itself.
_SMALL = 16 * 1024
_STEP = 256 * 1024

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
