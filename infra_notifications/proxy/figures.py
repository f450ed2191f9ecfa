"""What the proxy counts, in memory that its processes share, so that each of them can tell of all.

Not in files as the other processes of Signalbox: memory that belongs to a file on a full disk ends the process that
writes to it (SIGBUS), and the disk may not stand in the way of a station.
"""

from __future__ import annotations

import enum
import mmap
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

OUTCOMES = ("accepted", "refused", "unreachable", "timeout", "forbidden", "unknown", "disabled", "malformed", "busy")


class Figure(enum.IntEnum):
    """The place of a figure. What is `FROM_*` comes once for each side: 0 the CSMS, 1 the station."""

    CONNECTIONS = 0
    FROM_CSMS_MESSAGES = 1
    FROM_STATION_MESSAGES = 2
    FROM_CSMS_BYTES = 3
    FROM_STATION_BYTES = 4
    UNREAD = 5
    OBSERVER_ERRORS = 6
    MOVED = 7
    # Of what listens: frames that were not looked at, and records of what it heard that were lost.
    NOT_READ_LONG = 8
    NOT_READ_GARBAGE = 9
    LOST_MEMORY = 10
    LOST_FULL = 11
    ACCEPTED = 12  # and the other outcomes behind it


SLOTS = Figure.ACCEPTED + len(OUTCOMES)


class Figures:
    """A row of counts for each process. Only its own process writes to a row."""

    def __init__(self, processes: int = 1) -> None:
        self._cells = memoryview(mmap.mmap(-1, 8 * SLOTS * processes)).cast("Q")
        self.processes = processes

    def row(self, process: int) -> memoryview:
        """The counts of one process, to be indexed by `Figure`; what lives only as long as a process begins anew."""
        row = self._cells[process * SLOTS : (process + 1) * SLOTS]
        row[Figure.CONNECTIONS] = 0
        return row

    def total(self, figure: int) -> int:
        return sum(self._cells[figure::SLOTS])

    def collect(self) -> Iterator[Metric]:
        """For prometheus-client."""
        yield _gauge("signalbox_ocpp_connections", "Stations that are connected now", self.total(Figure.CONNECTIONS))
        yield _counters(
            "signalbox_ocpp_handshakes",
            "Connections that stations asked for",
            "outcome",
            ((name, self.total(Figure.ACCEPTED + place)) for place, name in enumerate(OUTCOMES)),
        )
        yield _counters(
            "signalbox_ocpp_messages",
            "WebSocket messages passed on",
            "sender",
            (("csms", self.total(Figure.FROM_CSMS_MESSAGES)), ("station", self.total(Figure.FROM_STATION_MESSAGES))),
        )
        yield _counters(
            "signalbox_ocpp_bytes",
            "Bytes passed on",
            "sender",
            (("csms", self.total(Figure.FROM_CSMS_BYTES)), ("station", self.total(Figure.FROM_STATION_BYTES))),
        )
        for name, text, whys in (
            ("unread", "Frames that were passed on and not looked at", _NOT_READ),
            ("lost", "Records of what the proxy heard that were lost", _LOST),
        ):
            values = ((why, self.total(figure)) for why, figure in whys.items())
            yield _counters(f"signalbox_ocpp_{name}", text, "why", values)
        for figure, name, text in (
            (Figure.UNREAD, "unread_messages", "Messages passed on that were too long or no OCPP-J to be looked at"),
            (Figure.OBSERVER_ERRORS, "observer_errors", "Errors of what listens, kept from the connections"),
            (Figure.MOVED, "moved", "Stations that were asked to reconnect because their route changed"),
        ):
            yield CounterMetricFamily(f"signalbox_ocpp_{name}", text, value=self.total(figure))


_NOT_READ = {"long": Figure.NOT_READ_LONG, "garbage": Figure.NOT_READ_GARBAGE}
_LOST = {"memory": Figure.LOST_MEMORY, "full": Figure.LOST_FULL}


def _gauge(name: str, text: str, value: int) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counters(name: str, text: str, label: str, values: Iterable[tuple[str, int]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for word, value in values:
        family.add_metric([word], value)
    return family
