"""What surrounds every request, of people and machines: its id and log line, and problem documents below /api/."""

from __future__ import annotations

import re
import time
import unicodedata
import uuid
from collections.abc import Callable
from urllib.parse import quote

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.utils import timezone

from core import metrics
from core.addresses import asked_from, client_address
from core.api import Problem, audited_by, needs_too_much, problem_response
from core.choices import Scope
from core.handlers import OF_MACHINES
from core.hashing import TooManyPasswords
from core.memory import is_short_of_memory
from core.models import ApiKey
from core.people import SEE_PEOPLE, key_sees_people, seen_by
from core.rates import Verdict
from core.reporting import audit_reading
from core.text import UNKNOWN

log = structlog.get_logger("signalbox.request")
Handler = Callable[[HttpRequest], HttpResponseBase]
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_QUIET = ("/healthz", "/readyz", "/metrics", "/static/")
KNOWN_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class RequestLog:
    """One log line per request, with an id that goes back in `X-Request-ID`, and the request metrics."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent_id = request.headers.get("X-Request-ID", "")
        request_id = sent_id if _REQUEST_ID.fullmatch(sent_id) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        asked_from.set(client_address(request))
        started = time.perf_counter()
        response = self.get_response(request)
        took = time.perf_counter() - started
        # OCPI's ids may have other letters, and go back as they came.
        response.headers.setdefault("X-Request-ID", request_id)
        # Whatever is not for everyone: static files have answered for themselves.
        response.headers.setdefault("Cache-Control", "no-store")
        route = request.resolver_match.route if request.resolver_match else "unmatched"
        # Whatever a stranger calls a method must not become a series of its own.
        method = request.method if request.method in KNOWN_METHODS else "other"
        if getattr(response, "is_for_everyone", False):
            response.headers["Vary"] = "Accept-Encoding"
            response.cookies.clear()
        metrics.HTTP_SECONDS.labels(method, route, response.status_code // 100).observe(took)
        if not request.path.startswith(_QUIET):
            user = getattr(request, "user", None)
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                ms=round(took * 1000, 1),
                address=asked_from.get(),
                user=user.pk if user is not None and user.is_authenticated else None,
            )
        return response


def for_everyone(response: HttpResponse) -> HttpResponse:
    """Marks what is the same whoever asks, so that caches keep it: neither cookies nor languages make a difference."""
    response.is_for_everyone = True  # type: ignore[attr-defined]
    return response


class Security(SecurityMiddleware):
    """Django's; but a machine that came without TLS is refused: a redirect would only hide that it told its key."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]
        redirect: HttpResponse | None = super().process_request(request)
        if redirect is None or not request.path.startswith(OF_MACHINES):
            return redirect
        sentence = "Use https://. A key that was sent without it may have been read on the way: make a new one."
        return problem_response(Problem(403, sentence))


class PeopleShown:
    """Who people are is shown to persons with the permission, and to keys that may write where they ask or have the
    scope (`core.people`). That a key reads them is audited."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with seen_by(lambda: _sees_people(request)) as viewer:
            response = self.get_response(request)
        key, match = getattr(request, "auth", None), request.resolver_match
        if viewer.saw and isinstance(key, ApiKey) and request.method == "GET" and match is not None:
            with audited_by(key):
                audit_reading(key=key, where=f"/{match.route}", now=timezone.now())
        return response


def _sees_people(request: HttpRequest) -> bool:
    key = getattr(request, "auth", None)
    if isinstance(key, ApiKey):
        return key_sees_people(key.scopes, domain_of_path(request.path))
    user = getattr(request, "user", None)
    return user is not None and user.has_perm(SEE_PEOPLE)


def domain_of_path(path: str) -> str:
    """The domain of the scopes that an operation of the API asks for."""
    resource = path.removeprefix("/api/v1/").partition("/")[0]
    return resource if f"{resource}:read" in Scope.values else "outbox"


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
        if not is_form or request.path_info.startswith(OF_MACHINES):
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


class NoPage:
    """Nothing that a machine gets may do anything where a browser shows it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        return response


class ApiProblems:
    """Makes a problem document of every error below /api/ that is none yet, e.g. a method that an address lacks; tells
    machines what is left of their limit."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        rate: Verdict | None = getattr(request, "rate", None)
        if rate is not None:
            for name, value in rate.headers.items():
                response.headers[name] = value
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

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What is no fault of the code: too little memory for this request, too many passwords at a moment."""
        if is_short_of_memory(exception):
            problem = needs_too_much(exception)
        elif isinstance(exception, TooManyPasswords):
            sentence = "Too many passwords are being checked at this moment; try again in a few seconds."
            problem = Problem(503, sentence, headers={"Retry-After": "3"})
        else:
            return None
        log.error("a request asked for too much", path=request.path, kind=type(exception).__name__)
        if request.path.startswith("/api/"):
            return problem_response(problem)
        answer = HttpResponse(f"{problem.detail}\n", status=problem.status, content_type="text/plain")
        for name, value in problem.headers.items():
            answer[name] = value
        return answer
