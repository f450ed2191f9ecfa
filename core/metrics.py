"""Prometheus metrics. Counters live in files that all processes of this machine share; levels are read when asked.

An app registers a function that yields its levels (queue depth, ages) with `register_levels`.
"""

from __future__ import annotations

import ipaddress
import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils import timezone
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import _INITIAL_MMAP_SIZE, MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from core.health import database_fault
from core.selectors import NOTED_AT_TIMES, last_signs_of_life

_Numbers: Any = MmapedDict  # it has no types


class RoomyDict(_Numbers):  # type: ignore[misc]
    """Numbers in a file that has all the place it seems to have: one with holes would end its process (SIGBUS) when it
    is written to while the disk is full. Without place they are counted in memory, and `/metrics` misses them."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        try:
            if not read_mode:
                with Path(filename).open("ab") as file:
                    os.posix_fallocate(file.fileno(), 0, max(_INITIAL_MMAP_SIZE, file.tell()))
            super().__init__(filename, read_mode)
        except OSError:
            if read_mode:
                raise
            self._f, self._m = None, mmap.mmap(-1, _INITIAL_MMAP_SIZE)
            self._positions: dict[str, int] = {}
            self._capacity, self._used = _INITIAL_MMAP_SIZE, 8

    def _init_value(self, key: str) -> None:
        while self._used + len(key.encode()) + _VALUE_BYTES > self._capacity:
            self._grow(2 * self._capacity)
        super()._init_value(key)

    def _grow(self, capacity: int) -> None:
        file: Any = self._f
        try:
            os.posix_fallocate(file.fileno(), 0, capacity)
            self._m = mmap.mmap(file.fileno(), capacity)
        except (OSError, AttributeError):  # no place, or no file
            grown = mmap.mmap(-1, capacity)
            grown[: self._used] = self._m[: self._used]
            self._m, self._f = grown, None
        self._capacity = capacity


# What a number takes beside its name: lengths, padding, value and time.
_VALUE_BYTES = 40
vars(values)["MmapedDict"] = RoomyDict

HTTP_SECONDS = Histogram(
    "signalbox_http_request_seconds",
    "Time from the first line of our code to the answer",
    ["method", "route", "status_class"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.3, 0.6, 1, 3, 10),
)
PRUNED = Counter("signalbox_rows_pruned", "Rows deleted because of their age", ["what"])

Levels = Callable[[], Iterable[Metric]]
_levels: list[Levels] = []


def register_levels(levels: Levels) -> None:
    """Raises ValueError for a function that is registered already."""
    if levels in _levels:
        raise ValueError(f"{levels} is registered already.")
    _levels.append(levels)


def life_levels() -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "signalbox_last_sign_of_life", "Unix time of a part's last sign of life", labels=["part"]
    )
    for part, seen in last_signs_of_life(timezone.now()).items():
        if part not in NOTED_AT_TIMES:
            family.add_metric([part], seen.timestamp())
    yield family


class _Levels:
    """Asks every registered function; a database that does not answer leaves the counters readable."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("signalbox_database_up", "1 when the database answered this scrape")
        answered = not database_fault()
        for levels in _levels if answered else ():
            try:
                yield from list(levels())
            except DatabaseError:
                answered = False
                break  # the next would wait as long
        up.add_metric([], float(answered))
        yield up


def exposition() -> bytes:
    """All metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_Levels())
    return generate_latest(registry)


def may_scrape(request: HttpRequest, peer: str) -> bool:
    """Whether the peer's address lies in METRICS_NETWORKS, or is loopback."""
    return may_scrape_from(peer, is_behind_proxy=not settings.TRUSTED_PROXIES and "X-Forwarded-For" in request.headers)


def may_scrape_from(peer: str, *, is_behind_proxy: bool) -> bool:
    """What a proxy on this machine passes on (`is_behind_proxy`) comes from loopback too, but from elsewhere first."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if address.is_loopback and not is_behind_proxy:
        return True
    return any(address in network for network in settings.METRICS_NETWORKS)


register_levels(life_levels)
