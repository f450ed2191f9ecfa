"""Maintenance: while it lasts, incidents are recorded and nothing is mailed."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Audited, Kept, Lifecycle, With, masked
from infra_notifications.choices import WindowState
from infra_notifications.models.charge_points import ChargePoint
from infra_notifications.models.groups import NotificationGroup


class MaintenanceWindow(models.Model):
    """From when until when something is worked at, and why."""

    reason = models.CharField(_("reason"), max_length=200)
    starts_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(_("ends"))
    author = models.CharField(_("by"), max_length=150, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    lifecycle = Lifecycle(
        kept=Kept(
            "RETENTION_INCIDENTS_DAYS", by="created_at", only="ends_at < %(before)s", name="charging maintenancewindow"
        ),
        personal=masked("author", "reason"),
        audited=Audited(),
    )

    class Meta:
        verbose_name = _("maintenance window")
        verbose_name_plural = _("maintenance windows")
        ordering = ("-starts_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")),
                name="maintenance_ends_after_start",
                violation_error_message=_("It ends before it begins."),
            ),
        )
        indexes = (
            # Those that run now or ended lately.
            models.Index(fields=("ends_at",), name="maintenance_by_end"),
            # The list.
            models.Index(fields=("-starts_at", "-id"), name="maintenance_by_start"),
        )

    def __str__(self) -> str:
        return self.reason

    def state_at(self, now: datetime) -> WindowState:
        if now < self.starts_at:
            return WindowState.PLANNED
        return WindowState.RUNNING if now < self.ends_at else WindowState.OVER


class MaintenanceTarget(models.Model):
    """What a window covers: a charge point, a location, or whatever is in a group at the time."""

    window = models.ForeignKey(MaintenanceWindow, models.CASCADE, related_name="targets", verbose_name=_("window"))
    charge_point = models.ForeignKey(
        ChargePoint, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("charge point")
    )
    group = models.ForeignKey(
        NotificationGroup, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("group")
    )
    location = models.CharField(_("location"), max_length=120, blank=True, default="")
    # Two towns may have a location of one name; empty: in any town.
    city = models.CharField(_("city"), max_length=80, blank=True, default="")

    lifecycle = Lifecycle(kept=With("window"), personal=(), audited=Audited())

    class Meta:
        verbose_name = _("maintenance target")
        verbose_name_plural = _("maintenance targets")
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(charge_point__isnull=False, group__isnull=True, location="")
                | Q(charge_point__isnull=True, group__isnull=False, location="")
                | (Q(charge_point__isnull=True, group__isnull=True) & ~Q(location="")),
                name="maintenance_target_is_one",
                violation_error_message=_("Name either a charge point, a group or a location."),
            ),
        )
        indexes = (
            # Which windows cover a charge point by where it stands.
            models.Index(fields=("location",), name="maintenance_by_location", condition=~Q(location="")),
        )

    def __str__(self) -> str:
        return self.location or str(self.charge_point or self.group)
