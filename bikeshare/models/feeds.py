"""Feeds of others that are read again and again."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from bikeshare.models.programs import Program
from core.encryption import AddressElsewhere, EncryptedJSONField, LeadsElsewhere
from core.lifecycle import Audited, Lifecycle, While

# What each reading writes.
RESULTS = ("next_at", "last_at", "last_ok_at", "problem", "result", "tags")


class FeedSource(LeadsElsewhere):
    """An address whose stations and zones come into a program: GBFS, GeoJSON, or geographies of MDS."""

    program = models.ForeignKey(Program, models.CASCADE, related_name="feeds", verbose_name=_("program"))
    url = AddressElsewhere(_("address"), max_length=500)
    every_min = models.PositiveIntegerField(
        _("read every (min)"),
        default=5,
        validators=[MaxValueValidator(525_600)],
        help_text=_("0: only when somebody asks for it."),
    )
    types = models.JSONField(
        _("vehicle types"),
        default=dict,
        blank=True,
        help_text=_('Which of ours each of the feed’s is, e.g. {"ebike": "vae"}.'),
    )
    rfc7946 = models.BooleanField(
        _("rings have no direction"), default=False, help_text=_("For feeds of GBFS 2 that do not know its rings.")
    )
    # When it is read next; null for never.
    next_at = models.DateTimeField(_("next"), null=True, editable=False)
    last_at = models.DateTimeField(_("last read"), null=True, editable=False)
    last_ok_at = models.DateTimeField(_("last understood"), null=True, editable=False)
    # Why the last reading failed; empty after one that did not.
    problem = models.CharField(_("problem"), max_length=500, blank=True, default="", editable=False)
    # What the last reading did, and what of it was left out.
    result = models.JSONField(_("result"), default=dict, blank=True, editable=False)
    # By which its server tells whether something changed, of each address that it names.
    tags = EncryptedJSONField(default=dict, blank=True, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    lifecycle = Lifecycle(kept=While("Operators make and delete it."), personal=(), audited=Audited(exclude=RESULTS))

    class Meta:
        verbose_name = _("feed")
        verbose_name_plural = _("feeds")
        ordering = ("program", "pk")

    def __str__(self) -> str:
        return self.shown_url
