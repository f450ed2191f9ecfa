"""Where drivers charge, the utility contracts that hang there, and the agreements about French delivery points."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Lifecycle, With, of_person
from vehicles.models.base import Reported
from vehicles.models.drivers import Driver


class ChargingLocation(Reported):
    """A place where smart charging is active."""

    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="locations", verbose_name=_("driver"))
    name = models.CharField(_("name"), max_length=120, blank=True, default="")
    address = models.CharField(_("address"), max_length=250, blank=True, default="")
    country = models.CharField(_("country"), max_length=3, blank=True, default="")
    time_zone = models.CharField(_("time zone"), max_length=60, blank=True, default="")
    latitude = models.FloatField(_("latitude"), null=True)
    longitude = models.FloatField(_("longitude"), null=True)
    pdl = models.CharField(_("PDL"), max_length=20, blank=True, default="")

    lifecycle = Lifecycle(
        kept=With("driver"),
        personal=of_person("name", "address", "latitude", "longitude", "pdl", "reports"),
        audited=None,
    )

    class Meta:
        verbose_name = _("charging location")
        verbose_name_plural = _("charging locations")
        ordering = ("external_id",)


class UtilityContract(Reported):
    """A contract with an energy supplier for a location."""

    location = models.ForeignKey(
        ChargingLocation, models.SET_NULL, null=True, related_name="contracts", verbose_name=_("location")
    )
    # Its location's driver.
    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="contracts", verbose_name=_("driver"))
    supplier = models.CharField(_("supplier"), max_length=100, blank=True, default="")
    contract_number = models.CharField(_("contract number"), max_length=60, blank=True, default="")
    meter_code = models.CharField(_("meter"), max_length=60, blank=True, default="")
    state = models.CharField(_("state"), max_length=20, blank=True, default="")
    valid_to = models.DateField(_("valid to"), null=True)

    lifecycle = Lifecycle(
        kept=With("driver"),
        personal=of_person("contract_number", "meter_code", "reports"),
        audited=None,
    )

    class Meta:
        verbose_name = _("utility contract")
        verbose_name_plural = _("utility contracts")
        ordering = ("external_id",)


class PdlAgreement(Reported):
    """A version of the agreement about a location's PDL. Its id is "location/version"."""

    location = models.ForeignKey(
        ChargingLocation, models.CASCADE, related_name="agreements", verbose_name=_("location")
    )
    version = models.CharField(_("version"), max_length=60)
    state = models.CharField(_("state"), max_length=20, blank=True, default="")

    lifecycle = Lifecycle(kept=With("location"), personal=(), audited=None)

    class Meta:
        verbose_name = _("PDL agreement")
        verbose_name_plural = _("PDL agreements")
        ordering = ("external_id",)
