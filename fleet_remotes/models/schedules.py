"""Commands that are sent again and again, on days of the week at a time of day."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Audited, Lifecycle, While, masked
from core.models import ApiKey
from fleet_remotes.choices import Kind
from fleet_remotes.models.actions import CommandBatch


class CommandSchedule(models.Model):
    """One command to a selection of vehicles, on some days of the week; each time is a batch of its own."""

    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("command"), max_length=20, choices=Kind.choices)
    parameters = models.JSONField(_("parameters"), default=dict)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    vehicles = ArrayField(models.BigIntegerField(), verbose_name=_("vehicles"), default=list)
    # 0 is Monday.
    days = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("days"), default=list)
    at = models.TimeField(_("time of day"))
    time_zone = models.CharField(_("time zone"), max_length=64)
    # Null while it is paused.
    next_at = models.DateTimeField(_("next time"), null=True)
    last_batch = models.ForeignKey(
        CommandBatch, models.SET_NULL, null=True, related_name="+", verbose_name=_("last batch")
    )
    # Why the last time was left out; empty when it was sent.
    last_problem = models.CharField(_("last problem"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(_("created"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("created by")
    )
    # In its place, where it was made by API.
    created_by_key = models.ForeignKey(
        ApiKey, models.SET_NULL, null=True, related_name="+", verbose_name=_("created by the key")
    )

    lifecycle = Lifecycle(
        kept=While("Operators make it."),
        personal=masked("name", "reason"),
        audited=Audited(exclude=("next_at", "last_batch", "last_problem")),
    )

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ("name", "pk")
        indexes = (
            # What is due.
            models.Index(fields=("next_at",), name="commandschedule_due", condition=Q(next_at__isnull=False)),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def made_by(self) -> str:
        """Who made it, as actions name who ordered them; empty once nobody knows."""
        if self.created_by_key is not None:
            return f"API: {self.created_by_key.name}"
        return self.created_by.get_username() if self.created_by is not None else ""

    @property
    def is_active(self) -> bool:
        return self.next_at is not None
