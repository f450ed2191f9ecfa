"""Texts: what each failure cause means and what to do about it (the failure table of reference B6), commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fleet_remotes.catalogue.words import cause_of_word
from fleet_remotes.choices import Kind

NOT_SPECIFIED = "NotSpecified"


class CauseGroup(models.TextChoices):
    """Causes that mean the same to an operator."""

    QUOTA = "quota", _("Wake-ups used up")
    BATTERY = "battery", _("Battery too low")
    CONNECTION = "connection", _("Not reachable")
    THROTTLED = "throttled", _("Too many requests")
    RIGHTS = "rights", _("No right")
    STATE = "state", _("Vehicle’s state")
    FAULT = "fault", _("Technical fault")
    OTHER = "other", _("Other")


class Refusal(models.TextChoices):
    """Why we did not send something; beside the vendor's causes."""

    FLEET_STOPPED = "FleetStopped", _("Sending is stopped for this fleet")
    NOT_SET_UP = "SendingNotSetUp", _("Sending is not set up")
    NO_VEHICLE_ID = "NoVehicleId", _("The vendor’s id of the vehicle is missing")
    NO_CALLBACK = "NoCallback", _("The fleet has no running callback")
    NOT_CAPABLE = "NotCapable", _("The vehicle cannot do this")
    PRIVACY = "PrivacyOn", _("Privacy is on")
    SAME_ACTION = "SameActionOpen", _("The same action is under way")
    BUDGET = "WakeUpBudgetUsed", _("The wake-up budget is used up")
    EXPIRED = "Expired", _("It waited too long")


@dataclass(frozen=True)
class Advice:
    """What a cause means and what to do about it."""

    group: CauseGroup
    meaning: str | Promise
    todo: str | Promise


_G = CauseGroup
_TABLE = {
    "MissingRights": Advice(
        _G.RIGHTS,
        _("The fleet or its contract has no right for this command on this vehicle."),
        _("Check the contract, the vehicle’s capabilities, and the fleet’s and vehicle’s ids."),
    ),
    "SameActionInProgress": Advice(
        _G.STATE,
        _("The vendor still works on an identical command for this vehicle."),
        _("Wait for the running one; do not send it again meanwhile."),
    ),
    "TooManyWakeUpsOverMonth": Advice(
        _G.QUOTA,
        _("The vehicle was woken up too often this month; the vendor protects its battery."),
        _("Do it while the vehicle is in use, or on the 1st of next month. Stop periodic wake-ups."),
    ),
    "NotPossibleDueToVehicleBatteryLevel": Advice(
        _G.BATTERY,
        _("The battery is too low; the vendor keeps what is left for driving."),
        _("Plug the vehicle in or drive it, then send the command again."),
    ),
    "NotPossibleDueToVehiclePrivacyLevel": Advice(
        _G.RIGHTS,
        _("The privacy mode is on in the vehicle."),
        _("Ask the driver to lift it; the command can then be sent again."),
    ),
    "VehicleConnectionTimeout": Advice(
        _G.CONNECTION,
        _("The vehicle could not be reached or did not wake up."),
        _("Check its coverage. After about a week without a 15-minute trip it switches its connection off: drive it."),
    ),
    "VehicleInUse": Advice(
        _G.STATE, _("The vehicle is being driven or its ignition is on."), _("Send it again after the trip.")
    ),
    "DoorsOpen": Advice(_G.STATE, _("A door is open."), _("Someone must close it at the vehicle.")),
    "VehicleIsNotLocked": Advice(_G.STATE, _("The vehicle is not locked."), _("Lock it first.")),
    "CidInside": Advice(_G.STATE, _("A key was left inside."), _("Take it out of the vehicle.")),
    "VehicleErrorOrCidInside": Advice(
        _G.STATE, _("A key was left inside, or the vehicle has a fault."), _("Look for the key; else call the service.")
    ),
    "NotPossibleDueToVehicleStolenState": Advice(
        _G.STATE, _("The vehicle is declared stolen."), _("Handle it as a stolen vehicle.")
    ),
    "CanceledByDriver": Advice(_G.STATE, _("The driver declined."), _("Talk to the driver.")),
    "TooManyRequestInShortTime": Advice(
        _G.THROTTLED,
        _("Too many commands were sent to this vehicle in a short time."),
        _("Wait at least 20 minutes; send less."),
    ),
    "TooManyRequestSent": Advice(
        _G.THROTTLED, _("Too many commands were sent."), _("Wait at least 20 minutes; send less.")
    ),
    "WrongCommand": Advice(
        _G.FAULT, _("The vendor did not understand the command."), _("Check parameters and capabilities.")
    ),
    "ExternalChargingSystemError": Advice(
        _G.FAULT, _("The charge point or the cable has a fault."), _("Check the charge point.")
    ),
    "VehicleChargingSystemError": Advice(
        _G.FAULT, _("The vehicle’s charging system has a fault."), _("Send the vehicle to the service.")
    ),
    "VehicleError": Advice(_G.FAULT, _("The vehicle has a fault."), _("Send the vehicle to the service.")),
    "GeneralError": Advice(
        _G.FAULT,
        _("The vendor gives no reason."),
        _("Try once more later; if it stays, open a ticket with the vendor and name the ids below."),
    ),
    NOT_SPECIFIED: Advice(
        _G.OTHER, _("The vendor said that it failed, without a cause."), _("Look at the raw notification.")
    ),
    Refusal.FLEET_STOPPED: Advice(
        _G.OTHER, _("The stop switch of its fleet is on."), _("Resume sending on the page of fleets.")
    ),
    Refusal.NOT_SET_UP: Advice(
        _G.OTHER,
        _("The access to the vendor’s API is not set up."),
        _("Set the REMOTES_ variables of the installation; docs/fleet_remotes.md names them."),
    ),
    Refusal.NO_VEHICLE_ID: Advice(
        _G.OTHER, _("The vendor’s id of this vehicle is not known here."), _("Add it to the vehicle.")
    ),
    Refusal.NO_CALLBACK: Advice(
        _G.OTHER,
        _("The fleet has no callback that is registered with the vendor and running."),
        _("Register one on the page of callbacks."),
    ),
    Refusal.NOT_CAPABLE: Advice(_G.RIGHTS, _("The vehicle does not offer this command."), _("Check its capabilities.")),
    Refusal.PRIVACY: Advice(_G.RIGHTS, _("Full privacy is on in the vehicle."), _("Ask the driver to lift it.")),
    Refusal.SAME_ACTION: Advice(_G.STATE, _("The same command is under way for this vehicle."), _("Wait for its end.")),
    Refusal.BUDGET: Advice(
        _G.QUOTA,
        _("The vehicle’s wake-ups of this month are used up."),
        _("Wait for the 1st of next month, or raise the vehicle’s budget."),
    ),
    Refusal.EXPIRED: Advice(
        _G.OTHER, _("It could not be sent in time; a command must not come as a surprise."), _("Send it again.")
    ),
}


def advice_of(cause: str) -> Advice:
    """What a cause means; one that we do not know is shown as it came."""
    advice = _TABLE.get(cause_of_word(cause))
    if advice is not None:
        return advice
    unknown = format_lazy(_("The vendor’s reason is “{cause}”, which we do not know."), cause=cause)
    return Advice(CauseGroup.OTHER, unknown, _("Look at the raw notification."))


def is_known_cause(cause: str) -> bool:
    return cause_of_word(cause) in _TABLE


def group_of(cause: str) -> CauseGroup:
    return advice_of(cause).group


# What the checks before sending say beside the refusals: it is sent later, or sent and may fail.
_HINTS = {
    "CapabilityUnknown": _("It was never said what the vehicle can do."),
    "PositionHidden": _("The driver hides the position; some commands may fail."),
    "RefusedForPrivacy": _(
        "The vendor refused the last command because of the vehicle’s privacy; it may refuse again."
    ),
    "Asleep": _("It sleeps, as far as is known: the command wakes it up, which takes longer and counts."),
    "WakeUpsUsedUp": _("Its wake-ups are used up: it works only while the vehicle is awake."),
    "WokenUpOften": _("It was woken up often just now; it is sent after a rest."),
    "OppositeOpen": _("The same kind of command with other values is under way; this one waits for its end."),
    "VehicleBusy": _("Another command is under way; this one waits for its end."),
    "Throttled": _("The vendor asked for a pause; it is sent after that."),
    "BatteryLow": _("The battery is low; the vendor may refuse."),
    "DeclaredStolen": _("The vehicle is declared stolen; the vendor may refuse."),
}


def words_for(code: str) -> str | Promise:
    """The result of a check, in a sentence."""
    return _HINTS.get(code) or advice_of(code).meaning


def summary_of(kind: str, parameters: dict[str, Any]) -> str:
    """ "Lock the doors", "Start charging": what a command asks for, in the reader's language."""
    match Kind(kind), parameters:
        case Kind.NAVIGATION, {"positions": points}:
            n = len(points)
            return gettext("Send a route of %(n)d points") % {"n": n} if n > 1 else gettext("Send a destination")
        case (Kind.IMMOBILIZATION, {"activate": on}) | (Kind.STOLEN, {"immobilization": {"activate": on}}):
            return gettext("Immobilise") if on else gettext("Release the immobiliser")
        case Kind.PRECONDITIONING, {"airConditioning": {"immediate": on}}:
            return gettext("Start preconditioning") if on else gettext("Stop preconditioning")
        case Kind.PRECONDITIONING, _:
            return gettext("Set preconditioning programs")
        case Kind.CHARGING, {"preferences": _}:
            return gettext("Set charging preferences")
        case Kind.CHARGING, {"schedule": _}:
            return gettext("Set the charging schedule")
        case Kind.CHARGING, {"immediate": on}:
            return gettext("Start charging") if on else gettext("Stop charging")
        case Kind.STOLEN, {"trackingPeriod": _}:
            return gettext("Track the stolen vehicle")
        case Kind.STOLEN, {"stolen": on}:
            return gettext("Declare stolen") if on else gettext("Declare found again")
        case Kind.DOOR, {"state": state}:
            return gettext("Unlock the doors") if state == "Unlocked" else gettext("Lock the doors")
        case Kind.HORN, {"state": state}:
            return gettext("Sound the horn") if state == "Activated" else gettext("Silence the horn")
        case Kind.LIGHTS, {"on": on}:
            return gettext("Switch the lights on") if on else gettext("Switch the lights off")
        case Kind.WAKE_UP, _:
            return gettext("Wake up")
    return str(Kind(kind).label)
