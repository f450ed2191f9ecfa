"""Vehicles: put into maintenance and back by operators, one or many."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bikeshare.choices import VehiculeStatus
from bikeshare.models import Vehicule
from bikeshare.selectors import rows_of
from bikeshare.services.ledger import lock, record


def set_status(*, vehicule_ids: Iterable[str], status: VehiculeStatus, reason: str, now: datetime) -> int:
    """Sets the status of vehicles and returns how many changed; a running trip goes on to its end."""
    with record(now=now, audited=True) as ledger:
        rows = lock(rows_of(Vehicule).filter(pk__in=list(vehicule_ids)))
        return sum(ledger.change(row, status=status, status_reason=reason[:200]) for row in rows)
