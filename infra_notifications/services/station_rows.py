"""The rows of stations' connections: locked, changed by reports, written once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from core.sql import array_literal, columns, insert_rows, storable
from core.text import one_line
from infra_notifications.models import StationConnection
from infra_notifications.rules.connections import STATION, ConnectionReport, Connections, LinkReport
from infra_notifications.rules.retained import without_secrets

MAX_REASON, MAX_CONNECTION = 200, 64
_TABLE = "infra_notifications_stationconnection"
_READ = [
    "key",
    "station",
    "connected",
    "since",
    "last_seen",
    "links::text",
    "lost_at",
    "protocol",
    "route",
    "process",
    "messages",
    "round_trip_ms",
    "csms_offset_s",
    "close_code",
    "close_reason",
    "source_id",
]
_COLUMNS = columns(StationConnection, *(name.partition("::")[0] for name in _READ))


@dataclass
class StationRow:
    """A station's row while reports change it."""

    key: str
    station: str
    connected: bool
    since: datetime
    last_seen: datetime
    links: Connections
    lost_at: datetime | None = None
    protocol: str = ""
    route: str = ""
    process: str = ""
    messages: int = 0
    round_trip_ms: float | None = None
    csms_offset_s: float | None = None
    close_code: int | None = None
    close_reason: str = ""
    source_id: int | None = None

    @classmethod
    def read(cls, row: Sequence[Any]) -> StationRow:
        values = dict(zip((column.name for column in _COLUMNS), row, strict=True))
        return cls(**values | {"links": Connections.of(json.loads(values["links"]))})

    @property
    def row(self) -> tuple[Any, ...]:
        values = vars(self) | {"links": storable(self.links.rows)}
        return tuple(values[column.name] for column in _COLUMNS)

    def hear(self, report: ConnectionReport, at: datetime, source: int | None, *, is_ours: bool) -> bool:
        """Takes a report in, `at` a moment by our receipt (`is_ours`) or by its sender's clock; says whether it changed
        whether the station is connected."""
        was, pk = self.connected, connection_of(report)
        was_since = self.since
        self.links.hear(pk, at, connected=report.connected, is_ours=is_ours)
        self.connected, self.since = self.links.is_connected, self.links.since
        self.last_seen, self.source_id = max(self.last_seen, at), source or self.source_id
        is_newest = pk == self.links.newest
        if is_newest:
            self._note(report)
        if not report.connected and not self.connected and (self.since == at or was):
            self.close_code = report.code if isinstance(report, LinkReport) else None
            self.close_reason = reason_of(report)
        if self.connected:
            self.lost_at, self.close_code, self.close_reason = None, None, ""
        elif isinstance(report, LinkReport) and report.lost and self.since == at:
            self.lost_at = at
        elif not report.connected and self.since == at:
            self.lost_at = None
        return was != self.connected or (report.connected and self.since != was_since)

    def _note(self, report: ConnectionReport) -> None:
        if not isinstance(report, LinkReport):
            return
        for name in ("protocol", "route", "process"):
            setattr(self, name, getattr(report, name) or getattr(self, name))
        self.protocol = self.protocol[:12]
        for name in ("messages", "round_trip_ms", "csms_offset_s"):
            if (value := getattr(report, name)) is not None:
                setattr(self, name, value)


def connection_of(report: ConnectionReport) -> str:
    return (report.connection or STATION)[:MAX_CONNECTION]


def reason_of(report: ConnectionReport) -> str:
    return without_secrets(one_line(report.reason or ""))[:MAX_REASON]


def read_stations(keys: Iterable[str]) -> dict[str, StationRow]:
    """Locks the rows of stations, in the order of their keys, and reads them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(_READ)} FROM {_TABLE}"  # noqa: S608 - our own names
            " WHERE key = ANY(%s::text[]) ORDER BY key FOR UPDATE",
            [array_literal(keys)],
        )
        return {row[0]: StationRow.read(row) for row in cursor.fetchall()}


def write_stations(stations: Iterable[StationRow]) -> None:
    insert_rows(
        f"{_TABLE} AS t",
        _COLUMNS,
        [station.row for station in sorted(stations, key=lambda each: each.key)],
        "ON CONFLICT (key) DO UPDATE SET "  # nosec B608 - names of our columns
        + ", ".join(f"{column.name} = EXCLUDED.{column.name}" for column in _COLUMNS[1:]),
    )
