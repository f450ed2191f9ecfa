"""What surrounds every request, of people and machines: its id and log line, and problem documents below /api/."""

from __future__ import annotations

import ipaddress
import re
import time
import unicodedata
import uuid
from collections.abc import Callable
from urllib.parse import quote

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from core import metrics
from core.api import Problem, problem_response
from core.text import UNKNOWN

log = structlog.get_logger("signalbox.request")
Handler = Callable[[HttpRequest], HttpResponseBase]
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_QUIET = ("/healthz", "/readyz", "/metrics", "/static/")
KNOWN_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def client_address(request: HttpRequest) -> str:
    """The peer's address; behind TRUSTED_PROXIES proxies, the one that the outermost trusted of them saw.

    Empty when there is none, as behind a Unix socket: what is no address must not reach a column for addresses.
    """
    peer = _address(request.META.get("REMOTE_ADDR", ""))
    seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    hops = settings.TRUSTED_PROXIES
    return (_address(seen[-hops]) or peer) if hops and len(seen) >= hops else peer


def limited_address(request: HttpRequest) -> str:
    """Under which address wrong passwords are counted: all who come without one share one."""
    return client_address(request) or "0.0.0.0"  # noqa: S104 - no socket is bound to it


def _address(text: str) -> str:
    """An address without brackets, port or zone; an IPv4 address that was wrapped into IPv6 in its own form."""
    host = text.split("]")[0].lstrip("[") if text.startswith("[") else text
    host = host.partition(":")[0] if host.count(":") == 1 else host
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


class RequestLog:
    """One log line per request, with an id that goes back in `X-Request-ID`, and the request metrics."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent_id = request.headers.get("X-Request-ID", "")
        request_id = sent_id if _REQUEST_ID.fullmatch(sent_id) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = self.get_response(request)
        took = time.perf_counter() - started
        # OCPI's ids may have other letters, and go back as they came.
        response.headers.setdefault("X-Request-ID", request_id)
        route = request.resolver_match.route if request.resolver_match else "unmatched"
        # Whatever a stranger calls a method must not become a series of its own.
        method = request.method if request.method in KNOWN_METHODS else "other"
        metrics.HTTP_SECONDS.labels(method, route, response.status_code // 100).observe(took)
        if not request.path.startswith(_QUIET):
            user = getattr(request, "user", None)
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                ms=round(took * 1000, 1),
                user=user.pk if user is not None and user.is_authenticated else None,
            )
        return response


class StorableAddress:
    """Puts U+FFFD for NUL in the path and the query, as Django does for bytes that are no UTF-8."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path_info:
            request.path_info, request.path = (
                path.replace("\0", UNKNOWN) for path in (request.path_info, request.path)
            )
        if "%00" in request.META.get("QUERY_STRING", ""):
            request.META["QUERY_STRING"] = request.META["QUERY_STRING"].replace("%00", quote(UNKNOWN))
        return self.get_response(request)


_OF_MACHINES = ("/api/", "/ocpi/")


class ComposedForms:
    """Composes the accents of what people type (NFC), as `composed_json` does for machines; passwords stay as they are.

    Stands behind what reads forms in front of the views.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        # Machines send bodies, whatever type they name; who reads them as a form takes them away.
        is_form = request.method == "POST" and request.content_type in _FORMS
        if not is_form or request.path_info.startswith(_OF_MACHINES):
            return
        parted = {
            name: [unicodedata.normalize("NFC", value) for value in values]
            for name, values in request.POST.lists()
            if "password" not in name and not all(unicodedata.is_normalized("NFC", value) for value in values)
        }
        if parted:
            typed = request.POST.copy()
            for name, values in parted.items():
                typed.setlist(name, values)
            request.POST = typed  # type: ignore[assignment] # as Django's own parser sets it, but for being locked


class ApiProblems:
    """Makes a problem document of every error below /api/ that is none yet, e.g. a method that an address lacks."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_problem = response.headers.get("Content-Type", "") == "application/problem+json"
        if response.status_code < 400 or is_problem or not request.path.startswith("/api/"):
            return response
        allowed = response.headers.get("Allow")
        if allowed:
            problem = Problem(response.status_code, f"This address takes {allowed} alone.", headers={"Allow": allowed})
        else:
            problem = Problem(response.status_code, "Signalbox could not answer this request.")
        answer = problem_response(problem)
        answer._has_been_logged = True  # type: ignore[attr-defined]
        return answer
