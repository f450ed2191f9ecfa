"""Whether a command may be sent to a vehicle now: every reason why not, in the order in which a person would ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from itertools import chain
from typing import Any

from fleet_remotes.catalogue.advice import Refusal
from fleet_remotes.choices import CAPABILITY_OF, Kind, Privacy
from fleet_remotes.rules.budget import Budget


class Level(Enum):
    """How much a finding weighs."""

    BLOCKS = "blocks"  # it is not sent
    WAITS = "waits"  # it is sent later, by itself
    WARNS = "warns"  # it is sent, and may fail
    NOTES = "notes"  # it is sent; worth knowing


@dataclass(frozen=True, slots=True)
class OpenAction:
    """A command that is under way for a vehicle, or waits to be sent."""

    id: int
    kind: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """The result of one check: `code` is a Refusal's where it blocks. `until` says when a wait ends."""

    level: Level
    code: str
    until: datetime | None = None
    # The action that it is about, to be named with its link.
    action: OpenAction | None = None


@dataclass(frozen=True, slots=True)
class VehicleSnapshot:
    """What is known of a vehicle when a command is considered."""

    has_id: bool = True
    # None: its capabilities were never reported.
    capabilities: frozenset[str] | None = None
    privacy: str = Privacy.UNKNOWN
    battery_level: int | None = None
    is_stolen: bool = False
    # A command was refused for it since its privacy, its battery was last reported.
    is_refused_for_privacy: bool = False
    is_refused_for_battery: bool = False
    # Until when it stays awake at least; None when it sleeps, as far as we know.
    awake_until: datetime | None = None
    # Queued, or with the vendor; the oldest first.
    open_actions: tuple[OpenAction, ...] = ()
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True)
class SendingContext:
    """What sending to its fleet depends on."""

    is_set_up: bool = True
    is_stopped: bool = False
    has_callback: bool = True
    paused_until: datetime | None = None
    low_battery: int = 20


def preflight(
    kind: Kind, parameters: dict[str, Any], vehicle: VehicleSnapshot, context: SendingContext
) -> list[CheckFinding]:
    """Everything that speaks against sending a command to this vehicle now, or makes it wait."""
    findings = (_of_sending(context), _of_vehicle(kind, vehicle), _of_others(kind, parameters, vehicle))
    return [*chain(*findings), *_of_moment(kind, vehicle, context)]


def _blocks(code: Refusal) -> CheckFinding:
    return CheckFinding(Level.BLOCKS, code)


def _of_sending(context: SendingContext) -> Iterator[CheckFinding]:
    """May anything be sent?"""
    if context.is_stopped:
        yield _blocks(Refusal.FLEET_STOPPED)
    if not context.is_set_up:
        yield _blocks(Refusal.NOT_SET_UP)
    if not context.has_callback:
        yield _blocks(Refusal.NO_CALLBACK)


def _of_vehicle(kind: Kind, vehicle: VehicleSnapshot) -> Iterator[CheckFinding]:
    """May this command be sent to this vehicle?

    A limit of wake-ups that a person set holds for every command to a vehicle that sleeps, since each wakes it. What
    the vendor taught holds for wake-ups alone: other commands may still reach a vehicle that is in use (reference B4
    and B6). One that is awake is not woken up.
    """
    if not vehicle.has_id:
        yield _blocks(Refusal.NO_VEHICLE_ID)
    capability = CAPABILITY_OF.get(kind)
    if capability is not None and vehicle.capabilities is None:
        yield CheckFinding(Level.WARNS, "CapabilityUnknown")
    elif capability is not None and capability not in (vehicle.capabilities or ()):
        yield _blocks(Refusal.NOT_CAPABLE)
    if vehicle.privacy == Privacy.FULL:
        yield _blocks(Refusal.PRIVACY)
    elif vehicle.is_refused_for_privacy:
        yield CheckFinding(Level.WARNS, "RefusedForPrivacy")
    elif vehicle.privacy == Privacy.GEOLOCATION:
        yield CheckFinding(Level.WARNS, "PositionHidden")
    budget = vehicle.budget
    if vehicle.awake_until is not None:
        return
    yield CheckFinding(Level.NOTES, "Asleep")
    if budget.is_exhausted:
        blocks = budget.limit is not None or kind == Kind.WAKE_UP
        yield _blocks(Refusal.BUDGET) if blocks else CheckFinding(Level.WARNS, "WakeUpsUsedUp")
    elif budget.refused:
        yield CheckFinding(Level.WARNS, "WakeUpsUsedUp")


def _of_others(kind: Kind, parameters: dict[str, Any], vehicle: VehicleSnapshot) -> Iterator[CheckFinding]:
    """What is under way: the same command, one of its kind with other values, as the opposite one, or any other."""
    last = next((action for action in reversed(vehicle.open_actions) if action.kind == kind), None)
    if last is not None and last.parameters == parameters:
        yield CheckFinding(Level.BLOCKS, Refusal.SAME_ACTION, action=last)
    elif last is not None:
        yield CheckFinding(Level.WAITS, "OppositeOpen", action=last)
    elif vehicle.open_actions:
        yield CheckFinding(Level.WAITS, "VehicleBusy", action=vehicle.open_actions[0])


def _of_moment(kind: Kind, vehicle: VehicleSnapshot, context: SendingContext) -> Iterator[CheckFinding]:
    """May it be sent now, and will it do?"""
    if vehicle.budget.resting_until is not None and vehicle.awake_until is None:
        yield CheckFinding(Level.WAITS, "WokenUpOften", vehicle.budget.resting_until)
    if context.paused_until is not None:
        yield CheckFinding(Level.WAITS, "Throttled", context.paused_until)
    level = vehicle.battery_level
    is_low = vehicle.is_refused_for_battery or (level is not None and level < context.low_battery)
    if is_low and kind != Kind.CHARGING:
        yield CheckFinding(Level.WARNS, "BatteryLow")
    if vehicle.is_stolen and kind != Kind.STOLEN:
        yield CheckFinding(Level.WARNS, "DeclaredStolen")
