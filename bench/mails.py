"""Mails out: a backlog of committed events, real workers, a counting mail server."""

from __future__ import annotations

import subprocess
import sys
import time

from bench.figures import Figure
from bench.rig import Rig, ask_sink, smtp_sink
from tests.live import ROOT, Live

EVENTS = 20_000
PUBLISH = """
import django; django.setup()
import sys
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from msgspec.structs import replace
from infra_notifications.event_kinds import GROUP_ALERT, KINDS
from outbox.contract import NewEvent, Recipient
from outbox.services import publish
kind = next(k for k in KINDS if k.key == GROUP_ALERT)
now = timezone.now()

def payload(n):
    # Each tells of another charge point and moment.
    item = kind.example.items[0]
    point = replace(item.charge_point, evse_id=f"DE*BEN*E{n:06d}*1")
    incident = replace(item.incident, opened_at=now - timedelta(seconds=n))
    return replace(kind.example, items=[replace(item, charge_point=point, incident=incident)])

for start in range(0, int(sys.argv[1]), 1000):
    with transaction.atomic():
        publish(events=[
            NewEvent(GROUP_ALERT, "notification_group:1", payload(n), f"bench:{n}", now,
                     (Recipient(f"u{n}@d{n % 40}.bench.example", list_key="notification_group:1"),))
            for n in range(start, start + 1000)], now=now)
"""


def publish(live: Live, events: int) -> None:
    """Commits events with one recipient each, before anyone delivers."""
    env = live.env | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, "-c", PUBLISH, str(events)], env=env, cwd=ROOT, check=True)
    live.rows("ANALYZE")


def _drain(rig: Rig, pause_ms: float) -> float:
    """Mails per second from the first receipt to the last, every one with its delivery row and attempt."""
    with smtp_sink(pause_ms) as port, rig.live(EMAIL_URL=f"smtp://127.0.0.1:{port}") as live:
        publish(live, EVENTS)
        live.start("worker")
        live.manage("shell", "-c", "from outbox.tasks import deliver; deliver.delay()")
        deadline = time.monotonic() + 120
        while ask_sink(port)[0] < EVENTS and time.monotonic() < deadline:
            time.sleep(0.1)
        count, first, last, _times = ask_sink(port)
        live.wait_until(lambda: live.rows("SELECT count(*) FROM outbox_attempt")[0][0] >= count, "attempts are written")
        delivered = live.rows("SELECT count(*) FROM outbox_delivery WHERE state = 'delivered'")[0][0]
    if delivered != EVENTS:
        raise RuntimeError(f"{delivered} of {EVENTS} delivered")
    return float(count / (last - first))


def fast(rig: Rig) -> list[Figure]:
    """Into a mail server that answers at once."""
    return [Figure("mails", _drain(rig, 0), "/s", 3_000, 5_000)]


def slow(rig: Rig) -> list[Figure]:
    """Into a mail server that takes 5 ms for every answer."""
    return [Figure("mails, 5 ms per answer", _drain(rig, 5), "/s", 1_500, 3_000)]
