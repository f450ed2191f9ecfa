"""A charge point operator as the specification describes one: a client of plain HTTP, and a sender of Locations.

It shares no code with what it tests. Its messages have the form of the examples of the specification
(github.com/ocpi/ocpi, `examples/`, OCPI 2.2.1 and 2.3.0).
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.test import Client

TOKEN_B = "ebf3b399-779f-4497-9b9d-ac6ad3cc44d2"


def in_base64(token: str) -> str:
    return base64.b64encode(token.encode()).decode()


def connector(number: str = "1", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 220,
        "max_amperage": 16,
        "last_updated": "2026-11-01T10:00:00Z",
    } | more


def evse(uid: Any = "3256", status: Any = "AVAILABLE", **more: Any) -> dict[str, Any]:
    return {
        "uid": uid,
        "evse_id": f"BE*BEC*E04150{uid}",
        "status": status,
        "capabilities": ["RESERVABLE"],
        "connectors": [connector()],
        "physical_reference": "1",
        "last_updated": "2026-11-01T10:00:00Z",
    } | more


def location(pk: str = "LOC1", /, *evses: Any, **more: Any) -> dict[str, Any]:
    return {
        "country_code": "BE",
        "party_id": "BEC",
        "id": pk,
        "publish": True,
        "name": "Gent Zuid",
        "address": "F.Rooseveltlaan 3A",
        "city": "Gent",
        "postal_code": "9000",
        "country": "BEL",
        "coordinates": {"latitude": "51.047599", "longitude": "3.729944"},
        "evses": list(evses) or [evse("3256"), evse("3257", physical_reference="2")],
        "operator": {"name": "BeCharged"},
        "time_zone": "Europe/Brussels",
        "last_updated": "2026-11-01T10:00:00Z",
    } | more


def role(country: str = "BE", party: str = "BEC", kind: str = "CPO", name: str = "BeCharged") -> dict[str, Any]:
    return {"role": kind, "country_code": country, "party_id": party, "business_details": {"name": name}}


class Sender:
    """An operator's own server: versions, endpoints, and its locations page by page."""

    def __init__(self) -> None:
        self.locations: list[Any] = []
        self.token, self.takes_base64, self.takes_plain = TOKEN_B, True, False
        self.versions = ["2.1.1", "2.2.1", "2.3.0"]
        self.page_size, self.sends_link, self.sends_total = 2, True, True
        self.modules: list[tuple[str, str]] = [("credentials", "SENDER"), ("locations", "SENDER")]
        self.requests: list[tuple[str, dict[str, str]]] = []
        # Answers instead of the usual: status and body.
        self.answer: tuple[int, bytes] | None = None
        self.on_page: Callable[[int], None] = lambda offset: None
        # Of a handshake that the other side begins: by which token it may, and what it gave.
        self.token_a = ""
        self.given: list[tuple[str, dict[str, Any] | None]] = []
        self.on_credentials: Callable[[dict[str, Any]], None] = lambda given: None
        self.roles = [role()]
        self.url = ""

    @property
    def versions_url(self) -> str:
        return f"{self.url}/ocpi/cpo/versions"

    def credentials(self, *roles: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"token": self.token, "url": self.versions_url, "roles": list(roles) or [role()]} | more

    def respond(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.requests.append((path, headers))
        if self.answer is not None:
            return self.answer[0], {}, self.answer[1]
        tokens = [token for token in (self.token, self.token_a) if token]
        known = [in_base64(one) for one in tokens] * self.takes_base64 + tokens * self.takes_plain
        if headers.get("authorization", "") not in [f"Token {token}" for token in known]:
            return 401, {}, self._envelope(None, 2001)
        parts = urlsplit(path)
        if parts.path == "/ocpi/cpo/versions":
            listed = [{"version": v, "url": f"{self.url}/ocpi/cpo/{v}"} for v in self.versions]
            return 200, {}, self._envelope(listed)
        if parts.path.endswith("/locations"):
            return self._page(parts.path, parse_qs(parts.query))
        version = parts.path.rpartition("/")[2]
        endpoints = [
            {"identifier": name, "role": kind, "url": f"{self.url}{parts.path}/{name}"} for name, kind in self.modules
        ]
        return 200, {}, self._envelope({"version": version, "endpoints": endpoints})

    def take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Credentials: POST and PUT give a new token; DELETE answers without data."""
        status, more, answer = self.respond(path, headers)
        if status != 200:
            return status, more, answer
        given = json.loads(body) if body else None
        self.given.append((method, given))
        if given is None:
            self.token = "thrown-away"
            return 200, {}, json.dumps({"status_code": 1000, "timestamp": "2026-11-21T05:40:00Z"}).encode()
        self.on_credentials(given)
        self.token_a, self.token = "", f"token-c-{len(self.given)}"
        return 200, {}, self._envelope(self.credentials(*self.roles))

    def _page(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, str], bytes]:
        offset = int(query.get("offset", ["0"])[0])
        limit = min(int(query.get("limit", ["1000"])[0]), self.page_size)
        self.on_page(offset)
        headers = {"X-Limit": str(self.page_size)}
        if self.sends_total:
            headers["X-Total-Count"] = str(len(self.locations))
        if self.sends_link and offset + limit < len(self.locations):
            headers["Link"] = f'<{self.url}{path}?offset={offset + limit}&limit={limit}>; rel="next"'
        return 200, headers, self._envelope(self.locations[offset : offset + limit])

    @staticmethod
    def _envelope(data: Any, code: int = 1000) -> bytes:
        return json.dumps(
            {"data": data, "status_code": code, "status_message": "Success", "timestamp": "2026-11-21T05:40:00Z"}
        ).encode()


@contextmanager
def serving(sender: Sender) -> Iterator[Sender]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent = self.rfile.read(int(headers.get("content-length", 0)))
            if self.command == "GET":
                status, more, body = sender.respond(self.path, headers)
            else:
                status, more, body = sender.take(self.command, self.path, headers, sent)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - as the server looks for them

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    sender.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield sender
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Cpo:
    """Calls Signalbox as an operator does, with one token."""

    LOCATIONS = "/ocpi/emsp/2.2.1/locations/BE/BEC"

    def __init__(self, token: str, *, is_plain: bool = False) -> None:
        self.token, self.is_plain, self.client = token, is_plain, Client()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        token = self.token if self.is_plain else in_base64(self.token)
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Token {token}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(method, path, data, content_type="application/json", headers=sent)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def put(self, place: str, body: Any) -> Any:
        """An object of its own; `place` stands behind its country code and party id."""
        return self.call("PUT", f"{self.LOCATIONS}/{place}", body)

    def patch(self, place: str, body: Any) -> Any:
        return self.call("PATCH", f"{self.LOCATIONS}/{place}", body)


def said(answer: Any) -> tuple[int, int]:
    """HTTP's code and OCPI's, of an answer that has OCPI's envelope."""
    envelope = answer.json()
    assert envelope["timestamp"].endswith("Z")
    return answer.status_code, envelope["status_code"]
