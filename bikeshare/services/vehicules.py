"""Vehicles: put into maintenance and back by operators."""

from __future__ import annotations

from datetime import datetime

from bikeshare.choices import VehiculeStatus
from bikeshare.models import Vehicule
from bikeshare.services.ledger import record
from bikeshare.services.resources import find
from bikeshare.services.specs import SPECS


def set_status(*, vehicule_id: str, status: VehiculeStatus, reason: str, now: datetime) -> Vehicule:
    """Sets a vehicle's status; a running trip goes on to its end. Raises Invalid when there is no such vehicle."""
    with record(now=now, audited=True) as ledger:
        row: Vehicule = find(SPECS["vehicules"], vehicule_id)
        ledger.change(row, status=status, status_reason=reason[:200])
        return row
