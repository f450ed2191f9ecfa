"""The pairing status of a vehicle: one state machine with guards by brand (A1.3).

The guards are evaluated in the order of the steps, over all that was reported: first what is lost, then the brand's own
steps, then the steps that all brands share. So the state is a function of the facts and the moment, whatever the order
in which the facts came, and no transition can be missed.

    NOT_CONNECTED → LINKED → (by brand: ACTION_REQUIRED | WAITING_OEM | BLOCKED) → READY_FOR_PAIRING
    → PAIRING (→ PAIRING_INCOMPLETE) → PAIRED (→ CHECK_ACTIVATION) → ACTIVE; from LINKED on: LOST
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from vehicles.choices import PairingReason, PairingState
from vehicles.rules.conditions.connection import RENAULT, is_revoked, missing_since, silent_at
from vehicles.rules.conditions.pairing import (
    has_role,
    is_proved,
    is_user,
    paired_since,
    service_expires,
    ze_interactive,
)
from vehicles.rules.conditions.settings import (
    AUDI,
    AVAILABLE,
    BMW,
    MINI,
    POSITION,
    VOLKSWAGEN,
    capability,
    position_off_since,
    private_since,
)
from vehicles.rules.snapshot import Vehicle
from vehicles.rules.words import NOT_RUNNING


@dataclass(frozen=True, slots=True)
class PairingStatus:
    state: PairingState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited before something counts, in hours; the thresholds of the notifications that say so."""

    silence: float = 24
    activation: float = 24
    pairing: float = 72


def pairing_status(vehicle: Vehicle, patience: Patience, now: datetime) -> PairingStatus:
    """The state of a vehicle at a moment."""
    if not vehicle.is_linked or not _was_linked(vehicle):
        return PairingStatus(PairingState.NOT_CONNECTED)
    if lost := _lost(vehicle, patience, now):
        return PairingStatus(PairingState.LOST, lost)
    if paired_since(vehicle) is None and (waits := BRAND_STEPS.get(vehicle.brand, _nothing)(vehicle)):
        return waits
    return _generic(vehicle, patience, now)


def status_changes(vehicle: Vehicle, patience: Patience) -> list[datetime]:
    """The moments at which the state may change by time alone."""
    paired, service = paired_since(vehicle), ze_interactive(vehicle)
    begun = vehicle.reports.since("pairing") if vehicle.reports.latest("pairing") == "started" else None
    moments = (
        silent_at(vehicle, patience.silence),
        paired + timedelta(hours=patience.activation) if paired else None,
        begun + timedelta(hours=patience.pairing) if begun else None,
        service_expires(service) if service is not None else None,
    )
    return [moment for moment in moments if moment is not None]


def _was_linked(vehicle: Vehicle) -> bool:
    """Whether anything shows that the car is in an account: a finished connect session, a list, a sign of life."""
    shown = ("connected", "listed", "contact")
    return (
        any(vehicle.reports.last_time(field, True) is not None for field in shown)
        or any(vehicle.reports.has(field) for field in ("link_status", "user_role", "enrollment", "pairing"))
        or bool(vehicle.services)
    )


def _lost(vehicle: Vehicle, patience: Patience, now: datetime) -> str:
    """Why a linked vehicle is lost, the root cause first; empty when it is not."""
    service = ze_interactive(vehicle)
    expires = service_expires(service) if service is not None else None
    silent = silent_at(vehicle, patience.silence)
    ended = service is not None and str(service.reports.latest("state")).lower() in ("ended", "expired", "revoked")
    reasons: tuple[tuple[PairingReason, bool], ...] = (
        (PairingReason.INVALID_CREDENTIALS, not vehicle.account_ok),
        (PairingReason.ACCESS_REVOKED, vehicle.brand == RENAULT and is_revoked(vehicle)),
        (PairingReason.NOT_FOUND, missing_since(vehicle) is not None),
        (PairingReason.SERVICE_EXPIRED, vehicle.brand == RENAULT and (ended or (expires or now) < now)),
        (PairingReason.PRIVACY_MODE, vehicle.brand == AUDI and private_since(vehicle) is not None),
        (PairingReason.NOT_REACHABLE, silent is not None and silent <= now),
    )
    # Only what worked before can be lost; a car that was never heard of is still being paired.
    worked = vehicle.last_contact is not None or not vehicle.account_ok
    return next((str(reason.value) for reason, holds in reasons if holds), "") if worked else ""


def _nothing(_vehicle: Vehicle) -> PairingStatus | None:
    return None


def _renault(vehicle: Vehicle) -> PairingStatus | None:
    service = ze_interactive(vehicle)
    state = str(service.reports.latest("state") or "none").lower() if service is not None else "none"
    if state in NOT_RUNNING:
        return PairingStatus(PairingState.ACTION_REQUIRED, PairingReason.SERVICE_TO_BE_ACTIVATED)
    if state == "requested":
        return PairingStatus(PairingState.WAITING_OEM, PairingReason.SERVICE_REQUESTED)
    if state == "rejected":
        return PairingStatus(PairingState.BLOCKED, PairingReason.SERVICE_REJECTED)
    return None


def _audi(vehicle: Vehicle) -> PairingStatus | None:
    if has_role(vehicle) and not is_user(vehicle):
        return PairingStatus(PairingState.ACTION_REQUIRED, PairingReason.NOT_A_USER)
    if str(vehicle.reports.latest("enrollment") or "").lower() == "started":
        return PairingStatus(PairingState.ACTION_REQUIRED, PairingReason.ENROLLMENT_STARTED)
    return None


def _bmw(vehicle: Vehicle) -> PairingStatus | None:
    if position_off_since(vehicle) is not None:
        return PairingStatus(PairingState.ACTION_REQUIRED, PairingReason.GEOLOCATION)
    return None


def _volkswagen(vehicle: Vehicle) -> PairingStatus | None:
    if capability(vehicle, POSITION) not in ("", AVAILABLE):
        return PairingStatus(PairingState.WAITING_OEM, PairingReason.GEOLOCATION)
    return None


BRAND_STEPS: dict[str, Callable[[Vehicle], PairingStatus | None]] = {
    RENAULT: _renault,
    AUDI: _audi,
    BMW: _bmw,
    MINI: _bmw,
    **dict.fromkeys(VOLKSWAGEN, _volkswagen),
}


def _generic(vehicle: Vehicle, patience: Patience, now: datetime) -> PairingStatus:
    step, since = str(vehicle.reports.latest("pairing") or ""), vehicle.reports.since("pairing")
    paired = paired_since(vehicle)
    if paired is not None:
        if is_proved(vehicle, paired):
            return PairingStatus(PairingState.ACTIVE)
        late = paired + timedelta(hours=patience.activation) <= now
        return PairingStatus(PairingState.CHECK_ACTIVATION if late else PairingState.PAIRED)
    if step in ("started", "failed"):
        stale = step == "failed" or (since is not None and since + timedelta(hours=patience.pairing) <= now)
        if stale:
            return PairingStatus(PairingState.PAIRING_INCOMPLETE, PairingReason.PAIRING_STALE)
        return PairingStatus(PairingState.PAIRING)
    if step == "ready" or _brand_is_ready(vehicle):
        return PairingStatus(PairingState.READY_FOR_PAIRING)
    return PairingStatus(PairingState.LINKED)


def _brand_is_ready(vehicle: Vehicle) -> bool:
    """A brand whose own steps are done needs no further word: the service runs, the enrolment is complete."""
    if vehicle.brand == RENAULT:
        return ze_interactive(vehicle) is not None
    return vehicle.brand == AUDI and str(vehicle.reports.latest("enrollment") or "").lower() == "completed"
