"""Settings and capabilities of the car: position, privacy, what smart charging needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from vehicles.rules.snapshot import Snapshot, Vehicle
from vehicles.rules.windows import Thresholds, Window, condition, of_vehicle

AUDI, BMW, MINI = "audi", "bmw", "mini"
VOLKSWAGEN = ("volkswagen", "volkswagen_id", "vw", "vw_id")
POSITION, START_STOP = "geoLocation", "startStopCharging"
AVAILABLE = "available"


# ID.3, ID 4 Pro, ID_7, id3, ID. Buzz, VW ID.5 GTX
_ID_MODEL = re.compile(r"\s*((volkswagen|vw|new|the)\s+)*id(\b|[._\s-]*(\d|buzz))", re.IGNORECASE)


def is_volkswagen_id(vehicle: Vehicle) -> bool:
    """Not every Volkswagen is one of the ID family: its brand or its model says so."""
    model = str(vehicle.reports.latest("model") or "")
    return vehicle.brand in VOLKSWAGEN and (vehicle.brand.endswith("_id") or _ID_MODEL.match(model) is not None)


def capability(vehicle: Vehicle, name: str) -> str:
    """available, missing (for good), blocked (the driver can do something), or empty while unknown."""
    return str(vehicle.reports.latest(f"capability.{name}") or "")


def became_available(vehicle: Vehicle, name: str) -> datetime | None:
    """Since when a capability is available that was not before."""
    field = f"capability.{name}"
    if capability(vehicle, name) != AVAILABLE:
        return None
    return vehicle.reports.since(field) if vehicle.reports.before(field) else None


@condition("geolocation_disabled")
def geolocation_disabled(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """A BMW's position was switched off, or the capability was withdrawn without a word about the setting."""
    for vehicle in snapshot.vehicles:
        if vehicle.brand == BMW and vehicle.is_linked:
            yield from of_vehicle(vehicle, position_off_since(vehicle))


def position_off_since(vehicle: Vehicle) -> datetime | None:
    setting, field = vehicle.reports.latest("geolocation_enabled"), f"capability.{POSITION}"
    withdrawn = capability(vehicle, POSITION) not in ("", AVAILABLE) and AVAILABLE in vehicle.reports.before(field)
    if setting is False:
        return vehicle.reports.since_last("geolocation_enabled", became_available(vehicle, POSITION))
    return vehicle.reports.since(field) if setting is None and withdrawn else None


@condition("privacy_mode")
def privacy_mode(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """An Audi's privacy mode is on, and nothing was heard of the car since."""
    for vehicle in snapshot.vehicles:
        if vehicle.brand == AUDI and vehicle.is_linked:
            yield from of_vehicle(vehicle, private_since(vehicle), seen_at=vehicle.reports.reported_at("privacy_mode"))


def private_since(vehicle: Vehicle) -> datetime | None:
    """Switched on after the car was last heard of, be it for the first time or again."""
    if vehicle.reports.latest("privacy_mode") is not True:
        return None
    return vehicle.reports.since_last("privacy_mode", vehicle.last_contact)


@condition("position_available")
def position_available(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """A Volkswagen ID's position became available. Told once per vehicle."""
    for vehicle in snapshot.vehicles:
        if is_volkswagen_id(vehicle) and vehicle.is_linked:
            begins = became_available(vehicle, POSITION)
            yield from _for_days(vehicle, begins, thresholds["days"])


@condition("bmw_unlocked")
def bmw_unlocked(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    return unlocked(snapshot, BMW, thresholds)


@condition("mini_unlocked")
def mini_unlocked(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    return unlocked(snapshot, MINI, thresholds)


def unlocked(snapshot: Snapshot, brand: str, thresholds: Thresholds) -> Iterator[Window]:
    """Both capabilities that smart charging needs are there, and at least one of them was not before."""
    for vehicle in snapshot.vehicles:
        if vehicle.brand != brand or not vehicle.is_linked:
            continue
        if not all(capability(vehicle, c) == AVAILABLE for c in (POSITION, START_STOP)):
            continue
        moments = [m for c in (POSITION, START_STOP) if (m := became_available(vehicle, c)) is not None]
        yield from _for_days(vehicle, max(moments, default=None), thresholds["days"])


def _for_days(vehicle: Vehicle, begins: datetime | None, days: float) -> Iterator[Window]:
    ends = begins + timedelta(days=days) if begins else None
    yield from of_vehicle(vehicle, begins, ends=ends, expires=True)
