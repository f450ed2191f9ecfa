"""Who may rent what, how a trip ends and how long it took, and when a trial's end is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bikeshare.choices import BikeStatus, CyclistStatus, ProgramStatus, Refusal, RegistrationStatus, RequestStatus

# Three days as an absolute time, so that it means the same when clocks change.
TRIAL_NOTICE = timedelta(hours=72)


@dataclass(frozen=True)
class RentFacts:
    """What decides whether a cyclist may rent a vehicle; `registration` is None without one."""

    program: str
    cyclist: str
    registration: str | None
    can_rent: bool
    renting: int
    max_renting: int
    vehicule: str
    vehicule_is_rented: bool
    battery: float | None
    min_battery: int


def refusal_to_rent(facts: RentFacts) -> Refusal | None:
    """The first thing that forbids this rental, in the order in which a rider would be told; None when nothing does."""
    registration = {
        None: Refusal.UNCONFIRMED_REGISTRATION,
        RegistrationStatus.UNCONFIRMED: Refusal.UNCONFIRMED_REGISTRATION,
        RegistrationStatus.BLOCKED: Refusal.REGISTRATION_BLOCKED,
        RegistrationStatus.DELETED: Refusal.DELETED_REGISTRATION,
    }
    cyclist = {
        CyclistStatus.UNCONFIRMED: Refusal.CYCLIST_UNCONFIRMED,
        CyclistStatus.BLOCKED: Refusal.CYCLIST_BLOCKED,
        CyclistStatus.DELETION_REQUESTED: Refusal.CYCLIST_INACTIVE,
        CyclistStatus.DELETED: Refusal.CYCLIST_INACTIVE,
    }
    if facts.program == ProgramStatus.BLOCKED:
        return Refusal.PROGRAM_BLOCKED
    if facts.cyclist in cyclist:
        return cyclist[CyclistStatus(facts.cyclist)]
    if facts.registration in registration:
        return registration[facts.registration]  # type: ignore[index]
    if not facts.can_rent:
        return Refusal.NOT_VALIDATED_ABONNEMENT
    if facts.renting >= facts.max_renting:
        return Refusal.MAX_RENTING_COUNT_REACHED
    return refusal_of_vehicule(facts.vehicule, facts.vehicule_is_rented, facts.battery, facts.min_battery)


def refusal_of_vehicule(status: str, is_rented: bool, battery: float | None, min_battery: int) -> Refusal | None:
    """What forbids renting a vehicle, whoever the cyclist is; None when nothing does. An unknown battery does not."""
    if is_rented:
        return Refusal.RENT_LOCKED_VEHICULE
    if status != BikeStatus.READY:
        return Refusal.NOT_RENTABLE
    if battery is not None and battery < min_battery:
        return Refusal.LOW_BATTERY
    return None


def end_of_trip(requests: Iterable[tuple[str, datetime]], *, start: datetime) -> datetime | None:
    """A completed trip's end: the date of its oldest request (status, date) that was not cancelled.

    Never before its start: a device's clock may be behind.
    """
    dates = [date for status, date in requests if status != RequestStatus.CANCELLED]
    return max(min(dates), start) if dates else None


def durations(start: datetime, end: datetime, paused_s: int) -> tuple[int, int]:
    """Whole seconds of riding (without pauses) and from start to end."""
    total = max(0, int((end - start).total_seconds()))
    return max(0, total - paused_s), total


def trial_notice_at(trial_end: datetime | None, now: datetime) -> datetime | None:
    """When the end of a trial is to be told: 72 hours before, at once when that has passed; None when it is over."""
    if trial_end is None or trial_end <= now:
        return None
    # In UTC, where three days always have 72 hours.
    return max(trial_end.astimezone(UTC) - TRIAL_NOTICE, now)
