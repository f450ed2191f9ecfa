"""Choices of the console, each with the colour of its badge."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """What an API key may do; the names are the public contract."""

    CHARGING_WRITE = "charging:write", _("Charging: send messages, change charge points and groups")
    CHARGING_READ = "charging:read", _("Charging: read")
    VEHICLES_WRITE = "vehicles:write", _("Vehicles: send facts, change")
    VEHICLES_READ = "vehicles:read", _("Vehicles: read")
    REMOTES_WRITE = "remotes:write", _("Fleet remotes: send commands, change")
    REMOTES_READ = "remotes:read", _("Fleet remotes: read")
    BIKESHARE_WRITE = "bikeshare:write", _("Bike-share: send telemetry, change")
    BIKESHARE_READ = "bikeshare:read", _("Bike-share: read")
    PERSONAL_READ = (
        "personal:read",
        _("People: who drivers, cyclists and receivers of mails are, where it may read alone"),
    )
    OUTBOX_READ = "outbox:read", _("Outbox: read events, deliveries and webhooks")
    OUTBOX_WRITE = "outbox:write", _("Outbox: change webhooks, retry deliveries")


class JobState(models.TextChoices):
    """Where a long piece of work stands."""

    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    REVIEW = "review", _("To be confirmed")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
