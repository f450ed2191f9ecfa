"""The mapping from what chargers say to the cases, as data that operators can read and change."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Audited, Kept, Lifecycle, While, masked
from infra_notifications.choices import Case, Effect
from infra_notifications.models.charge_points import ChargePoint


def _words(label: Any, help_text: Any) -> Any:
    return ArrayField(
        models.CharField(max_length=100), verbose_name=label, default=list, blank=True, help_text=help_text
    )


class EventRule(models.Model):
    """If a message meets every condition given here, this is what it means. The first rule that is met decides.

    An empty condition is met by every message. Texts ignore case. In `words`, `trip*` means a beginning, `*sensor` an
    ending, and anything else a whole word or phrase.
    """

    name = models.CharField(_("name"), max_length=120, unique=True)
    precedence = models.PositiveSmallIntegerField(
        _("precedence"),
        default=10,
        help_text=_("Lower is asked first: 10 own vendor rules, 20 codes, 30 components, 40 words, 50 the rest."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    protocols = _words(_("protocols"), _("ocpp1.6, ocpp2.0.1, ocpp2.1; a beginning such as ocpp2 is enough."))
    actions = _words(_("actions"), _("StatusNotification, NotifyEvent, SecurityEventNotification, …"))
    statuses = _words(_("statuses"), _("The reported status, e.g. Faulted; with “!” in front: any other."))
    codes = _words(
        _("codes"),
        _(
            "One of these stands in errorCode, vendorErrorCode, techCode or the security event’s type. “=A,B”: exactly "
            "these; “!*”: none."
        ),
    )
    components = _words(_("components"), _("OCPP 2.x component, e.g. RCD or *Sensor."))
    variables = _words(_("variables"), _("OCPP 2.x variable, e.g. Active or Tripped."))
    vendors = _words(_("vendors"), _("One of these stands in vendorId or is the charge point’s vendor."))
    words = _words(_("words"), _("One of these stands in what the charger says. “=text”: exactly this."))
    and_words = _words(_("and words"), _("And one of these too."))
    effect = models.CharField(_("effect"), max_length=8, choices=Effect.choices, default=Effect.RAISE)
    case = models.CharField(
        _("case"),
        max_length=20,
        choices=Case.choices,
        blank=True,
        default="",
        help_text=_("Needed to open; empty with “closes”: closes every case that a message opened."),
    )
    momentary_s = models.PositiveIntegerField(
        _("over after (s)"),
        null=True,
        blank=True,
        help_text=_("For events that no message ends, such as a shock: the incident closes by itself."),
    )
    note = models.TextField(_("source"), blank=True, default="", help_text=_("Where this knowledge comes from."))
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    lifecycle = Lifecycle(kept=While("Operators write it."), personal=(), audited=Audited(exclude=("updated_at",)))

    class Meta:
        verbose_name = _("mapping rule")
        verbose_name_plural = _("mapping rules")
        ordering = ("precedence", "id")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.effect == Effect.RAISE and not self.case:
            raise ValidationError({"case": _("Say which case this rule opens.")})
        if self.and_words and not self.words:
            raise ValidationError({"and_words": _("Give words before further words.")})
        conditions = (
            self.protocols,
            self.actions,
            self.statuses,
            self.codes,
            self.components,
            self.variables,
            self.vendors,
            self.words,
        )
        if not any(conditions):
            raise ValidationError(_("A rule without any condition would be met by every message."))


class UnmappedReport(models.Model):
    """Something that chargers say and no rule meets, counted; one click makes a rule of it."""

    signature = models.CharField(max_length=500, unique=True)
    protocol = models.CharField(_("protocol"), max_length=12)
    action = models.CharField(_("action"), max_length=60)
    # Where it was heard last: the charge point, or the station where it spoke of several.
    charge_point = models.ForeignKey(
        ChargePoint, models.SET_NULL, null=True, related_name="+", verbose_name=_("charge point"), db_index=False
    )
    station = models.CharField(_("station"), max_length=48, blank=True, default="")
    # When administrators were mailed that there is such a thing.
    told_at = models.DateTimeField(null=True, editable=False)
    # The conditions that a rule made of it gets: {"codes": […], "components": […], …}
    conditions = models.JSONField(default=dict)
    said = models.CharField(_("what it said"), max_length=500, blank=True, default="")
    sample = models.JSONField(_("last message"), default=dict)
    seen = models.PositiveIntegerField(_("seen"), default=0)
    first_seen = models.DateTimeField(_("first seen"))
    last_seen = models.DateTimeField(_("last seen"))

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_MESSAGES_DAYS", by="last_seen", in_order=False, name="charging unmappedreport"),
        personal=masked("said", "sample", "conditions", what=_("messages of charge points that named it")),
        audited=None,
    )

    class Meta:
        verbose_name = _("unmapped message")
        verbose_name_plural = _("unmapped messages")
        ordering = ("-last_seen",)

    def __str__(self) -> str:
        return self.said or self.signature
