"""What surrounds the requests of people: sign-in, the viewer's time zone, the audit's actor."""

from __future__ import annotations

import zoneinfo
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from auditlog.context import set_actor
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import timezone

from core.addresses import client_address
from core.middleware import SAFE_METHODS, Handler


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
