"""manage.py charging_simulator: the demo's stations and their CSMS, see infra_notifications.management."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from argparse import ArgumentParser
from typing import Any

import aiohttp
from aiohttp import web
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from infra_notifications.management.charging_simulator import Csms, Station, story
from infra_notifications.management.charging_simulator.csms import HOOK_PATH, OCPP_PATH
from infra_notifications.management.charging_simulator.dialects import Knowledge
from infra_notifications.management.charging_simulator.site import (
    ROUTE,
    TICKETS,
    TICKETS_PLACEHOLDER,
    SiteStation,
    simulated,
)
from infra_notifications.management.charging_simulator.station import live_together
from infra_notifications.models import OcppRoute
from infra_notifications.services.ocpp_routes import RouteInput, change_route, create_route
from outbox.choices import EndpointState
from outbox.models import WebhookEndpoint
from outbox.services.webhooks import resume_endpoint, update_endpoint

# A proxy that is stopped at the same moment closes first: then that is its end, and no fault of a station.
LINGER_S = 1.0


class Command(BaseCommand):
    help = "Charging stations that connect through the OCPP proxy, charge, fail and recover, and a CSMS behind it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="where the CSMS listens")
        parser.add_argument("--port", type=int, default=9100, help="where the CSMS listens")
        parser.add_argument("--url", default="", help="where stations connect; OCPP_PUBLIC_URL and the demo's route")
        parser.add_argument("--stations", type=int, default=0, help="so many of them; all of the demo's by default")
        parser.add_argument("--seed", type=int, default=2026, help="the same seed tells the same story")
        parser.add_argument("--speed", type=float, default=1.0, help="divides every pause")
        parser.add_argument("--interval", type=int, default=300, help="seconds between heartbeats")
        parser.add_argument(
            "--database", action="store_true", help="points the demo's route and its webhook at this CSMS"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        base = f"{options['host']}:{options['port']}"
        if options["database"]:
            if not settings.DEMO:
                raise CommandError("--database changes routes and webhooks; it is for the demo alone (DEMO=true).")
            point_route(f"ws://{base}{OCPP_PATH}")
            point_tickets(f"http://{base}{HOOK_PATH}")
        url = options["url"] or f"{settings.OCPP_PUBLIC_URL}/{ROUTE}"
        found = simulated()[: options["stations"] or None]

        def make(session: aiohttp.ClientSession) -> list[Station]:
            return [
                Station(
                    session,
                    url,
                    one.identity,
                    protocol=one.protocol,
                    knowledge=_knowledge(one),
                    story=story(one.number, seed=options["seed"]),
                    speed=options["speed"],
                )
                for one in found
            ]

        self.stdout.write(f"{len(found)} stations connect to {url}; their CSMS listens on port {options['port']}.")
        csms = Csms(interval_s=options["interval"])
        with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
            asyncio.run(_run(csms, options["host"], options["port"], make))


def _knowledge(station: SiteStation) -> Knowledge:
    serial, token = f"SN{station.number:05d}", f"04A1B2{station.number:08X}"
    return Knowledge(station.vendor, station.model, station.firmware, serial, token, station.is_fast)


async def _run(csms: Csms, host: str, port: int, make: Any) -> None:
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: loop.call_later(LINGER_S, task.cancel))
    runner = web.AppRunner(csms.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        await live_together(make)
    finally:
        await runner.cleanup()


def point_route(upstream: str) -> None:
    """The demo's route leads here, wherever it led before."""
    route = OcppRoute.objects.filter(slug=ROUTE).first()
    if route is None:
        create_route(details=RouteInput(ROUTE, upstream))
    elif route.upstream != upstream:
        change_route(route=route, changes={"upstream": upstream})


def point_tickets(url: str) -> None:
    """The demo's webhook is posted here, unless somebody gave it another address or deleted it."""
    endpoint = WebhookEndpoint.objects.filter(description=TICKETS).first()
    if endpoint is None or not (endpoint.url == TICKETS_PLACEHOLDER or endpoint.url.startswith("http://127.0.0.1:")):
        return
    if endpoint.url == TICKETS_PLACEHOLDER and endpoint.state == EndpointState.PAUSED:
        endpoint.url = url  # it never led anywhere, so nobody is told that it leads elsewhere
        endpoint.save()
        resume_endpoint(endpoint=endpoint, now=timezone.now())
    elif endpoint.url != url:
        update_endpoint(endpoint=endpoint, changes={"url": url}, enabled=None, now=timezone.now())
