"""The vendor's fleet-owner API (reference B1): mutual TLS, Basic authentication, a client id in every address.

It is called through the client that judges every address, on a connection of its own for each request. A kept one may
have been closed by the other side just when a command is written to it, and then nobody knows whether the command
arrived; with a fresh one we know what was never sent.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import structlog
from django.conf import settings
from django.utils import timezone

from core.text import clean_json
from fleet_remotes.catalogue.words import CALLBACK_STATUS
from outbox.transports.webhook.http import BlockingClient, Unreachable
from outbox.transports.webhook.targets import DEFAULT_PORTS, Forbidden, Policy

log = structlog.get_logger("signalbox.remotes.client")
MOST_BYTES = 2 * 1024 * 1024
LOOPBACK = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))
# More pages than a vehicle's two months can fill: a list that goes on then leads round in a circle.
MOST_PAGES = 1_000
PAGE_SIZE = 60  # the vendor's most
DEFAULT_RETRY_AFTER_S = 60.0
MAX_RETRY_AFTER_S = 24 * 3600.0


class ApiAway(Exception):
    """No answer was had. `may_have_arrived` says whether the request could have been received all the same."""

    def __init__(self, reason: str, *, may_have_arrived: bool) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived


class ApiError(Exception):
    """The vendor answered, but not as hoped: its HTTP status and the fields of its xError."""

    def __init__(
        self, status: int, *, code: str = "", text: str = "", uuid: str = "", retry_after_s: float = 0
    ) -> None:
        super().__init__(" ".join(filter(None, (f"HTTP {status}", code, text))))
        self.status, self.code, self.text, self.uuid = status, code, text, uuid
        self.retry_after_s = retry_after_s

    @property
    def is_throttled(self) -> bool:
        return self.status == 429

    @property
    def leaves_fate_open(self) -> bool:
        """A server's error: the request may have been carried out before it."""
        return self.status >= 500


def is_set_up() -> bool:
    """Whether the access to the vendor's API is configured."""
    return bool(settings.REMOTES_CLIENT_ID)


class Remotes:
    """One caller of the API. Raises ApiAway without an answer, ApiError for any answer but 2xx."""

    def __init__(self) -> None:
        parts = urlsplit(settings.REMOTES_API_URL)
        is_near = _is_loopback(parts.hostname or "")
        if parts.scheme != "https" and not is_near:
            raise ApiAway("REMOTES_API_URL must be https: it carries the password.", may_have_arrived=False)
        self._policy = Policy(
            (*settings.OUTBOX_ALLOWED_NETWORKS, *(LOOPBACK if is_near else ())),
            (parts.scheme,),
            (parts.port or DEFAULT_PORTS[parts.scheme],),
        )

    # ---- commands ---------------------------------------------------------------------------------------------

    def send(self, fleet: str, vehicle_id: str, callback_id: str, body: Mapping[str, Any]) -> str:
        """Posts a command and returns the vendor's id of the action. Never called twice for one action by itself."""
        answer = self._call("POST", f"{_remotes(fleet, vehicle_id, callback_id)}", body)
        remote_action_id = answer.get("remoteActionId") if isinstance(answer, dict) else None
        if not isinstance(remote_action_id, str) or not remote_action_id or len(remote_action_id) > 128:
            raise ApiAway("The vendor took the command but named no id for it.", may_have_arrived=True)
        return remote_action_id

    def action(self, fleet: str, vehicle_id: str, callback_id: str, remote_action_id: str) -> dict[str, Any]:
        """The vendor's record of an action."""
        path = f"{_remotes(fleet, vehicle_id, callback_id)}/{quote(remote_action_id, safe='')}"
        return _object(self._call("GET", path))

    def actions(self, fleet: str, vehicle_id: str, callback_id: str) -> list[dict[str, Any]]:
        """The vendor's whole list of a vehicle's actions. Raises ApiAway where its end cannot be read: what is not in
        a part of a list may be in the rest."""
        return self._whole_list(_remotes(fleet, vehicle_id, callback_id))

    def _whole_list(self, path: str, **more: str) -> list[dict[str, Any]]:
        query = {"pageSize": str(PAGE_SIZE), **more}
        entries: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            answer = self._call("GET", path, query=query)
            if not _is_list(answer):
                raise ApiAway("The vendor answered with something that is no list.", may_have_arrived=True)
            entries += listed_objects(answer)
            link = _next_link(answer)
            if not link:
                return entries
            path, query = self._followed(path, link)
        raise ApiAway(f"The vendor's list has more than {MOST_PAGES} pages.", may_have_arrived=True)

    def _followed(self, path: str, link: str) -> tuple[str, dict[str, str]]:
        """Path and query of a link in an answer. It is asked for at the API's own address: it gets the password."""
        base = urlsplit(settings.REMOTES_API_URL).path
        parts = urlsplit(urljoin(base + path, link))
        return parts.path.removeprefix(base), dict(parse_qsl(parts.query))

    # ---- vehicles ---------------------------------------------------------------------------------------------

    def fleets(self) -> list[dict[str, Any]]:
        """The fleets of this subscription."""
        return self._whole_list("/fleets")

    def vehicles(self, fleet: str) -> list[dict[str, Any]]:
        """The vehicles of a fleet: id, VIN, brand; what each can do stands in its own record alone."""
        return self._whole_list(f"/fleets/{quote(fleet, safe='')}/vehicles", extension="branding")

    def vehicle(self, fleet: str, vehicle_id: str) -> dict[str, Any]:
        """One vehicle with its capabilities."""
        return _object(self._call("GET", _vehicle(fleet, vehicle_id), query={"extension": "onboardCapabilities"}))

    def vehicle_status(self, fleet: str, vehicle_id: str) -> dict[str, Any]:
        """What is last known of a vehicle's state; asking does not wake it up."""
        return _object(self._call("GET", f"{_vehicle(fleet, vehicle_id)}/status"))

    # ---- callbacks --------------------------------------------------------------------------------------------

    def create_callback(self, fleet: str, body: Mapping[str, Any]) -> tuple[str, str]:
        """Registers a callback and returns the vendor's id and status of it."""
        return _registered(self._call("POST", _callbacks(fleet), body))

    def callbacks(self, fleet: str) -> list[dict[str, Any]]:
        """Every callback of a fleet that the vendor knows."""
        return self._whole_list(_callbacks(fleet))

    def callback(self, fleet: str, callback_id: str) -> tuple[str, str]:
        """The id and status of a callback."""
        return _registered(self._call("GET", _callbacks(fleet, callback_id)))

    def subscription(self, fleet: str, callback_id: str) -> dict[str, Any]:
        """A callback as it was registered, to be changed and given back whole."""
        return _object(_object(self._call("GET", _callbacks(fleet, callback_id))).get("subscribe"))

    def update_callback(self, fleet: str, callback_id: str, body: Mapping[str, Any]) -> tuple[str, str]:
        """Replaces a callback; the vendor wants it whole."""
        return _registered(self._call("PUT", _callbacks(fleet, callback_id), body))

    def set_callback_status(self, fleet: str, callback_id: str, status: str) -> tuple[str, str]:
        """Running or Paused; what is paused posts nothing at all."""
        return _registered(self._call("PUT", f"{_callbacks(fleet, callback_id)}/status", {"status": status}))

    def delete_callback(self, fleet: str, callback_id: str) -> None:
        """The vendor refuses while a command is pending. One that it does not know any more is gone too."""
        try:
            self._call("DELETE", _callbacks(fleet, callback_id))
        except ApiError as error:
            if error.status != 404:
                raise

    # ---- the wire ---------------------------------------------------------------------------------------------

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> Any:
        query = {**(query or {}), "client_id": settings.REMOTES_CLIENT_ID}
        url = f"{settings.REMOTES_API_URL}{path}?{urlencode(query)}"
        data = None if body is None else json.dumps(body).encode()
        try:
            # Taken anew each time: a certificate may have been renewed.
            with BlockingClient(self._policy, tls=_tls(), total_s=settings.REMOTES_TIMEOUT_S) as client:
                answer = client.ask(method, url, _headers(data), MOST_BYTES, data)
        except Unreachable as error:
            raise ApiAway(str(error), may_have_arrived=error.may_have_arrived) from error
        except (OSError, Forbidden) as error:  # a certificate that cannot be read, an address that may not be called
            raise ApiAway(str(error), may_have_arrived=False) from error
        log.info("vendor answered", method=method, path=path, status=answer.status)
        parsed = _parsed(answer.body)
        if not 200 <= answer.status < 300:
            raise _error(answer.status, parsed, answer.headers.get("retry-after", ""))
        return parsed


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls() -> ssl.SSLContext:
    """Verifies the vendor and shows our certificate. Raises OSError for a file that cannot be read."""
    context = ssl.create_default_context(cafile=settings.REMOTES_CA or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.REMOTES_CERTIFICATE:
        context.load_cert_chain(settings.REMOTES_CERTIFICATE, settings.REMOTES_CERTIFICATE_KEY or None)
    return context


def _headers(data: bytes | None) -> dict[str, str]:
    login = f"{settings.REMOTES_USERNAME}:{settings.REMOTES_PASSWORD}".encode()
    headers = {
        "Authorization": "Basic " + base64.b64encode(login).decode(),
        "Accept": "application/hal+json",
        "User-Agent": "Signalbox",
        "Connection": "close",
    }
    return headers if data is None else headers | {"Content-Type": "application/json"}


def _remotes(fleet: str, vehicle_id: str, callback_id: str) -> str:
    parts = (quote(part, safe="") for part in (fleet, vehicle_id, callback_id))
    return "/fleets/{}/vehicles/{}/callbacks/{}/remotes".format(*parts)


def _vehicle(fleet: str, vehicle_id: str) -> str:
    return "/fleets/{}/vehicles/{}".format(*(quote(part, safe="") for part in (fleet, vehicle_id)))


def _callbacks(fleet: str, callback_id: str = "") -> str:
    path = f"/fleets/{quote(fleet, safe='')}/remote/callbacks"
    return f"{path}/{quote(callback_id, safe='')}" if callback_id else path


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(clean_json(content)) if content.strip() else {}
    except (ValueError, RecursionError):
        return {}


def _object(parsed: Any) -> dict[str, Any]:
    return parsed if isinstance(parsed, dict) else {}


def listed_objects(parsed: Any) -> list[dict[str, Any]]:
    """The objects of a HAL list, whatever it is called in `_embedded`."""
    if isinstance(parsed, list):
        return [entry for entry in parsed if isinstance(entry, dict)]
    embedded = _object(_object(parsed).get("_embedded", parsed))
    lists = [value for value in embedded.values() if isinstance(value, list)]
    return [entry for value in lists for entry in value if isinstance(entry, dict)]


def _is_list(parsed: Any) -> bool:
    return isinstance(parsed, list) or bool(_object(parsed).keys() & {"_embedded", "total"})


def _next_link(parsed: Any) -> str:
    link = _object(_object(_object(parsed).get("_links")).get("next")).get("href")
    return link if isinstance(link, str) else ""


def _registered(parsed: Any) -> tuple[str, str]:
    record = _object(parsed)
    callback_id = record.get("callbackId") or record.get("id")
    if not isinstance(callback_id, str) or not callback_id or len(callback_id) > 128:
        raise ApiAway("The vendor named no id for the callback.", may_have_arrived=True)
    return callback_id, CALLBACK_STATUS.read(str(record.get("status"))) or "Running"


def _error(status: int, parsed: Any, retry_after: str) -> ApiError:
    error = _object(parsed)
    return ApiError(
        status,
        code=str(error.get("code") or "")[:20],
        text=str(error.get("message") or "")[:300],
        uuid=str(error.get("uuid") or "")[:64],
        retry_after_s=seconds_to_wait(retry_after) if status == 429 else 0,
    )


def seconds_to_wait(raw: str) -> float:
    """Seconds of `Retry-After`, which may be a number or a date; a minute when it is neither."""
    try:
        seconds = float(raw)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(raw) - timezone.now()).total_seconds()
        except (ValueError, TypeError):
            seconds = DEFAULT_RETRY_AFTER_S
    if seconds != seconds:  # "nan" is a float
        return DEFAULT_RETRY_AFTER_S
    return min(max(seconds, 1.0), MAX_RETRY_AFTER_S)
