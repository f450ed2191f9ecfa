"""OCPI: the parties that are connected, and their locations and EVSEs as they sent them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from core.encryption import AddressElsewhere, EncryptedTextField
from core.lifecycle import Audited, Lifecycle, While, With, masked
from core.text import shown_url
from infra_notifications.choices import OCPI_STATE_COLOURS, OcpiPartyState, SourceKind
from infra_notifications.models.charge_points import ChargePoint
from infra_notifications.models.maintenance import MaintenanceWindow
from infra_notifications.models.sources import source_id

HUB = "HUB"


class OcpiParty(models.Model):
    """A platform that is connected by OCPI. Of the token by which it calls us only the SHA-256 is stored."""

    name = models.CharField(_("name"), max_length=100)
    state = models.CharField(_("state"), max_length=12, choices=OcpiPartyState.choices, default=OcpiPartyState.INVITED)
    # A person disabled it; its state stays what it was.
    is_disabled = models.BooleanField(_("disabled"), default=False)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    # That of the token before, which opens as well until the new one was used: an answer may be lost on its way.
    old_token_digest = models.CharField(max_length=64, unique=True, null=True, editable=False)
    # Operators say so: a hub may speak for everybody who is not connected by himself.
    may_be_hub = models.BooleanField(_("may be a hub"), default=False)
    # By which we call it, as it was given, and whether it is sent in Base64 as the specification asks.
    peer_token = EncryptedTextField(blank=True, default="", editable=False)
    sends_plain_token = models.BooleanField(default=False)
    version = models.CharField(_("OCPI version"), max_length=8, blank=True, default="")
    versions_url = AddressElsewhere(_("versions URL"), blank=True, default="")
    locations_url = AddressElsewhere(_("locations URL"), blank=True, default="")
    credentials_url = AddressElsewhere(_("credentials URL"), blank=True, default="")
    # As in its credentials: [{"role", "country_code", "party_id", "name"}, …].
    roles = models.JSONField(_("roles"), default=list)
    created_at = models.DateTimeField(_("created"))
    registered_at = models.DateTimeField(_("registered"), null=True)
    # When its locations are fetched next, and what came of it the last time.
    pull_due_at = models.DateTimeField(_("next comparison"), null=True)
    pulled_at = models.DateTimeField(_("last comparison"), null=True)
    pull_result = models.JSONField(default=dict)
    pull_error = models.CharField(_("last error"), max_length=300, blank=True, default="")

    lifecycle = Lifecycle(
        kept=While("Administrators make and delete it."),
        personal=masked("roles", "pull_error"),
        audited=Audited(
            include=(
                "name",
                "state",
                "is_disabled",
                "may_be_hub",
                "version",
                "versions_url",
                "locations_url",
                "registered_at",
            )
        ),
    )

    class Meta:
        verbose_name = _("OCPI party")
        verbose_name_plural = _("OCPI parties")
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(Upper("name"), name="ocpiparty_name_unique"),)
        indexes = (
            # Whose locations are to be fetched.
            models.Index(fields=("pull_due_at",), name="ocpiparty_pull_due", condition=Q(pull_due_at__isnull=False)),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def shown_url(self) -> str:
        """Where its versions are, for people."""
        url = getattr(self, "versions_url", "")
        return shown_url(url) if url else ""

    @property
    def state_colour(self) -> str:
        return OCPI_STATE_COLOURS[OcpiPartyState(self.state)]

    @property
    def source_id(self) -> int:
        """The number of the source that it is."""
        return source_id(SourceKind.OCPI, self.pk)

    @property
    def owners(self) -> set[tuple[str, str]]:
        """Country code and party id of each of its roles, in capitals."""
        return {(role["country_code"], role["party_id"]) for role in self.roles}

    @property
    def hubs(self) -> set[tuple[str, str]]:
        """The same of those roles in which it is a hub."""
        return {(role["country_code"], role["party_id"]) for role in self.roles if role["role"] == HUB}

    @property
    def is_hub(self) -> bool:
        """Whether it passes on what belongs to parties behind it."""
        return any(role["role"] == HUB for role in self.roles)

    def gives_way_to(self, other: OcpiParty) -> bool:
        """Whether what this one had sent may be taken over by another: from a hub by who connects by itself, and from
        one whose registration has ended."""
        return self.state != OcpiPartyState.REGISTERED or (self.is_hub and not other.is_hub)


class OcpiLocation(models.Model):
    """A location as its owner sent it, without its EVSEs."""

    party = models.ForeignKey(OcpiParty, models.CASCADE, related_name="locations", verbose_name=_("OCPI party"))
    # Country code, party id and location id, in capitals.
    key = models.CharField(max_length=220, unique=True)
    country_code = models.CharField(max_length=4)
    party_code = models.CharField(max_length=6)
    location_id = models.CharField(_("location"), max_length=100)
    document = models.JSONField(default=dict)
    # By what news is told from old: its `last_updated`, never in the future.
    last_updated = models.DateTimeField()
    received_at = models.DateTimeField(_("received"))

    lifecycle = Lifecycle(kept=With("party"), personal=masked("document"), audited=None)

    class Meta:
        verbose_name = _("OCPI location")
        verbose_name_plural = _("OCPI locations")
        ordering = ("key",)

    def __str__(self) -> str:
        return self.key


class OcpiEvse(models.Model):
    """An EVSE as it was sent, with the charge point that it is here."""

    location = models.ForeignKey(OcpiLocation, models.CASCADE, related_name="evses", verbose_name=_("location"))
    uid = models.CharField(max_length=100)
    key = models.CharField(max_length=100)
    document = models.JSONField(default=dict)
    last_updated = models.DateTimeField()
    received_at = models.DateTimeField(_("received"))
    charge_point = models.OneToOneField(
        ChargePoint, models.SET_NULL, null=True, related_name="ocpi_evse", verbose_name=_("charge point")
    )
    # The maintenance that lasts while it is inoperative.
    maintenance = models.ForeignKey(MaintenanceWindow, models.SET_NULL, null=True, related_name="+")

    lifecycle = Lifecycle(kept=With("location"), personal=masked("document"), audited=None)

    class Meta:
        verbose_name = _("OCPI EVSE")
        verbose_name_plural = _("OCPI EVSEs")
        ordering = ("location", "key")
        constraints = (models.UniqueConstraint(fields=("location", "key"), name="ocpievse_unique"),)

    def __str__(self) -> str:
        return f"{self.location_id}/{self.uid}"

    @property
    def status(self) -> Any:
        """The status that it had last."""
        return self.document.get("status")
