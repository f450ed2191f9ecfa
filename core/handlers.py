"""Django's handler for machines: what surrounds the requests of people alone (sessions, forms, pages) is left out.

A machine brings a key instead of a session, and gets no page: of the middleware only `MACHINE_MIDDLEWARE` is for it,
which saves a sixth of what the web spends on a single message (docs/performance.md). Views and answers are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler

from core.bodies import Application

# Below these addresses machines speak; what a person reads there in a browser.
OF_MACHINES, _OF_PEOPLE = ("/api/", "/ocpi/"), "/api/v1/docs"
MACHINE_MIDDLEWARE = [
    "core.middleware.RequestLog",
    "core.middleware.StorableAddress",
    "core.middleware.Security",
    "core.middleware.NoPage",
    "core.middleware.ApiProblems",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "core.middleware.PeopleShown",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


class ForMachines(BaseHandler):
    """Loads the middleware of machines; stands in front of a handler's class."""

    def load_middleware(self, is_async: bool = False) -> None:
        everything = settings.MIDDLEWARE
        settings.MIDDLEWARE = MACHINE_MIDDLEWARE
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = everything


class MachineHandler(ForMachines, WSGIHandler):
    """Django's WSGI application with the middleware of machines."""


def by_address(people: Application, machines: Application) -> Application:
    """A WSGI application that gives requests below the addresses of machines to theirs, others to that of people."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        is_machine = path.startswith(OF_MACHINES) and not path.startswith(_OF_PEOPLE)
        return (machines if is_machine else people)(environ, start_response)

    return application
