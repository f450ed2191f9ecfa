"""Whether a part of Signalbox lives, asked from outside by a container's health check: without Django, within 0.1 s.

    python -m core.alive worker

Web and proxy are asked for /healthz. What listens nowhere touches a file while it works, whatever else is away: a
worker must not be ended because the database is.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import ssl
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

# Beat and the dispatchers look round every few seconds.
QUIET_S = 120.0
ASK_WITHIN_S = 3.0
BY_FILE = ("worker", "beat", "mqtt")
PORTS = {"web": ("PORT", 8000), "proxy": ("OCPP_PORT", 9000)}


def show_alive(part: str, folder: Path) -> None:
    """Called by the part itself, as often as it likes."""
    with contextlib.suppress(OSError):
        (folder / f"{part}.alive").touch(mode=0o600)


def is_alive(part: str, folder: Path) -> bool:
    try:
        return abs(time.time() - (folder / f"{part}.alive").stat().st_mtime) < QUIET_S
    except OSError:
        return False


def answers(port: int, host: str, *, is_tls: bool) -> bool:
    """Whether /healthz of this machine's port says that all is well; `host` is the name by which it is asked."""
    connection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=ASK_WITHIN_S, context=_unverified())
        if is_tls
        else http.client.HTTPConnection("127.0.0.1", port, timeout=ASK_WITHIN_S)
    )
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        return connection.getresponse().status == 200
    except ssl.SSLError:
        return True  # it spoke TLS, and wants a certificate that only stations have
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the certificate is for another name
    return context


def main(parts: list[str]) -> int:
    env = os.environ.get
    if len(parts) != 1 or parts[0] not in (*BY_FILE, *PORTS):
        sys.stderr.write(f"Say which part: {', '.join((*BY_FILE, *PORTS))}.\n")
        return 2
    part = parts[0]
    if part in BY_FILE:
        folder = env("METRICS_DIR") or Path(env("VAR_DIR") or "var") / "metrics"
        return 0 if is_alive(part, Path(folder)) else 1
    name, usual = PORTS[part]
    host = urlsplit(env("PUBLIC_URL", "")).netloc or "localhost"
    is_tls = part == "proxy" and bool(env("OCPP_TLS_CERTIFICATE"))
    return 0 if answers(int(env(name) or usual), host, is_tls=is_tls) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
