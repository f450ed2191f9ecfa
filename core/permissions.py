"""Every view says what it asks for: a permission, or that it is public. A test walks all URLs and finds the silent."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

# What a view asks for when being signed in is enough.
SIGNED_IN = "signed in"


def check_permission(request: HttpRequest, permission: str) -> None:
    """Raises PermissionDenied, shown as the 403 page with this sentence."""
    if permission != SIGNED_IN and not request.user.has_perm(permission):
        raise PermissionDenied(permission)


def requires(permission: str, *, to_change: str | None = None) -> Callable[[View], View]:
    """The permission that a view asks for; `to_change` is asked for by other methods than GET and HEAD."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            reads = request.method in ("GET", "HEAD")
            check_permission(request, permission if reads or to_change is None else to_change)
            return view(request, *args, **kwargs)

        checked.asks_for = permission  # type: ignore[attr-defined]
        return cast("View", checked)

    return decorate


def person(request: HttpRequest) -> User:
    """Who is signed in; views behind the sign-in may rely on it."""
    assert request.user.is_authenticated
    return request.user


def public(view: View) -> View:
    """Open without sign-in: health, sign-in itself, one-click unsubscribe."""
    opened = login_not_required(view)
    opened.asks_for = None  # type: ignore[attr-defined]
    return opened


def answers_get(view: Any) -> bool:
    """Whether a view may be asked by GET: what `require_POST` wraps, and a sign-out, may not."""
    while view is not None:
        held = inspect.getclosurevars(view).nonlocals if inspect.isfunction(view) else {}
        methods = getattr(getattr(view, "view_class", None), "http_method_names", ("get",))
        if "GET" not in held.get("request_method_list", ("GET",)) or "get" not in methods:
            return False
        view = getattr(view, "__wrapped__", None)
    return True


def landing(request: HttpRequest, target: str | None, default: str = "/") -> str:
    """Where somebody goes next: to `target` where it is another page of ours that can be looked at."""
    if target and url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        try:
            view = resolve(urlsplit(target).path).func
        except (Resolver404, ValueError):
            return default
        if answers_get(view) and view is not request.resolver_match.func:  # type: ignore[union-attr]
            return target
    return default
