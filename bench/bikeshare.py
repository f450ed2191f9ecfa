"""Bike-share: device messages in, with zone checks; and every topic told, to a webhook receiver and in the log."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.rig import Rig, hammer, post
from bench.webhooks import received, receiver
from tests.live import ROOT, Live

VEHICULES = 2_000
BATCH = 500
ZONES = 272
RESOURCES = ["abonnement", "boitier", "cyclist", "dock", "pass", "registration", "station", "trip", "vehicule", "zone"]
PATH = "/api/v1/bikeshare/telemetry"
# Real zones of Paris where they lie beside the project, else as many of our own making.
REAL_ZONES = ROOT.parent / "shared" / "data" / "gbfs" / "paris_geofencing_zones_v3.0.json"
FILL = """
import django; django.setup()
import sys
from datetime import timedelta
from django.utils import timezone
from bikeshare.models import *
from bikeshare.models import new_id
count, now = int(sys.argv[1]), timezone.now()
start = now - timedelta(hours=3)
program = Program.objects.get(pk="bench")
new = lambda model, **values: model(id=new_id(model.PREFIX), program=program, created=start, **values)
boxes = LockBox.objects.bulk_create([new(LockBox, number=f"BX-{n}") for n in range(count)])
LockBoxState.objects.bulk_create([LockBoxState(boitier=box) for box in boxes])
bikes = Bike.objects.bulk_create(
    [new(Bike, number=str(n), type="vae", status="ready", boitier=box, on_trip=True)
     for n, box in enumerate(boxes)])
BikeState.objects.bulk_create([BikeState(vehicule=bike) for bike in bikes])
riders = Cyclist.objects.bulk_create([new(Cyclist, status="active") for _ in range(count)])
Trip.objects.bulk_create(
    [new(Trip, cyclist=r, vehicule=b, vehicule_number=b.number, vehicule_type=b.type, start_at=start)
     for r, b in zip(riders, bikes)])
"""
TELL = """
import django; django.setup()
import sys
from django.db import transaction
from django.utils import timezone
from bikeshare.event_kinds import TOPICS
from outbox.contract import NewEvent
from outbox.services import publish
each, now = int(sys.argv[1]), timezone.now()
for start in range(0, each, 100):
    with transaction.atomic():
        publish(events=[NewEvent(t.key, t.example.object.id, t.example, f"bench:{t.key}:{n}", now)
                        for t in TOPICS for n in range(start, min(start + 100, each))], now=now)
"""


def run(live: Live, script: str, *words: str) -> None:
    env = live.env | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, "-c", script, *words], env=env, cwd=ROOT, check=True)


def zone_file(folder: Path) -> Path:
    """A folder with a feed of 272 zones."""
    if REAL_ZONES.is_file():
        text = REAL_ZONES.read_text()
    else:
        chance = random.Random(3)
        features = [_feature(chance) for _ in range(ZONES)]
        data = {"geofencing_zones": {"type": "FeatureCollection", "features": features}, "global_rules": []}
        text = json.dumps({"last_updated": "2026-11-21T05:40:00Z", "ttl": 60, "version": "3.0", "data": data})
    (folder / "geofencing_zones.json").write_text(text)
    return folder


def _feature(chance: random.Random) -> dict[str, Any]:
    x, y, size = chance.uniform(2.25, 2.42), chance.uniform(48.81, 48.90), chance.uniform(0.0005, 0.004)
    ring = [[x + size * math.cos(0.63 * k), y + size * math.sin(0.63 * k)] for k in range(10)]
    through = chance.random() > 0.15
    rule = {"ride_start_allowed": through, "ride_end_allowed": through, "ride_through_allowed": through}
    geometry = {"type": "MultiPolygon", "coordinates": [[[*ring, ring[0]]]]}
    return {"type": "Feature", "properties": {"rules": [rule]}, "geometry": geometry}


def fill(live: Live) -> None:
    """A program with 272 zones and 2,000 vehicles, all of them on a trip."""
    words = ["--program", "bench", "--type", "ebicycle_paris=vae", "--type", "escooter_paris=scooter"]
    live.manage("import_gbfs", str(zone_file(live.folder)), *words)
    run(live, FILL, str(VEHICULES))
    live.rows("ANALYZE")


class Fleet:
    """Vehicles that ride about Paris, some twenty metres from message to message."""

    def __init__(self) -> None:
        self.chance = random.Random(4)
        self.places = [(self.chance.uniform(48.82, 48.90), self.chance.uniform(2.27, 2.41)) for _ in range(VEHICULES)]
        self.turns = [self.chance.uniform(0, 6.28) for _ in range(VEHICULES)]
        self.at = datetime.now(UTC) - timedelta(hours=2)

    def batch(self) -> list[dict[str, Any]]:
        """500 messages: four of five a position, the rest what a box says besides."""
        self.at += timedelta(seconds=1)
        return [self.message(n) for n in self.chance.sample(range(VEHICULES), BATCH)]

    def message(self, n: int) -> dict[str, Any]:
        one: dict[str, Any] = {"boitier": f"BX-{n}", "at": self.at.isoformat()}
        kind = self.chance.random()
        if kind < 0.8:
            self.turns[n] += self.chance.uniform(-0.4, 0.4)
            latitude, longitude = self.places[n]
            latitude += 0.00018 * math.sin(self.turns[n])
            longitude += 0.00027 * math.cos(self.turns[n])
            self.places[n] = latitude, longitude
            return one | {"type": "position", "latitude": latitude, "longitude": longitude, "accuracy": 6}
        if kind < 0.9:
            return one | {"type": "battery", "value": round(self.chance.uniform(21, 99), 1)}
        if kind < 0.97:
            value = round(self.chance.uniform(21, 99), 1)
            return one | {"type": "battery_vae", "value": value, "remaining_distance": 20_000}
        return one | {"type": "chain_type", "chain_type": "valid"}


def telemetry(rig: Rig) -> list[Figure]:
    """Batches of 500 over four connections, every position judged against 272 zones, committed."""
    with rig.live("web") as live:
        fill(live)
        fleet = Fleet()
        hammer(live, [post(live, PATH, fleet.batch()) for _ in range(60)], connections=4, seconds=2)
        # More than can be sent, so that no message comes twice.
        requests = [post(live, PATH, fleet.batch()) for _ in range(400)]
        found = hammer(live, requests, connections=4, seconds=8)
        entries = live.rows("SELECT count(*) FROM outbox_event WHERE kind = 'vehicule.position.forbidden'")[0][0]
        judged = live.rows("SELECT count(*) FROM bikeshare_zone")[0][0]
    if found["answers"] > len(requests) or not entries or judged < ZONES:
        raise RuntimeError(f"{found['answers']} answers, {entries} entries, {judged} zones")
    return [
        Figure("device messages in batches of 500", found["answers"] * BATCH / found["seconds"], "/s", 5_000, 8_000)
    ]


def topics(rig: Rig, each: int = 1_000) -> list[Figure]:
    """Every topic, 1,000 events of each: told, delivered to a webhook receiver, and in the log, each exactly once."""
    with receiver() as port, rig.live("web", OUTBOX_ALLOWED_NETWORKS="127.0.0.0/8") as live:
        kinds = sum(kind["domain"] == "bikeshare" for kind in live.api("GET", "/event-kinds"))
        for resource in RESOURCES:
            live.api("POST", "/webhooks", {"url": f"http://127.0.0.1:{port}/{resource}", "topics": [f"{resource}.*"]})
        started = time.monotonic()
        run(live, TELL, str(each))
        told = time.monotonic() - started
        live.rows("ANALYZE")
        live.start("worker")
        live.manage("shell", "-c", "from outbox.tasks import deliver; deliver.delay()")
        deadline = time.monotonic() + 180
        while received(port)[0] < kinds * each and time.monotonic() < deadline:
            time.sleep(0.1)
        count, first, last = received(port)
        waiting = "SELECT count(*) FROM outbox_delivery WHERE state <> 'delivered'"
        live.wait_until(lambda: live.rows(waiting)[0][0] == 0, "every delivery is settled")
        by_topic = live.rows(
            "SELECT e.kind, count(DISTINCT e.id), count(*) FROM outbox_event e"
            " JOIN outbox_delivery d ON d.event_id = e.id"
            " JOIN outbox_attempt a ON a.delivery_id = d.id AND a.verdict = 'delivered' GROUP BY e.kind"
        )
        logged = read_log(live)
    if {row[1:] for row in by_topic} != {(each, each)} or len(by_topic) != kinds or count != kinds * each:
        raise RuntimeError(f"{count} received, lost or doubled: {by_topic}")
    if len(logged) != kinds or set(logged.values()) != {each}:
        raise RuntimeError(f"lost from the log or doubled: {logged}")
    return [
        Figure("events of every topic", kinds * each / told, "/s", 2_000, 5_000),
        Figure("webhooks of every topic", count / (last - first), "/s", 1_000, 3_000),
    ]


def read_log(live: Live) -> dict[str, int]:
    """How many events of each topic the log holds, read page by page; fails when it is out of order."""
    seen: dict[str, int] = {}
    cursor, last = "", 0
    while (page := live.api("GET", f"/events?limit=500&after={cursor}"))["items"]:
        for item in page["items"]:
            if item["sequence"] <= last:
                raise RuntimeError("the log is out of order")
            last = item["sequence"]
            seen[item["type"]] = seen.get(item["type"], 0) + 1
        cursor = page["next"]
    return seen
