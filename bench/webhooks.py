"""Webhooks out: a backlog of committed events, real workers, a counting receiver."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator

from bench.figures import Figure
from bench.rig import Rig, wait_for_port
from config.demo.supervisor import stop_process
from tests.live import ROOT, Live
from tests.mailserver import free_port

EVENTS, ENDPOINTS = 20_000, 10
PUBLISH = """
import django; django.setup()
import sys
from django.db import transaction
from django.utils import timezone
from infra_notifications.event_kinds import CASE_KINDS, KINDS
from infra_notifications.choices import Case
import msgspec
from outbox.contract import NewEvent
from outbox.services import publish
key = CASE_KINDS[Case.FUSE_TRIPPED]
kind = next(k for k in KINDS if k.key == key)
now = timezone.now()
for start in range(0, int(sys.argv[1]), 1000):
    with transaction.atomic():
        publish(events=[
            NewEvent(key, f"charge_point:{n}", msgspec.structs.replace(kind.example, charge_point=
                     msgspec.structs.replace(kind.example.charge_point, city=f"town{n % 10}")), f"bench:{n}", now)
            for n in range(start, start + 1000)], now=now)
"""


@contextlib.contextmanager
def receiver() -> Iterator[int]:
    """The counting receiver in a process of its own; yields its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.hooks", str(port)], cwd=ROOT)
    try:
        wait_for_port(port)
        yield port
    finally:
        process.kill()
        process.wait()


def received(port: int) -> tuple[int, float, float]:
    """How many requests came, and when the first and the last one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/stat")
    count, first, last = json.loads(connection.getresponse().read())
    connection.close()
    return count, first, last


def _endpoints(live: Live, port: int) -> None:
    live.start("web")
    for number in range(ENDPOINTS):
        wanted = {"url": f"http://127.0.0.1:{port}/{number}", "topics": ["charge_point.*"]}
        live.api("POST", "/webhooks", wanted | {"condition": f"city:town{number}"})
    stop_process(live.processes.pop("web"))


def backlog(rig: Rig) -> list[Figure]:
    """One webhook per event, to one of ten endpoints; every one has its delivery row and attempt."""
    with receiver() as port, rig.live(OUTBOX_ALLOWED_NETWORKS="127.0.0.0/8") as live:
        _endpoints(live, port)
        env = live.env | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        subprocess.run([sys.executable, "-c", PUBLISH, str(EVENTS)], env=env, cwd=ROOT, check=True)
        live.rows("ANALYZE")
        live.start("worker")
        live.manage("shell", "-c", "from outbox.tasks import deliver; deliver.delay()")
        deadline = time.monotonic() + 120
        while received(port)[0] < EVENTS and time.monotonic() < deadline:
            time.sleep(0.1)
        count, first, last = received(port)
        live.wait_until(lambda: live.rows("SELECT count(*) FROM outbox_attempt")[0][0] >= count, "attempts are written")
        delivered = live.rows("SELECT count(*) FROM outbox_delivery WHERE state = 'delivered'")[0][0]
    if delivered != EVENTS:
        raise RuntimeError(f"{delivered} of {EVENTS} delivered")
    return [Figure("webhooks", count / (last - first), "/s", 3_000, 7_700)]
