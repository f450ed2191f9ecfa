"""Notification groups: a mailing list, member charge points, and the cases that they want to hear of."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from core.email_addresses import MailboxField
from core.lifecycle import Audited, How, Kept, Lifecycle, Personal, While, With, masked
from infra_notifications.choices import DEFAULT_HOLD_OFF_S, Case, Language
from infra_notifications.models.charge_points import ChargePoint


def all_cases() -> list[str]:
    return list(Case.values)


class NotificationGroup(models.Model):
    """Who hears of which cases at which charge points."""

    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True, default="")
    cases = ArrayField(
        models.CharField(max_length=20, choices=Case.choices),
        verbose_name=_("cases"),
        default=all_cases,
        blank=True,
    )
    # Seconds per case, e.g. {"UNAVAILABLE": 900}; what is not named has its default.
    hold_off_s = models.JSONField(_("hold-off (s)"), default=dict, blank=True)
    notify_recovery = models.BooleanField(_("all-clear mails"), default=True)
    reminder_s = models.PositiveIntegerField(_("reminder every (s)"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=Language.choices, default=Language.ENGLISH)
    # Set: one digest a day at this local time instead of single mails.
    digest_time = models.TimeField(_("daily digest at"), null=True, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, default="", help_text=_("Empty: the installation’s.")
    )
    reply_to = MailboxField(
        _("answers go to"), blank=True, default="", help_text=_("Empty: as the installation’s mails.")
    )
    digest_due_at = models.DateTimeField(_("next digest"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    # Until then, what opens is gathered into the next mail.
    gathering_until = models.DateTimeField(null=True, editable=False)
    # Set when a member, an address or a case came: what is open already is decided anew then (services/already_open).
    review_at = models.DateTimeField(null=True, editable=False)
    last_notified_at = models.DateTimeField(_("last notification"), null=True, editable=False)
    charge_points = models.ManyToManyField(
        ChargePoint, through="GroupMembership", related_name="groups", verbose_name=_("charge points")
    )

    lifecycle = Lifecycle(
        kept=While("Operators make and delete it."),
        personal=masked("reply_to"),
        audited=Audited(exclude=("gathering_until", "review_at", "last_notified_at", "updated_at")),
    )

    class Meta:
        verbose_name = _("notification group")
        verbose_name_plural = _("notification groups")
        ordering = (Lower("name"),)
        constraints = (
            models.UniqueConstraint(
                Lower("name"),
                name="notificationgroup_name_unique",
                violation_error_code="unique",
                violation_error_message=_("There is a notification group of this name already."),
            ),
            models.CheckConstraint(condition=~Q(name=""), name="notificationgroup_name_given"),
            # A digest that is never due would hold back every mail for ever.
            models.CheckConstraint(
                condition=Q(digest_time__isnull=True, digest_due_at__isnull=True)
                | Q(digest_time__isnull=False, digest_due_at__isnull=False),
                name="notificationgroup_digest_is_due",
            ),
        )
        indexes = (
            # Digests that are due.
            models.Index(
                fields=("digest_due_at",), name="notificationgroup_digest", condition=Q(digest_due_at__isnull=False)
            ),
            # Groups for which what is open is to be decided anew.
            models.Index(fields=("review_at",), name="notificationgroup_review", condition=Q(review_at__isnull=False)),
        )

    def __str__(self) -> str:
        return self.name

    def hold_off_of(self, case: str) -> int:
        """Seconds for which this case must last before the group hears of it."""
        value: Any = self.hold_off_s.get(case)
        return value if isinstance(value, int) else DEFAULT_HOLD_OFF_S[Case(case)]

    @property
    def list_key(self) -> str:
        """The group as a mailing list of the outbox."""
        return f"notification_group:{self.pk}"


class GroupAddress(models.Model):
    """One address of a group's mailing list."""

    group = models.ForeignKey(NotificationGroup, models.CASCADE, related_name="addresses", verbose_name=_("group"))
    address = models.CharField(_("e-mail address"), max_length=320)
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    lifecycle = Lifecycle(
        kept=With("group"),
        personal=(Personal("address", How.DELETE, _("notification groups that it stood on")),),
        audited=None,
    )

    class Meta:
        verbose_name = _("e-mail address")
        verbose_name_plural = _("e-mail addresses")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                "group",
                Lower("address"),
                name="groupaddress_unique",
                violation_error_message=_("This address stands in the list already."),
            ),
        )

    def __str__(self) -> str:
        return self.address


class GroupMembership(models.Model):
    """A charge point in a group; it may be in several."""

    # Without an index of its own: the constraint's begins with it.
    group = models.ForeignKey(
        NotificationGroup, models.CASCADE, related_name="memberships", verbose_name=_("group"), db_index=False
    )
    charge_point = models.ForeignKey(
        ChargePoint, models.CASCADE, related_name="memberships", verbose_name=_("charge point")
    )
    added_at = models.DateTimeField(_("added"), auto_now_add=True)
    # Neither looked up by, nor worth 25,000 checks when as many are added at once; a user who is deleted is taken out.
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("added by"),
        db_index=False,
        db_constraint=False,
    )

    lifecycle = Lifecycle(kept=With("group"), personal=(), audited=Audited())

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = (models.UniqueConstraint(fields=("group", "charge_point"), name="groupmembership_unique"),)

    def __str__(self) -> str:
        return f"{self.charge_point_id} in {self.group_id}"


def draft_key(group_id: int = 0) -> str:
    """The name of a draft in its address: of which group it is, 0 for a new one, and what tells tabs apart."""
    return f"{group_id}-{token_urlsafe(9)}"


class GroupDraft(models.Model):
    """A group being made or changed in one tab: the wizard's state, so that no reload or lost connection costs a mark.
    It is written when something is typed or marked, and knows from what it began."""

    key = models.SlugField(max_length=40, default=draft_key, db_index=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # The group being changed, or null for a new one.
    group = models.ForeignKey(NotificationGroup, models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=100, blank=True, default="")
    description = models.TextField(blank=True, default="")
    marked = ArrayField(models.BigIntegerField(), default=list, blank=True)
    # The group's members, name and description when it was begun, and their version (core/versions.py).
    members = ArrayField(models.BigIntegerField(), default=list, blank=True)
    began = models.JSONField(default=dict, blank=True)
    version = models.CharField(max_length=100, blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_MESSAGES_DAYS", by="updated_at", in_order=False, name="charging groupdraft"),
        personal=(),
        audited=None,
    )

    class Meta:
        verbose_name = _("group draft")
        verbose_name_plural = _("group drafts")
        ordering = ("-updated_at",)
        constraints = (models.UniqueConstraint(fields=("owner", "key"), name="groupdraft_one_of_a_tab"),)

    def __str__(self) -> str:
        return self.name or f"#{self.pk}"

    @property
    def is_begun(self) -> bool:
        """Whether it was written down: nothing was typed or marked before."""
        return not self._state.adding
