"""Events, their deliveries and attempts, and what is known of each address.

Nothing here relates to a domain: an event names its subject, a delivery its mailing list, by a text key. The hot
tables are append-mostly and carry no database foreign keys among themselves: their rows are written together by
`outbox.services` and pruned in bulk by age.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.lifecycle import Audited, How, Kept, Lifecycle, Personal, While, With, masked, of_person
from core.people import shown, shown_id
from outbox.choices import ACCEPTED_BY_SERVER, Channel, DeliveryState, Reason, Verdict
from outbox.transports.registry import channel_choices


class Event(models.Model):
    """Something that happened, as the domain that understands it told it, once (`dedup_key`)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=80)
    subject = models.CharField(_("subject"), max_length=120)
    dedup_key = models.CharField(max_length=200, unique=True)
    # The uuid (hex) of the event that began a conversation; its mails answer that one's. Empty: begins or has none.
    thread = models.CharField(max_length=32, blank=True, default="")
    payload = models.JSONField(_("payload"))
    occurred_at = models.DateTimeField(_("occurred"))
    created_at = models.DateTimeField(_("recorded"))
    # Of the request or task that caused it, as its lines in the log bear it.
    request_id = models.CharField(max_length=64, blank=True, db_default="")
    # The place in the log, given after the commit in one order for all readers (services.number_events).
    position = models.BigIntegerField(null=True, unique=True, editable=False)

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_EVENTS_DAYS", prune="outbox.services.pruning.prune_events", name="events"),
        personal=masked("subject", "payload", "dedup_key", what=_("events that named it")),
        audited=None,
    )

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("-id",)
        indexes = (
            # A subject's own timeline.
            models.Index(fields=("subject", "-id"), name="outbox_event_subject"),
            # The log filtered by kind.
            models.Index(fields=("kind", "-id"), name="outbox_event_kind"),
            # Events that have no place in the log yet.
            models.Index(fields=("id",), name="outbox_event_unnumbered", condition=Q(position__isnull=True)),
            # Pruning by age.
            BrinIndex(fields=("created_at",), name="outbox_event_created"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {shown_id(self.subject)}"

    @property
    def public_id(self) -> str:
        return f"evt_{self.uuid.hex}"


class Delivery(models.Model):
    """One event on its way to one receiver."""

    event = models.ForeignKey(
        Event, models.DO_NOTHING, db_constraint=False, verbose_name=_("event"), related_name="deliveries"
    )
    channel = models.CharField(_("channel"), max_length=10, choices=channel_choices)
    address = models.CharField(pgettext_lazy("addressee", "to"), max_length=320)
    # The mailing list on which the address stands, e.g. "notification_group:12"; empty for none.
    list_key = models.CharField(max_length=80, blank=True, default="")
    language = models.CharField(max_length=10, default="en")
    # What shares a fate: deliveries to one destination are limited together.
    destination = models.CharField(max_length=255)
    # 0 for what was published; a mail that a person had sent once more is a delivery of its own with another id.
    copy = models.PositiveSmallIntegerField(db_default=0, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # How many workers died while they held it.
    lost = models.PositiveSmallIntegerField(db_default=0, editable=False)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True)
    lease = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"))
    settled_at = models.DateTimeField(_("settled"), null=True)

    lifecycle = Lifecycle(
        kept=With("event"),
        personal=of_person("address", "destination"),
        audited=None,
        erased_by="outbox.services.erasing.stop_deliveries",
    )

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ("-id",)
        indexes = (
            # The deliveries of one event.
            models.Index(fields=("event",), name="outbox_delivery_event"),
            # claim(): what is due now, oldest first.
            models.Index(
                fields=("channel", "next_attempt_at"),
                name="outbox_delivery_due",
                condition=Q(state__in=("pending", "retrying")),
            ),
            # FairClaim: what is due now, by destination; and what waits for one destination.
            models.Index(
                fields=("channel", "destination", "next_attempt_at"),
                name="outbox_delivery_waiting",
                condition=Q(state__in=("pending", "retrying")),
            ),
            # claim(alone=True): workers died at it.
            models.Index(
                fields=("channel", "next_attempt_at"),
                name="outbox_delivery_lost",
                condition=Q(state__in=("pending", "retrying"), lost__gt=0),
            ),
            # The sweeper: leases that ran out.
            models.Index(fields=("lease_until",), name="outbox_delivery_lease", condition=Q(state="sending")),
            # Dead letters.
            models.Index(fields=("-id",), name="outbox_delivery_failed", condition=Q(state="failed")),
            # The deliveries of one mailing list, newest first.
            models.Index(fields=("list_key", "-id"), name="outbox_delivery_list", condition=~Q(list_key="")),
            BrinIndex(fields=("created_at",), name="outbox_delivery_created"),
        )
        permissions = (("retry_delivery", _("Can retry and cancel deliveries")),)

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.pk}"

    @property
    def shown_address(self) -> str:
        """The address; whose mailbox it is only for those who may see people."""
        return str(shown(self.address)) if "@" in self.address else self.address

    @property
    def state_label(self) -> str:
        """The state in words that promise no more than is known."""
        is_mail = self.channel == Channel.EMAIL and self.state == DeliveryState.DELIVERED
        return str(ACCEPTED_BY_SERVER if is_mail else self.get_state_display())


class Attempt(models.Model):
    """One try to deliver, with what the receiver answered."""

    delivery = models.ForeignKey(Delivery, models.DO_NOTHING, db_constraint=False, related_name="tries")
    at = models.DateTimeField(_("at"))
    duration_ms = models.PositiveIntegerField(_("duration (ms)"))
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict.choices)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True, default="")
    code = models.IntegerField(_("code"), null=True)
    answer = models.TextField(_("answer"), blank=True, default="")

    lifecycle = Lifecycle(
        kept=With("delivery"), personal=masked("answer", what=_("answers of servers that named it")), audited=None
    )

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ("id",)
        indexes = (
            models.Index(fields=("delivery",), name="outbox_attempt_delivery"),
            BrinIndex(fields=("at",), name="outbox_attempt_at"),
        )

    def __str__(self) -> str:
        return f"{self.verdict} {self.at:%Y-%m-%d %H:%M:%S}"


class Address(models.Model):
    """What deliveries taught us about an address: whether it is refused, since when, in the server's words."""

    channel = models.CharField(_("channel"), max_length=10, choices=channel_choices)
    address = models.CharField(_("address"), max_length=320)
    failing_since = models.DateTimeField(_("failing since"), null=True)
    last_failure_at = models.DateTimeField(_("last failure"), null=True)
    last_answer = models.TextField(_("the server's words"), blank=True, default="")
    # How many mails in a row came back for good; see `services.bounces`.
    bounces = models.PositiveSmallIntegerField(_("bounces"), db_default=0)
    # Set when nothing may be sent here any more; the reason is shown wherever something is held back.
    blocked_reason = models.CharField(max_length=20, choices=Reason.choices, blank=True, default="")

    lifecycle = Lifecycle(
        kept=While("What is known of an address holds until it changes."),
        personal=(Personal("address", How.DELETE, _("notes on whether it works")), *masked("last_answer")),
        audited=Audited(),
    )

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        constraints = (models.UniqueConstraint("channel", Lower("address"), name="outbox_address_unique"),)
        permissions = (("erase_address", _("Can erase an address everywhere")),)

    def __str__(self) -> str:
        return str(shown(self.address))


class ListenerStamp(models.Model):
    """Changes whenever the listeners of a source do, so that every process knows when to read them again."""

    source = models.CharField(max_length=40, primary_key=True)
    stamp = models.UUIDField()

    lifecycle = Lifecycle(kept=While("One row for each source."), personal=(), audited=None)

    def __str__(self) -> str:
        return self.source
