"""Callbacks, the bodies they brought, and the notifications that were in them."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Audited, Kept, Lifecycle, While, masked
from fleet_remotes.choices import UNMATCHED, CallbackStatus, Flag, Verdict
from fleet_remotes.models.actions import RemoteAction
from fleet_remotes.models.fleets import Fleet, FleetVehicle


class Callback(models.Model):
    """An address at which the vendor notifies us, with the static header that proves it is the vendor."""

    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    fleet = models.ForeignKey(Fleet, models.PROTECT, related_name="callbacks", verbose_name=_("fleet"))
    header_name = models.CharField(_("header"), max_length=60)
    # SHA-256 of the header's value, which is shown once and stored nowhere.
    header_digest = models.CharField(max_length=64, editable=False)
    # While the vendor takes a new value over, and for what it sent before, those before are right too: until when (RFC
    # 3339), by digest.
    earlier_digests = models.JSONField(default=dict, editable=False)
    # The vendor's id, once it is registered there, and what the vendor says of it.
    callback_id = models.CharField(_("callback id"), max_length=128, blank=True, default="")
    status = models.CharField(_("status"), max_length=10, choices=CallbackStatus.choices, blank=True, default="")
    batch_window_s = models.PositiveIntegerField(
        _("batch window (s)"), default=0, help_text=_("The vendor’s batchNotify.timeWindow; 0: single notifications.")
    )
    silent_after_s = models.PositiveIntegerField(
        _("silent after (s)"),
        default=900,
        validators=[MinValueValidator(60)],
        help_text=_("A command without any notification for this long means that the callback is silent."),
    )
    silent_since = models.DateTimeField(_("silent since"), null=True, editable=False)
    silent_thread = models.CharField(max_length=32, blank=True, default="", editable=False)
    # Counted when bodies are applied, except what the endpoint refused.
    bodies = models.PositiveBigIntegerField(_("bodies"), default=0, editable=False)
    events = models.PositiveBigIntegerField(_("notifications"), default=0, editable=False)
    duplicates = models.PositiveBigIntegerField(_("duplicates"), default=0, editable=False)
    refused = models.PositiveBigIntegerField(_("refused"), default=0, editable=False)
    last_received_at = models.DateTimeField(_("last received"), null=True, editable=False)
    last_refused_at = models.DateTimeField(_("last refused"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    lifecycle = Lifecycle(
        kept=While("Operators make it."),
        personal=(),
        audited=Audited(
            include=("slug", "fleet", "header_name", "callback_id", "batch_window_s", "silent_after_s"),
        ),
    )

    class Meta:
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        ordering = ("slug",)
        constraints = (
            models.UniqueConstraint(
                fields=("callback_id",), condition=~Q(callback_id=""), name="callback_vendor_id_unique"
            ),
        )
        permissions = (("register_callback", _("Can register callbacks with the vendor")),)

    def __str__(self) -> str:
        return self.slug

    def earlier_at(self, now: datetime) -> dict[str, datetime]:
        """The earlier values of the header that are still right, by digest, and until when each is."""
        untils = {digest: datetime.fromisoformat(until) for digest, until in self.earlier_digests.items()}
        return {digest: until for digest, until in untils.items() if now < until}

    @property
    def earlier_until(self) -> datetime | None:
        """Until when an earlier value of the header is taken; None where none is any more."""
        return max(self.earlier_at(timezone.now()).values(), default=None)


class CallbackMessage(models.Model):
    """A body as it was received, stored before anything else is done with it. Append-only; pruned by age."""

    callback = models.ForeignKey(
        Callback,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="messages",
        verbose_name=_("callback"),
    )
    body = models.BinaryField()
    received_at = models.DateTimeField(_("received"))
    # Null while it waits to be applied.
    applied_at = models.DateTimeField(_("applied"), null=True)
    events = models.PositiveIntegerField(_("notifications"), null=True)
    duplicates = models.PositiveIntegerField(_("duplicates"), null=True)
    problem = models.CharField(_("problem"), max_length=300, blank=True, default="")

    lifecycle = Lifecycle(
        kept=Kept(
            "RETENTION_MESSAGES_DAYS", by="received_at", only="applied_at IS NOT NULL", name="remotes callbackmessage"
        ),
        personal=masked("body", "problem"),
        audited=None,
    )

    class Meta:
        verbose_name = _("raw message")
        verbose_name_plural = _("raw messages")
        ordering = ("-id",)
        indexes = (
            # What waits to be applied, oldest first.
            models.Index(fields=("id",), name="callbackmessage_waiting", condition=Q(applied_at__isnull=True)),
            # The messages of one callback.
            models.Index(fields=("callback", "-id"), name="callbackmessage_callback"),
            BrinIndex(fields=("received_at",), name="callbackmessage_received"),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.received_at:%Y-%m-%d %H:%M:%S}"

    @property
    def text(self) -> str:
        return bytes(self.body).decode(errors="replace")


class RemoteNotification(models.Model):
    """One notification of a body: what it says, whether it was applied, and why not."""

    # The body it came in first. The rows are written and pruned in bulk, so they carry no database foreign keys.
    message = models.ForeignKey(
        CallbackMessage, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="notifications"
    )
    position = models.PositiveIntegerField(default=0)
    callback = models.ForeignKey(
        Callback,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="notifications",
        verbose_name=_("callback"),
    )
    digest = models.CharField(max_length=64, editable=False)
    action = models.ForeignKey(
        RemoteAction,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="notifications",
        verbose_name=_("action"),
    )
    vehicle = models.ForeignKey(
        FleetVehicle,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="notifications",
        verbose_name=_("vehicle"),
    )
    remote_action_id = models.CharField(_("vendor’s action id"), max_length=128, blank=True, default="")
    vin = models.CharField(_("VIN"), max_length=128, blank=True, default="")
    remote_type = models.CharField(_("remote type"), max_length=128, blank=True, default="")
    type = models.CharField(_("type"), max_length=128, blank=True, default="")
    status = models.CharField(_("status"), max_length=128, blank=True, default="")
    cause = models.CharField(_("cause"), max_length=128, blank=True, default="")
    feedback = models.CharField(_("feedback"), max_length=128, blank=True, default="")
    event_date = models.DateTimeField(_("date"), null=True)
    received_at = models.DateTimeField(_("received"))
    verdict = models.CharField(_("verdict"), max_length=16, choices=Verdict.choices)
    reason = models.CharField(_("why"), max_length=200, blank=True, default="")
    flags = ArrayField(models.CharField(max_length=20), default=list)
    duplicates = models.PositiveIntegerField(_("duplicates"), default=0)
    raw = models.JSONField(_("as received"))

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_MESSAGES_DAYS", by="received_at", name="remotes remotenotification"),
        personal=masked("raw"),
        audited=None,
    )

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("callback", "digest"), name="remotenotification_unique"),)
        indexes = (
            # The timeline of an action.
            models.Index(fields=("action", "id"), name="remotenotification_action", condition=Q(action__isnull=False)),
            # Those that wait for their action: bound when its id becomes known.
            models.Index(
                fields=("remote_action_id",), name="remotenotification_orphans", condition=Q(verdict="unknown_action")
            ),
            # The page of unmatched ones, newest first.
            models.Index(fields=("-id",), name="remotenotification_unmatched", condition=Q(verdict__in=UNMATCHED)),
            # Those of vehicles that are not in a fleet here yet: bound when one is added.
            models.Index(
                fields=("vin",), name="remotenotification_vins", condition=Q(vehicle__isnull=True) & ~Q(vin="")
            ),
            # The wake-ups of a vehicle within the last 20 minutes.
            models.Index(
                fields=("vehicle", "received_at"),
                name="remotenotification_wakes",
                condition=Q(status="WakingUpVehicle", vehicle__isnull=False),
            ),
            # The delays of a callback's last notifications.
            models.Index(fields=("callback", "-id"), name="remotenotification_callback"),
            BrinIndex(fields=("received_at",), name="remotenotification_received"),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.status} {self.remote_action_id}"

    @property
    def flag_labels(self) -> list[str]:
        return [str(Flag(flag).label) for flag in self.flags]

    @property
    def lag_s(self) -> float | None:
        """Seconds from the vendor's date to our receipt."""
        return None if self.event_date is None else (self.received_at - self.event_date).total_seconds()
