"""manage.py vehicle_simulator: the demo's cars, pushed as their platforms push, see vehicles.management."""

from __future__ import annotations

import signal
import threading
import urllib.error
import urllib.request
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from vehicles.management.vehicle_simulator import CARS, SimulatedCar, State, bodies_of, demo_secret, signed, state_at
from vehicles.models import VehicleSource
from vehicles.services.sources import create_source

TIMEOUT_S = 10
# A car of which nothing changes is told of so often, as platforms do.
AGAIN = timedelta(minutes=15)


class Command(BaseCommand):
    help = "Cars that drive, charge and lose their sign-in, pushed by the webhooks of Smartcar and Enode."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="", help="where webhooks are sent; PUBLIC_URL by default")
        parser.add_argument("--speed", type=float, default=1.0, help="shortens the cars’ days")
        parser.add_argument("--every", type=float, default=30.0, help="seconds between two looks at all cars")
        parser.add_argument("--rounds", type=int, default=0, help="ends after so many looks; 0: never")
        parser.add_argument("--database", action="store_true", help="makes the demo’s addresses where they are missing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["database"]:
            if not settings.DEMO:
                raise CommandError("--database makes addresses; it is for the demo alone (DEMO=true).")
            make_sources()
        url = (options["url"] or settings.PUBLIC_URL).rstrip("/")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write(f"{len(CARS)} cars are pushed to {url}.")
        told: dict[SimulatedCar, tuple[datetime, State]] = {}
        rounds = 0
        while not stop.is_set():
            for car in CARS:
                self._push(car, url, options["speed"], told)
            rounds += 1
            if rounds == options["rounds"] or stop.wait(options["every"]):
                return

    def _push(
        self, car: SimulatedCar, url: str, speed: float, told: dict[SimulatedCar, tuple[datetime, State]]
    ) -> None:
        """Tells of a car whose state has changed, or of which nothing was said for long."""
        now = timezone.now()
        state, before = state_at(car, now, speed), told.get(car)
        if before is not None and before[1] == state and now - before[0] < AGAIN:
            return
        address = f"{url}/api/v1/vehicles/sources/{car.platform}"
        for body in bodies_of(car, state, before[1] if before else None, now):
            headers = {"Content-Type": "application/json", **signed(car.platform, body)}
            request = urllib.request.Request(address, body, headers)  # noqa: S310 - the address is the installation's
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
                    pass
            except (urllib.error.URLError, OSError) as error:
                self.stderr.write(f"{car.vehicle} was not taken: {error}")
                return  # told with the next look
        told[car] = (now, state)


def make_sources() -> None:
    """The demo's addresses of both platforms, each with the secret by which the simulator signs."""
    for platform in sorted({car.platform for car in CARS}):
        if not VehicleSource.objects.filter(slug=platform).exists():
            create_source(slug=platform, platform=platform, secret=demo_secret(platform))
