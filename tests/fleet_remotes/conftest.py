"""Fixtures of the tests of fleet remotes: a vendor that answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pytest_django import Settings

from fleet_remotes.choices import Kind
from fleet_remotes.management.remote_simulator import Simulator, Vendor, serve
from fleet_remotes.management.remote_simulator.paths import PATHS, Path
from fleet_remotes.management.remote_simulator.vendor import Hook, Remote
from fleet_remotes.models import Callback, FleetVehicle
from tests.factories.fleet_remotes import CallbackFactory, FleetVehicleFactory
from tests.waiting import PATIENCE_S, wait_until


@pytest.fixture(autouse=True)
def _broker(settings: Settings) -> None:
    """The folders of the broker that wake-ups are written to."""
    for folder in ("queue", "control"):
        (settings.VAR_DIR / "broker" / folder).mkdir(parents=True, exist_ok=True)


class SteadyVendor(Vendor):
    """Carries out what no test asks otherwise for: chance would go by the VIN, which is another in each order of the
    tests."""

    def by_chance(self, vin: str) -> tuple[Path, tuple[str, ...]]:
        return PATHS["success"], ()


@dataclass
class Running:
    """A simulator that answers, and short ways to set it up."""

    simulator: Simulator
    port: int

    @property
    def vendor(self) -> Vendor:
        return self.simulator.vendor

    def knows(self, *vehicles: FleetVehicle, callback: Callback | None = None) -> Callback:
        """Makes vehicles and their fleet's callback known to the vendor; its notifications go nowhere."""
        callback = callback or CallbackFactory(fleet=vehicles[0].fleet)
        self.vendor.vins |= {vehicle.vehicle_id: vehicle.vin for vehicle in vehicles}
        nowhere = Hook(callback.callback_id, callback.fleet.key, "http://127.0.0.1:9/", retries=0)
        self.vendor.hooks[callback.callback_id] = nowhere
        return callback

    def next(self, *names: str, vin: str = "*") -> None:
        """The paths of the next commands."""
        self.vendor.forced[vin].extend(names)

    def has_carried_out(self, n: int, *, where: tuple[str, str, str] = ("F", "v1", "cb")) -> None:
        """So many commands of long ago."""
        fleet, vehicle_id, callback_id = where
        for i in range(n):
            remote = Remote(f"past-{i}", callback_id, fleet, vehicle_id, "", Kind.HORN, {"label": f"past-{i}"})
            remote.status, remote.is_over = "Success", True
            self.vendor.remotes[remote.id] = remote

    def wait_for_end(self, remote_id: str) -> None:
        """Until the vendor has carried a command out."""
        wait_until(lambda: self.vendor.remotes[remote_id].is_over, "the command is carried out")

    def requests(self) -> list[str]:
        """The labels of the commands that the vendor carried out."""
        return [remote.request["label"] for remote in self.vendor.remotes.values()]


@pytest.fixture
def vendor(settings: Settings) -> Iterator[Running]:
    """A vendor at REMOTES_API_URL, whose delays are a hundred times as short."""
    simulator = Simulator(SteadyVendor(speed=100), "fleet", "secret")
    server = serve(simulator, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    port = server.server_address[1]
    settings.REMOTES_API_URL = f"http://127.0.0.1:{port}/connectedcar/v3"
    settings.REMOTES_CLIENT_ID, settings.REMOTES_USERNAME, settings.REMOTES_PASSWORD = "id", "fleet", "secret"
    settings.REMOTES_TIMEOUT_S = PATIENCE_S
    settings.REMOTES_SEND_PER_S = 1_000
    yield Running(simulator, port)
    server.shutdown()
    server.server_close()
    simulator.vendor.stop()


@pytest.fixture
def vehicle(db: None, vendor: Running) -> FleetVehicle:
    """A vehicle that the vendor knows, with its fleet's callback."""
    found: FleetVehicle = FleetVehicleFactory()
    vendor.knows(found)
    return found
