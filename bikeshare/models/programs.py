"""Programs: one city's service each, the tenant of everything else."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator, URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from bikeshare.choices import ProgramStatus
from core.email_addresses import AddressField
from core.lifecycle import Audited, How, Lifecycle, Personal, While


class Program(models.Model):
    """One city's bike-share service."""

    id = models.CharField(
        _("key"),
        max_length=40,
        primary_key=True,
        db_collation="C",
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*\Z", _("Small letters, digits and hyphens."))],
    )
    name = models.CharField(_("name"), max_length=80)
    city = models.CharField(_("city"), max_length=80, blank=True, default="")
    status = models.CharField(_("status"), max_length=10, choices=ProgramStatus.choices, default=ProgramStatus.OPEN)
    timezone = models.CharField(_("time zone"), max_length=50, default="Europe/Paris")
    language = models.CharField(_("language"), max_length=10, default="fr")
    operator = models.CharField(_("operator"), max_length=80, blank=True, default="")
    url = models.CharField(
        _("web page"), max_length=200, blank=True, default="", validators=[URLValidator(["https", "http"])]
    )
    contact_email = AddressField(_("contact"), blank=True, default="")
    opening_hours = models.CharField(
        _("opening hours"), max_length=200, default="24/7", help_text=_("In the form of OpenStreetMap, e.g. 24/7.")
    )
    publish_gbfs = models.BooleanField(_("public GBFS feed"), default=False)
    max_renting = models.PositiveSmallIntegerField(_("vehicles per cyclist"), default=1)
    min_rent_battery = models.PositiveSmallIntegerField(
        _("least battery to rent (%)"), default=0, validators=[MaxValueValidator(100)]
    )
    # When a position counts as in a forbidden zone; the strict reading of the seed is the default.
    min_depth_m = models.FloatField(
        _("depth in the zone (m)"),
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("A position nearer to the border than this decides nothing."),
    )
    accuracy_factor = models.FloatField(
        _("depth in accuracies"),
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("…nor one nearer than so many times its own accuracy; 2 suits positioning by satellite."),
    )
    confirm_fixes = models.PositiveSmallIntegerField(
        _("positions to confirm"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("So many positions in a row must lie in the zone."),
    )
    exit_margin_m = models.FloatField(
        _("exit margin (m)"),
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("A vehicle has left the zone when it is farther from it than this; 15 suits most."),
    )
    # What is told by the topics of our own, x.*; 0 tells nothing.
    connection_lost_min = models.PositiveSmallIntegerField(
        _("connection lost after (min)"), default=120, help_text=_("0: not told.")
    )
    unseen_days = models.PositiveSmallIntegerField(_("not seen for (days)"), default=3, help_text=_("0: not told."))
    unridden_days = models.PositiveSmallIntegerField(
        _("not ridden for (days)"), default=14, help_text=_("0: not told.")
    )
    moved_m = models.PositiveIntegerField(_("moved without a trip by (m)"), default=150, help_text=_("0: not told."))
    watch_unlocking = models.BooleanField(_("tell of locks opened without a trip"), default=False)
    watch_stations = models.BooleanField(_("tell of empty and full stations"), default=True)
    # GBFS `global_rules`: what holds outside all zones, i.e. the operating area; an empty list restricts nothing.
    global_rules = models.JSONField(_("rules outside all zones"), default=list, blank=True)
    # What of them each feed said last, so that it changes its own alone.
    feed_rules = models.JSONField(default=dict, blank=True, editable=False)
    # Counts the changes of its zones, so that every process knows when its index of them is old.
    zones_version = models.PositiveBigIntegerField(default=1, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    lifecycle = Lifecycle(
        kept=While("Operators make and delete it."),
        personal=(Personal("contact_email", How.BLANK),),
        audited=Audited(exclude=("feed_rules", "zones_version")),
    )

    class Meta:
        verbose_name = _("program")
        verbose_name_plural = _("programs")
        ordering = ("id",)
        constraints = (models.CheckConstraint(condition=~models.Q(id=""), name="program_key_given"),)
        permissions = (("send_sample", _("Can send sample events")),)

    def __str__(self) -> str:
        return self.name or self.pk
