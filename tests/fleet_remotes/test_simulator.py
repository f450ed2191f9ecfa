"""The simulator: the same seed the same answers, every path reachable, and it repeats itself as the vendor does."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fleet_remotes.choices import Kind
from fleet_remotes.ingest.notifications import Event, read_body
from fleet_remotes.management.remote_simulator import PATHS, Vendor
from fleet_remotes.management.remote_simulator.paths import ODDITIES, choose_path, named
from fleet_remotes.management.remote_simulator.vendor import Hook
from tests.waiting import wait_until

VIN = "VR3TEST0000000001"
REQUEST = {"label": "l", "lights": {"on": True}}


class Receiver:
    """Our side, which takes or refuses callbacks."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[str | None] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status == 200:
                    receiver.bodies.append(content)
                receiver.headers.append(self.headers.get("Authorization"))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/callback"

    def events(self) -> list[Event]:
        return [one for body in list(self.bodies) for one in read_body(body) if not one.problem]

    def wait_for(self, count: int) -> list[Event]:
        wait_until(lambda: len(self.events()) >= count, f"{count} events came")
        return self.events()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def simulated() -> Iterator[Vendor]:
    vendor = Vendor(seed=7, speed=500)
    yield vendor
    vendor.stop()


def play(vendor: Vendor, receiver: Receiver, way: str, **hook: Any) -> Hook:
    found = Hook("cb", "F", receiver.url, {"Authorization": "Bearer x"}, **hook)
    path, oddities = named(way)
    vendor.take(found, "F", "v1", VIN, Kind.LIGHTS, dict(REQUEST), path, oddities)
    return found


def chosen(seed: int) -> list[str]:
    vendor = Vendor(seed=seed, wakeups_per_month=10_000)
    names = [vendor.choose(f"VIN{n % 5}", Kind.LIGHTS) for n in range(60)]
    vendor.stop()
    return [f"{path.name}{oddities}" for path, oddities in names]


def test_the_same_seed_chooses_the_same_paths() -> None:
    assert chosen(7) == chosen(7)
    assert chosen(7) != chosen(8)
    assert len(set(chosen(7))) > 5


def test_chance_reaches_every_path_that_has_a_weight_and_no_other() -> None:
    chance = random.Random(1)
    found = {choose_path(chance).name for _ in range(5_000)}
    assert found == {path.name for path in PATHS.values() if path.weight}


@pytest.mark.parametrize("way", [name for name, path in PATHS.items() if path.steps and path.answer == 202])
def test_every_path_notifies_what_it_says(simulated: Vendor, receiver: Receiver, way: str) -> None:
    steps = [step for step in PATHS[way].steps if not step.is_kept_back]
    play(simulated, receiver, way)
    events = receiver.wait_for(len(steps))
    assert [(e.type, e.status) for e in events] == [(step.type, step.status) for step in steps]
    assert set(receiver.headers) <= {"Bearer x"}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_every_oddity_is_understood_all_the_same(simulated: Vendor, receiver: Receiver, oddity: str) -> None:
    play(simulated, receiver, f"failed_DoorsOpen+{oddity}")
    events = receiver.wait_for(3 if oddity != "duplicated" else 6)
    assert {str(e.state) for e in events} == {"accepted", "sent", "failed"}
    assert {e.cause for e in events} == {"", "DoorsOpen"}


def test_an_unknown_name_is_an_error() -> None:
    for name in ("nowhere", "success+backwards"):
        with pytest.raises(KeyError):
            named(name)


def test_what_we_did_not_take_comes_again_and_all_at_once_in_the_end(simulated: Vendor, receiver: Receiver) -> None:
    receiver.status = 500
    hook = play(simulated, receiver, "success", retries=1, retry_delay_s=1)
    wait_until(lambda: len(hook.stored) == 4, "all are stored")
    assert len(receiver.headers) == 8
    receiver.status = 200
    simulated.take(hook, "F", "v1", VIN, Kind.LIGHTS, dict(REQUEST), *named("missing_rights"))
    assert len(receiver.wait_for(5)) == 5


def test_batches_are_gathered(simulated: Vendor, receiver: Receiver) -> None:
    play(simulated, receiver, "success", batch_size=500, batch_window_s=60)
    receiver.wait_for(4)
    assert len(receiver.bodies) == 1


def test_a_paused_callback_is_told_nothing(simulated: Vendor, receiver: Receiver) -> None:
    play(simulated, receiver, "success", status="Paused")
    time.sleep(0.2)
    assert receiver.bodies == []


def test_an_identical_command_under_way_is_refused_and_wake_ups_run_out(simulated: Vendor, receiver: Receiver) -> None:
    play(simulated, receiver, "silent")
    assert simulated.choose(VIN, Kind.LIGHTS)[0].name == "same_action"
    play(simulated, receiver, "time_out")
    receiver.wait_for(5)
    simulated.wakeups_per_month = 1
    assert simulated.choose(VIN, Kind.HORN)[0].name == "quota"
    assert simulated.choose("another", Kind.HORN)[0].name != "quota"
