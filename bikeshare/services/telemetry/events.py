"""What devices' messages tell: events about boxes and vehicles, with their snapshots of that moment."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings

from bikeshare.event_kinds.payloads import BatteryLow, PositionForbidden, ZoneReference
from bikeshare.ingest.telemetry import stored_value
from bikeshare.models import Bike, LockBox, LockBoxState, TelemetryMessage
from bikeshare.rules.telemetry import LOW_BATTERY
from bikeshare.rules.zones import Entry, Fix
from bikeshare.selectors import rows_of
from bikeshare.services.payloads import position
from bikeshare.services.telemetry.devices import Device
from bikeshare.services.unit_of_work import ResourceUnitOfWork
from core.sql import columns, insert_rows


@dataclass
class _PendingEvent:
    """An event to be published when its object has been read: the box, or the vehicle that it is on."""

    model: type[LockBox | Bike]
    subject: str
    state: LockBoxState
    publication: dict[str, Any]


class DeviceEvents:
    """Gathers the events of a batch; reads the objects they are about at the end, all at once."""

    def __init__(self) -> None:
        self._pending: list[_PendingEvent] = []

    def _add(self, model: type[LockBox | Bike], subject: str, device: Device, **publication: Any) -> None:
        self._pending.append(_PendingEvent(model, subject, device.as_state(), publication))

    def of_boitier(
        self, topic: str, device: Device, at: datetime, payload: type[msgspec.Struct], *, key: str = "", **extra: Any
    ) -> None:
        """An event about the box; `key` tells two of the same moment apart."""
        extra |= {"vehicule": device.vehicule_id, "trip": device.trip_id, "reported_at": at}
        key = f"{at.isoformat()}:{key}"
        self._add(LockBox, device.id, device, topic=topic, payload=payload, key=key, at=at, **extra)

    def low_battery(self, topic: str, device: Device, at: datetime, value: float, previous: float | None) -> None:
        low = {"value": value, "previous": previous, "threshold": LOW_BATTERY, "trip": device.trip_id}
        self.of_vehicule(topic, device, at, BatteryLow, **low)

    def of_vehicule(
        self, topic: str, device: Device, at: datetime, payload: type[msgspec.Struct], **extra: Any
    ) -> None:
        """An event about the vehicle that the box is on."""
        assert device.vehicule_id is not None
        key = at.isoformat()
        publication = {"topic": topic, "payload": payload, "key": key, "at": at, "reported_at": at}
        self._add(Bike, device.vehicule_id, device, **publication, **extra)

    def forbidden(self, device: Device, fix: Fix, entry: Entry) -> None:
        assert device.vehicule_id is not None
        self._add(
            Bike,
            device.vehicule_id,
            device,
            topic="vehicule.position.forbidden",
            payload=PositionForbidden,
            key=f"{device.trip_id}:{entry.zone.id if entry.zone else 'outside'}:{fix.at.isoformat()}",
            at=fix.at,
            trip=device.trip_id,
            cyclist=device.cyclist_id,
            zone=ZoneReference(entry.zone.id, entry.zone.name) if entry.zone else None,
            rule=entry.rule.as_gbfs(),
            position=position(fix.latitude, fix.longitude),
            accuracy=fix.accuracy,
            reported_at=fix.at,
        )

    def write(self, work: ResourceUnitOfWork) -> None:
        """Hands the events to the work, in the order in which they were gathered."""
        rows = self._read(LockBox) | self._read(Bike)
        for event in self._pending:
            row = rows.get(event.subject)
            if row is None:
                continue  # deleted in this moment
            (row.boitier if event.model is Bike else row).state = event.state
            work.publish(row=row, **event.publication)

    def _read(self, model: type[LockBox | Bike]) -> dict[str, Any]:
        subjects = {event.subject for event in self._pending if event.model is model}
        return {row.pk: row for row in rows_of(model).filter(pk__in=subjects)} if subjects else {}


def write_messages(kept: Sequence[tuple[Any, ...]], now: datetime) -> None:
    """Keeps messages as they were judged: the box, its trip, the message, the verdict, the moment."""
    insert_rows(
        "bikeshare_telemetrymessage",
        columns(TelemetryMessage, "boitier_id", "trip_id", "type", "value", "verdict", "at", "received_at"),
        [
            (device.id, trip, message.type, msgspec.json.encode(stored_value(message)).decode(), str(verdict), at, now)
            for device, trip, message, verdict, at in kept
        ],
    )


def trace_of(secret: str) -> str:
    """Tells two cards or PINs of one moment apart without giving them away."""
    return hmac.new(settings.SECRET_KEY.encode(), secret.encode(), hashlib.sha256).hexdigest()[:16]
