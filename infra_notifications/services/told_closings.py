"""What messages that are no word of their station do (`rules.told_closings`): they report that its connection ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from infra_notifications.choices import Effect, MessageVerdict
from infra_notifications.rules.connections import ConnectionReport, Connections
from infra_notifications.rules.findings import finding_of
from infra_notifications.services.connections import mark_points, settle
from infra_notifications.services.directory import Point
from infra_notifications.services.message_reading import MessageReading
from infra_notifications.services.sources import source_of
from infra_notifications.services.station_rows import StationRow, read_stations, write_stations
from infra_notifications.services.unit_of_work import IncidentStore


class ToldClosings:
    """Those of a batch; `rows` are its rows in the order of their receipt."""

    def __init__(self, batch: MessageReading, rows: Sequence[int]) -> None:
        self._batch = batch
        self.points = {row: batch.alive[row] for row in rows if row in batch.closings}
        self._changed = dict[str, Sequence[Point]]()
        self._keep_order(rows)

    def _keep_order(self, rows: Sequence[int]) -> None:
        """What came of one station at the same moment as the end of its connection was before that, or after it."""
        batch, keys = self._batch, {self._batch.sender(row) for row in self.points}
        later = dict[str, datetime]()
        for row in reversed([row for row in rows if keys and batch.sender(row) in keys]):
            key, at = batch.sender(row), batch.received[row]
            later[key] = batch.received[row] = min(at, later.get(key, at) - timedelta(microseconds=key in later))

    def lock(self, store: IncidentStore) -> None:
        """Reads the connections of their stations, after the store has locked the charge points."""
        self._store = store
        self._stations = read_stations({self._batch.sender(row) for row in self.points}) if self.points else {}

    def hear(self, row: int) -> None:
        """Takes one, as a report of a connection without an id, where the row is one."""
        if (points := self.points.get(row)) is None:
            return
        batch, key, at = self._batch, self._batch.sender(row), self._batch.received[row]
        name, word, stamp = points[0].station or key, batch.closings[row], batch.messages[row].received_at
        if (station := self._stations.get(key)) is None:
            station = self._stations[key] = StationRow(key, name, True, at, at, Connections())
        was, self._changed[key] = station.connected, points
        report = ConnectionReport(station=name, connected=False, at=stamp, reason=word)
        station.hear(report, at, source_of(batch.incoming.keys[row]), is_ours=not stamp)
        settle(station, points, self._store, is_new=was and not station.connected)
        found = finding_of(None, Effect.INFO, f"Connection closed ({word})", len(points), ())
        batch.findings[row].add(MessageVerdict.INFO, found)

    def write(self) -> None:
        """Writes what changed, after the states of the charge points were written."""
        if changed := [(self._stations[key], points) for key, points in self._changed.items()]:
            write_stations([station for station, _points in changed])
            mark_points(self._store, changed)
