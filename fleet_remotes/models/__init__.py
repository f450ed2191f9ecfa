"""Fleets and their vehicles, callbacks and what they brought, remote actions."""

from fleet_remotes.models.actions import ActionStep, CommandBatch, CommandDraft, RemoteAction
from fleet_remotes.models.callbacks import Callback, CallbackMessage, RemoteNotification
from fleet_remotes.models.fleets import Fleet, FleetVehicle, WakeUpUse
from fleet_remotes.models.schedules import CommandSchedule

__all__ = [
    "ActionStep",
    "Callback",
    "CallbackMessage",
    "CommandBatch",
    "CommandDraft",
    "CommandSchedule",
    "Fleet",
    "FleetVehicle",
    "RemoteAction",
    "RemoteNotification",
    "WakeUpUse",
]
