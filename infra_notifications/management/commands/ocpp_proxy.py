"""manage.py ocpp_proxy: passes stations on to their CSMS, and hears what they say.

Runs until SIGTERM or Ctrl-C; SIGHUP reads the certificate anew. `--route SLUG=URL` (several) takes the place of the
routes that are kept in the console.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import clock
from infra_notifications.proxy.links import Observer
from infra_notifications.proxy.listening import listening
from infra_notifications.proxy.options import Options
from infra_notifications.proxy.route_table import StoredRoutes
from infra_notifications.proxy.routes import FixedRoutes, Route, RouteTable
from infra_notifications.proxy.server import run


class Command(BaseCommand):
    help = "Stands between stations and their CSMS (OCPP-J): passes on every byte, and hears what is said."
    # It starts whatever the database does, and asks nothing of it here.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", help="the address to listen on, instead of OCPP_HOST")
        parser.add_argument("--port", type=int, help="the port to listen on, instead of OCPP_PORT")
        parser.add_argument(
            "--route", action="append", default=[], metavar="SLUG=URL", help="a route of its own, instead of the stored"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        fixed = [_route(word) for word in options["route"]]

        @contextlib.contextmanager
        def parts(figures: memoryview) -> Iterator[tuple[RouteTable, Observer]]:
            clock.start()
            stored = contextlib.nullcontext(FixedRoutes(fixed)) if fixed else _stored()
            with stored as routes, listening(figures) as observer:
                yield routes, observer

        try:
            run(Options.from_settings(options["host"], options["port"]), parts)
        except OSError as error:
            raise CommandError(f"The proxy cannot start: {error}") from error


@contextlib.contextmanager
def _stored() -> Iterator[RouteTable]:
    routes = StoredRoutes(Path(settings.VAR_DIR) / "ocpp" / "routes.json")
    routes.start()
    try:
        yield routes
    finally:
        routes.stop()


def _route(word: str) -> Route:
    slug, _, upstream = word.partition("=")
    if not slug or not upstream.startswith(("ws://", "wss://")):
        raise CommandError(f"{word}: a route is written SLUG=ws://HOST/PATH or SLUG=wss://HOST/PATH.")
    return Route(slug, upstream)
