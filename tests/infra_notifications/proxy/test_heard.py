"""What real processes hear: a proxy between station and CSMS that is killed, as their PostgreSQL is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.demo.postgres import Postgres
from tests.engines import ROOT
from tests.infra_notifications.helpers import fault, fine
from tests.infra_notifications.proxy.peers import Csms, Proxy, Station, csms, play, station
from tests.infra_notifications.proxy.test_frames import frame
from tests.lint import production
from tests.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.processes
_FILL = """
from infra_notifications.models import ChargePoint, ChargePointState, OcppRoute
for n in range(1, 4):
    point = ChargePoint.objects.create(evse_id=f"DE*HRD*E{n}", station=f"CP-{n}", connector=1)
    ChargePointState.objects.create(charge_point=point)
OcppRoute.objects.create(slug="site", upstream="ws://127.0.0.1:1")
"""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres") / "data")
    server.start()
    environment = production() | {"DATABASE_URL": server.url(), "PYTHONPATH": str(ROOT)}
    for words in (["migrate", "--verbosity", "0"], ["shell", "-c", _FILL]):
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True)
    yield server
    with contextlib.suppress(Exception):
        server.stop()
    server.remove()


def rows(postgres: Postgres, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(postgres.url().replace("postgres://", "postgresql://", 1)) as connection:
        return connection.execute(sql).fetchall()


def open_faults(postgres: Postgres) -> list[str]:
    found = rows(
        postgres,
        "SELECT c.station FROM infra_notifications_incident i JOIN infra_notifications_chargepoint c"
        " ON c.id = i.charge_point_id WHERE i.closed_at IS NULL AND i.\"case\" = 'FUSE_TRIPPED' ORDER BY 1",
    )
    return [station for (station,) in found]


def ids_of(postgres: Postgres, station: str) -> list[int]:
    """The `connectorId`s that a station named, in the order in which they were stored: a count."""
    found = rows(
        postgres,
        "SELECT (m.payload->>'info')::int FROM infra_notifications_chargepointmessage m JOIN"
        " infra_notifications_chargepoint c ON c.id = m.charge_point_id WHERE m.payload->>'info' ~ '^[0-9]+$'"
        f" AND c.station = '{station}' ORDER BY m.id",
    )
    return [number for (number,) in found]


async def say(peer: Station, *items: Any) -> None:
    peer.writer.write(frame(1, json.dumps(items).encode()))
    await peer.writer.drain()


@contextlib.asynccontextmanager
async def connected(system: Csms, proxy: Proxy, name: str) -> Any:
    peer = await station(proxy.port, f"/site/{name}")
    assert peer.head.status == 101
    visit = await system.visit()
    yield peer, visit
    peer.close()


async def until(condition: Any) -> None:
    await asyncio.to_thread(wait_until, condition)


def test_nothing_is_lost_when_the_database_and_the_proxy_are_killed(postgres: Postgres, tmp_path: Path) -> None:
    database, spool = postgres.url(), str(tmp_path / "spool")

    async def scene() -> None:
        async with csms() as system:
            proxy = Proxy(tmp_path, [f"site={system.url}"], DATABASE_URL=database, OCPP_SPOOL_DIR=spool)
            await asyncio.to_thread(proxy.start)
            try:
                await play_through(system, proxy)
            finally:
                print(proxy.log()[-6000:])
                with contextlib.suppress(Exception):
                    proxy.stop()

    async def play_through(system: Csms, proxy: Proxy) -> None:
        async with connected(system, proxy, "CP-1") as (one, _visit), connected(system, proxy, "CP-2") as (two, _other):
            await say(one, 2, "a", "StatusNotification", fault())
            await until(lambda: open_faults(postgres) == ["CP-1"])
            os.kill(postgres.pid or 0, signal.SIGKILL)
            for number in range(300):
                await say(two, 2, str(number), "StatusNotification", fine(info=str(number)))
            await say(two, 2, "b", "StatusNotification", fault())
            await say(one, 2, "c", "StatusNotification", fine())
            await asyncio.sleep(3)
            await asyncio.to_thread(postgres.start)
            await until(lambda: open_faults(postgres) == ["CP-2"])
            await until(lambda: len(ids_of(postgres, "CP-2")) == 300)
            assert ids_of(postgres, "CP-2") == list(range(300))
        async with connected(system, proxy, "CP-3") as (three, visit):
            calls = [[2, str(n), "StatusNotification", fine(info=str(n))] for n in range(50)]
            sent = b"".join(frame(1, json.dumps(call).encode()) for call in calls)
            sent += frame(1, json.dumps([2, "z", "StatusNotification", fault()]).encode())
            three.writer.write(sent)
            await asyncio.wait_for(visit.reader.readexactly(len(sent)), PATIENCE_S)
            # Frames are passed on before they are heard, some microseconds each.
            await asyncio.sleep(0.05)
            os.killpg(proxy.process.pid, signal.SIGKILL)
        began = time.monotonic()
        await until(lambda: open_faults(postgres) == ["CP-2", "CP-3"])
        await until(lambda: ids_of(postgres, "CP-3") == list(range(50)))
        await until(lambda: bool(rows(postgres, f"{_LOST} AND station = 'CP-3' AND lost_at IS NOT NULL")))
        assert time.monotonic() - began < 30

    play(scene())


_LOST = "SELECT 1 FROM infra_notifications_stationconnection WHERE NOT connected"
