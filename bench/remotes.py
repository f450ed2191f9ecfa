"""Callbacks of the fleet vendor in: batches of 50 stored and applied, and single ones at a steady 100 a second."""

from __future__ import annotations

import http.client
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.figures import Figure, percentile
from bench.rig import Rig, hammer, post
from tests.live import Live

VEHICLES = 5_000
BATCH = 50
BODIES = 3_000
PATH = "/api/v1/remotes/callbacks/bench"
STATUSES = (("Pending", "Accepted"), ("Pending", "WakingUpVehicle"), ("Pending", "SentToVehicle"), ("Done", "Success"))

ACTIONS = """
INSERT INTO fleet_remotes_remoteaction (vehicle_id, fleet_id, kind, parameters, label, reason, requested_by,
 confirm_digest, state, since, entered_at, cause, feedback, inferred, conflict, reconciled, created_at, not_before,
 expires_at, submitting_at, posts, submitted_at, callback_ref, remote_action_id, error_code, error_text, error_uuid,
 looks, auto_tries, thread)
SELECT v.id, v.fleet_id, 'lights', '{"on": true}', 'bench-' || v.id, '', '', '', 'submitted', now(), now(), '', '',
 false, false, false, now(), now(), now(), now(), 1, now(), c.id, 'ra' || v.id, '', '', '', 0, 0, ''
FROM fleet_remotes_fleetvehicle v, fleet_remotes_callback c RETURNING remote_action_id
"""


def fill(live: Live) -> list[tuple[str, str]]:
    """A fleet whose vehicles all have an action with the vendor; returns (vendor's id, VIN) of each."""
    for start in range(0, VEHICLES, 1_000):
        same = {"fleet": "F", "new_fleet": True, "brand": "opel"}
        rows = [{"vin": f"VR3BENCH{n:09d}"} | same for n in range(start, start + 1_000)]
        live.api("PUT", "/remotes/vehicles", rows)
    # The rig sends the API key as Authorization, so that is this callback's header.
    header = {"name": "Authorization", "value": f"Bearer {live.key}"}
    live.api("POST", "/remotes/callbacks", {"slug": "bench", "fleet": "F", "header": header, "callback_id": "cb"})
    live.rows(ACTIONS)
    live.rows("ANALYZE")
    return live.rows(
        "SELECT a.remote_action_id, v.vin FROM fleet_remotes_remoteaction a"
        " JOIN fleet_remotes_fleetvehicle v ON v.id = a.vehicle_id ORDER BY a.id"
    )


def event(number: int, action: tuple[str, str]) -> dict[str, Any]:
    """A notification that no other equals: each has a moment of its own."""
    kind, status = STATUSES[number // VEHICLES % len(STATUSES)]
    at = datetime.now(UTC) - timedelta(hours=1) + timedelta(milliseconds=number)
    return {
        "remoteActionId": action[0],
        "vin": action[1],
        "eventDate": at.isoformat(),
        "remoteType": "Lights",
        "eventStatus": {"type": kind, "status": status},
    }


def body(start: int, count: int, actions: list[tuple[str, str]]) -> dict[str, Any]:
    events = [event(n, actions[n % len(actions)]) for n in range(start, start + count)]
    return {"callbackId": "cb", "attributes": [], "events": events}


def _waiting(live: Live) -> int:
    return int(live.rows("SELECT count(*) FROM fleet_remotes_callbackmessage WHERE applied_at IS NULL")[0][0])


def batches(rig: Rig) -> list[Figure]:
    """Notifications per second in batches of 50: until they are stored, and until the last one is applied."""
    with rig.live("web", "worker", "beat") as live:
        actions = fill(live)
        requests = [post(live, PATH, body(n * BATCH, BATCH, actions)) for n in range(BODIES)]
        started = time.monotonic()
        found = hammer(live, requests, connections=16, seconds=10)
        live.wait_until(lambda: _waiting(live) == 0, "all callbacks are applied", 120)
        took = time.monotonic() - started
        total = found["answers"] * BATCH
        events, duplicates = live.rows("SELECT events, duplicates FROM fleet_remotes_callback")[0]
        stored = int(live.rows("SELECT count(*) FROM fleet_remotes_remotenotification")[0][0])
    if events != total or stored + duplicates != total:
        raise RuntimeError(f"{total} sent, {events} counted, {stored} stored, {duplicates} duplicates")
    return [
        Figure("callback notifications stored, batches of 50", total / found["seconds"], "/s", 1_000, 10_000),
        Figure("callback notifications applied, batches of 50", total / took, "/s", 1_000, 5_000),
        Figure(
            "callback with 50 notifications, p99", percentile(found["ms"], 0.99), "ms", 500, 100, lower_is_better=True
        ),
    ]


def singles(rig: Rig, *, per_second: int = 100, seconds: int = 20) -> list[Figure]:
    """How long the vendor waits for our answer to one notification, at a steady rate, while workers apply them."""
    with rig.live("web", "worker", "beat") as live:
        actions = fill(live)
        data = [json.dumps(body(n, 1, actions)).encode() for n in range(per_second * seconds)]
        took: list[float] = []
        connections = 8
        started = time.monotonic() + 1
        threads = [
            threading.Thread(target=_steadily, args=(live, data[k::connections], started, k, per_second, took))
            for k in range(connections)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        live.wait_until(lambda: _waiting(live) == 0, "all callbacks are applied", 60)
    if len(took) != len(data):
        raise RuntimeError(f"{len(took)} of {len(data)} were answered")
    took = took[per_second:]
    return [
        Figure("one callback at 100/s, p50", percentile(took, 0.5), "ms", 25, 5, lower_is_better=True),
        Figure("one callback at 100/s, p99", percentile(took, 0.99), "ms", 50, 20, lower_is_better=True),
    ]


def _steadily(live: Live, data: list[bytes], started: float, place: int, per_second: int, took: list[float]) -> None:
    """Sends every eighth notification at its own moment over one kept connection."""
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    headers = {"Authorization": f"Bearer {live.key}", "Content-Type": "application/json"}
    for number, one in enumerate(data):
        time.sleep(max(0.0, started + (number * 8 + place) / per_second - time.monotonic()))
        began = time.perf_counter()
        connection.request("POST", PATH, one, headers)
        answer = connection.getresponse()
        if (answer.status, answer.read()) == (200, b""):
            took.append((time.perf_counter() - began) * 1_000)
    connection.close()
