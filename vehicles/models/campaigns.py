"""Campaigns: a banner for all drivers whom a Magic Search finds, for some time."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Audited, Lifecycle, While, With, masked
from vehicles.choices import CampaignState
from vehicles.models.drivers import Driver


class Campaign(models.Model):
    name = models.CharField(_("name"), max_length=100)
    type = models.CharField(_("notification"), max_length=60)
    audience = models.CharField(
        _("audience"), max_length=500, blank=True, default="", help_text=_("A Magic Search on drivers; empty: all.")
    )
    min_app_version = models.CharField(_("least app version"), max_length=20, blank=True, default="")
    begins_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=CampaignState.choices, default=CampaignState.DRAFT)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    # Up to which driver the audience was searched in this round, and when the next round begins.
    reached_id = models.BigIntegerField(default=0, editable=False)
    next_round_at = models.DateTimeField(null=True, editable=False)

    lifecycle = Lifecycle(
        kept=While("Operators plan it."),
        personal=masked("audience"),
        audited=Audited(exclude=("reached_id", "next_round_at")),
    )

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                Lower("name"),
                name="campaign_name_unique",
                violation_error_code="unique",
                violation_error_message=_("There is a campaign of this name already."),
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("begins_at")), name="campaign_ends_after_beginning"
            ),
        )
        permissions = (("run_campaign", _("Can start and end campaigns")),)

    def __str__(self) -> str:
        return self.name


class CampaignRecipient(models.Model):
    """A driver whom the audience of a campaign holds."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="recipients")
    driver = models.ForeignKey(Driver, models.CASCADE, related_name="campaigns")
    added_at = models.DateTimeField(_("added"))
    # Since when the audience holds the driver no more; its banner is gone, and counts as told.
    left_at = models.DateTimeField(_("left"), null=True)

    lifecycle = Lifecycle(kept=With("campaign"), personal=(), audited=None)

    class Meta:
        verbose_name = _("campaign recipient")
        verbose_name_plural = _("campaign recipients")
        constraints = (models.UniqueConstraint(fields=("campaign", "driver"), name="campaignrecipient_once"),)

    def __str__(self) -> str:
        return f"{self.campaign_id} → {self.driver_id}"
