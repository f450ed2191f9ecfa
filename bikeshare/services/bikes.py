"""Vehicles: put into maintenance and back by operators."""

from __future__ import annotations

from datetime import datetime

from bikeshare.choices import BikeStatus
from bikeshare.models import Bike
from bikeshare.services.unit_of_work import ResourceUnitOfWork, load_by_id


def set_status(vehicule_id: str, *, status: BikeStatus, now: datetime, reason: str = "") -> Bike:
    """Sets a vehicle's status; a running trip goes on to its end. Raises Refused when there is no such vehicle."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row = load_by_id(Bike, vehicule_id)
        work.change(row, status=status, status_reason=reason[:200])
        return row
