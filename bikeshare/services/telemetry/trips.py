"""What the lock of a vehicle does to its trip (reference § 1.3): closing asks for the end, a dock's tag grants it."""

from __future__ import annotations

from datetime import datetime

from bikeshare.choices import ENDING, Lock, RequestOrigin, TripStatus
from bikeshare.models import Dock
from bikeshare.services import trips
from bikeshare.services.telemetry.devices import Device
from bikeshare.services.unit_of_work import ResourceUnitOfWork


def after_lock(
    work: ResourceUnitOfWork, device: Device, state: str, *, edge: str, at: datetime, dock: Dock | None
) -> None:
    """Applies a lock message that is newer than what was known to the vehicle's running trip.

    Locked while renting: a termination request of the lock. A dock's tag with it, or later: accepted, completed there.
    Unlocked again: an open request that is older is cancelled; a pause ends. What was said before the trip began is
    not about it, and a lock closed during a pause asks for nothing.
    """
    ride = device.open
    if ride is None or (device.trip_start is not None and at < device.trip_start):
        return
    if state == Lock.LOCKED:
        if ride.trip.status == TripStatus.RENTING and edge:
            trips.mark(work, ride, origin=RequestOrigin.SYSTEM, date=at, dock=dock)
        if ride.trip.status in ENDING and dock is not None:
            trips.complete(work, ride, dock=dock)
    elif edge == Lock.UNLOCKED:
        if ride.trip.status in ENDING and ride.request is not None and at > ride.request.date:
            trips.cancel_mark(work, ride, reason="unlocked")
        elif ride.trip.status == TripStatus.PITSTOP:
            trips.resume_riding(work, ride, at=at)
    device.trip_status = ride.trip.status
    if ride.trip.status == TripStatus.COMPLETED:
        device.end_trip()
