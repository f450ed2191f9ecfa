"""An application to be served by the real server: it answers as the API does, with or without reading the body."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from core.bodies import WholeBodies

MOST = 5 * 1024 * 1024


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if environ["PATH_INFO"] == "/nobody":
        status, said = "401 Unauthorized", b"who are you"
    elif length > MOST:
        status, said = "413 Payload Too Large", b"too long"
    else:
        status, said = "200 OK", str(len(environ["wsgi.input"].read(length))).encode()
    start_response(status, [("Content-Length", str(len(said)))])
    return [said]


application = WholeBodies(echo, timeout_s=2)
application.watch.start()
