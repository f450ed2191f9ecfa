"""Vehicles: put into maintenance and back by operators."""

from __future__ import annotations

from datetime import datetime

from bikeshare.choices import VehiculeStatus
from bikeshare.models import Vehicule
from bikeshare.services.resources import find
from bikeshare.services.specs import SPECS
from bikeshare.services.unit_of_work import ResourceUnitOfWork


def set_status(*, vehicule_id: str, status: VehiculeStatus, reason: str, now: datetime) -> Vehicule:
    """Sets a vehicle's status; a running trip goes on to its end. Raises Invalid when there is no such vehicle."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row: Vehicule = find(SPECS["vehicules"], vehicule_id)
        work.change(row, status=status, status_reason=reason[:200])
        return row
