"""Where the OCPP proxy passes stations on to: a route for each CSMS, and stations that were moved to another."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.encryption import AddressElsewhere, LeadsElsewhere
from core.lifecycle import Audited, Lifecycle, While

MAX_STATION = 255


class OcppRoute(LeadsElsewhere):
    """A station that connects to `{ocpp_url}/{slug}/{identity}` is passed on to `{upstream}/{identity}`."""

    address_field = "upstream"

    slug = models.CharField(_("URL name"), max_length=40, unique=True)
    upstream = AddressElsewhere(_("CSMS"))
    register_unknown = models.BooleanField(_("register unknown stations"), default=False)
    # Empty: the installation's CHARGING_EVSE_PATTERN.
    evse_pattern = models.CharField(_("EVSE ids"), max_length=100, blank=True, default="")
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    lifecycle = Lifecycle(
        kept=While("Administrators make and delete it."), personal=(), audited=Audited(exclude=("created_at",))
    )

    class Meta:
        verbose_name = _("OCPP route")
        verbose_name_plural = _("OCPP routes")
        ordering = ("slug",)
        constraints = (models.CheckConstraint(condition=~Q(slug="") & ~Q(shown_url=""), name="ocpproute_given"),)

    def __str__(self) -> str:
        return self.slug


class MovedStation(models.Model):
    """A station that connects by one route and is passed on to the CSMS of another."""

    # Without an index of its own: the constraint's begins with it.
    route = models.ForeignKey(
        OcppRoute, models.CASCADE, related_name="moved_away", verbose_name=_("connects by"), db_index=False
    )
    station = models.CharField(_("station"), max_length=MAX_STATION)
    # By what spellings of the identity are the same (`core.text.identity_key`).
    station_key = models.CharField(max_length=MAX_STATION, editable=False)
    target = models.ForeignKey(
        OcppRoute, models.PROTECT, related_name="moved_here", verbose_name=_("passed on by the route")
    )
    moved_at = models.DateTimeField(_("moved"))

    lifecycle = Lifecycle(
        kept=While("Operators move stations, and move them back."), personal=(), audited=Audited(exclude=("moved_at",))
    )

    class Meta:
        verbose_name = _("moved station")
        verbose_name_plural = _("moved stations")
        ordering = ("route", "station_key")
        constraints = (
            models.UniqueConstraint(fields=("route", "station_key"), name="movedstation_unique"),
            models.CheckConstraint(condition=~Q(route=F("target")), name="movedstation_is_elsewhere"),
        )

    def __str__(self) -> str:
        return self.station
