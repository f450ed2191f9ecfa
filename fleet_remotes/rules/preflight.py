"""Whether a command may be sent to a vehicle now: every reason why not, in the order in which a person would ask."""

from __future__ import annotations

from collections.abc import Callable
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


Check = Callable[[Kind, Vehicle, Means], Finding | None]


def _blocks(code: Refusal) -> Finding:
    return Finding(Level.BLOCKS, code)


def _stop_switch(_kind: Kind, _vehicle: Vehicle, means: Means) -> Finding | None:
    return _blocks(Refusal.FLEET_STOPPED) if means.is_stopped else None


def _set_up(_kind: Kind, _vehicle: Vehicle, means: Means) -> Finding | None:
    return None if means.is_set_up else _blocks(Refusal.NOT_SET_UP)


def _callback(_kind: Kind, _vehicle: Vehicle, means: Means) -> Finding | None:
    return None if means.has_callback else _blocks(Refusal.NO_CALLBACK)


def _vehicle_id(_kind: Kind, vehicle: Vehicle, _means: Means) -> Finding | None:
    return None if vehicle.has_id else _blocks(Refusal.NO_VEHICLE_ID)


def _capability(kind: Kind, vehicle: Vehicle, _means: Means) -> Finding | None:
    needed = CAPABILITY_OF.get(kind)
    if needed is None:
        return None
    if vehicle.capabilities is None:
        return Finding(Level.WARNS, "CapabilityUnknown")
    return None if needed in vehicle.capabilities else _blocks(Refusal.NOT_CAPABLE)


def _privacy(_kind: Kind, vehicle: Vehicle, _means: Means) -> Finding | None:
    if vehicle.privacy == Privacy.FULL:
        return _blocks(Refusal.PRIVACY)
    return Finding(Level.WARNS, "PositionHidden") if vehicle.privacy == Privacy.GEOLOCATION else None


def _same_action(kind: Kind, vehicle: Vehicle, _means: Means) -> Finding | None:
    return _blocks(Refusal.SAME_ACTION) if kind in vehicle.open_kinds else None


def _budget(kind: Kind, vehicle: Vehicle, _means: Means) -> Finding | None:
    """A limit that a person set holds for every command, since each may wake the vehicle. What the vendor taught
    holds for wake-ups alone: other commands may still reach a vehicle that is in use (reference B4 and B6)."""
    budget = vehicle.budget
    if not budget.is_exhausted:
        return None
    over_limit = budget.limit is not None and budget.used >= budget.limit
    if kind == Kind.WAKE_UP or over_limit:
        return _blocks(Refusal.BUDGET)
    return Finding(Level.WARNS, "WakeUpsUsedUp")


def _burst(_kind: Kind, vehicle: Vehicle, _means: Means) -> Finding | None:
    until = vehicle.budget.resting_until
    return Finding(Level.WAITS, "WokenUpOften", until) if until is not None else None


def _busy(kind: Kind, vehicle: Vehicle, _means: Means) -> Finding | None:
    return Finding(Level.WAITS, "VehicleBusy") if vehicle.open_kinds and kind not in vehicle.open_kinds else None


def _throttled(_kind: Kind, _vehicle: Vehicle, means: Means) -> Finding | None:
    return Finding(Level.WAITS, "Throttled", means.paused_until) if means.paused_until is not None else None


def _battery(kind: Kind, vehicle: Vehicle, means: Means) -> Finding | None:
    level = vehicle.battery_level
    if level is None or level >= means.low_battery or kind == Kind.CHARGING:
        return None
    return Finding(Level.WARNS, "BatteryLow")


def _stolen(kind: Kind, vehicle: Vehicle, _means: Means) -> Finding | None:
    return Finding(Level.WARNS, "DeclaredStolen") if vehicle.is_stolen and kind != Kind.STOLEN else None


# The pipeline, to be read aloud: may anything be sent, to this vehicle, this command, now?
CHECKS: tuple[Check, ...] = (
    _stop_switch,
    _set_up,
    _callback,
    _vehicle_id,
    _capability,
    _privacy,
    _same_action,
    _budget,
    _burst,
    _busy,
    _throttled,
    _battery,
    _stolen,
)


def preflight(kind: Kind, vehicle: Vehicle, means: Means) -> list[Finding]:
    """Everything that speaks against sending `kind` to this vehicle now, or makes it wait."""
    return [finding for check in CHECKS if (finding := check(kind, vehicle, means)) is not None]
