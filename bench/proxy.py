"""The OCPP proxy: the same stations at the same CSMS directly and through it in turns; from 100 to 10,000 stations."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.figures import Figure, percentile
from bench.rig import Rig, wait_for_port
from tests.infra_notifications.proxy.peers import Proxy, proxy
from tests.live import ROOT
from tests.mailserver import free_port

STATIONS, STORM_S = 10_000, 10
FLOODERS, FLOOD_S = 100, 4
PACED, PACE_PER_S, PACE_S, ROUNDS, DELAY_ROUNDS = 1_000, 2_500, 5, 3, 15
# A process needs two files a station, and some of its own.
SPARE_FILES = 500


class Stations:
    """A process full of stations."""

    def __init__(self, port: int) -> None:
        command = [sys.executable, "-m", "bench.ocpp_load", "stations", str(port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, name: str, **values: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"do": name} | values), file=self._process.stdin, flush=True)
        result: dict[str, Any] = json.loads(self._process.stdout.readline())
        return result

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def _stations(port: int) -> Iterator[Stations]:
    made = Stations(port)
    try:
        yield made
    finally:
        made.end()


@contextlib.contextmanager
def _csms() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.ocpp_load", "csms", str(port)], cwd=ROOT)
    try:
        wait_for_port(port)
        yield port
    finally:
        process.kill()
        process.wait()


def _resident(pid: int) -> int:
    """KiB of memory that a process has now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError(f"process {pid} has no memory")


def _processor_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _most_stations() -> int:
    """As many as files allow: a superuser may have more than the limit says."""
    files = 2 * STATIONS + SPARE_FILES
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, files),) * 2)
    return min(STATIONS, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES) // 2)


def relay(rig: Rig) -> list[Figure]:
    """All figures of the proxy, in one run."""
    most = _most_stations()
    with (
        rig.live() as live,
        _csms() as upstream,
        tempfile.TemporaryDirectory(dir=rig.folder) as folder,
    ):
        env = {"DATABASE_URL": live.env["DATABASE_URL"], "LOG_LEVEL": "WARNING"}
        with proxy(Path(folder), f"bench=ws://127.0.0.1:{upstream}/ocpp", **env) as running:
            return [*_growth(running, most), *_rate(running, upstream), *_delay(running, upstream)]


def _growth(running: Proxy, most: int) -> list[Figure]:
    """Memory from 100 to the most stations that the machine allows; then all of them come back within ten seconds."""
    pid = running.process.pid
    with _stations(running.port) as stations:
        stations.do("connect", count=10, per_s=100)
        before, connected, figures = _resident(pid), 10, []
        for count in dict.fromkeys((100, 1_000, most)):
            stations.do("connect", count=count - connected, per_s=most / STORM_S)
            used, connected = _resident(pid) - before, count
            figures.append(Figure(f"OCPP proxy: {count:,} stations, each", used / count, "KiB", 60, 30, True))
        _check(running, connected)
        stations.do("close")
        began = _processor_s(pid)
        back = stations.do("connect", count=most, per_s=most / STORM_S)
        took = _processor_s(pid) - began
        if back["connected"] != most:
            raise RuntimeError(f"only {back} of {most} came back")
        _check(running, most)
        figures.append(Figure(f"OCPP proxy: {most:,} stations come back", back["seconds"], "s", 20, 11, True))
        figures.append(Figure("… processor time of it", took, "s", 10, 5, True))
        print(f"tries {back['tries']} for {most}", flush=True)
        # Heartbeats of all while they are connected.
        paced = stations.do("pace", per_s=PACE_PER_S, seconds=PACE_S)
        figures.append(
            Figure(f"… 5,000 messages/s of {most:,}, p99", 1e3 * percentile(paced["took"], 0.99), "ms", 40, 10, True)
        )
        stations.do("close")
    return figures


def _check(running: Proxy, count: int) -> None:
    shown = json.loads(running.get("/healthz")[1])["connections"]
    if shown != count:
        raise RuntimeError(f"{shown} of {count} stations are connected")


def _rate(running: Proxy, upstream: int) -> list[Figure]:
    """Messages a second of one process, by the processor time that they took: the machine is shared with both ends."""
    rates: dict[str, list[float]] = {"direct": [], "proxy": []}
    pid, core = running.process.pid, []
    for _ in range(ROUNDS):
        for name, port in (("direct", upstream), ("proxy", running.port)):
            with _stations(port) as stations:
                stations.do("connect", count=FLOODERS, per_s=1_000)
                began = _processor_s(pid)
                rate = stations.do("flood", seconds=FLOOD_S, stations=FLOODERS)["per_s"]
                rates[name].append(rate)
                if name == "proxy":
                    core.append(rate * FLOOD_S / (_processor_s(pid) - began))
                stations.do("close")
    print(f"messages/s: {rates}; for a second of the proxy's processor: {core}", flush=True)
    return [
        Figure("OCPP proxy: messages passed on", statistics.median(rates["proxy"]), "/s", 5_000, 10_000),
        Figure("OCPP proxy: messages for a second of one core", statistics.median(core), "/s", 10_000, 20_000),
    ]


def _delay(running: Proxy, upstream: int) -> list[Figure]:
    """What the proxy adds to a CALL and its answer at half the load: two messages each.

    Other programs of the machine only ever add to a delay, so the quietest of several short rounds is the one that says
    most of the proxy.
    """
    rounds: dict[str, list[list[float]]] = {"direct": [], "proxy": []}
    with _stations(upstream) as direct, _stations(running.port) as proxied:
        for stations in (direct, proxied):
            stations.do("connect", count=PACED, per_s=500)
        for _ in range(DELAY_ROUNDS):
            for name, stations in (("direct", direct), ("proxy", proxied)):
                paced = stations.do("pace", per_s=PACE_PER_S, seconds=1)
                took = [1e3 * percentile(paced["took"], share) for share in (0.5, 0.99)]
                rounds[name].append(took if not paced["late"] else [1e3, 1e3])
    print({name: [[round(value, 2) for value in took] for took in all_rounds] for name, all_rounds in rounds.items()})
    added = [min(took[at] for took in rounds["proxy"]) - min(took[at] for took in rounds["direct"]) for at in (0, 1)]
    return [
        Figure("OCPP proxy: added to a call at 5,000 messages/s, p50", added[0], "ms", 4, 2, True),
        Figure("OCPP proxy: added to a call at 5,000 messages/s, p99", added[1], "ms", 20, 10, True),
    ]
