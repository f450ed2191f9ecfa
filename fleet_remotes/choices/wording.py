"""Commands in words, as a person would give them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet_remotes.choices.actions import Kind


def summary_of(kind: str, parameters: dict[str, Any]) -> str:
    """ "Lock the doors", "Start charging": what a command asks for, in the reader's language."""
    return _SUMMARIES[Kind(kind)](parameters)


def _preconditioning(given: dict[str, Any]) -> str:
    air = given.get("airConditioning", {})
    if "immediate" not in air:
        return _("Set preconditioning programs")
    return _("Start preconditioning") if air["immediate"] else _("Stop preconditioning")


def _charging(given: dict[str, Any]) -> str:
    if "preferences" in given:
        return _("Set charging preferences")
    if "schedule" in given:
        return _("Set the charging schedule")
    return _("Start charging") if given.get("immediate") else _("Stop charging")


def _stolen(given: dict[str, Any]) -> str:
    if "immobilization" in given:
        return _immobilization(given["immobilization"])
    if "trackingPeriod" in given:
        return _("Track the stolen vehicle")
    return _("Declare stolen") if given.get("stolen") else _("Declare found again")


def _immobilization(given: dict[str, Any]) -> str:
    return _("Immobilise") if given.get("activate") else _("Release the immobiliser")


def _navigation(given: dict[str, Any]) -> str:
    count = len(given.get("positions", ()))
    return ngettext("Send a destination", "Send a route of %(n)d points", count) % {"n": count}


_SUMMARIES = {
    Kind.PRECONDITIONING: _preconditioning,
    Kind.CHARGING: _charging,
    Kind.DOOR: lambda given: _("Unlock the doors") if given.get("state") == "Unlocked" else _("Lock the doors"),
    Kind.HORN: lambda given: _("Sound the horn") if given.get("state") == "Activated" else _("Silence the horn"),
    Kind.LIGHTS: lambda given: _("Switch the lights on") if given.get("on") else _("Switch the lights off"),
    Kind.IMMOBILIZATION: _immobilization,
    Kind.STOLEN: _stolen,
    Kind.WAKE_UP: lambda _given: _("Wake up"),
    Kind.NAVIGATION: _navigation,
}
