"""What surrounds every request: its id and log line, sign-in, the viewer's time zone, the audit's actor."""

from __future__ import annotations

import ipaddress
import re
import time
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import structlog
from auditlog.context import set_actor
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import timezone

from console import metrics
from console.api_kit import Problem, problem_response

log = structlog.get_logger("signalbox.request")
Handler = Callable[[HttpRequest], HttpResponseBase]
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_QUIET = ("/healthz", "/readyz", "/metrics", "/static/")
KNOWN_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
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
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = self.get_response(request)
        took = time.perf_counter() - started
        response["X-Request-ID"] = request_id
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


class SignInRequired(LoginRequiredMiddleware):
    """Everything needs a sign-in unless a view says otherwise; the API has keys instead of sessions.

    A part of a page that htmx asks for after the session ended sends the whole page to the sign-in.
    """

    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        if request.path.startswith("/api/"):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        response: HttpResponseBase = super().handle_no_permission(request, view_func)
        if request.headers.get("HX-Request") != "true":
            return response
        sign_in = resolve_url(settings.LOGIN_URL)
        answer = HttpResponse(status=401)
        # Back to the page that asked, not to the part of it that was asked for.
        page = _page_of(request)
        answer["HX-Redirect"] = f"{sign_in}?{urlencode({'next': page}, safe='/')}" if page else sign_in
        return answer


def _page_of(request: HttpRequest) -> str:
    """The path of the page on which htmx runs, if it is one of ours; else what was read, if anything was."""
    shown = urlsplit(request.headers.get("HX-Current-URL", ""))
    if shown.netloc == request.get_host() and shown.path.startswith("/"):
        return shown._replace(scheme="", netloc="", fragment="").geturl()
    return request.get_full_path() if request.method in SAFE_METHODS else ""


class ViewerTimeZone:
    """Times are shown in the zone that the browser reported in a cookie, else in the installation's."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = unquote(request.COOKIES.get("signalbox_tz", ""))
        try:
            zone = zoneinfo.ZoneInfo(name) if name else None
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            zone = None
        with timezone.override(zone):
            return self.get_response(request)


class AuditActor:
    """Tells the audit log who is changing something. Reading requests and API calls skip it: keys name themselves."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method in SAFE_METHODS or request.path.startswith("/api/") or not request.user.is_authenticated:
            return self.get_response(request)
        with set_actor(request.user, remote_addr=client_address(request) or None):
            return self.get_response(request)
