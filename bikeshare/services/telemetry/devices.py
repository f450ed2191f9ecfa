"""The boxes that a batch speaks of, with their state, vehicle and running trip: read and locked in one statement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from bikeshare.choices import RUNNING
from bikeshare.models import BoitierState
from bikeshare.rules.zones import Fix, Watch
from bikeshare.services.trips import OpenTrip
from core.sql import Col, update_rows

# What every message writes, and what a position does; most messages are positions.
_OFTEN = (
    Col("last_seen", "timestamptz"),
    Col("latitude", "double precision"),
    Col("longitude", "double precision"),
    Col("accuracy", "double precision"),
    Col("position_at", "timestamptz"),
    Col("anchor_trip", "text"),
    Col("anchor_latitude", "double precision"),
    Col("anchor_longitude", "double precision"),
    Col("streak", "smallint"),
)
# What the other messages write.
_SELDOM = (
    Col("lock", "text"),
    Col("lock_at", "timestamptz"),
    Col("chain_type", "text"),
    Col("chain_type_at", "timestamptz"),
    Col("battery", "double precision"),
    Col("battery_at", "timestamptz"),
    Col("battery_low", "boolean"),
    Col("battery_vae", "double precision"),
    Col("battery_vae_range_m", "double precision"),
    Col("battery_vae_at", "timestamptz"),
    Col("battery_vae_low", "boolean"),
    Col("pin_attempts", "smallint"),
)
_NAMES = tuple(column.name for column in (*_OFTEN, *_SELDOM))
_READ = (
    f"SELECT b.id, b.number, b.program_id, v.id, v.type, t.id, t.status, t.cyclist_id, t.start_at, t.pin_hash,"  # noqa: S608
    f" {', '.join(f's.{name}' for name in _NAMES)} FROM bikeshare_boitier b"
    " JOIN bikeshare_boitierstate s ON s.boitier_id = b.id"
    " LEFT JOIN bikeshare_vehicule v ON v.boitier_id = b.id AND v.deleted_at IS NULL"
    " LEFT JOIN bikeshare_trip t ON t.vehicule_id = v.id AND t.deleted_at IS NULL AND t.status = ANY(%s)"
    " WHERE b.deleted_at IS NULL AND (b.number = ANY(%s) OR b.id = ANY(%s)) ORDER BY b.id FOR UPDATE OF s"
)


@dataclass
class Device:
    """A box during one batch: `state` holds the columns by name and changes message by message."""

    id: str
    number: str
    program_id: str
    vehicule_id: str | None
    vehicule_type: str
    trip_id: str | None
    trip_status: str
    cyclist_id: str
    trip_start: datetime | None
    pin_hash: str
    state: dict[str, Any]
    watch: Watch = field(default_factory=Watch)
    # Whether a message wrote more than a position does.
    is_changed: bool = False
    # The running trip with all that its end touches, when a message may end it.
    open: OpenTrip | None = None

    def begin(self) -> None:
        """The watch as it was kept; that of another trip is none."""
        s = self.state
        if self.trip_id and s["anchor_trip"] == self.trip_id and s["anchor_latitude"] is not None:
            anchor = Fix(s["anchor_latitude"], s["anchor_longitude"], s["position_at"])
            self.watch = Watch(anchor, s["streak"])

    def keep_watch(self) -> None:
        anchor = self.watch.anchor if self.trip_id else None
        self.state |= {
            "anchor_trip": self.trip_id or "",
            "anchor_latitude": anchor.latitude if anchor else None,
            "anchor_longitude": anchor.longitude if anchor else None,
            "streak": self.watch.streak,
        }

    def end_trip(self) -> None:
        self.trip_id, self.trip_status, self.cyclist_id, self.trip_start, self.open = None, "", "", None, None
        self.pin_hash, self.watch = "", Watch()

    def as_state(self) -> BoitierState:
        """The state as it is at this moment, for an object that is told."""
        return BoitierState(boitier_id=self.id, **self.state)


def read_devices(names: Iterable[str]) -> dict[str, Device]:
    """The boxes of these numbers or ids, locked in the order of their ids, by both."""
    wanted = list(names)
    with connection.cursor() as cursor:
        cursor.execute(_READ, [list(map(str, RUNNING)), wanted, wanted])
        rows = cursor.fetchall()
    found: dict[str, Device] = {}
    for pk, number, program, vehicule, kind, trip, status, cyclist, start, pin, *state in rows:
        device = Device(
            pk,
            number,
            program,
            vehicule,
            kind or "",
            trip,
            status or "",
            cyclist or "",
            start,
            pin or "",
            dict(zip(_NAMES, state, strict=True)),
        )
        device.begin()
        found[number] = found[pk] = device
    return found


def write_devices(devices: Iterable[Device]) -> None:
    devices = list(devices)
    changed = [device for device in devices if device.is_changed]
    for columns, group in ((_OFTEN, devices), (_SELDOM, changed)):
        names = [column.name for column in columns]
        rows = [(device.id, *(device.state[name] for name in names)) for device in group]
        update_rows("bikeshare_boitierstate", Col("boitier_id", "text"), columns, rows)
