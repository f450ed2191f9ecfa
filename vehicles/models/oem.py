"""Accounts with manufacturers, the vehicles in them, and the services that the manufacturers sell."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Lifecycle, With, masked
from core.text import said_once
from vehicles.choices import PairingReason, PairingState
from vehicles.models.base import Reported, folded
from vehicles.models.drivers import Driver


class OemAccount(Reported):
    """A driver's account with a manufacturer, linked to the app."""

    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="accounts", verbose_name=_("driver"))
    brand = models.CharField(_("brand"), max_length=40, blank=True, default="")
    auth_state = models.CharField(_("sign-in"), max_length=40, blank=True, default="")
    linked = models.BooleanField(_("linked"), default=True)

    lifecycle = Lifecycle(kept=With("driver"), personal=masked("external_id", "reports"), audited=None)

    class Meta:
        verbose_name = _("OEM account")
        verbose_name_plural = _("OEM accounts")
        ordering = ("external_id",)


class Vehicle(Reported):
    """A car: its pairing status, its capabilities, what its driver allows."""

    # Its own driver if one was reported, else its account's.
    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="vehicles", verbose_name=_("driver"))
    account = models.ForeignKey(
        OemAccount, models.SET_NULL, null=True, related_name="vehicles", verbose_name=_("OEM account")
    )
    brand = models.CharField(_("brand"), max_length=40, blank=True, default="")
    model = models.CharField(_("model"), max_length=60, blank=True, default="")
    vin = models.CharField(_("VIN"), max_length=20, blank=True, default="")
    pairing_state = models.CharField(
        _("pairing"), max_length=20, choices=PairingState.choices, default=PairingState.NOT_CONNECTED
    )
    pairing_reason = models.CharField(max_length=30, choices=PairingReason.choices, blank=True, default="")
    # The capabilities that are available.
    capabilities = ArrayField(models.CharField(max_length=60), verbose_name=_("capabilities"), default=list, blank=True)
    user_role = models.CharField(_("role"), max_length=40, blank=True, default="")
    enrollment = models.CharField(_("enrolment"), max_length=40, blank=True, default="")
    privacy_mode = models.BooleanField(_("privacy mode"), null=True)
    geolocation_enabled = models.BooleanField(_("geolocation"), null=True)
    smart_charging = models.BooleanField(_("smart charging"), null=True)
    last_contact_at = models.DateTimeField(_("last contact"), null=True)
    removed = models.BooleanField(_("removed"), default=False)
    # The feed that spoke of it last (`Feed.key`).
    feed_key = models.BigIntegerField(null=True, editable=False)
    search_text = models.GeneratedField(
        expression=folded("external_id", "brand", "model", "vin"), output_field=models.TextField(), db_persist=True
    )

    lifecycle = Lifecycle(kept=With("driver"), personal=(), audited=None)

    class Meta:
        verbose_name = _("vehicle")
        verbose_name_plural = _("vehicles")
        ordering = ("external_id",)
        indexes = (
            GinIndex(fields=("search_text",), name="vehicle_search", opclasses=("gin_trgm_ops",)),
            # The list by pairing state; nearly all are active.
            models.Index(fields=("pairing_state", "id"), name="vehicle_pairing", condition=~Q(pairing_state="active")),
            models.Index(fields=("last_contact_at", "id"), name="vehicle_contact"),
        )

    @property
    def title(self) -> str:
        return said_once(self.brand, self.model) or self.shown_id


class OemService(Reported):
    """A manufacturer's paid service for a vehicle, e.g. Renault's ZE_INTERACTIVE. Its id is "vehicle/code"."""

    vehicle = models.ForeignKey(Vehicle, models.CASCADE, related_name="services", verbose_name=_("vehicle"))
    code = models.CharField(_("service"), max_length=60)
    state = models.CharField(_("state"), max_length=20, blank=True, default="")
    expires_at = models.DateTimeField(_("expires"), null=True)

    lifecycle = Lifecycle(kept=With("vehicle"), personal=(), audited=None)

    class Meta:
        verbose_name = _("OEM service")
        verbose_name_plural = _("OEM services")
        ordering = ("external_id",)
