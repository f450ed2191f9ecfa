"""Takes in which stations are connected: UNAVAILABLE begins when the last connection closes, and ends with the next one
or with any message received after it.

A connection that ended with the proxy's own process is no fault of its station, which has OCPP_GRACE_S to connect anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import transaction
from msgspec.structs import replace

from core.device_clock import TOLERANCE
from core.ingest import BatchSteps, Incoming, Intake, Submission
from core.receipts import TOLD_ANEW, may_restart
from core.sql import Col, columns, storable, update_rows
from core.text import IdentityKeys, identity, identity_key
from infra_notifications.choices import Case, Connectivity, MessageVerdict, SourceKind
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePointState, Source, StationConnection
from infra_notifications.models.sources import kind_of_source
from infra_notifications.rules.connections import STATION, ConnectionReport, Connections, LinkReport, came_first
from infra_notifications.rules.lifecycle import CLOSED
from infra_notifications.rules.oddities import receipt_of
from infra_notifications.rules.signals import closed_signal, connected_signal, last_seen_signal
from infra_notifications.services.directory import Directory, Point
from infra_notifications.services.point_states import PointStates
from infra_notifications.services.records import write_message_rows
from infra_notifications.services.repetitions import Switch, switched_anew
from infra_notifications.services.sources import Heard, source_of, take_and_count
from infra_notifications.services.station_rows import (
    StationRow,
    connection_of,
    read_stations,
    reason_of,
    write_stations,
)
from infra_notifications.services.unit_of_work import IncidentStore
from infra_notifications.services.unknown_senders import UnknownSender, shown, too_long, write_unknown

# What messages of connections are called in the list of messages.
PROTOCOL, CONNECTED, DISCONNECTED = "connection", "Connected", "Disconnected"
SWEEP_LIMIT = 1_000
_MARK = columns(
    ChargePointState,
    "disconnected_at",
    "connectivity",
    computed={
        "connectivity": f"CASE WHEN t.connectivity = '{Connectivity.SILENT}' THEN t.connectivity"
        f" WHEN x.disconnected_at IS NOT NULL THEN '{Connectivity.OFFLINE}'"
        f" WHEN t.connectivity = '{Connectivity.OFFLINE}' THEN '{Connectivity.ONLINE}' ELSE t.connectivity END"
    },
)


def take_connections(
    *, submissions: Sequence[Submission[Any]], now: datetime, heard: Heard | None = None
) -> list[Intake]:
    """Takes the `ConnectionReport`s of several requests in one transaction; an Intake for each, in order."""
    return take_and_count(submissions, _ConnectionSteps, heard=heard, now=now)


class _ConnectionSteps(BatchSteps[Any]):
    """Columns beside the reports: their moments, and the charge points of their stations."""

    endpoint = "charging/connections"

    def __init__(self, heard: Heard, incoming: Incoming[Any]) -> None:
        super().__init__(incoming)
        self.heard = heard
        self.keys = IdentityKeys()

    def check(self, item: ConnectionReport) -> str:
        return "" if identity_key(item.station) else "Name the `station` by its OCPP identity."

    def sender(self, row: int) -> str:
        return self.keys[self.incoming.items[row].station]

    def told_anew(self, duplicates: set[int]) -> set[int]:
        items = self.incoming.items
        rows = [row for row in self.incoming.good if not items[row].at and may_restart(items[row].id)]
        repeated = {self.sender(row) for row in rows if row in duplicates}
        if not repeated:
            return set()
        found = StationConnection.objects.filter(key__in=repeated).values_list("key", "connected", "links")
        present: dict[Hashable, bool] = {(key, STATION): connected for key, connected, _links in found}
        present |= {
            (key, one.id): one.is_open
            for key, _connected, links in found
            for one in Connections.of(links).known.values()
            if one.id != STATION
        }
        switches = [
            Switch(row, (self.sender(row), connection_of(items[row])), items[row].connected, row in duplicates)
            for row in rows
        ]
        anew = switched_anew(switches, present)
        for row in anew:
            self.incoming.warn(row, TOLD_ANEW)
        return anew

    def resolve(self, rows: list[int]) -> None:
        items = self.incoming.items
        self.directory = self._directory(rows)
        self.at = {row: self._moment(row) for row in rows}
        self._keep_order(rows)
        self.points: dict[int, Sequence[Point]] = {
            row: self.directory.by_station.get(self.keys[items[row].station], ()) for row in rows
        }
        self.strangers = [row for row in rows if not self.points[row]]
        for row in self.strangers:
            fate = too_long(self.keys[items[row].station])
            fate = fate or "It is kept in the list of unknown charge points; adopt it there."
            self.incoming.reject(row, f"Unknown station {shown(items[row].station)}. {fate}")
            self.heard.strangers[self.incoming.keys[row]] += 1
        self.strangers = [row for row in self.strangers if not too_long(self.keys[items[row].station])]

    def _directory(self, rows: list[int]) -> Directory:
        """The charge points of all stations; who names an EVSE id means the station of that."""
        items = self.incoming.items
        found = Directory((), {self.sender(row) for row in rows})
        strangers = [row for row in rows if self.sender(row) not in found.by_station]
        points = Directory({self.sender(row) for row in strangers}, ()).by_evse if strangers else {}
        named = {row: point.station for row in strangers if (point := points.get(self.sender(row))) and point.station}
        for row, station in named.items():
            self.incoming.warn(row, f"`station` {items[row].station[:60]!r} is an EVSE id of station {station}.")
            items[row] = replace(items[row], station=station)
        return Directory((), {self.sender(row) for row in rows}) if named else found

    def _keep_order(self, rows: list[int]) -> None:
        """What says not when, of one station in one batch, happened in the order in which it stands there."""
        later = Counter[str]()
        for row in reversed([row for row in rows if not self.incoming.items[row].at]):
            self.at[row] -= timedelta(microseconds=later[self.sender(row)])
            later[self.sender(row)] += 1

    def _moment(self, row: int) -> datetime:
        """By the clock of whoever saw it, which is never ahead of ours."""
        text = self.incoming.items[row].at
        if not text:
            return self.now
        moment = receipt_of(text, self.now, "at")
        if moment.oddity:
            self.incoming.warn(row, moment.oddity)
        return moment.at

    def apply(self, rows: list[int]) -> None:
        # Who nobody knows is connected too, where the proxy says so, or EVerest, whose word is asked for.
        unknown = [row for row in self.strangers if _keeps_strangers(self.incoming.keys[row])]
        ordered = sorted((*rows, *unknown), key=self.at.__getitem__)
        if ordered:
            self._apply(ordered)
        self.heard.drop(write_unknown(self._senders(), self.now))

    def _apply(self, rows: list[int]) -> None:
        store = IncidentStore(self.now)
        ids = sorted({point.id for row in rows for point in self.points[row]})
        store.load(ids, raising=ids)
        states = PointStates(store)
        stations = read_stations({self.sender(row) for row in rows})
        written, changed = [], dict[str, int]()
        for row in rows:
            report, at, key = self.incoming.items[row], self.at[row], self.sender(row)
            station = stations.get(key)
            if station is None:
                name, was = identity(report.station), not report.connected
                station = stations[key] = StationRow(key, name, was, at, at, Connections())
            changed[key] = row
            is_ours = not report.at
            if report.at:
                self.at[row], is_ours = self._placed(row, station, states)
            is_news = self._change(row, station, store, states, is_ours=is_ours)
            if is_news or not isinstance(report, LinkReport):
                written.append(row)
        states.write()
        write_stations(stations.values())
        mark_points(store, ((stations[key], self.points[row]) for key, row in changed.items()))
        store.flush()
        write_message_rows([self._message_row(row) for row in written if self.points[row]])

    def _placed(self, row: int, station: StationRow, states: PointStates) -> tuple[datetime, bool]:
        """The moment of a report that says one: behind what came to us before, where only our receipt knows when that
        was; and whether so. What came before the report of a closing is no life after it, unless nobody had said that
        the station was connected, and this is too old to be of a clock that is a little behind."""
        report, links = self.incoming.items[row], station.links
        pk = connection_of(report)
        at, is_ours = links.placed(pk, self.at[row], connected=report.connected)
        later = () if report.connected else [each for each in states.last_heard(self.points[row]) if each[0] > at]
        one = links.known.get(pk)
        is_known = one is not None and one.closed_at is not None and one.closed_at >= at
        if not later or is_known or links.is_connected != links.are_closed_by(pk, at):
            return at, is_ours
        seen, is_stamped = max(later)
        is_after = any(not came_first(moment, self.at[row], is_ours=not is_stamped) for moment, is_stamped in later)
        if is_after or not (links.is_connected or seen - at <= TOLERANCE):
            self.incoming.warn(row, "It changed nothing: a message of the station was received after that.")
            return at, is_ours
        return seen + timedelta(microseconds=1), is_ours or not is_stamped

    def _change(
        self, row: int, station: StationRow, store: IncidentStore, states: PointStates, *, is_ours: bool
    ) -> bool:
        """Takes a report in, with what it does to incidents; says whether it is news."""
        report, at, points = self.incoming.items[row], self.at[row], self.points[row]
        source, was = self.incoming.keys[row], station.connected
        is_stranger = not report.connected and not station.links.knows(connection_of(report))
        is_news = station.hear(report, at, source_of(source), is_ours=is_ours)
        if not report.connected and station.connected and not isinstance(report, LinkReport):
            name = f"`connection` {report.connection[:40]!r}" if report.connection else "The connection"
            why = "was not opened" if is_stranger and report.connection else "closed before another one was opened"
            self.incoming.warn(row, f"{name} {why}; another one still is. It changed nothing.")
        if not points:
            return is_news
        if report.connected:
            self.heard.feed(source, points)
            spoke = OcppMessage(action="", protocol=getattr(report, "protocol", ""), received_at=report.at)
            for point_id in states.hear(points, at, spoke, source_of(source)):
                store.change(point_id, last_seen_signal(at))
        settle(station, points, store, is_new=was and not station.connected)
        return is_news

    def _message_row(self, row: int) -> tuple[Any, ...]:
        report, points = self.incoming.items[row], self.points[row]
        facts = {
            "reason": reason_of(report),
            "code": getattr(report, "code", None),
            "route": getattr(report, "route", ""),
            "protocol": getattr(report, "protocol", ""),
        }
        return (
            points[0].id if len(points) == 1 else None,
            "" if len(points) == 1 else points[0].station,
            PROTOCOL,
            CONNECTED if report.connected else DISCONNECTED,
            storable({name: value for name, value in facts.items() if value not in ("", None)}),
            MessageVerdict.SEEN if report.connected else MessageVerdict.INFO,
            None,
            storable(warnings) if (warnings := self.incoming.warnings.get(row)) else None,
            None,
            self.at[row],
        )

    def _senders(self) -> list[UnknownSender]:
        """What was said of the connections of stations that nobody knows: the last report of each is applied when they
        are adopted."""
        senders: dict[str, UnknownSender] = {}
        for row in self.strangers:
            report, key = self.incoming.items[row], self.sender(row)
            name = identity(report.station)
            sender = senders.setdefault(
                key, UnknownSender("", name, None, source_of(self.incoming.keys[row]), self.at[row])
            )
            sender.messages += 1
            sender.received = max(sender.received, self.at[row])
            sender.sample = {"protocol": PROTOCOL, "action": CONNECTED if report.connected else DISCONNECTED}
            kept = {"connected": report.connected, "connection": report.connection, "reason": reason_of(report)}
            sender.keep(kept | {"alarming": False}, PROTOCOL, self.at[row], (self.now, row))
        return list(senders.values())


def _keeps_strangers(key: int) -> bool:
    return bool(key) and kind_of_source(key) in (SourceKind.PROXY, SourceKind.MQTT)


def mark_points(store: IncidentStore, stations: Iterable[tuple[StationRow, Sequence[Point]]]) -> None:
    """Shows at the charge points themselves that their station is disconnected, or is no more."""
    rows = []
    for station, points in stations:
        for point in points:
            at = None if station.connected or station.lost_at else station.links.closed_at
            last_seen = store.last_seen_of(point.id)
            rows.append((point.id, None if at is None or (last_seen and last_seen > at) else at, None))
    update_rows("infra_notifications_chargepointstate", Col("charge_point_id", "bigint"), _MARK, sorted(rows))


def _said(station: StationRow) -> str:
    """What an incident says of a connection that closed."""
    detail = ": ".join(str(part) for part in (station.close_code, station.close_reason) if part)
    return f"Connection closed ({detail})" if detail else "Connection closed"


def settle(station: StationRow, points: Sequence[Point], store: IncidentStore, *, is_new: bool = False) -> None:
    """Brings the incidents of a station's charge points in line with its connections; `is_new`: it just closed.

    Who was heard after the last connection had closed is not unavailable; who lost it with the proxy has its time. What
    was raised and closed by hand is not raised by the same report.
    """
    closed_at = station.links.closed_at
    for point in points:
        if station.connected:
            if store.is_open(point.id, Case.UNAVAILABLE):
                store.change(point.id, connected_signal(max(station.since, closed_at or station.since)))
            continue
        last_seen = store.last_seen_of(point.id)
        if station.lost_at or closed_at is None or (last_seen is not None and last_seen > closed_at):
            continue
        if is_new or not _is_raised(store, point.id, closed_at):
            store.change(point.id, closed_signal(closed_at, _said(station)))


def _is_raised(store: IncidentStore, point_id: int, closed_at: datetime) -> bool:
    """Whether just this has been raised: the same report again changes nothing."""
    incident = store.history(point_id, Case.UNAVAILABLE)
    return any(
        each is not None and each.last_raised_at >= closed_at and CLOSED in each.faults
        for each in (incident.open, incident.last_closed)
    )


# ---- what time brings -----------------------------------------------------------------------------------------------


def sweep_lost(*, now: datetime, limit: int = SWEEP_LIMIT) -> int:
    """Stations that did not connect anew in their time since the proxy's process ended are unavailable since then;
    returns how many there were.

    Their time begins when somebody looks: after a pause of the whole installation they connect anew while it starts.
    """
    due = now - timedelta(seconds=settings.OCPP_GRACE_S)
    heard_anew = Source.objects.filter(listening_since__gt=due).values("pk")
    lost = StationConnection.objects.filter(lost_at__lte=due).exclude(source__in=heard_anew).order_by("lost_at")
    keys = list(lost.values_list("key", flat=True)[:limit])
    if not keys:
        return 0
    directory = Directory((), keys)
    with transaction.atomic():
        store = IncidentStore(now)
        ids = sorted(point.id for point in directory.points)
        store.load(ids, raising=ids)
        stations = [each for each in read_stations(keys).values() if each.lost_at is not None and each.lost_at <= due]
        for station in stations:
            station.lost_at = None
            settle(station, directory.by_station.get(station.key, ()), store)
        write_stations(stations)
        mark_points(store, ((station, directory.by_station.get(station.key, ())) for station in stations))
        store.flush()
    return len(stations)


def lose_process(*, process: str, at: datetime, now: datetime) -> int:
    """A process of the proxy ended, and with it the connections that it held; returns how many."""
    held = StationConnection.objects.filter(process=process, connected=True).order_by("source_id", "key")
    lost = 0
    for source, rows in groupby(held, key=lambda row: row.source_id):
        reports = [
            LinkReport(
                station=row.station,
                connected=False,
                lost=True,
                at=max(at, row.last_seen).isoformat(),
                connection=Connections.of(row.links).newest,
                reason="The proxy stopped",
            )
            for row in rows
        ]
        lost += len(reports)
        for start in range(0, len(reports), SWEEP_LIMIT):
            part = list(enumerate(reports[start : start + SWEEP_LIMIT]))
            take_connections(submissions=[Submission(source or 0, part)], now=now)
    return lost
