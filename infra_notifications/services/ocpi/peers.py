"""Calls a party's own OCPI endpoints, through the client that judges every address first."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import msgspec
import structlog

from core.bodies import GZIP, CompressionError, decompress
from core.pieces import MALFORMED, decode_any
from core.text import one_line, shown_url
from infra_notifications.rules.vocabulary import object_of, text, whole
from outbox.services.webhooks import policy_from_settings
from outbox.transports.webhook.http import Answer, BlockingClient, Unreachable
from outbox.transports.webhook.targets import Forbidden

log = structlog.get_logger("signalbox.ocpi")
# A page of locations, or a party's endpoints.
_PORTS = {"http": 80, "https": 443}
MOST_BYTES = 20 * 1024 * 1024
_NEXT = re.compile(r'<([^<>]*)>\s*(?:;[^,<]*)?;\s*rel="?next"?', re.IGNORECASE)


class PeerError(Exception):
    """A party's endpoint could not be used; the sentence says why, and names no token."""


@dataclass(frozen=True, slots=True)
class Page:
    """The data of an answer, the address of the next page, and how many objects there are in all (None: unsaid)."""

    data: Any
    next_url: str | None
    total: int | None


class Peer:
    """One party, called with one token over kept connections.

        with Peer(token) as peer:
            versions = peer.get(url).data

    The specification asks for the token in Base64; a party that refuses that is asked again with the token as it is,
    which `is_plain` then says.
    """

    def __init__(self, token: str, *, is_plain: bool = False) -> None:
        self._token, self.is_plain = token, is_plain
        self._client = BlockingClient(policy_from_settings())

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.__exit__(kind, error, at)

    def get(self, url: str, routing: Mapping[str, str] | None = None) -> Page:
        """What is at an address. `routing` are OCPI's headers for it. Raises PeerError."""
        return self._ask("GET", url, None, routing)

    def send(self, method: str, url: str, body: object = None) -> Any:
        """The data of the answer to POST, PUT or DELETE. Raises PeerError."""
        return self._ask(method, url, None if body is None else msgspec.json.encode(body), None).data

    def _ask(self, method: str, url: str, body: bytes | None, routing: Mapping[str, str] | None) -> Page:
        answer = self._answer(method, url, body, routing)
        if answer.status == 401:
            self.is_plain = not self.is_plain
            answer = self._answer(method, url, body, routing)
        if not 200 <= answer.status < 300:
            self.is_plain = self.is_plain if answer.status != 401 else not self.is_plain
            raise PeerError(f"{_shown(url)} answered with HTTP {answer.status}{_said(answer)}.")
        envelope = object_of(_parsed(answer, url))
        code = whole(envelope.get("status_code")) or 0
        has_data = "data" in envelope or method == "DELETE"
        if not 1000 <= code < 2000 or not has_data:
            raise PeerError(f"{_shown(url)} answered with no data of OCPI{_said(answer)}.")
        following = _NEXT.search(answer.headers.get("link", ""))
        next_url = _next_url(url, following[1].strip()) if following else None
        total = answer.headers.get("x-total-count", "").strip()
        return Page(envelope.get("data"), next_url, int(total[:9]) if total.isascii() and total.isdigit() else None)

    def _answer(self, method: str, url: str, body: bytes | None, routing: Mapping[str, str] | None) -> Answer:
        token = self._token if self.is_plain else base64.b64encode(self._token.encode()).decode()
        headers = {
            "Authorization": f"Token {token}",
            "Accept": "application/json",
            "User-Agent": "Signalbox",
            "X-Request-ID": str(uuid.uuid4()),
            "X-Correlation-ID": str(uuid.uuid4()),
            **({} if body is None else {"Content-Type": "application/json"}),
            **(routing or {}),
        }
        try:
            answer = self._client.ask(method, url, headers, MOST_BYTES, body)
        except (Forbidden, Unreachable) as error:
            raise PeerError(f"{_shown(url)} could not be asked: {error}") from error
        log.info("a party answered", url=_shown(url), status=answer.status)
        return answer


def _next_url(url: str, link: str) -> str:
    """The address of the next page. A link to another server would take the party's token there."""
    following = urljoin(url, link)
    if _server_of(following) != _server_of(url):
        raise PeerError(f"{_shown(url)} links to a next page on another server: {_shown(following)}.")
    return following


def _server_of(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), parts.hostname or "", parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError as error:
        raise PeerError(f"{_shown(url)} is no address.") from error


def _shown(url: str) -> str:
    """Of an address what people may read: behind the host may stand a token."""
    with suppress(ValueError):
        return one_line(shown_url(url))[:200]
    return "***"


def _parsed(answer: Answer, url: str) -> Any:
    body, encoding = answer.body, answer.headers.get("content-encoding", "")
    try:
        if body[:2] == GZIP or encoding:
            body = decompress(body, encoding or "gzip", MOST_BYTES)
        return decode_any(body)[0]
    except (CompressionError, *MALFORMED) as error:
        raise PeerError(f"{_shown(url)} answered with something that is no JSON.") from error


def _said(answer: Answer) -> str:
    """OCPI's own code and sentence of an answer that failed, where it has any and may be shown."""
    if answer.is_inside:
        return ""
    try:
        envelope = object_of(decode_any(answer.body)[0])
    except MALFORMED:
        return ""
    code, said = whole(envelope.get("status_code")), one_line(text(envelope.get("status_message")))[:120]
    return f" (OCPI {code}{': ' + said if said else ''})" if code else ""
