"""Drivers: the users of the app, who are notified."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Kept, Lifecycle, masked, of_person
from core.people import shows_people
from vehicles.choices import DriverLanguage
from vehicles.models.base import Reported, folded


class Driver(Reported):
    """A user of the app: contact, language, zone, preferences, consent."""

    name = models.CharField(_("name"), max_length=120, blank=True, default="")
    email = models.CharField(_("e-mail address"), max_length=320, blank=True, default="")
    country = models.CharField(_("country"), max_length=3, blank=True, default="")
    # What the driver reads, whether we have words in it or not (`services.languages`).
    language = models.CharField(_("language"), max_length=5, default=DriverLanguage.ENGLISH.value)
    time_zone = models.CharField(_("time zone"), max_length=60, blank=True, default="")
    app_platform = models.CharField(_("app platform"), max_length=20, blank=True, default="")
    app_version = models.CharField(_("app version"), max_length=40, blank=True, default="")
    # The version's numbers, so that 4.9 sorts before 4.16.
    app_version_key = ArrayField(models.IntegerField(), default=list, blank=True, editable=False)
    program = models.CharField(_("programme"), max_length=60, blank=True, default="")
    push_enabled = models.BooleanField(_("push enabled"), default=True)
    marketing_consent = models.BooleanField(_("consents to marketing"), default=False)
    # Categories that the driver does not want.
    unwanted = ArrayField(models.CharField(max_length=20), verbose_name=_("unwanted"), default=list, blank=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    removed = models.BooleanField(_("removed"), default=False)
    # When something may change for this driver without a new fact.
    due_at = models.DateTimeField(_("next look"), null=True, editable=False)
    # Since when old facts have come, which wait for newer ones before anything is decided.
    unsettled_since = models.DateTimeField(null=True, editable=False)
    search_text = models.GeneratedField(
        expression=folded("external_id", "name", "email"), output_field=models.TextField(), db_persist=True
    )

    lifecycle = Lifecycle(
        # Customers stay; who was removed goes with what was theirs (`Report` entries begin with their moment).
        kept=Kept(
            "RETENTION_HISTORY_DAYS",
            by="(t.reports->'removed'->-1->>0)::timestamptz",
            only="t.removed",
            in_order=False,
            name="vehicles driver",
        ),
        personal=(*masked("external_id"), *of_person("name", "email", "reports")),
        audited=None,
        erased_by="vehicles.services.erasing.erase_drivers",
    )

    class Meta:
        verbose_name = _("driver")
        verbose_name_plural = _("drivers")
        ordering = ("external_id",)
        indexes = (
            # The sweep: who is due, the longest first.
            models.Index(fields=("due_at",), name="driver_due", condition=Q(due_at__isnull=False)),
            # Magic Search's free text.
            GinIndex(fields=("search_text",), name="driver_search", opclasses=("gin_trgm_ops",)),
            # Audiences of campaigns.
            models.Index(fields=("app_version_key", "id"), name="driver_app_version"),
            models.Index(fields=("country", "id"), name="driver_country"),
        )

    @property
    def label(self) -> str:
        return (self.name or self.email if shows_people() else "") or self.shown_id
