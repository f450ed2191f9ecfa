"""Remote actions, what was done about each, and the batches in which many are sent."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Kept, Lifecycle, With, masked, no_row, one_of
from fleet_remotes.choices import IN_FLIGHT, OPEN, TERMINAL, UNSENT, Kind, State, StepKind
from fleet_remotes.models.fleets import Fleet, FleetVehicle

# What ended long ago, and what nothing open tries again.
_OVER = f"{one_of('t.state', TERMINAL)} AND t.entered_at < %(before)s AND " + no_row(
    "fleet_remotes_remoteaction", f"o.retry_of_id = t.id AND {one_of('o.state', OPEN)}"
)


def new_label() -> str:
    """What an action is called in the vendor's list: unique, so that it can be found there."""
    return f"signalbox-{uuid.uuid4().hex[:24]}"


class CommandBatch(models.Model):
    """One command to many vehicles, as a person sent it."""

    kind = models.CharField(_("command"), max_length=20, choices=Kind.choices)
    parameters = models.JSONField(_("parameters"), default=dict)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    total = models.PositiveIntegerField(_("vehicles"), default=0)
    created_at = models.DateTimeField(_("sent"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("sent by")
    )
    # The batch whose failures this one tries again.
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="retries")

    lifecycle = Lifecycle(
        kept=Kept(
            "RETENTION_HISTORY_DAYS",
            by="created_at",
            only=no_row("fleet_remotes_remoteaction", "o.batch_id = t.id"),
            name="remotes commandbatch",
        ),
        personal=masked("reason"),
        audited=None,
    )

    class Meta:
        verbose_name = _("batch of commands")
        verbose_name_plural = _("batches of commands")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ×{self.total}"


class RemoteAction(models.Model):
    """One command to one vehicle, from its order to its outcome. `rules.status` says how its state moves."""

    vehicle = models.ForeignKey(FleetVehicle, models.PROTECT, related_name="actions", verbose_name=_("vehicle"))
    fleet = models.ForeignKey(Fleet, models.PROTECT, related_name="actions", verbose_name=_("fleet"))
    batch = models.ForeignKey(CommandBatch, models.SET_NULL, null=True, related_name="actions", verbose_name=_("batch"))
    kind = models.CharField(_("command"), max_length=20, choices=Kind.choices)
    # As the vendor takes them, without the label.
    parameters = models.JSONField(_("parameters"), default=dict)
    # Unique, sent along: it finds the action in the vendor's list when the answer was lost.
    label = models.CharField(max_length=40, unique=True, editable=False)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    requested_by = models.CharField(_("ordered by"), max_length=150, blank=True, default="")
    # SHA-256 of the code that confirms a draft.
    confirm_digest = models.CharField(max_length=64, blank=True, default="", editable=False)

    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.QUEUED)
    # Since when, by the vendor's clock where it is believed; and since when we know.
    since = models.DateTimeField(_("since"))
    entered_at = models.DateTimeField()
    cause = models.CharField(_("cause"), max_length=128, blank=True, default="")
    feedback = models.CharField(_("feedback"), max_length=128, blank=True, default="")
    inferred = models.BooleanField(_("inferred"), default=False)
    conflict = models.BooleanField(_("contradicting outcomes"), default=False)
    reconciled = models.BooleanField(default=False)
    unconfirmed_at = models.DateTimeField(null=True)

    created_at = models.DateTimeField(_("ordered"))
    # Not to be sent before, and not after.
    not_before = models.DateTimeField(_("not before"))
    expires_at = models.DateTimeField(_("expires"))
    submitting_at = models.DateTimeField(_("posted"), null=True)
    lease_until = models.DateTimeField(null=True, editable=False)
    posts = models.PositiveSmallIntegerField(_("posts"), default=0)
    submitted_at = models.DateTimeField(_("taken by the vendor"), null=True)
    # The callback through which it was sent; plain numbers because actions are written in bulk.
    callback_ref = models.BigIntegerField(null=True, editable=False)
    remote_action_id = models.CharField(_("vendor’s id"), max_length=128, blank=True, default="")
    # What the vendor answered when it refused: HTTP status, its own code, its message, its uuid for a ticket.
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    error_code = models.CharField(_("error code"), max_length=20, blank=True, default="")
    error_text = models.CharField(_("the vendor’s words"), max_length=300, blank=True, default="")
    error_uuid = models.CharField(_("error id"), max_length=64, blank=True, default="")

    # When the vendor is asked next, how often it was since `entered_at`, and when nothing more is expected.
    look_at = models.DateTimeField(_("next look"), null=True)
    looks = models.PositiveSmallIntegerField(default=0)
    deadline_at = models.DateTimeField(_("deadline"), null=True)
    # When a wake-up by it, and the refusal of one, was counted; whatever is said of it later is the same one.
    wake_seen_at = models.DateTimeField(null=True, editable=False)
    quota_seen_at = models.DateTimeField(null=True, editable=False)

    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="retries")
    auto_tries = models.PositiveSmallIntegerField(default=0)
    # The event that published its failure (uuid hex), and the later success that resolved it.
    thread = models.CharField(max_length=32, blank=True, default="", editable=False)
    resolved_by = models.ForeignKey("self", models.SET_NULL, null=True, related_name="resolved", db_index=False)

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_HISTORY_DAYS", by="created_at", only=_OVER, name="remotes remoteaction"),
        personal=masked("reason", "requested_by"),
        audited=None,
    )

    class Meta:
        verbose_name = _("remote action")
        verbose_name_plural = _("remote actions")
        ordering = ("-id",)
        constraints = (
            # Per-vehicle serialisation, by the database itself.
            models.UniqueConstraint(
                fields=("vehicle",), condition=Q(state__in=IN_FLIGHT), name="remoteaction_one_in_flight"
            ),
            models.UniqueConstraint(
                fields=("fleet", "remote_action_id"), condition=~Q(remote_action_id=""), name="remoteaction_vendor_id"
            ),
        )
        indexes = (
            # A vehicle's history.
            models.Index(fields=("vehicle", "-id"), name="remoteaction_vehicle"),
            # What is due to be sent, in order.
            models.Index(fields=("not_before", "id"), name="remoteaction_due", condition=Q(state="queued")),
            # A vehicle's open actions.
            models.Index(
                fields=("vehicle", "id"), name="remoteaction_open", condition=Q(state__in=(*UNSENT, *IN_FLIGHT))
            ),
            # Workers that died between the POST and its answer.
            models.Index(fields=("lease_until",), name="remoteaction_lease", condition=Q(state="submitting")),
            # The follower: whom to ask about, what has run out of time.
            models.Index(fields=("look_at",), name="remoteaction_look", condition=Q(look_at__isnull=False)),
            models.Index(fields=("deadline_at",), name="remoteaction_deadline", condition=Q(deadline_at__isnull=False)),
            # The throttle: what was posted within the last second.
            models.Index(
                fields=("submitting_at",), name="remoteaction_posted", condition=Q(submitting_at__isnull=False)
            ),
            # Failures that a later success resolves.
            models.Index(
                fields=("vehicle", "kind"),
                name="remoteaction_unresolved",
                condition=~Q(thread="") & Q(resolved_by__isnull=True),
            ),
            # A batch's progress.
            models.Index(fields=("batch", "state"), name="remoteaction_batch", condition=Q(batch__isnull=False)),
            # A silent callback: what was sent through it and is unanswered.
            models.Index(
                fields=("callback_ref", "submitted_at"),
                name="remoteaction_callback",
                condition=Q(submitted_at__isnull=False),
            ),
        )
        permissions = (
            ("send_command", _("Can send commands to vehicles")),
            ("send_dangerous_command", _("Can immobilise, unlock and declare stolen")),
            ("stop_fleet", _("Can stop and resume sending to a fleet")),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.vehicle_id}"

    @classmethod
    def ordered(cls, *, now: datetime, not_before: datetime | None = None, **values: Any) -> RemoteAction:
        """A new action, not saved, that is sent from `not_before` on (at once), for as long as one may be queued."""
        start = not_before or now
        expires_at = start + timedelta(seconds=settings.REMOTES_QUEUE_MAX_S)
        return cls(
            label=new_label(),
            since=now,
            entered_at=now,
            created_at=now,
            not_before=start,
            expires_at=expires_at,
            **values,
        )

    @property
    def is_terminal(self) -> bool:
        return self.state in TERMINAL

    @property
    def is_disputed(self) -> bool:
        """Whether two outcomes contradict each other and the vendor's record has not decided."""
        return self.conflict and not self.reconciled

    @property
    def awaits_approval(self) -> bool:
        """Whether a second person has to say yes; a machine's draft waits for its code first."""
        return self.state == State.DRAFT and not self.confirm_digest

    @property
    def is_unsent(self) -> bool:
        return self.state in UNSENT


class ActionStep(models.Model):
    """What we did about an action or concluded; with its notifications it makes the timeline."""

    action = models.ForeignKey(RemoteAction, models.CASCADE, related_name="steps")
    at = models.DateTimeField(_("at"))
    kind = models.CharField(_("step"), max_length=16, choices=StepKind.choices)
    detail = models.CharField(_("detail"), max_length=300, blank=True, default="")

    lifecycle = Lifecycle(kept=With("action"), personal=masked("detail"), audited=None)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.kind} {self.action_id}"


class CommandDraft(models.Model):
    """A command being prepared: the marked vehicles, kept here so that no reload costs a mark."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    vehicles = ArrayField(models.BigIntegerField(), default=list)
    # What was chosen: {"kind", "parameters", "reason"}; empty before.
    command = models.JSONField(default=dict)
    # The batch whose failures are tried again; null for a new command.
    retry_of = models.ForeignKey(CommandBatch, models.CASCADE, null=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_MESSAGES_DAYS", by="updated_at", in_order=False, name="remotes commanddraft"),
        personal=(),
        audited=None,
    )

    class Meta:
        verbose_name = _("command draft")
        verbose_name_plural = _("command drafts")
        ordering = ("-updated_at",)

    def __str__(self) -> str:
        return f"#{self.pk} ×{len(self.vehicles)}"
