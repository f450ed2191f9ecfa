"""The unit of work of a batch of facts: entities are made where they are new, locked, changed, written. Set-based."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from core.sql import Col, columns, update_rows
from core.unit_of_work import UnitOfWork
from vehicles.ingest import EntityReport
from vehicles.rules.timelines import Reports
from vehicles.services.upserts import KINDS, EntityKind


@dataclass(slots=True)
class EntityChange:
    """One row in progress: its reports, and the rows that it is linked to by column."""

    kind: EntityKind
    id: int
    key: str
    reports: Reports
    links: dict[str, int | None]
    changed: bool = False
    # The moments of what was new, by field.
    news: dict[str, datetime] = field(default_factory=dict)
    # Drivers to whom it belonged before.
    former: frozenset[int | None] = frozenset()


class EntityUnitOfWork(UnitOfWork):
    """Everything that one batch of reports names. Rows are made and locked kind by kind in one order, drivers last."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self._named: dict[str, dict[str, EntityReport | None]] = defaultdict(dict)
        self._ids: dict[tuple[str, str], int] = {}
        self._entities: dict[tuple[str, str], EntityChange] = {}

    # ---- load -------------------------------------------------------------------------------------------------

    def load(self, reports: Iterable[EntityReport]) -> None:
        """Makes what is missing and locks everything but the drivers, which are locked with those concerned."""
        for report in reports:
            self._name(report)
        for kind in KINDS.values():
            if kind.name in self._named:
                self._make_missing(kind)
        for kind in KINDS.values():
            if kind.name in self._named and kind.name != "driver":
                self._lock(kind, self._reported(kind.name))

    def load_drivers(self) -> None:
        """Locks the drivers whom reports are about; call it when all drivers concerned are locked in one statement."""
        if keys := self._reported("driver"):
            self._lock(KINDS["driver"], keys)

    def _name(self, report: EntityReport) -> None:
        """Notes that a report names an entity, and the entities that it links to."""
        named = self._named[report.kind]
        if named.get(report.key) is None:
            named[report.key] = report
        for link, (_column, kind) in KINDS[report.kind].links.items():
            for name in (link, KINDS[report.kind].otherwise.get(link, "")):
                if isinstance(target := report.values.get(name), str):
                    self._named[kind].setdefault(target, None)

    def _reported(self, kind: str) -> list[str]:
        """The keys of the entities that reports are about, and do not only link to."""
        return [key for key, report in self._named[kind].items() if report is not None]

    def _make_missing(self, kind: EntityKind) -> None:
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

    def _learn_ids(self, kind: EntityKind, keys: Iterable[str]) -> None:
        rows = kind.model._default_manager.filter(external_id__in=list(keys)).values_list("external_id", "pk")
        self._ids |= {(kind.name, key): pk for key, pk in rows}

    def _lock(self, kind: EntityKind, keys: Iterable[str]) -> None:
        """Locks rows in the order of their ids and reads them."""
        links = [column for column, _target in kind.links.values()]
        selected = "".join(f", {column}" for column in links)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, external_id, reports::text{selected} FROM {kind.table}"  # noqa: S608 - names are ours
                " WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
                [sorted(self._ids[kind.name, key] for key in keys)],
            )
            for pk, key, reports, *targets in cursor.fetchall():
                linked = dict(zip(links, targets, strict=True))
                former = frozenset(linked[c] for c in _driver_columns(kind))
                self._entities[kind.name, key] = EntityChange(
                    kind, pk, key, Reports(msgspec.json.decode(reports)), linked, former=former
                )

    # ---- change -----------------------------------------------------------------------------------------------

    def change(self, report: EntityReport, at: datetime, *, anew: bool = False) -> bool:
        """Adds a report's values to its entity; says whether any of them is the present value now. What is of this very
        receipt, or said anew, repeats nothing that came before."""
        entity, present, anew = self._entities[report.kind, report.key], False, anew or at == self.now
        at = min(at, report.at or at)
        for name, value in report.values.items():
            if entity.reports.add(name, value, at, anew=anew):
                entity.changed = True
                entity.news[name] = min(entity.news.get(name, at), at)
            present = present or entity.reports.reported_at(name) == at
        return present

    # ---- flush ------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Writes what changed of all that is loaded so far: the reports, the links, and the present values."""
        for kind in KINDS.values():
            changed = [entity for entity in self.of(kind.name) if entity.changed]
            for entity in changed:
                self._follow_links(entity)
                entity.changed = False
            _write(kind, sorted(changed, key=lambda entity: entity.id))

    def _follow_links(self, entity: EntityChange) -> None:
        for link, (column, target) in entity.kind.links.items():
            key = entity.reports.latest(link, entity.reports.latest(entity.kind.otherwise.get(link, "")))
            # What this batch did not name was linked before.
            if isinstance(key, str) and (target, key) in self._ids:
                entity.links[column] = self._ids[target, key]
            elif key is None and entity.reports.has(link):
                entity.links[column] = None

    # ---- what is loaded ---------------------------------------------------------------------------------------

    @property
    def entities(self) -> Collection[EntityChange]:
        return self._entities.values()

    def of(self, kind: str) -> list[EntityChange]:
        return [entity for entity in self._entities.values() if entity.kind.name == kind]

    def id_of(self, kind: str, key: str) -> int:
        return self._ids[kind, key]

    def driver_ids(self) -> set[int]:
        """The drivers that reports are about, as far as they are made."""
        return {self._ids["driver", key] for key in self._reported("driver")}

    def ids_of(self, kind: str, keys: Iterable[str]) -> set[int]:
        return {self._ids[kind, key] for key in keys}


def _driver_columns(kind: EntityKind) -> list[str]:
    return [column for column, target in kind.links.values() if target == "driver"]


def _write(kind: EntityKind, entities: list[EntityChange]) -> None:
    links = [column for column, _target in kind.links.values()]
    key, *written = columns(kind.model, "id", "reports", *links)
    rows: list[tuple[Any, ...]] = []
    for entity in entities:
        present = (reader(entity.reports) for reader in kind.present)
        values = [_cell(column, value) for column, value in zip(kind.columns, present, strict=True)]
        reports = msgspec.json.encode(entity.reports.raw).decode()
        rows.append((entity.id, reports, *(entity.links[column] for column in links), *values))
    update_rows(kind.table, key, (*written, *kind.columns), rows)


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


def drivers_concerned(entities: Iterable[EntityChange]) -> set[int]:
    """Everyone to whom something belongs, or belonged, that this batch reports of these."""
    ids: dict[str, set[int]] = defaultdict(set)
    drivers: set[int] = set()
    for entity in entities:
        drivers |= {pk for pk in entity.former if pk is not None}
        ids[entity.kind.name].add(entity.id)
        for column, (name, target) in ((c, (n, k)) for n, (c, k) in entity.kind.links.items()):
            linked = entity.links[column]
            if linked is not None and name in ("vehicle", "location") and entity.kind.name != "vehicle":
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
