"""Messages of charge points in: batches, single messages, and the way from a POST to the mail server at rest."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import Any

from bench.figures import Figure, percentile
from bench.rig import Rig, ask_sink, hammer, post, smtp_sink
from tests.live import Live

POINTS = 20_000
BATCH = 500
PATH = "/api/v1/charging/messages"
# What devices say the time is: not long ago, or their clocks would be wrong.
MOMENT = datetime.now(UTC).isoformat(timespec="seconds")


def fill(live: Live, points: int = POINTS) -> None:
    """Charge points, two per station, a tenth of them in a group."""
    for start in range(0, points, 1_000):
        rows = [
            {
                "evse_id": f"DE*BEN*E{n:06d}*{n % 2 + 1}",
                "station": f"BEN-{n // 2:06d}",
                "connector": n % 2 + 1,
                "city": "Köln",
            }
            for n in range(start, start + 1_000)
        ]
        live.api("PUT", "/charging/charge-points", rows)
    members = [f"DE*BEN*E{n:06d}*{n % 2 + 1}" for n in range(points // 10)]
    live.api("POST", "/charging/groups", {"name": "Bench", "emails": ["ops@bench.example"], "charge_points": members})
    live.rows("ANALYZE")


def message(n: int, chance: random.Random) -> dict[str, Any]:
    """A message as a CSMS forwards it: mostly status and heartbeats, some 2.x events, one fault in two hundred."""
    kind = chance.random()
    if kind < 0.005:
        payload: dict[str, Any] = {"connectorId": n % 2 + 1, "errorCode": "OverCurrentFailure", "status": "Faulted"}
        action, protocol = "StatusNotification", "ocpp1.6"
    elif kind < 0.60:
        status = chance.choice(["Available", "Preparing", "Charging", "Finishing"])
        payload = {
            "connectorId": n % 2 + 1,
            "errorCode": "NoError",
            "status": status,
            "timestamp": MOMENT,
        }
        action, protocol = "StatusNotification", "ocpp1.6"
    elif kind < 0.80:
        payload, action, protocol = {}, "Heartbeat", "ocpp1.6"
    elif kind < 0.92:
        event = {
            "eventId": n,
            "timestamp": MOMENT,
            "trigger": "Delta",
            "actualValue": "Available",
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "Connector", "evse": {"id": n % 2 + 1, "connectorId": 1}},
            "variable": {"name": "AvailabilityState"},
        }
        payload, action, protocol = (
            {"generatedAt": MOMENT, "seqNo": 0, "eventData": [event]},
            "NotifyEvent",
            "ocpp2.0.1",
        )
    else:
        sampled = [{"value": "1234.5", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}]
        values = [{"timestamp": MOMENT, "sampledValue": sampled}]
        payload, action, protocol = (
            {"connectorId": n % 2 + 1, "transactionId": n, "meterValue": values},
            "MeterValues",
            "ocpp1.6",
        )
    return {"station": f"BEN-{n // 2:06d}", "protocol": protocol, "action": action, "payload": payload}


def batches(rig: Rig) -> list[Figure]:
    """Batches of 500, four connections, understood and committed."""
    chance = random.Random(1)
    with rig.live("web") as live:
        fill(live)
        requests = [
            post(live, PATH, [message(chance.randrange(POINTS), chance) for _ in range(BATCH)]) for _ in range(60)
        ]
        hammer(live, requests, connections=4, seconds=2)
        found = hammer(live, requests, connections=4, seconds=8)
    return [Figure("messages in batches of 500", found["answers"] * BATCH / found["seconds"], "/s", 10_000, 20_000)]


def singles(rig: Rig) -> list[Figure]:
    """One message per request over 32 connections."""
    chance = random.Random(2)
    with rig.live("web") as live:
        fill(live)
        requests = [post(live, PATH, message(chance.randrange(POINTS), chance)) for _ in range(5_000)]
        hammer(live, requests, connections=32, seconds=2)
        found = hammer(live, requests, connections=32, seconds=8)
    return [
        Figure("single messages over 32 connections", found["answers"] / found["seconds"], "/s", 1_000, 2_000),
        Figure("single messages, p99", percentile(found["ms"], 0.99), "ms", 60, 60, lower_is_better=True),
    ]


def at_rest(rig: Rig, rounds: int = 200) -> list[Figure]:
    """From the POST of a tripped fuse to its receipt by the mail server, nothing else going on."""
    took = []
    with smtp_sink() as port, rig.live(EMAIL_URL=f"smtp://127.0.0.1:{port}", CHARGING_GATHER_S="0") as live:
        live.start("web", "worker", "beat")
        rows = [{"evse_id": f"DE*IDLE*{n}", "station": f"IDLE-{n}", "connector": 1} for n in range(rounds + 20)]
        live.api("PUT", "/charging/charge-points", rows)
        members = [row["evse_id"] for row in rows]
        live.api(
            "POST", "/charging/groups", {"name": "Rest", "emails": ["ops@bench.example"], "charge_points": members}
        )
        time.sleep(3)
        for n in range(rounds + 20):
            fault = {"connectorId": 1, "errorCode": "OverCurrentFailure", "status": "Faulted"}
            body = {"station": f"IDLE-{n}", "protocol": "ocpp1.6", "action": "StatusNotification", "payload": fault}
            count, started = n + 1, time.time()
            live.api("POST", "/charging/messages", body)
            while (state := ask_sink(port))[0] < count:
                time.sleep(0.002)
            took.append((state[2] - started) * 1000)
            time.sleep(0.05 + random.random() * 0.05)
    took = took[20:]
    return [
        Figure("POST to mail server at rest, p50", percentile(took, 0.5), "ms", 40, 10, lower_is_better=True),
        Figure("POST to mail server at rest, p99", percentile(took, 0.99), "ms", 120, 40, lower_is_better=True),
    ]
