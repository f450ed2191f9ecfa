"""Notifications, what happened to each, and what operators changed in the catalogue."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Audited, Kept, Lifecycle, While, With, masked, of_person, one_of
from core.people import shown_id, shown_text, shows_people
from vehicles.catalogue import TYPES
from vehicles.choices import (
    LIVE,
    BrakeState,
    Category,
    DriverChannel,
    DriverSeverity,
    NotificationState,
    PushState,
    Reason,
    StepKind,
)
from vehicles.models.drivers import Driver
from vehicles.models.oem import Vehicle

# What is notified once for all is remembered as long as it could come again: entities that are settled do not.
_ONCE = [name for name, entry in TYPES.items() if entry.once]
_OVER = (
    f"ended_at < %(before)s AND (NOT {one_of('type', _ONCE)}"
    " OR subject ~ '^(session|payout|reimbursement|statement|referral):')"
)


class DriverNotification(models.Model):
    """One notification to one driver about one subject; at most one of them lives per type, driver and subject."""

    driver = models.ForeignKey(Driver, models.CASCADE, related_name="notifications", verbose_name=_("driver"))
    type = models.CharField(_("type"), max_length=60)
    subject = models.CharField(_("about"), max_length=260)
    vehicle = models.ForeignKey(
        Vehicle, models.SET_NULL, null=True, related_name="notifications", verbose_name=_("vehicle"), db_index=False
    )
    state = models.CharField(_("state"), max_length=10, choices=NotificationState.choices)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True, default="")
    # The notification of the root cause, while that holds this one back.
    root = models.CharField(_("root cause"), max_length=60, blank=True, default="")
    severity = models.CharField(_("severity"), max_length=10, choices=DriverSeverity.choices)
    category = models.CharField(_("category"), max_length=12, choices=Category.choices)
    ways = ArrayField(models.CharField(max_length=10, choices=DriverChannel.choices), verbose_name=_("channels"))
    language = models.CharField(_("language"), max_length=5, blank=True, default="")
    title = models.CharField(_("title"), max_length=300, blank=True, default="")
    body = models.TextField(_("text"), blank=True, default="")
    facts = models.JSONField(_("facts"), default=dict)
    # Since when its condition holds, by the facts.
    begins = models.DateTimeField(_("since"))
    created_at = models.DateTimeField(_("created"))
    told_at = models.DateTimeField(_("told"), null=True)
    times_told = models.PositiveSmallIntegerField(_("times told"), default=0)
    repeats = models.PositiveIntegerField(_("repeats"), default=0)
    last_seen_at = models.DateTimeField(_("last seen"), null=True)
    read_at = models.DateTimeField(_("read"), null=True)
    dismissed_at = models.DateTimeField(_("dismissed"), null=True)
    # What the app's backend reports of its push.
    push_state = models.CharField(
        _("push"), max_length=10, choices=PushState.choices, blank=True, default="", db_default=""
    )
    push_at = models.DateTimeField(_("push reported"), null=True)
    push_reason = models.CharField(_("why the push failed"), max_length=200, blank=True, default="", db_default="")
    # Of what many of one feed may have at once, its brand and feed.
    brake_key = models.CharField(max_length=80, blank=True, default="", db_default="", editable=False)
    # The listeners, by their stamp, when it was last asked whether one of them takes its push.
    unheard_by = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    # When it is evaluated again, while it is held back.
    due_at = models.DateTimeField(_("looked at again"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_HISTORY_DAYS", by="created_at", only=_OVER),
        personal=(*masked("subject"), *of_person("title", "body", "facts")),
        audited=None,
    )

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("driver", "type", "subject"), condition=Q(state__in=LIVE), name="notification_one_lives"
            ),
        )
        indexes = (
            # A driver's history, and whether something was notified before.
            models.Index(fields=("driver", "subject", "type", "-id"), name="notification_history"),
            # How many live, by type.
            models.Index(fields=("type", "state"), name="notification_living", condition=Q(state__in=LIVE)),
            models.Index(fields=("type", "-id"), name="notification_by_type"),
            models.Index(fields=("vehicle", "-id"), name="notification_of_vehicle"),
            # Those that wait for somebody to listen.
            models.Index(
                fields=("unheard_by", "driver"), name="notification_unheard", condition=Q(reason="no_listener")
            ),
            models.Index(fields=("brake_key", "told_at"), name="notification_brake", condition=~Q(brake_key="")),
            models.Index(fields=("push_at",), name="notification_pushed", condition=Q(push_at__isnull=False)),
        )
        permissions = (
            ("send_sample", _("Can send samples")),
            ("support_drivernotification", _("Can resend, end, mute and note notifications")),
        )

    def __str__(self) -> str:
        return f"{self.type} {shown_id(self.subject)}"

    @property
    def shown_title(self) -> str:
        return str(self._shown(self.title))

    @property
    def shown_body(self) -> str:
        return str(self._shown(self.body))

    @property
    def shown_facts(self) -> dict[str, Any]:
        return dict(self._shown(self.facts))

    def _shown(self, text: Any) -> Any:
        """What names the driver, for those who may see who it is."""
        return text if shows_people() else shown_text(text, self.driver.name, self.driver.email)


class NotificationStep(models.Model):
    """What happened to a notification, when and why; `event_id` is the outbox event that notified the driver."""

    notification = models.ForeignKey(DriverNotification, models.CASCADE, related_name="steps")
    at = models.DateTimeField(_("at"))
    kind = models.CharField(_("what"), max_length=10, choices=StepKind.choices)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True, default="")
    detail = models.CharField(_("detail"), max_length=500, blank=True, default="")
    # Who did it, where a person did.
    by = models.CharField(_("by"), max_length=150, blank=True, default="", db_default="")
    event_id = models.BigIntegerField(null=True)

    lifecycle = Lifecycle(kept=With("notification"), personal=masked("detail", "by"), audited=None)

    class Meta:
        verbose_name = _("notification step")
        verbose_name_plural = _("notification steps")
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.kind} {self.notification_id}"


class Mute(models.Model):
    """A driver is told nothing, or nothing of one type, until a moment: support set it."""

    driver = models.ForeignKey(Driver, models.CASCADE, related_name="mutes", verbose_name=_("driver"))
    type = models.CharField(_("type"), max_length=60, blank=True, default="", help_text=_("Empty: every type."))
    until = models.DateTimeField(_("until"))
    note = models.CharField(_("note"), max_length=250, blank=True, default="")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.CharField(_("by"), max_length=150, blank=True, default="")

    lifecycle = Lifecycle(kept=With("driver"), personal=masked("note", "created_by"), audited=Audited())

    class Meta:
        verbose_name = _("mute")
        verbose_name_plural = _("mutes")
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("driver", "type"), name="mute_once"),)

    def __str__(self) -> str:
        return f"{self.driver_id} {self.type or '*'}"


class Brake(models.Model):
    """Too many drivers of one brand and feed were to be told of trouble at once: a person is asked first."""

    brake_key = models.CharField(_("brand and feed"), max_length=80)
    state = models.CharField(_("state"), max_length=10, choices=BrakeState.choices, default=BrakeState.HOLDING)
    drivers = models.PositiveIntegerField(_("drivers"))
    of = models.PositiveIntegerField(_("of so many"))
    began_at = models.DateTimeField(_("began"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.CharField(_("by"), max_length=150, blank=True, default="")

    lifecycle = Lifecycle(kept=While("Operators decide it."), personal=masked("decided_by"), audited=Audited())

    class Meta:
        verbose_name = _("brake")
        verbose_name_plural = _("brakes")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("brake_key",), condition=Q(state="holding"), name="brake_holds_once"),
        )
        permissions = (("decide_brake", _("Can release and drop what is held")),)

    def __str__(self) -> str:
        return self.brake_key

    @property
    def brand(self) -> str:
        return self.brake_key.rpartition("|")[0]

    @property
    def feed(self) -> int:
        """The key of the feed; the console's for what is none."""
        feed = self.brake_key.rpartition("|")[2]
        return int(feed) if feed.isdecimal() else 0


class TypeSetting(models.Model):
    """What operators changed about a type of the catalogue; what is null is as the catalogue says."""

    type = models.CharField(_("type"), max_length=60, unique=True)
    enabled = models.BooleanField(_("on"), default=True)
    ways = ArrayField(
        models.CharField(max_length=10, choices=DriverChannel.choices), verbose_name=_("channels"), null=True
    )
    cooldown_h = models.FloatField(_("cooldown (h)"), null=True)
    thresholds = models.JSONField(_("thresholds"), default=dict)
    # Where a driver is led, and by which button: {programme: [URL, label]}; "" is every other programme.
    links = models.JSONField(_("links"), default=dict, db_default={})
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    lifecycle = Lifecycle(kept=While("Operators set it."), personal=(), audited=Audited(exclude=("updated_at",)))

    class Meta:
        verbose_name = _("notification setting")
        verbose_name_plural = _("notification settings")
        ordering = ("type",)

    def __str__(self) -> str:
        return self.type


class NotificationText(models.Model):
    """An operator's words for a type in a language, instead of the catalogue's."""

    type = models.CharField(_("type"), max_length=60)
    language = models.CharField(_("language"), max_length=5)
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("text"), max_length=2000)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    lifecycle = Lifecycle(kept=While("Operators write it."), personal=(), audited=Audited(exclude=("updated_at",)))

    class Meta:
        verbose_name = _("notification text")
        verbose_name_plural = _("notification texts")
        ordering = ("type", "language")
        constraints = (models.UniqueConstraint(fields=("type", "language"), name="notificationtext_unique"),)

    def __str__(self) -> str:
        return f"{self.type} {self.language}"
