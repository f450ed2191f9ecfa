"""Whether a command may be sent to a vehicle now: every reason why not, in the order in which a person would ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from fleet_remotes.catalogue import Refusal
from fleet_remotes.choices import CAPABILITY_OF, Kind, Privacy
from fleet_remotes.rules.budget import Budget


class Level(Enum):
    """How much a finding weighs."""

    BLOCKS = "blocks"  # it is not sent
    WAITS = "waits"  # it is sent later, by itself
    WARNS = "warns"  # it is sent, and may fail


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found: `code` is a Refusal's where it blocks. `until` says when a wait ends."""

    level: Level
    code: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Vehicle:
    """What is known of a vehicle when a command is considered."""

    has_id: bool = True
    # None: it was never said what it can do.
    capabilities: frozenset[str] | None = None
    privacy: str = Privacy.UNKNOWN
    battery_level: int | None = None
    is_stolen: bool = False
    # The kinds of its open actions.
    open_kinds: frozenset[str] = frozenset()
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True)
class Means:
    """What sending to its fleet stands on."""

    is_set_up: bool = True
    is_stopped: bool = False
    has_callback: bool = True
    paused_until: datetime | None = None
    low_battery: int = 20


def preflight(kind: Kind, vehicle: Vehicle, means: Means) -> list[Finding]:
    """Everything that speaks against sending `kind` to this vehicle now, or makes it wait."""
    return [*_of_sending(means), *_of_vehicle(kind, vehicle), *_of_moment(kind, vehicle, means)]


def _blocks(code: Refusal) -> Finding:
    return Finding(Level.BLOCKS, code)


def _of_sending(means: Means) -> Iterator[Finding]:
    """May anything be sent?"""
    if means.is_stopped:
        yield _blocks(Refusal.FLEET_STOPPED)
    if not means.is_set_up:
        yield _blocks(Refusal.NOT_SET_UP)
    if not means.has_callback:
        yield _blocks(Refusal.NO_CALLBACK)


def _of_vehicle(kind: Kind, vehicle: Vehicle) -> Iterator[Finding]:
    """May this command be sent to this vehicle?

    A limit of wake-ups that a person set holds for every command, since each may wake the vehicle. What the vendor
    taught holds for wake-ups alone: other commands may still reach a vehicle that is in use (reference B4 and B6).
    """
    if not vehicle.has_id:
        yield _blocks(Refusal.NO_VEHICLE_ID)
    capability = CAPABILITY_OF.get(kind)
    if capability is not None and vehicle.capabilities is None:
        yield Finding(Level.WARNS, "CapabilityUnknown")
    elif capability is not None and capability not in (vehicle.capabilities or ()):
        yield _blocks(Refusal.NOT_CAPABLE)
    if vehicle.privacy == Privacy.FULL:
        yield _blocks(Refusal.PRIVACY)
    elif vehicle.privacy == Privacy.GEOLOCATION:
        yield Finding(Level.WARNS, "PositionHidden")
    if kind in vehicle.open_kinds:
        yield _blocks(Refusal.SAME_ACTION)
    budget = vehicle.budget
    if budget.is_exhausted:
        is_over_limit = budget.limit is not None and budget.used >= budget.limit
        blocks = is_over_limit or kind == Kind.WAKE_UP
        yield _blocks(Refusal.BUDGET) if blocks else Finding(Level.WARNS, "WakeUpsUsedUp")


def _of_moment(kind: Kind, vehicle: Vehicle, means: Means) -> Iterator[Finding]:
    """May it be sent now, and will it do?"""
    if vehicle.budget.resting_until is not None:
        yield Finding(Level.WAITS, "WokenUpOften", vehicle.budget.resting_until)
    if vehicle.open_kinds and kind not in vehicle.open_kinds:
        yield Finding(Level.WAITS, "VehicleBusy")
    if means.paused_until is not None:
        yield Finding(Level.WAITS, "Throttled", means.paused_until)
    level = vehicle.battery_level
    if level is not None and level < means.low_battery and kind != Kind.CHARGING:
        yield Finding(Level.WARNS, "BatteryLow")
    if vehicle.is_stolen and kind != Kind.STOLEN:
        yield Finding(Level.WARNS, "DeclaredStolen")
