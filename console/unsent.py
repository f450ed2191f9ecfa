"""What somebody sent after their sign-in had ended: nothing of it is done, and nothing of it is lost.

The sign-in page carries it, signed, so that nothing is stored for a stranger. After it one is back on the page, is told
what was not done, and finds what was typed in its form (static/js/console.js; without it in the notice); it is
sent again by hand or not at all. What htmx or a script sent comes to the sign-in by a form of its own (`KEPT`).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from console.forms import SignInForm
from core.middleware import SAFE_METHODS
from core.permissions import answers_get

FIELD = "unsent"
# By which a script hands over what it sent: to which path, and its fields as a form sends them.
PATH, KEPT = "unsent_to", "unsent_fields"
MOST_CHARACTERS, DAY_S = 200_000, 24 * 3600
# What is typed anew rather than written down anywhere.
_SECRET = re.compile("password|secret|token|header|csrf")


def sent_with(request: HttpRequest) -> dict[str, Any] | None:
    """What a request would have done: its page, its path, its fields; None where it would have done nothing."""
    if request.method in SAFE_METHODS:
        return None
    if KEPT in request.POST:
        path = request.POST.get(PATH, "")
        given = parse_qsl(request.POST[KEPT], keep_blank_values=True, max_num_fields=10_000)
    else:
        path, given = request.get_full_path(), [(name, v) for name, values in request.POST.lists() for v in values]
    fields = [[name, value] for name, value in given if not _SECRET.search(name)]
    if sum(len(name) + len(value) for name, value in fields) > MOST_CHARACTERS:
        fields = []
    return {"page": page_of(request) or path, "path": path, "fields": fields, "is_whole": len(fields) == len(given)}


def page_of(request: HttpRequest) -> str:
    """The path of the page that sent something, if it is one of ours."""
    shown = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    if shown.netloc != request.get_host() or not shown.path.startswith("/"):
        return ""
    return shown._replace(scheme="", netloc="", fragment="").geturl()


def is_from_our_page(request: HttpRequest) -> bool:
    """Whether the browser says that a page of ours sent it, whatever its token of forms is worth."""
    site = request.headers.get("Sec-Fetch-Site")
    return site == "same-origin" if site else urlsplit(request.headers.get("Origin", "")).netloc == request.get_host()


def can_be_shown(request: HttpRequest, page: str) -> bool:
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure()):
        return False
    try:
        return answers_get(resolve(urlsplit(page).path).func)
    except (Resolver404, ValueError):
        return False


def ask_to_sign_in(request: HttpRequest, sent: dict[str, Any]) -> HttpResponse:
    """The sign-in page in the place of what was asked for; it leads back."""
    context = {"form": SignInForm(request), "next": sent["page"], FIELD: signing.dumps(sent, salt=FIELD, compress=True)}
    return render(request, "console/sign_in.html", context, status=401)


def keep(request: HttpRequest, sent: dict[str, Any]) -> None:
    """For the next page that this person looks at."""
    request.session[FIELD] = sent


def keep_signed(request: HttpRequest) -> None:
    """What the sign-in page carried, once somebody has signed in."""
    try:
        keep(request, signing.loads(request.POST[FIELD], salt=FIELD, max_age=DAY_S))
    except (KeyError, signing.BadSignature):
        return


def taken(request: HttpRequest) -> dict[str, Any] | None:
    """What was kept; it is shown once."""
    sent: dict[str, Any] | None = request.session.pop(FIELD, None) if hasattr(request, "session") else None
    return sent
