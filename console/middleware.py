"""What surrounds the requests of people: sign-in, the viewer's time zone, the audit's actor."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode

from auditlog.context import set_actor
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.middleware.http import ConditionalGetMiddleware
from django.shortcuts import resolve_url
from django.utils import timezone

from console import unsent
from core.addresses import client_address
from core.hashing import is_first
from core.middleware import SAFE_METHODS, Handler
from core.permissions import person

# The session's moment of sign-in, and the header of what a page asks by itself (static/js/console.js).
BEGUN, BY_ITSELF = "begun", "X-By-Itself"
# An activity is written down when it is so much younger than the last.
WRITTEN_AFTER = timedelta(minutes=1)
# The cookie of the time zone that somebody chose on the account's page.
CHOSEN_ZONE = "signalbox_zone"
# What is open to who has to choose a password first.
BEFORE_A_PASSWORD = {"console:account", "console:sign_out", "console:theme", "set_language"}


class SessionEnds:
    """A session ends SESSION_IDLE_MIN after its person did something, and SESSION_COOKIE_AGE after the sign-in.

    What a page asks by itself is nothing that a person did. The moment is the session's own expiry, which is judged and
    pruned by it.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.user.is_authenticated and BY_ITSELF not in request.headers:
            prolong(request.session, timezone.now())
        return response


class PolledParts(ConditionalGetMiddleware):
    """What a page asks by itself is answered by 304 while it is as the page has it (static/js/console.js)."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return super().process_response(request, response) if BY_ITSELF in request.headers else response


def prolong(session: SessionBase, now: datetime) -> None:
    begun = datetime.fromisoformat(session.get(BEGUN) or now.isoformat())
    end = begun + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    if settings.SESSION_IDLE_MIN:
        end = min(end, now + timedelta(minutes=settings.SESSION_IDLE_MIN))
    if BEGUN not in session or abs(end - session.get_expiry_date()) >= WRITTEN_AFTER:
        session[BEGUN] = begun.isoformat()
        session.set_expiry(end)


@receiver(user_logged_in)
def begin(request: HttpRequest, **_more: Any) -> None:
    request.session.pop(BEGUN, None)
    prolong(request.session, timezone.now())


class SignInRequired(LoginRequiredMiddleware):
    """Everything needs a sign-in unless a view says otherwise; the API has keys instead of sessions.

    A part of a page that htmx asks for after the session ended sends the whole page to the sign-in; what was sent to be
    done is kept (console/unsent.py).
    """

    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        if request.path.startswith("/api/"):
            return None
        refusal = super().process_view(request, view_func, view_args, view_kwargs)
        is_open = not getattr(view_func, "login_required", True) or _view_of(request) in BEFORE_A_PASSWORD
        if refusal is not None or is_open or not is_first(person(request).password):
            return refusal
        return _sent_to(request, resolve_url("console:account"))

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        response: HttpResponseBase = super().handle_no_permission(request, view_func)
        if request.headers.get("HX-Request") != "true":
            sent = unsent.sent_with(request)
            return response if sent is None else unsent.ask_to_sign_in(request, sent)
        return _sent_to(request, resolve_url(settings.LOGIN_URL))


def _view_of(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""


def _sent_to(request: HttpRequest, where: str) -> HttpResponse:
    """Goes there first, and then back to the page that asked, not to the part of it that was asked for."""
    is_part = request.headers.get("HX-Request") == "true"
    page = unsent.page_of(request) if is_part else ""
    page = page or (request.get_full_path() if request.method in SAFE_METHODS else "")
    where = f"{where}?{urlencode({'next': page}, safe='/')}" if page else where
    return HttpResponse(status=401, headers={"HX-Redirect": where}) if is_part else HttpResponseRedirect(where)


class ViewerTimeZone:
    """Times are shown in the zone that was chosen, else in the one that the browser reported, each in a cookie, else in
    the installation's."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = request.COOKIES.get(CHOSEN_ZONE) or unquote(request.COOKIES.get("signalbox_tz", ""))
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
