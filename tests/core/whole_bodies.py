"""An application to be served by the real server: it answers as the API does, with or without reading the body."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

from core.bodies import WholeBodies

MOST = 5 * 1024 * 1024


# What the server itself has asked of somebody on the machine of those who send to it: a database, for example.
_database = socket.create_server(("127.0.0.1", 0))
_asked = socket.create_connection(_database.getsockname())
_answering = _database.accept()[0]


def ask_again() -> bytes:
    """Whether that connection still works: what was received on it was the last thing on it."""
    _asked.sendall(b"?")
    _answering.recv(1)
    time.sleep(0.05)
    _answering.sendall(b"!")
    return _asked.recv(1)


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if environ["PATH_INFO"] == "/database":
        status, said = "200 OK", ask_again()
    elif environ["PATH_INFO"] == "/late":
        time.sleep(1)
        status, said = "200 OK", b"late"
    elif environ["PATH_INFO"] == "/nobody":
        status, said = "401 Unauthorized", b"who are you"
    elif length > MOST:
        status, said = "413 Payload Too Large", b"too long"
    else:
        status, said = "200 OK", str(len(environ["wsgi.input"].read(length))).encode()
    start_response(status, [("Content-Length", str(len(said)))])
    return [said]


application = WholeBodies(echo, timeout_s=2)
application.watch.start()
