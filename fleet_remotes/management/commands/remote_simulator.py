"""manage.py remote_simulator: a vendor to try commands with, see fleet_remotes.management.remote_simulator."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection
from django.urls import reverse

from fleet_remotes.management.remote_simulator import Simulator, Vendor, serve
from fleet_remotes.management.remote_simulator.vendor import Facts, Hook
from fleet_remotes.models import Callback, FleetVehicle
from fleet_remotes.services.callbacks import demo_header


class Command(BaseCommand):
    help = "A vendor's API on this machine, which carries commands out by chance and calls our callback."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8900)
        parser.add_argument("--seed", type=int, default=1, help="the same seed chooses the same paths")
        parser.add_argument("--speed", type=float, default=1.0, help="divides every delay")
        parser.add_argument("--wakeups", type=int, default=40, help="wake-ups that a vehicle may have in a month")
        parser.add_argument("--username", default="")
        parser.add_argument("--password", default="")
        parser.add_argument("--certificate", default="", help="PEM file; then it speaks TLS")
        parser.add_argument("--key", default="", help="PEM file of the certificate's key")
        parser.add_argument("--client-ca", default="", help="PEM file; then callers must show a certificate")
        parser.add_argument("--hide-labels", action="store_true", help="its lists do not tell the labels of requests")
        parser.add_argument(
            "--database",
            action="store_true",
            help="knows the vehicles of this installation, and in the demo its callbacks too",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        database = (
            {"vin_of": vin_of, "find_hook": demo_hook, "vins_of": vins_of, "facts_of": facts_of}
            if options["database"]
            else {}
        )
        vendor = Vendor(
            seed=options["seed"],
            speed=options["speed"],
            wakeups_per_month=options["wakeups"],
            **database,  # type: ignore[arg-type]
        )
        simulator = Simulator(vendor, options["username"], options["password"], not options["hide_labels"])
        server = serve(
            simulator,
            options["host"],
            options["port"],
            certificate=options["certificate"],
            key=options["key"],
            client_ca=options["client_ca"],
        )
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        self.stdout.write(f"The vendor answers on port {options['port']}.")
        try:
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()
            vendor.stop()


def vin_of(vehicle_id: str) -> str | None:
    """The VIN of a vehicle of this installation."""
    try:
        return FleetVehicle.objects.filter(vehicle_id=vehicle_id).values_list("vin", flat=True).first()
    finally:
        connection.close()  # each request is a thread of its own, which would keep it


def vins_of(fleet: str) -> dict[str, str]:
    """The vehicles of a fleet of this installation."""
    try:
        rows = FleetVehicle.objects.filter(fleet__key=fleet).exclude(vehicle_id="")
        return dict(rows.values_list("vehicle_id", "vin"))
    finally:
        connection.close()


def facts_of(vehicle_id: str) -> Facts:
    """What this installation knows of a vehicle, so that reading it from here changes nothing."""
    try:
        vehicle = FleetVehicle.objects.filter(vehicle_id=vehicle_id).first()
    finally:
        connection.close()
    if vehicle is None:
        return Facts()
    status: dict[str, Any] = {"privacy": {"state": vehicle.privacy or None}, "stolen": {"state": vehicle.is_stolen}}
    if vehicle.battery_level is not None:
        status["energies"] = [{"type": "Electric", "level": float(vehicle.battery_level)}]
    return Facts(vehicle.capabilities, status)


def demo_hook(callback_id: str) -> Hook | None:
    """A callback of the demo, whose header's value follows from the installation's secret."""
    try:
        callback = Callback.objects.select_related("fleet").filter(callback_id=callback_id).first()
    finally:
        connection.close()
    if callback is None or not settings.DEMO:
        return None
    target = settings.PUBLIC_URL + reverse("remote_callback", args=[callback.slug])
    return Hook(callback_id, callback.fleet.key, target, {callback.header_name: demo_header()}, callback.slug)
