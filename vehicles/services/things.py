"""The things that a batch of facts names: made where they are new, locked, told, written. Set-based throughout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from core.sql import Col, update_rows
from vehicles.ingest import Report
from vehicles.rules.timelines import Reports
from vehicles.services.kinds import KINDS, Kind


@dataclass(slots=True)
class Thing:
    """One row under way: its reports, and the rows that it is linked to by column."""

    kind: Kind
    id: int
    key: str
    reports: Reports
    links: dict[str, int | None]
    changed: bool = False
    # The moments of what was new, by field.
    news: dict[str, datetime] = field(default_factory=dict)


class Things:
    """All things of one batch. Rows are made and locked kind by kind in one order, drivers last of all."""

    def __init__(self) -> None:
        self._named: dict[str, dict[str, Report | None]] = defaultdict(dict)
        self._ids: dict[tuple[str, str], int] = {}
        self.found: dict[tuple[str, str], Thing] = {}
        # Drivers to whom something belonged before this batch.
        self.former_drivers: set[int] = set()

    def name(self, report: Report) -> None:
        """Notes that a report names a thing, and the things that it links to."""
        known = self._named[report.kind]
        if known.get(report.key) is None:
            known[report.key] = report
        for link, (_column, kind) in KINDS[report.kind].links.items():
            if isinstance(target := report.values.get(link), str):
                self._named[kind].setdefault(target, None)

    def open(self) -> None:
        """Makes what is missing and locks everything but the drivers, which are locked with those concerned."""
        for kind in KINDS.values():
            if kind.name in self._named:
                self._make_missing(kind)
        for kind in KINDS.values():
            if kind.name in self._named and kind.name != "driver":
                self._lock(kind, [k for k, report in self._named[kind.name].items() if report is not None])

    def _make_missing(self, kind: Kind) -> None:
        named = self._named[kind.name]
        self._learn_ids(kind, named)
        missing = sorted(key for key in named if (kind.name, key) not in self._ids)
        if not missing:
            return
        rows = []
        for key in missing:
            report, links = named[key], {}
            if kind.parent and report is not None:
                column, target = kind.links[kind.parent]
                links[column] = self._ids[target, report.values[kind.parent]]
            rows.append(kind.model(external_id=key, **links))
        # Another batch may make the same rows at the same time: then they are there when this statement returns.
        kind.model._default_manager.bulk_create(rows, ignore_conflicts=True)
        self._learn_ids(kind, missing)

    def _learn_ids(self, kind: Kind, keys: Iterable[str]) -> None:
        found = kind.model._default_manager.filter(external_id__in=list(keys)).values_list("external_id", "pk")
        self._ids |= {(kind.name, key): pk for key, pk in found}

    def _lock(self, kind: Kind, keys: Iterable[str]) -> None:
        """Locks rows in the order of their ids and reads them."""
        columns = [column for column, _target in kind.links.values()]
        selected = "".join(f", {column}" for column in columns)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, external_id, reports::text{selected} FROM {kind.table}"  # noqa: S608 - names are ours
                " WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
                [sorted(self._ids[kind.name, key] for key in keys)],
            )
            for pk, key, reports, *links in cursor.fetchall():
                linked = dict(zip(columns, links, strict=True))
                self.found[kind.name, key] = Thing(kind, pk, key, Reports(msgspec.json.decode(reports)), linked)
                self.former_drivers |= {linked[c] for c in _driver_columns(kind) if linked[c] is not None}

    def lock_drivers(self) -> None:
        """Locks the drivers whom reports tell of; call it when all drivers concerned are locked in one statement."""
        told = [key for key, report in self._named["driver"].items() if report is not None]
        if told:
            self._lock(KINDS["driver"], told)

    def driver_ids(self) -> set[int]:
        """The drivers that reports tell of, as far as they are made."""
        return {self._ids["driver", key] for key, report in self._named["driver"].items() if report is not None}

    def tell(self, report: Report, at: datetime) -> bool:
        """Adds a report's values to its thing; says whether any of them is the present value now."""
        thing, present = self.found[report.kind, report.key], False
        for name, value in report.values.items():
            if thing.reports.tell(name, value, at):
                thing.changed = True
                thing.news[name] = min(thing.news.get(name, at), at)
            present = present or thing.reports.told_at(name) == at
        return present

    def write(self, *kinds: str) -> None:
        """Writes what changed: the reports, the links, and the present values."""
        for kind in KINDS.values():
            changed = [t for t in self.found.values() if t.kind is kind and t.changed and kind.name in kinds]
            for thing in changed:
                self._follow_links(thing)
            _write(kind, sorted(changed, key=lambda t: t.id))

    def _follow_links(self, thing: Thing) -> None:
        for link, (column, target) in thing.kind.links.items():
            key = thing.reports.latest(link)
            # What this batch did not name was linked before.
            if isinstance(key, str) and (target, key) in self._ids:
                thing.links[column] = self._ids[target, key]

    def of(self, *kinds: str) -> list[Thing]:
        return [thing for thing in self.found.values() if thing.kind.name in kinds]

    def id_of(self, kind: str, key: str) -> int:
        return self._ids[kind, key]


def _driver_columns(kind: Kind) -> list[str]:
    return [column for column, target in kind.links.values() if target == "driver"]


def _write(kind: Kind, things: list[Thing]) -> None:
    links = [column for column, _target in kind.links.values()]
    columns = (Col("reports", "jsonb"), *(Col(column, "bigint") for column in links), *kind.columns)
    rows: list[tuple[Any, ...]] = []
    for thing in things:
        present = kind.present(thing.reports)
        values = [_cell(column, present[column.name]) for column in kind.columns]
        reports = msgspec.json.encode(thing.reports.raw).decode()
        rows.append((thing.id, reports, *(thing.links[column] for column in links), *values))
    update_rows(kind.table, Col("id", "bigint"), columns, rows)


def _cell(column: Col, value: Any) -> Any:
    return msgspec.json.encode(value).decode() if column.type == "jsonb" else value


def inherit_drivers(account_ids: Iterable[int], vehicle_ids: Iterable[int], location_ids: Iterable[int]) -> None:
    """A vehicle without a driver of its own has its account's; a contract has its location's."""
    accounts, vehicles, locations = list(account_ids), list(vehicle_ids), list(location_ids)
    with connection.cursor() as cursor:
        if accounts or vehicles:
            cursor.execute(
                "UPDATE vehicles_vehicle v SET driver_id = a.driver_id FROM vehicles_oemaccount a"
                " WHERE v.account_id = a.id AND NOT v.reports ? 'driver' AND v.driver_id IS DISTINCT FROM a.driver_id"
                " AND (v.account_id = ANY(%s) OR v.id = ANY(%s))",
                [accounts, vehicles],
            )
        if locations:
            cursor.execute(
                "UPDATE vehicles_utilitycontract c SET driver_id = l.driver_id FROM vehicles_charginglocation l"
                " WHERE c.location_id = l.id AND NOT c.reports ? 'driver' AND c.driver_id IS DISTINCT FROM l.driver_id"
                " AND l.id = ANY(%s)",
                [locations],
            )


def drivers_concerned(things: Things) -> set[int]:
    """Everyone to whom something belongs, or belonged, that this batch tells of."""
    ids: dict[str, set[int]] = defaultdict(set)
    drivers = things.former_drivers | things.driver_ids()
    for thing in things.found.values():
        ids[thing.kind.name].add(thing.id)
        for column, (name, target) in ((c, (n, k)) for n, (c, k) in thing.kind.links.items()):
            linked = thing.links[column]
            if linked is not None and name in ("vehicle", "location") and thing.kind.name != "vehicle":
                ids[target].add(linked)
            if linked is not None and target == "driver":
                drivers.add(linked)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT driver_id FROM vehicles_vehicle WHERE id = ANY(%s) OR account_id = ANY(%s)"
            " UNION SELECT driver_id FROM vehicles_charginglocation WHERE id = ANY(%s)",
            [list(ids["vehicle"]), list(ids["account"]), list(ids["location"])],
        )
        drivers |= {row[0] for row in cursor.fetchall() if row[0] is not None}
    return drivers
