"""The one way in which resources change: rows, versions, events and audit together, in one transaction.

    with ResourceUnitOfWork.begin(now) as work:
        work.change(trip, status=TripStatus.COMPLETED, end_at=now)
        work.publish("trip.terminated", trip, ObjectPayload)

Rows are written set-based when the block ends, by a conditional UPDATE on the version that was read, and the events
are published with them. Whoever changes rows holds their locks (`load`), taken in the order trip, cyclist, vehicle,
dock. `*.created`, `*.updated` and `*.deleted` follow by themselves where the seed has them, also for a thousand rows at
once; a change that changes nothing tells nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from auditlog.models import LogEntry
from django.db.models import Case, F, Model, QuerySet, Value, When
from django.utils.translation import gettext as _

from bikeshare.choices import Refusal
from bikeshare.event_kinds import TOPIC_OF
from bikeshare.event_kinds.payloads import Deleted, ObjectPayload, Updated
from bikeshare.models import Bike, BikeState, Cyclist, Dock, Program, Resource, Station, Zone
from bikeshare.rules.states import may_move
from bikeshare.selectors import rows_of
from bikeshare.services.payloads import facts_of
from bikeshare.services.refusals import invalid, refusal
from core.refusal import Refused
from core.unit_of_work import LostRace, UnitOfWork
from outbox.contract import NewEvent
from outbox.services import publish

Row = TypeVar("Row", bound=Resource)
UPDATED_AT_ONCE = 500
# Facts that every change changes, or that say nothing new.
_NOT_PUBLISHED = {"version", "bounds"}


def load(rows: QuerySet[Row]) -> list[Row]:
    """Reads rows and holds them until the transaction ends, in the order of their ids."""
    return list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))


def load_by_id(model: type[Row], pk: str) -> Row:
    """One row by its id, held as `load` does. Raises Refused when there is none."""
    rows: list[Row] = load(rows_of(model).filter(pk=pk))
    if not rows:
        raise invalid(model.NAME, _("There is no %(what)s %(id)s.") % {"what": model.NAME, "id": pk})
    return rows[0]


class ChangedMeanwhile(Refused, LostRace):
    """A row is not any more as it was read."""

    def __init__(self) -> None:
        super().__init__(Refusal.CHANGED_MEANWHILE.label, code=Refusal.CHANGED_MEANWHILE.value)


class ResourceUnitOfWork(UnitOfWork):
    """What one transaction does to resources. `audited` leaves a trace of who changed what."""

    def __init__(self, now: datetime, *, audited: bool = False) -> None:
        super().__init__(now)
        self.audited = audited
        self._created: dict[type[Resource], dict[str, Resource]] = {}
        self._changed: dict[type[Resource], dict[str, Resource]] = {}
        self._fields: dict[str, set[str]] = defaultdict(set)
        self._was: dict[str, dict[str, Any]] = defaultdict(dict)
        self._versions: dict[str, int] = {}
        self._deleted: set[str] = set()
        self._events: list[NewEvent] = []
        self._cities: dict[str, str] = {}
        self._redrawn: set[str] = set()
        self._reported: set[str] = set()
        self._ridden: set[str] = set()
        self._attached: dict[type[Model], list[Model]] = defaultdict(list)

    # ---- what callers do ------------------------------------------------------------------------------------------

    def create(self, row: Row) -> Row:
        """Inserts a row that has its id; tells `*.created`."""
        row.version = 1
        self._created.setdefault(type(row), {})[row.pk] = row
        self._note_zone(row)
        self._note_station(row)
        if f"{row.NAME}.created" in TOPIC_OF:
            self.publish(f"{row.NAME}.created", row, ObjectPayload)
        return row

    def change(self, row: Resource, **values: Any) -> bool:
        """Sets fields and tells `*.updated` with the old values; says whether anything changed.

        Raises Refused for a status that cannot follow the present one.
        """
        values = {name: value for name, value in values.items() if _stored(row, name) != getattr(value, "pk", value)}
        if not values:
            return False
        self._check_move(row, values)
        before = msgspec.to_builtins(facts_of(row))
        personal = [name for name in getattr(row, "PERSONAL", ()) if name in values]
        self._note_change(row, values)
        for name, value in values.items():
            setattr(row, name, value)
        if not isinstance(row, Bike) or "station" in values or "station_id" in values:
            self._note_station(row)
        after = msgspec.to_builtins(facts_of(row))
        previous = {key: old for key, old in before.items() if key not in _NOT_PUBLISHED and after[key] != old}
        if (previous or personal) and f"{row.NAME}.updated" in TOPIC_OF:
            extra: dict[str, Any] = {"previous_attributes": previous}
            if personal:
                extra["personal_attributes_changed"] = personal
            self.publish(f"{row.NAME}.updated", row, Updated, **extra)
        return True

    def delete(self, row: Resource) -> None:
        """Takes a row out of everything but history; tells `*.deleted` with its last state."""
        self._note_change(row, {"deleted_at": self.now})
        row.deleted_at = self.now
        self._deleted.add(row.pk)
        if f"{row.NAME}.deleted" in TOPIC_OF:
            self.publish(f"{row.NAME}.deleted", row, Deleted, deleted=True)

    def publish(
        self,
        topic: str,
        row: Resource,
        payload: type[msgspec.Struct],
        *,
        key: str = "",
        at: datetime | None = None,
        **extra: Any,
    ) -> None:
        """Publishes an event about a row as it is at this moment.

        `key` names the cause, so that the same is told once; without it the row's version does.
        """
        city = self._city(row.program_id)
        published = payload(program=row.program_id, city=city, object=facts_of(row), **extra)
        dedup_key = f"{topic}:{row.pk}:{key or row.version}"
        self._events.append(NewEvent(topic, row.pk, published, dedup_key, at or self.now))

    def note_ride(self, vehicule_id: str) -> None:
        """A trip with the vehicle begins or ends: it is ridden, and rests where it is next seen."""
        self._ridden.add(vehicule_id)

    def attach(self, row: Model) -> None:
        """Inserts a row that is no resource of its own, after those that it belongs to."""
        self._attached[type(row)].append(row)

    # ---- bookkeeping ----------------------------------------------------------------------------------------------

    def _check_move(self, row: Resource, values: dict[str, Any]) -> None:
        if "status" in values and not may_move(row.NAME, row.status, values["status"]):  # type: ignore[attr-defined]
            raise refusal(
                Refusal.ILLEGAL_MOVE,
                f"{row.NAME} {row.pk} is {row.status} and cannot become {values['status']}.",  # type: ignore[attr-defined]
            )

    def _note_change(self, row: Resource, values: dict[str, Any]) -> None:
        self._note_zone(row)
        if row.pk in self._created.get(type(row), {}):
            row.version += 1
            return
        for name in values:
            self._was[row.pk].setdefault(name, _stored(row, name))
        self._versions.setdefault(row.pk, row.version)
        self._changed.setdefault(type(row), {})[row.pk] = row
        self._fields[row.pk] |= set(values)
        row.version += 1

    def _note_zone(self, row: Resource) -> None:
        if isinstance(row, Zone):
            self._redrawn.add(row.program_id)

    def _note_station(self, row: Resource) -> None:
        """Whatever changes at a station is the last that is known of it."""
        station_id = row.pk if isinstance(row, Station) else getattr(row, "station_id", None)
        if station_id is not None and isinstance(row, Station | Dock | Bike):
            self._reported.add(station_id)

    def _city(self, program_id: str) -> str:
        if program_id not in self._cities:
            self._cities |= dict(Program.objects.values_list("id", "city"))
        return self._cities.get(program_id, "")

    # ---- writing --------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Writes the rows and publishes the events. Raises ChangedMeanwhile, which is a Refused."""
        for model, rows in self._created.items():
            model.everything.bulk_create(rows.values())
        for model, changed in self._changed.items():
            self._update(model, list(changed.values()))
        for kind, attached in self._attached.items():
            kind._default_manager.bulk_create(attached)
        if self._redrawn:
            Program.objects.filter(pk__in=self._redrawn).update(zones_version=F("zones_version") + 1)
        if self._ridden:
            rest = {"rest_latitude": None, "rest_longitude": None, "moved_at": None, "unridden_at": None}
            BikeState.objects.filter(vehicule__in=self._ridden).update(ridden_at=self.now, **rest)
        if self._reported:
            Station.objects.filter(pk__in=self._reported).update(reported_at=self.now)
        if self.audited:
            self._write_audit()
        publish(events=self._events, now=self.now)

    def _update(self, model: type[Resource], rows: list[Resource]) -> None:
        """One UPDATE for each set of fields (and 500 rows), on the condition of the versions that were read."""
        groups: dict[frozenset[str], list[Resource]] = defaultdict(list)
        for row in rows:
            groups[frozenset(self._fields[row.pk])].append(row)
        for fields, group in groups.items():
            for start in range(0, len(group), UPDATED_AT_ONCE):
                chunk = group[start : start + UPDATED_AT_ONCE]
                if self._update_rows(model, chunk, sorted(fields)) != len(chunk):
                    raise ChangedMeanwhile

    def _update_rows(self, model: type[Resource], rows: list[Resource], fields: list[str]) -> int:
        """Writes those of the rows that still are as they were read; returns how many."""
        live = model.everything.filter(deleted_at__isnull=True)
        if len(rows) == 1:
            (row,) = rows
            unchanged = live.filter(pk=row.pk, version=self._versions[row.pk])
            return unchanged.update(version=row.version, **{name: getattr(row, name) for name in fields})
        as_read = Case(*(When(pk=row.pk, then=Value(self._versions[row.pk])) for row in rows))
        return live.filter(version=as_read).bulk_update(rows, ["version", *fields])

    def _write_audit(self) -> None:
        for row in self._all(self._created):
            _audit(row, LogEntry.Action.CREATE, {"id": [None, row.pk]})
        for row in self._all(self._changed):
            action = LogEntry.Action.DELETE if row.pk in self._deleted else LogEntry.Action.UPDATE
            changes = {name: _shown(row, name, old) for name, old in self._was[row.pk].items()}
            _audit(row, action, changes)

    @staticmethod
    def _all(rows: dict[type[Resource], dict[str, Resource]]) -> Iterable[Resource]:
        return (row for of_model in rows.values() for row in of_model.values())


def _audit(row: Resource, action: int, changes: dict[str, Any]) -> None:
    """A cyclist is named by the id alone: the audit log outlives a person's erasure."""
    name = row.pk if isinstance(row, Cyclist) else str(row)
    LogEntry.objects.log_create(row, action=action, changes=changes, object_repr=name)


def _shown(row: Resource, name: str, old: Any) -> list[str]:
    """A field's old and new value for the audit log, which outlives a person's erasure: personal ones are hidden."""
    hidden = isinstance(row, Cyclist) and name in Cyclist.PERSONAL
    return ["***", "***"] if hidden else [str(old)[:500], str(_stored(row, name))[:500]]


def _stored(row: Resource, name: str) -> Any:
    """A field's value as its column holds it: of a relation the id, so that nothing is read for it."""
    return getattr(row, row._meta.get_field(name).attname)  # type: ignore[union-attr]
