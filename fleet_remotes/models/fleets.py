"""Fleets, their vehicles, and how often each was woken up in a month."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Audited, Lifecycle, While, With, masked
from fleet_remotes.choices import Brand, Capability, Privacy

# The columns that free text searches, folded into one trigram-indexed column.
SEARCHED = ("vin", "plate", "name", "model", "vehicle_id", "brand")
# ISO 3779 leaves out I, O and Q; a vendor's test vehicles do not always keep to it, so only length and signs count.
check_vin = RegexValidator(r"^[A-Z0-9]{11,17}\Z", _("A VIN has 11 to 17 letters and digits."))


def _folded(*columns: str) -> Func:
    parts: list[Value | F] = []
    for column in columns:
        parts += [Value(" "), F(column)]
    joined = Func(*parts, template="(%(expressions)s)", arg_joiner=" || ", output_field=models.TextField())
    return Func(joined, function="signalbox_fold", output_field=models.TextField())


class Fleet(models.Model):
    """A fleet as the vendor knows it, with its stop switch."""

    key = models.CharField(_("fleet id"), max_length=64, unique=True, help_text=_("The vendor’s id of the fleet."))
    name = models.CharField(_("name"), max_length=120, blank=True, default="")
    # The stop switch: while it is set nothing is sent to any vehicle of the fleet.
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("stopped by")
    )
    stop_reason = models.CharField(_("why"), max_length=200, blank=True, default="")
    # The vendor asked for a pause (429 with Retry-After).
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    lifecycle = Lifecycle(kept=While("Operators make it."), personal=(), audited=Audited(exclude=("paused_until",)))

    class Meta:
        verbose_name = _("fleet")
        verbose_name_plural = _("fleets")
        ordering = ("key",)

    def __str__(self) -> str:
        return self.name or self.key

    @property
    def is_stopped(self) -> bool:
        return self.stopped_at is not None


class FleetVehicle(models.Model):
    """A vehicle of a fleet: how the vendor names it, what it can do, what is known of its state."""

    fleet = models.ForeignKey(Fleet, models.PROTECT, related_name="vehicles", verbose_name=_("fleet"))
    vin = models.CharField(_("VIN"), max_length=17, unique=True, validators=[check_vin])
    vehicle_id = models.CharField(
        _("vehicle id"), max_length=128, blank=True, default="", help_text=_("The vendor’s id; commands need it.")
    )
    brand = models.CharField(_("brand"), max_length=10, choices=Brand.choices)
    model = models.CharField(_("model"), max_length=60, blank=True, default="")
    plate = models.CharField(_("plate"), max_length=20, blank=True, default="")
    name = models.CharField(_("name"), max_length=120, blank=True, default="")
    # Null: its capabilities were never reported.
    capabilities = ArrayField(
        models.CharField(max_length=20, choices=Capability.choices),
        verbose_name=_("capabilities"),
        null=True,
        blank=True,
        default=None,
    )
    privacy = models.CharField(_("privacy"), max_length=12, choices=Privacy.choices, blank=True, default="")
    battery_level = models.PositiveSmallIntegerField(
        _("battery (%)"), null=True, blank=True, validators=[MaxValueValidator(100)]
    )
    is_stolen = models.BooleanField(_("declared stolen"), default=False)
    # What commands taught since privacy and battery were last reported; a command that succeeds takes it back.
    privacy_refused_at = models.DateTimeField(_("refused for privacy"), null=True, editable=False)
    battery_refused_at = models.DateTimeField(_("refused for its battery"), null=True, editable=False)
    # When its ignition was last known to be on.
    in_use_at = models.DateTimeField(_("in use"), null=True, editable=False)
    # When privacy, battery and the rest were last reported.
    facts_at = models.DateTimeField(_("facts of"), null=True, blank=True)
    tags = ArrayField(models.CharField(max_length=40), verbose_name=_("tags"), blank=True, default=list)
    wakeup_budget = models.PositiveSmallIntegerField(
        _("wake-ups a month"),
        null=True,
        blank=True,
        help_text=_("No more wake-ups than this; empty: the installation’s number."),
    )
    # The count at which the vendor first refused (TooManyWakeUpsOverMonth); it publishes no number.
    wakeup_learnt = models.PositiveSmallIntegerField(_("learnt budget"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    search_text = models.GeneratedField(expression=_folded(*SEARCHED), output_field=models.TextField(), db_persist=True)

    lifecycle = Lifecycle(
        kept=While("Operators add and remove it."),
        personal=masked("name"),
        audited=Audited(
            exclude=("search_text", "updated_at", "facts_at", "privacy_refused_at", "battery_refused_at", "in_use_at")
        ),
    )

    class Meta:
        verbose_name = _("fleet vehicle")
        verbose_name_plural = _("fleet vehicles")
        ordering = ("vin",)
        constraints = (
            models.CheckConstraint(
                condition=Q(battery_level__isnull=True) | Q(battery_level__lte=100), name="fleetvehicle_battery"
            ),
        )
        indexes = (
            # The vehicles of a fleet, in the list's order.
            models.Index(fields=("fleet", "vin"), name="fleetvehicle_fleet"),
            # Magic Search's free text, and its tags.
            GinIndex(fields=("search_text",), name="fleetvehicle_search", opclasses=("gin_trgm_ops",)),
            GinIndex(fields=("tags",), name="fleetvehicle_tags"),
        )
        permissions = (("set_wakeup_budget", _("Can set how often vehicles may be woken up")),)

    def __str__(self) -> str:
        return self.vin

    @property
    def wakeup_limit(self) -> int | None:
        """The wake-ups a month that a person allows, for it or for the installation; None for no limit of ours."""
        return self.wakeup_budget if self.wakeup_budget is not None else settings.REMOTES_WAKEUPS_PER_MONTH or None

    @property
    def title(self) -> str:
        """What a person calls it: name or plate, else brand and model."""
        return self.name or self.plate or f"{self.get_brand_display()} {self.model}".strip()

    @property
    def full_title(self) -> str:
        """Its name and its plate, for a mail's subject."""
        return ", ".join(filter(None, (self.name, self.plate))) or self.title


class WakeUpUse(models.Model):
    """How often a vehicle was woken up in a month: counted when WakingUpVehicle is received, not per command."""

    vehicle = models.ForeignKey(FleetVehicle, models.CASCADE, related_name="wakeups", verbose_name=_("vehicle"))
    month = models.DateField(_("month"))
    used = models.PositiveIntegerField(_("wake-ups"), default=0)
    # TooManyWakeUpsOverMonth of this month: how often, and at which count it came first.
    refusals = models.PositiveIntegerField(_("refusals"), default=0)
    refused_at_count = models.PositiveIntegerField(null=True)

    lifecycle = Lifecycle(kept=With("vehicle"), personal=(), audited=None)

    class Meta:
        verbose_name = _("wake-up use")
        verbose_name_plural = _("wake-up uses")
        ordering = ("-month", "-used")
        constraints = (models.UniqueConstraint(fields=("vehicle", "month"), name="wakeupuse_unique"),)
        # The page of budgets: this month's, the thirstiest first.
        indexes = (models.Index(fields=("month", "-used"), name="wakeupuse_month"),)

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.month:%Y-%m}: {self.used}"
