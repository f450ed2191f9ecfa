"""What every page of the shell knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from console.admin_site import may_administer
from console.navigation import menu_for

THEMES = ("auto", "light", "dark")


def shell(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get("signalbox_theme", "auto")
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {
        "menu": menu_for(user) if user is not None and signed_in else [],
        "may_administer": signed_in and may_administer(request.user),
        "theme": theme if theme in THEMES else "auto",
        "demo": settings.DEMO,
    }
