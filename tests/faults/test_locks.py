"""No row stops everybody: who waits for one that another holds does so alone, and not for ever."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest

from config.demo.supervisor import stop_process
from tests.faults.plant import Plant

pytestmark = [pytest.mark.processes, pytest.mark.faults]
STATIONS, LOCK_TIMEOUT_S, ROUNDS = 12, 6, 2


def _beat(plant: Plant, station: str) -> tuple[int, float]:
    began = time.monotonic()
    message = {"station": station, "action": "Heartbeat", "payload": {}}
    status, _answer = plant.call("POST", "/api/v1/charging/messages", {"messages": [message]})
    return status, time.monotonic() - began


def test_row_that_somebody_holds_delays_its_own_messages_alone(plant: Plant) -> None:
    stations = [f"ROW-{number}" for number in range(STATIONS)]
    plant.env["LOCK_TIMEOUT_S"] = str(LOCK_TIMEOUT_S)
    plant.start("web")
    try:
        rows = [{"evse_id": f"DE*{station}", "station": station} for station in stations]
        plant.api("PUT", "/charging/charge-points", rows)
        assert {_beat(plant, station)[0] for station in stations} == {202}
        url = urlsplit(plant.env["DATABASE_URL"])._replace(scheme="postgresql").geturl()
        with psycopg.connect(url) as holder, ThreadPoolExecutor(STATIONS) as pool:
            holder.execute(
                "SELECT 1 FROM infra_notifications_chargepointstate s JOIN infra_notifications_chargepoint c"
                " ON c.id = s.charge_point_id WHERE c.station = 'ROW-0' FOR UPDATE OF s"
            )
            for _ in range(ROUNDS):
                (held, waited), *others = pool.map(lambda station: _beat(plant, station), stations)
                assert held == 503
                assert waited >= LOCK_TIMEOUT_S
                assert {status for status, _took in others} == {202}
                assert max(took for _status, took in others) < LOCK_TIMEOUT_S
        assert _beat(plant, stations[0])[0] == 202
    finally:
        del plant.env["LOCK_TIMEOUT_S"]
        stop_process(plant.processes.pop("web"))
        plant.rows("TRUNCATE infra_notifications_chargepoint CASCADE")
        plant.rows("DELETE FROM console_signoflife WHERE part = 'listening' RETURNING 1")
