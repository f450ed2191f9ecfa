"""Every view says what it asks for: a permission, or that it is public. A test walks all URLs and finds the silent."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

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
