"""Telemetry and the charging sessions that follow from it."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Kept, Lifecycle, no_row
from vehicles.choices import UnmanagedReason
from vehicles.models.base import Reported
from vehicles.models.contracts import ChargingLocation
from vehicles.models.oem import Vehicle

# A late sample may change sessions that go back so far.
SAMPLES_MATTER_DAYS = 21
_OPEN_SESSION = "o.vehicle_id = t.vehicle_id AND o.ended_at IS NULL AND NOT o.withdrawn AND o.started_at <= t.at"


class TelemetrySample(models.Model):
    """A sample of telemetry about the plug. Stored for some weeks, because a late one may change a session."""

    vehicle = models.ForeignKey(Vehicle, models.CASCADE, related_name="samples")
    at = models.DateTimeField(_("at"))
    charge_state = models.CharField(_("charge state"), max_length=20)
    location = models.CharField(_("location"), max_length=120, blank=True, default="")
    power_kw = models.FloatField(_("power (kW)"), null=True)
    soc = models.SmallIntegerField(_("state of charge (%)"), null=True)

    lifecycle = Lifecycle(
        kept=Kept(
            "RETENTION_MESSAGES_DAYS",
            by="at",
            only=no_row("vehicles_chargingsession", _OPEN_SESSION),
            least=SAMPLES_MATTER_DAYS + 1,
        ),
        personal=(),
        audited=None,
    )

    class Meta:
        verbose_name = _("telemetry sample")
        verbose_name_plural = _("telemetry samples")
        constraints = (models.UniqueConstraint(fields=("vehicle", "at", "charge_state"), name="sample_once"),)
        indexes = (BrinIndex(fields=("at",), name="sample_at"),)

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.at:%Y-%m-%d %H:%M} {self.charge_state}"


class ChargingSession(Reported):
    """A charging session, derived from telemetry or reported by the sender."""

    vehicle = models.ForeignKey(Vehicle, models.CASCADE, null=True, related_name="sessions", verbose_name=_("vehicle"))
    location = models.ForeignKey(
        ChargingLocation, models.SET_NULL, null=True, related_name="+", verbose_name=_("location")
    )
    derived = models.BooleanField(_("from telemetry"), default=False)
    managed = models.BooleanField(_("managed"), null=True)
    reason = models.CharField(
        _("why unmanaged"), max_length=30, choices=UnmanagedReason.choices, blank=True, default=""
    )
    started_at = models.DateTimeField(_("started"), null=True)
    # The last good sample, not the moment at which the end was noticed.
    ended_at = models.DateTimeField(_("ended"), null=True)
    end_reason = models.CharField(_("how it ended"), max_length=30, blank=True, default="")
    last_at = models.DateTimeField(_("last sample"), null=True)
    no_power_since = models.DateTimeField(_("no power since"), null=True)
    # What the car does, by its last sample.
    charge_state = models.CharField(_("charge state"), max_length=20, blank=True, default="")
    soc_start = models.SmallIntegerField(_("state of charge at start (%)"), null=True)
    soc_last = models.SmallIntegerField(_("state of charge (%)"), null=True)
    energy_kwh = models.FloatField(_("energy (kWh)"), null=True)
    # A late sample said that it was none.
    withdrawn = models.BooleanField(default=False)
    # No more notifications will follow from it.
    settled = models.BooleanField(default=False, editable=False)

    lifecycle = Lifecycle(
        kept=Kept(
            "RETENTION_HISTORY_DAYS",
            by="created_at",
            only="(withdrawn OR settled) AND coalesce(ended_at, created_at) < %(before)s",
        ),
        personal=(),
        audited=None,
    )

    class Meta:
        verbose_name = _("charging session")
        verbose_name_plural = _("charging sessions")
        ordering = ("-started_at", "-id")
        indexes = (
            # The sessions from which notifications may still follow.
            models.Index(fields=("vehicle",), name="session_unsettled", condition=Q(settled=False)),
            # A vehicle's sessions around a moment.
            models.Index(fields=("vehicle", "-started_at"), name="session_of_vehicle"),
            models.Index(fields=("-started_at", "-id"), name="session_by_start"),
        )
