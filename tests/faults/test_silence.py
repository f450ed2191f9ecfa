"""Silence counts only while somebody listened: an outage of ours is nobody's silence, and one alert says it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from config.demo.supervisor import stop_process
from tests.faults.plant import Plant

pytestmark = [pytest.mark.processes, pytest.mark.faults]
POINTS, INTERVAL_S, HEALTHY_S = 20, 6, 1.0
# What an hour without any of our processes looks like, and a copy that is an hour old, to whoever starts then.
HOUR_AGO = {
    "infra_notifications_chargepointstate": ("last_seen", "silent_at"),
    "infra_notifications_source": ("first_heard_at", "last_heard_at", "listening_since", "checked_at"),
    "console_signoflife": ("at",),
}


def _an_hour_passes(plant: Plant) -> None:
    for table, columns in HOUR_AGO.items():
        changes = ", ".join(f"{column} = {column} - interval '1 h'" for column in columns)
        plant.rows(f"UPDATE {table} SET {changes} RETURNING 1")


def _stations(name: str) -> list[str]:
    return [f"{name}-{number}" for number in range(POINTS)]


def _beat(plant: Plant, stations: list[str]) -> None:
    beats = [{"station": station, "action": "Heartbeat", "payload": {}} for station in stations]
    plant.api("POST", "/charging/messages", {"messages": beats})


@contextmanager
def beating(plant: Plant, stations: list[str]) -> Iterator[None]:
    """Stations that are well."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(HEALTHY_S):
            _beat(plant, stations)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _unavailable(plant: Plant) -> set[str]:
    rows = plant.rows(
        "SELECT c.station FROM infra_notifications_incident i JOIN infra_notifications_chargepoint c"
        " ON c.id = i.charge_point_id WHERE i.\"case\" = 'UNAVAILABLE'"
    )
    return {station for (station,) in rows}


@pytest.mark.parametrize("away", [("web", "worker", "beat"), ("web",)])
def test_outage_of_ours_is_nobodys_silence_and_one_alert_says_it(plant: Plant, away: tuple[str, ...]) -> None:
    name = f"OUT{len(away)}"
    stations = _stations(name)
    plant.start("web")
    try:
        rows = [{"evse_id": f"DE*{s}", "station": s, "expected_interval_s": INTERVAL_S} for s in stations]
        plant.api("PUT", "/charging/charge-points", rows)
        _beat(plant, stations)
        told = len(plant.sink.mails["admin@example.org"])
        plant.wait_until(lambda: plant.rows("SELECT 1 FROM console_signoflife WHERE part = 'listening'") != [], "heard")
        for part in away:
            stop_process(plant.processes.pop(part))
        _an_hour_passes(plant)
        if "worker" not in away:
            # Whoever sweeps meanwhile knows that nobody listens.
            swept = "SELECT 1 FROM console_signoflife WHERE part = 'worker' AND at > now() - interval '5 s'"
            plant.wait_until(lambda: plant.rows(swept) != [], "a worker sweeps")
            time.sleep(2)
            assert "nothing can be received since" in plant.doctor()[1]["listening"]
            assert _unavailable(plant) == set()
        plant.start(*away)
        # All but one speak; that one has had its whole time anew when it is told.
        with beating(plant, stations[1:]):
            plant.wait_until(lambda: _unavailable(plant) != set(), "the one that is silent is noticed")
            assert "nothing could be received; this time" in plant.doctor()[1]["listening"]
        assert _unavailable(plant) == {stations[0]}
        counted = "SELECT extract(epoch FROM min(opened_at - silent_since)) FROM infra_notifications_incident"
        assert plant.rows(counted)[0][0] == INTERVAL_S
        plant.rows("UPDATE outbox_healthalert SET began_at = began_at - interval '2 min' RETURNING 1")
        plant.wait_until(lambda: len(plant.sink.mails["admin@example.org"]) > told, "one alert says it")
        assert plant.rows("SELECT name FROM outbox_healthalert WHERE told_at IS NOT NULL AND name = 'listening'")
    finally:
        if "web" in plant.processes:
            stop_process(plant.processes.pop("web"))
        plant.rows("TRUNCATE infra_notifications_chargepoint CASCADE")
        plant.rows("DELETE FROM console_signoflife WHERE part = 'listening' RETURNING 1")
