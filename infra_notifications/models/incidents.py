"""Incidents, what people did about them, and for each group what it was told of them, when, and why not."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Kept, Lifecycle, With, masked
from infra_notifications.choices import (
    Case,
    CloseReason,
    EntryKind,
    NotificationKind,
    NotificationReason,
    NotificationState,
)
from infra_notifications.models.charge_points import ChargePoint, folded
from infra_notifications.models.groups import NotificationGroup
from infra_notifications.models.mapping import EventRule


class Incident(models.Model):
    """A case at a charge point from its first signal to its last; at most one is open per charge point and case."""

    charge_point = models.ForeignKey(
        ChargePoint, models.CASCADE, related_name="incidents", verbose_name=_("charge point"), db_index=False
    )
    case = models.CharField(_("case"), max_length=20, choices=Case.choices)
    # By the device's clock where it is to be believed, with the receipt beside it.
    opened_at = models.DateTimeField(_("opened"))
    opened_received_at = models.DateTimeField(_("received"))
    closed_at = models.DateTimeField(_("closed"), null=True)
    closed_received_at = models.DateTimeField(null=True)
    close_reason = models.CharField(
        _("how it ended"), max_length=10, choices=CloseReason.choices, blank=True, default=""
    )
    device_clock = models.BooleanField(default=False)
    # The faults that hold it open, e.g. "status" (OCPP 1.6), "RCD/Tripped@1" (2.x), "silence", "signal".
    faults = ArrayField(models.CharField(max_length=200), default=list)
    repeats = models.PositiveIntegerField(_("repeats"), default=0)
    last_raised_at = models.DateTimeField(_("last raised"))
    # When a momentary event (shock, tamper) is over by itself.
    ends_at = models.DateTimeField(null=True)
    # The last message before the silence that opened it: from then on a group's delay counts.
    silent_since = models.DateTimeField(_("silent since"), null=True)
    said = models.CharField(_("what it said"), max_length=500, blank=True, default="")
    said_text = models.GeneratedField(expression=folded("said"), output_field=models.TextField(), db_persist=True)
    rule = models.ForeignKey(EventRule, models.SET_NULL, null=True, related_name="+", verbose_name=_("rule"))

    lifecycle = Lifecycle(
        kept=Kept(
            "RETENTION_INCIDENTS_DAYS",
            by="opened_received_at",
            only="closed_at < %(before)s AND closed_received_at < %(before)s",
            name="incidents",
        ),
        personal=masked("said"),
        audited=None,
    )

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("charge_point", "case"), condition=Q(closed_at__isnull=True), name="incident_one_open"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("opened_at")),
                name="incident_ends_after_start",
            ),
        )
        indexes = (
            # A charge point's history, and its last closed incident of a case.
            models.Index(fields=("charge_point", "case", "-id"), name="incident_history"),
            # The open ones, newest first.
            models.Index(fields=("-opened_at",), name="incident_open", condition=Q(closed_at__isnull=True)),
            # The list of all, newest first.
            models.Index(fields=("-opened_at", "-id"), name="incident_by_opening"),
            # Magic Search by what it said.
            GinIndex(fields=("said_text",), name="incident_said", opclasses=("gin_trgm_ops",)),
            # Silences that ended lately: since when a charge point is online again.
            models.Index(
                fields=("closed_at", "charge_point"),
                name="incident_silence_end",
                condition=Q(case=Case.UNAVAILABLE, close_reason=CloseReason.SEEN),
            ),
            # Momentary events that are over.
            models.Index(
                fields=("ends_at",),
                name="incident_ends",
                condition=Q(closed_at__isnull=True, ends_at__isnull=False),
            ),
        )
        permissions = (
            ("close_incident", _("Can close incidents by hand")),
            ("acknowledge_incident", _("Can acknowledge incidents and write notes on them")),
        )

    def __str__(self) -> str:
        return f"{self.case} {self.charge_point_id}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class NotificationDecision(models.Model):
    """What was decided for one group about one incident: told (in which event), waiting until when, or not, and why."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="notifications")
    group = models.ForeignKey(NotificationGroup, models.SET_NULL, null=True, related_name="notifications")
    group_name = models.CharField(max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=NotificationKind.choices)
    state = models.CharField(_("state"), max_length=8, choices=NotificationState.choices)
    reason = models.CharField(_("reason"), max_length=20, choices=NotificationReason.choices, blank=True, default="")
    # When a waiting notification is decided again.
    due_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(_("decided"))
    # The outbox event that told it, and the uuid (hex) of the alert whose thread it belongs to.
    event_id = models.BigIntegerField(null=True)
    thread = models.CharField(max_length=32, blank=True, default="")
    # Of an all-clear: the incident as which its own goes on, where that is why it closed.
    successor_id = models.BigIntegerField(null=True)
    # Of an alert that was told: when its group is reminded of the incident, should it still be open then.
    remind_at = models.DateTimeField(null=True)

    lifecycle = Lifecycle(kept=With("incident"), personal=(), audited=None)

    class Meta:
        db_table = "infra_notifications_notice"
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ("id",)
        constraints = (
            # Reminders, and mails to addresses that came later, repeat; everything else is decided once.
            models.UniqueConstraint(
                fields=("incident", "group", "kind"),
                name="notice_once",
                condition=Q(kind__in=("opened", "recovered")),
            ),
        )
        indexes = (
            # What is due to be told.
            models.Index(fields=("due_at",), name="notice_due", condition=Q(state="waiting")),
            # The last all-clear of a thread.
            models.Index(fields=("thread", "-decided_at"), name="notice_thread", condition=~Q(thread="")),
            # All-clears that wait for the end of another incident.
            models.Index(fields=("successor_id",), name="notice_successor", condition=Q(successor_id__isnull=False)),
            # Reminders that are due.
            models.Index(fields=("remind_at",), name="notice_remind", condition=Q(remind_at__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.incident_id} → {self.group_name}"


class Acknowledgement(models.Model):
    """Somebody takes care of an incident: no more reminders. A row of its own, so that it waits for no message."""

    incident = models.OneToOneField(Incident, models.CASCADE, primary_key=True, verbose_name=_("incident"))
    at = models.DateTimeField(_("at"))
    author = models.CharField(_("by"), max_length=150)

    lifecycle = Lifecycle(kept=With("incident"), personal=masked("author"), audited=None)

    class Meta:
        verbose_name = _("acknowledgement")
        verbose_name_plural = _("acknowledgements")

    def __str__(self) -> str:
        return f"{self.incident_id} {self.author}"


class IncidentEntry(models.Model):
    """What a person did about an incident, or noted. Append-only."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="entries", verbose_name=_("incident"))
    kind = models.CharField(_("kind"), max_length=12, choices=EntryKind.choices)
    at = models.DateTimeField(_("at"))
    author = models.CharField(_("by"), max_length=150)
    text = models.TextField(_("note"), blank=True, default="")

    lifecycle = Lifecycle(kept=With("incident"), personal=masked("author", "text"), audited=None)

    class Meta:
        verbose_name = _("incident entry")
        verbose_name_plural = _("incident entries")
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.kind} {self.incident_id}"


class Flapping(models.Model):
    """A charge point that opens the same case again and again: one mail when it begins, then one a day until quiet."""

    charge_point = models.ForeignKey(
        ChargePoint, models.CASCADE, related_name="flappings", verbose_name=_("charge point"), db_index=False
    )
    case = models.CharField(_("case"), max_length=20, choices=Case.choices)
    began_at = models.DateTimeField(_("began"))
    # How often it opened in the 24 h before it was last looked at.
    openings = models.PositiveIntegerField(_("openings"))
    next_check_at = models.DateTimeField(_("looked at again"))
    ended_at = models.DateTimeField(_("quiet since"), null=True)

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_INCIDENTS_DAYS", by="began_at", only="ended_at < %(before)s", name="charging flapping"),
        personal=(),
        audited=None,
    )

    class Meta:
        verbose_name = _("flapping charge point")
        verbose_name_plural = _("flapping charge points")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("charge_point", "case"), condition=Q(ended_at__isnull=True), name="flapping_once"
            ),
        )
        indexes = (
            # The daily look.
            models.Index(fields=("next_check_at",), name="flapping_due", condition=Q(ended_at__isnull=True)),
            # A charge point's history.
            models.Index(fields=("charge_point", "-id"), name="flapping_history"),
        )

    def __str__(self) -> str:
        return f"{self.case} {self.charge_point_id}"
