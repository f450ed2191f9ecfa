"""Choices of fleet vehicles and callbacks."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet_remotes.choices.actions import Kind


class Brand(models.TextChoices):
    """The brands of the vendor's fleet-owner API (seed 003)."""

    CITROEN = "citroen", _("Citroën")
    DS = "ds", _("DS")
    PEUGEOT = "peugeot", _("Peugeot")
    OPEL = "opel", _("Opel")
    VAUXHALL = "vauxhall", _("Vauxhall")


# What is typed or sent instead of a brand's own value.
BRAND_ALIASES = {"citroën": Brand.CITROEN, "ac": Brand.CITROEN, "ds automobiles": Brand.DS, "vx": Brand.VAUXHALL}


class Privacy(models.TextChoices):
    """`privacy.state` of the vendor's vehicle status."""

    UNKNOWN = "", _("Unknown")
    NONE = "None", _("Off")
    GEOLOCATION = "Geolocation", _("Position hidden")
    FULL = "Full", _("Full privacy")


class Capability(models.TextChoices):
    """`onboardCapabilities.remote` of the vendor's vehicle; it has no entry for immobilisation."""

    PRECONDITIONING = "preconditioning", _("Preconditioning")
    DOOR = "door", _("Doors")
    HORN = "horn", _("Horn")
    CHARGING = "charging", _("Charging")
    LIGHTS = "lights", _("Lights")
    WAKEUP = "wakeup", _("Wake-up")
    NAVIGATION = "navigation", _("Navigation")
    STOLEN = "stolen", _("Stolen vehicle")


# The capability that an action needs; immobilisation is listed by none and therefore needs none.
CAPABILITY_OF: dict[Kind, Capability] = {kind: Capability(kind.lower()) for kind in Kind if kind != Kind.IMMOBILIZATION}


class CallbackStatus(models.TextChoices):
    """What the vendor says of a registered callback; Paused posts nothing at all."""

    UNREGISTERED = "", _("Not registered")
    RUNNING = "Running", _("Running")
    PAUSED = "Paused", _("Paused")
    FAILED = "Failed", _("Failed")
