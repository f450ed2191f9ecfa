"""The scan of vehicles: a million of them, ten thousand due at once, and somebody who writes meanwhile."""

from __future__ import annotations

import json
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bench.figures import Figure, percentile
from bench.rig import Rig
from tests.live import Live

VEHICLES, DUE = 1_000_000, 10_000

# A driver with a Renault each; of those that are due, the service ends in thirty days from a minute ago on.
DRIVERS = """
INSERT INTO vehicles_driver (external_id, reports, created_at, name, email, country, language, time_zone, app_platform,
  app_version, app_version_key, program, push_enabled, marketing_consent, unwanted, removed, due_at)
SELECT 'driver-' || n, %(reports)s, %(now)s, 'Driver ' || n, 'driver-' || n || '@bench.example', 'FR', 'fr',
  'Europe/Paris', 'ios', '4.16', '{4,16}', '', true, false, '{}', false,
  %(now)s + interval '1 second' * CASE WHEN n %% %(every)s = 0 THEN -60 ELSE n %% 80000 + 3600 END
FROM generate_series(1, %(drivers)s) AS n
"""
VEHICLES_SQL = """
INSERT INTO vehicles_vehicle (external_id, reports, created_at, driver_id, brand, model, vin, pairing_state,
  pairing_reason, capabilities, user_role, enrollment, last_contact_at, removed)
SELECT replace(external_id, 'driver', 'car'), %(reports)s, %(now)s, id, 'Renault', 'Zoe', '', 'ready_for_pairing',
  '', '{}', '', '', %(now)s, false
FROM vehicles_driver
"""
SERVICES = """
INSERT INTO vehicles_oemservice (external_id, reports, created_at, vehicle_id, code, state, expires_at)
SELECT v.external_id || '/ZE_INTERACTIVE', %(reports)s, %(now)s, v.id, 'ZE_INTERACTIVE', 'active', %(now)s
FROM vehicles_vehicle v JOIN vehicles_driver d ON d.id = v.driver_id WHERE d.due_at < %(now)s
"""
# The big indexes are built after the rows are there, which is much quicker.
SEARCHES = (("driver_search", "vehicles_driver"), ("vehicle_search", "vehicles_vehicle"))
# As beat does: the sweep's first batch, and a task for a second worker.
SWEEP = """
import time
from vehicles.tasks import sweep
print(time.time())
sweep.delay()
"""
NOTIFIED = "SELECT count(*) FROM vehicles_drivernotification WHERE type = 'ZeInteractiveExpiresSoon'"


class Writer(threading.Thread):
    """Somebody who changes drivers that are due, one after the other, and notes how long each change takes."""

    def __init__(self, live: Live, ids: list[int]) -> None:
        super().__init__(daemon=True)
        self.url = urlsplit(live.env["DATABASE_URL"])._replace(scheme="postgresql").geturl()
        self.ids, self.took, self.ended = ids, [0.0], threading.Event()

    def run(self) -> None:
        chance = random.Random(3)
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.ended.wait(0.005):
                started = time.monotonic()
                connection.execute("UPDATE vehicles_driver SET program = 'x' WHERE id = %s", [chance.choice(self.ids)])
                self.took.append((time.monotonic() - started) * 1000)


def fleet(*, drivers: int, due: int, now: datetime) -> list[tuple[str, dict[str, Any]]]:
    """The statements, with their parameters, that write so many drivers with a car each, of whom some are due."""
    # Thirty days of the calendar before its end are over now, also where a clock changes within them.
    expires = now + timedelta(days=30) - timedelta(hours=2)
    written: list[tuple[str, dict[str, Any]]] = [
        (DRIVERS, {"country": "FR"}),
        (VEHICLES_SQL, {"brand": "Renault", "model": "Zoe", "contact": True}),
        (SERVICES, {"state": "active", "expires_at": expires.isoformat()}),
    ]
    given = {"now": now, "every": drivers // due, "drivers": drivers}
    return [(sql, {**given, "reports": _reports(values, now)}) for sql, values in written]


def _reports(values: dict[str, object], now: datetime) -> str:
    """Reports as they are stored, each told a minute ago."""
    at = (now - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return json.dumps({name: [[at, value]] for name, value in values.items()})


def fill(live: Live, vehicles: int, due: int) -> None:
    for name, _table in SEARCHES:
        live.rows(f"DROP INDEX {name}")
    live.commands(fleet(drivers=vehicles, due=due, now=datetime.now(UTC)))
    for name, table in SEARCHES:
        live.rows(f"CREATE INDEX {name} ON {table} USING gin (search_text gin_trgm_ops)")
    live.rows("ANALYZE")


def scan(rig: Rig, vehicles: int = VEHICLES, due: int = DUE) -> list[Figure]:
    """Workers look at all that are due; each is told that the service of the car ends soon."""
    with rig.live() as live:
        live.start("worker")
        fill(live, vehicles, due)
        ids = [row[0] for row in live.rows("SELECT id FROM vehicles_driver WHERE due_at < now()")]
        writer = Writer(live, ids)
        writer.start()
        began = float(live.manage("shell", "-v", "0", "-c", SWEEP).split()[-1])
        live.wait_until(lambda: live.rows(NOTIFIED)[0][0] >= due, "everybody who is due is told", 120)
        seconds = time.time() - began
        writer.ended.set()
        writer.join()
        still = live.rows("SELECT count(*) FROM vehicles_driver WHERE due_at < now() - interval '30 s'")[0][0]
        if still or live.rows(NOTIFIED)[0][0] != due:
            raise RuntimeError(f"{live.rows(NOTIFIED)[0][0]} were told, not {due}; {still} are due still")
    millions = f"{vehicles:,} vehicles, {due:,} due"
    return [
        Figure(f"scan of {millions}", seconds, "s", 5, 3, lower_is_better=True),
        Figure("a writer's change meanwhile, p99", percentile(writer.took, 0.99), "ms", 500, 100, lower_is_better=True),
        Figure("a writer's change meanwhile, longest", max(writer.took), "ms", 1_000, 300, lower_is_better=True),
    ]
