"""Incidents, and for each group what it was told of them, when, and why not."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from infra_notifications.choices import Case, CloseReason, NoticeKind, NoticeReason, NoticeState
from infra_notifications.models.charge_points import ChargePoint
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
    said = models.CharField(_("what it said"), max_length=500, blank=True, default="")
    rule = models.ForeignKey(EventRule, models.SET_NULL, null=True, related_name="+", verbose_name=_("rule"))

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
            # Momentary events that are over.
            models.Index(
                fields=("ends_at",),
                name="incident_ends",
                condition=Q(closed_at__isnull=True, ends_at__isnull=False),
            ),
        )
        permissions = (("close_incident", _("Can close incidents by hand")),)

    def __str__(self) -> str:
        return f"{self.case} {self.charge_point_id}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class Notice(models.Model):
    """What was decided for one group about one incident: told (in which event), waiting until when, or not, and why."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="notices")
    group = models.ForeignKey(NotificationGroup, models.SET_NULL, null=True, related_name="notices")
    group_name = models.CharField(max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=NoticeKind.choices)
    state = models.CharField(_("state"), max_length=8, choices=NoticeState.choices)
    reason = models.CharField(_("reason"), max_length=20, choices=NoticeReason.choices, blank=True, default="")
    # When a waiting notice is decided again.
    due_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(_("decided"))
    # The outbox event that told it, and the uuid (hex) of the alert whose thread it belongs to.
    event_id = models.BigIntegerField(null=True)
    thread = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("incident", "group", "kind"), name="notice_once"),)
        indexes = (
            # What is due to be told.
            models.Index(fields=("due_at",), name="notice_due", condition=Q(state="waiting")),
            # The last all-clear of a thread.
            models.Index(fields=("thread", "-decided_at"), name="notice_thread", condition=~Q(thread="")),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.incident_id} → {self.group_name}"
