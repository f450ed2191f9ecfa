"""What devices' messages tell: events about boxes and vehicles, with their snapshots of that moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from bikeshare.event_kinds.payloads import BatteryLow, PositionForbidden, ZoneReference
from bikeshare.models import Boitier, BoitierState, Vehicule
from bikeshare.rules.telemetry import LOW_BATTERY
from bikeshare.rules.zones import Entry, Fix
from bikeshare.selectors import rows_of
from bikeshare.services.payloads import position
from bikeshare.services.telemetry.devices import Device
from bikeshare.services.unit_of_work import ResourceUnitOfWork


@dataclass
class _Said:
    """An event to be told when its object has been read."""

    topic: str
    subject: str
    of_vehicule: bool
    state: BoitierState
    payload: type[msgspec.Struct]
    key: str
    at: datetime
    extra: dict[str, Any]


class Telling:
    """Gathers the events of a batch; reads the objects they are about at the end, all at once."""

    def __init__(self) -> None:
        self._said: list[_Said] = []

    def of_boitier(
        self, topic: str, device: Device, at: datetime, payload: type[msgspec.Struct], *, key: str = "", **extra: Any
    ) -> None:
        """An event about the box; `key` tells two of the same moment apart."""
        extra |= {"vehicule": device.vehicule_id, "trip": device.trip_id, "reported_at": at}
        name = f"{at.isoformat()}:{key}"
        self._said.append(_Said(topic, device.id, False, device.as_state(), payload, name, at, extra))

    def low_battery(self, topic: str, device: Device, at: datetime, value: float, previous: float | None) -> None:
        if device.vehicule_id is None:
            return
        extra = {
            "value": value,
            "previous": previous,
            "threshold": LOW_BATTERY,
            "trip": device.trip_id,
            "reported_at": at,
        }
        self._said.append(
            _Said(topic, device.vehicule_id, True, device.as_state(), BatteryLow, at.isoformat(), at, extra)
        )

    def forbidden(self, device: Device, fix: Fix, entry: Entry) -> None:
        assert device.vehicule_id is not None
        rule = entry.rule
        told = {
            "ride_start_allowed": rule.start,
            "ride_end_allowed": rule.end,
            "ride_through_allowed": rule.through,
        } | ({"maximum_speed_kph": rule.maximum_speed_kph} if rule.maximum_speed_kph is not None else {})
        extra = {
            "trip": device.trip_id,
            "cyclist": device.cyclist_id,
            "zone": ZoneReference(entry.zone.id, entry.zone.name) if entry.zone else None,
            "rule": told,
            "position": position(fix.latitude, fix.longitude),
            "accuracy": fix.accuracy,
            "reported_at": fix.at,
        }
        key = f"{device.trip_id}:{entry.zone.id if entry.zone else 'outside'}:{fix.at.isoformat()}"
        topic = "vehicule.position.forbidden"
        self._said.append(
            _Said(topic, device.vehicule_id, True, device.as_state(), PositionForbidden, key, fix.at, extra)
        )

    def write(self, work: ResourceUnitOfWork) -> None:
        """Hands the events to the work, in the order in which they were gathered."""
        boitiers = self._read(Boitier, of_vehicule=False)
        vehicules = self._read(Vehicule, of_vehicule=True)
        for said in self._said:
            row: Any = (vehicules if said.of_vehicule else boitiers).get(said.subject)
            if row is None:
                continue  # deleted in this moment
            (row.boitier if said.of_vehicule else row).state = said.state
            work.publish(said.topic, row, said.payload, key=said.key, at=said.at, **said.extra)

    def _read(self, model: Any, *, of_vehicule: bool) -> dict[str, Any]:
        wanted = {said.subject for said in self._said if said.of_vehicule == of_vehicule}
        return {row.pk: row for row in rows_of(model).filter(pk__in=wanted)} if wanted else {}
