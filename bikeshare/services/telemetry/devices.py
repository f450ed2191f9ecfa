"""The boxes that a batch speaks of, with their state, vehicle and running trip: read and locked in one statement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from bikeshare.choices import RUNNING
from bikeshare.models import BikeState, Dock, LockBoxState
from bikeshare.models.identity import identity_of
from bikeshare.rules.telemetry import battery_step
from bikeshare.rules.watching import HANDLED, Rest, rest_after
from bikeshare.rules.zones import Fix, Watch
from bikeshare.services.trips import OpenTrip
from core.device_clock import ClockMark, Moment, remember
from core.identities import identity
from core.sql import Col, columns, update_rows

# What every message writes, and what a position does; most messages are positions.
_OFTEN = columns(
    LockBoxState,
    "last_seen",
    "clock_at",
    "clock_received_at",
    "clock_error_s",
    "latitude",
    "longitude",
    "accuracy",
    "position_at",
    "anchor_trip",
    "anchor_latitude",
    "anchor_longitude",
    "streak",
)
# What the other messages write.
_SELDOM = tuple(
    column
    for column in columns(LockBoxState, *(field.attname for field in LockBoxState._meta.concrete_fields))
    if column not in _OFTEN and column.name != "boitier_id"
)
_TOLD = columns(
    BikeState,
    "battery_low",
    "battery_vae_low",
    "connection_lost_at",
    "unseen_at",
    "rest_latitude",
    "rest_longitude",
    "moved_at",
)
_NAMES = tuple(column.name for column in (*_OFTEN, *_SELDOM))
_READ = (
    f"SELECT b.id, b.number, b.program_id, v.id, coalesce(v.type, ''), t.id, coalesce(t.status, ''),"  # noqa: S608
    " coalesce(t.cyclist_id, ''), t.start_at, coalesce(t.start_latitude, d.latitude),"
    " coalesce(t.start_longitude, d.longitude), coalesce(t.pin_hash, ''), coalesce(v.status, ''),"
    f" {', '.join(f'w.{column.name}' for column in _TOLD)},"
    f" {', '.join(f's.{name}' for name in _NAMES)} FROM bikeshare_boitier b"
    " JOIN bikeshare_boitierstate s ON s.boitier_id = b.id"
    " LEFT JOIN bikeshare_vehicule v ON v.boitier_id = b.id AND v.deleted_at IS NULL"
    " LEFT JOIN bikeshare_trip t ON t.vehicule_id = v.id AND t.deleted_at IS NULL AND t.status = ANY(%s)"
    " LEFT JOIN bikeshare_station d ON d.id = t.start_station_id"
    " LEFT JOIN bikeshare_vehiculestate w ON w.vehicule_id = v.id"
    f" WHERE b.deleted_at IS NULL AND ({identity_of('b.number')} = ANY(%s) OR b.id = ANY(%s))"
    " ORDER BY b.id FOR UPDATE OF s"
)


@dataclass
class Device:
    """A box during one batch: `state` holds the columns by name and changes message by message."""

    state: dict[str, Any]
    id: str
    number: str
    program_id: str
    vehicule_id: str | None
    vehicule_type: str
    trip_id: str | None
    trip_status: str
    cyclist_id: str
    trip_start: datetime | None
    start_latitude: float | None
    start_longitude: float | None
    pin_hash: str
    vehicule_status: str
    battery_low: bool | None
    battery_vae_low: bool | None
    connection_lost_at: datetime | None
    unseen_at: datetime | None
    rest_latitude: float | None
    rest_longitude: float | None
    moved_at: datetime | None
    watch: Watch = field(default_factory=Watch)
    clock_mark: ClockMark | None = None
    # Whether a message wrote more than a position does, and whether of the vehicle something was told.
    is_changed: bool = False
    is_told: bool = False
    # The running trip with all that its end touches, when a message may end it.
    open: OpenTrip | None = None

    def begin(self) -> None:
        """What is known of its clock, and the watch as it was kept; that of another trip is none, and then this one's
        begins where it began."""
        s = self.state
        if s["clock_at"] is not None and s["clock_received_at"] is not None:
            self.clock_mark = ClockMark(s["clock_at"], s["clock_received_at"], s["clock_error_s"])
        if self.trip_id and s["anchor_trip"] == self.trip_id and s["anchor_latitude"] is not None:
            anchor = Fix(s["anchor_latitude"], s["anchor_longitude"], s["position_at"])
            self.watch = Watch(anchor, s["streak"])
        elif self.trip_start is not None and self.start_latitude is not None and self.start_longitude is not None:
            self.watch = Watch(Fix(self.start_latitude, self.start_longitude, self.trip_start))

    def note_clock(self, moment: Moment, received_at: datetime) -> None:
        """Remembers what a message shows of the box's clock."""
        self.clock_mark = remember(self.clock_mark, moment, received_at, newest_first=True)

    def keep(self) -> None:
        """Writes watch and clock into the state."""
        anchor, mark = self.watch.anchor if self.trip_id else None, self.clock_mark
        if mark is not None:
            marked = {"clock_at": mark.newest, "clock_received_at": mark.received_at}
            self.state |= marked | {"clock_error_s": mark.error_s}
        self.state |= {
            "anchor_trip": self.trip_id or "",
            "anchor_latitude": anchor.latitude if anchor else None,
            "anchor_longitude": anchor.longitude if anchor else None,
            "streak": self.watch.streak,
        }

    def note_battery(self, name: str, value: float, at: datetime) -> tuple[bool, float | None]:
        """Takes a charge in; says whether the vehicle became low by it, and what was said of that vehicle before."""
        vehicule_id = self.vehicule_id or ""
        before = self.state[name] if self.state[f"{name}_on"] == vehicule_id else None
        self.state |= {name: value, f"{name}_at": at, f"{name}_on": vehicule_id}
        if not vehicule_id:
            return False, before
        was_low = bool(getattr(self, f"{name}_low"))
        step = battery_step(was_low, value)
        self.is_told |= step.is_low != was_low
        setattr(self, f"{name}_low", step.is_low)
        return step.crossed, before

    @property
    def is_watched(self) -> bool:
        """Whether nobody should move or open its vehicle: on no trip, and not in the hands of staff."""
        return self.vehicule_id is not None and self.trip_id is None and self.vehicule_status not in HANDLED

    def rides_since(self, at: datetime) -> bool:
        """Whether its running trip had begun by then."""
        return self.trip_start is not None and self.trip_start <= at

    def speaks(self) -> datetime | None:
        """Whatever was told of its silence is over; returns when the loss of the connection was told, if it was."""
        lost_at = self.connection_lost_at
        if lost_at is not None or self.unseen_at is not None:
            self.connection_lost_at = self.unseen_at = None
            self.is_told = True
        return lost_at

    def rests(self, latitude: float, longitude: float, at: datetime, accuracy: float | None, moved_m: int) -> float:
        """Takes a position without a trip in; how far the vehicle moved, if that is to be told, else 0."""
        before = Rest(self.rest_latitude, self.rest_longitude, self.moved_at)
        rest, metres = rest_after(before, latitude, longitude, at, accuracy=accuracy, moved_m=moved_m)
        if rest != before:
            self.rest_latitude, self.rest_longitude, self.moved_at = rest.latitude, rest.longitude, rest.moved_at
            self.is_told = True
        return metres

    def end_trip(self) -> None:
        self.trip_id, self.trip_status, self.cyclist_id, self.trip_start, self.open = None, "", "", None, None
        self.pin_hash, self.watch = "", Watch()

    def as_state(self) -> LockBoxState:
        """The state as it is at this moment, for an object that is told."""
        return LockBoxState(boitier_id=self.id, **self.state)


def read_devices(names: Iterable[str]) -> dict[str, Device]:
    """The boxes of these numbers or ids, by them, locked in the order of their ids."""
    keys = {name: identity(name) for name in names}
    with connection.cursor() as cursor:
        cursor.execute(_READ, [list(map(str, RUNNING)), list(keys.values()), list(keys)])
        rows = cursor.fetchall()
    devices: dict[str, Device] = {}
    for row in rows:
        device = Device(dict(zip(_NAMES, row[-len(_NAMES) :], strict=True)), *row[: -len(_NAMES)])
        device.begin()
        devices[identity(device.number)] = devices[device.id] = device
    found = {name: devices.get(name) or devices.get(key) for name, key in keys.items()}
    return {name: device for name, device in found.items() if device is not None}


# Of each box so many messages are looked through for a copy of one that seems to be of a clock that fell back.
LOOKED_THROUGH = 500


def stored_moments(devices: Iterable[Device]) -> set[tuple[str, str, datetime]]:
    """The last messages of these boxes: (box, type, moment)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.id, m.type, m.at FROM unnest(%s::text[]) AS b(id) CROSS JOIN LATERAL (SELECT t.type, t.at"
            " FROM bikeshare_telemetrymessage t WHERE t.boitier_id = b.id ORDER BY t.id DESC LIMIT %s) m",
            [sorted({device.id for device in devices}), LOOKED_THROUGH],
        )
        return set(cursor.fetchall())


def write_devices(devices: Iterable[Device]) -> None:
    devices = list(devices)
    changed = [device for device in devices if device.is_changed]
    for written, group in ((_OFTEN, devices), (_SELDOM, changed)):
        names = [column.name for column in written]
        rows = [(device.id, *(device.state[name] for name in names)) for device in group]
        update_rows("bikeshare_boitierstate", Col("boitier_id", "text"), written, rows)
    rows = [(d.vehicule_id, *(getattr(d, column.name) for column in _TOLD)) for d in devices if d.is_told]
    update_rows("bikeshare_vehiculestate", Col("vehicule_id", "text"), _TOLD, rows)


def tags_among(read: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of numbers, each in a program, that are the tags of docks."""
    if not read:
        return set()
    named = Dock.objects.filter(program__in={one for one, _uid in read}, rfid__identity__in={uid for _one, uid in read})
    return read & {(program_id, identity(rfid)) for program_id, rfid in named.values_list("program_id", "rfid")}
