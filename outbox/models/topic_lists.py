"""Topic lists: mailing lists that subscribe to events by kind and condition, and what was decided about each event."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Audited, Kept, Lifecycle, While, With, masked, of_person
from outbox.choices import DecisionReason, DecisionState, Language
from outbox.models.events import Event

DEFAULT_GATHER_S = 60


class TopicList(models.Model):
    """Who is mailed about which events: by topic (`*`, `trip.*`, a kind), domain, and a condition on the event."""

    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True, default="")
    # The domain whose events it takes, e.g. "charging"; empty: any.
    domain = models.CharField(_("domain"), max_length=40, blank=True, default="")
    topics = ArrayField(models.CharField(max_length=80), verbose_name=_("topics"), default=list, blank=True)
    condition = models.TextField(_("condition"), blank=True, default="")
    language = models.CharField(_("language"), max_length=5, choices=Language.choices, default=Language.ENGLISH)
    enabled = models.BooleanField(_("enabled"), default=True)
    # What follows a mail within this time is gathered into the next one; 0: a mail for each.
    gather_s = models.PositiveIntegerField(_("gather for (s)"), default=DEFAULT_GATHER_S)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    # Until then, what comes in is gathered into the next mail; `thread` is the mail (uuid hex) that this one answers.
    gathering_until = models.DateTimeField(null=True, editable=False)
    thread = models.CharField(max_length=32, blank=True, default="", editable=False)
    last_told_at = models.DateTimeField(_("last mail"), null=True, editable=False)

    lifecycle = Lifecycle(
        kept=While("Operators make and delete it."),
        personal=masked("condition"),
        audited=Audited(exclude=("gathering_until", "last_told_at", "thread", "updated_at")),
    )

    class Meta:
        verbose_name = _("topic list")
        verbose_name_plural = _("topic lists")
        ordering = (Lower("name"),)
        constraints = (
            models.UniqueConstraint(
                Lower("name"),
                name="topiclist_name_unique",
                violation_error_code="unique",
                violation_error_message=_("There is a topic list of this name already."),
            ),
            models.CheckConstraint(condition=~Q(name=""), name="topiclist_name_given"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def list_key(self) -> str:
        """The topic list as a mailing list of the outbox."""
        return f"topic_list:{self.pk}"


class TopicListAddress(models.Model):
    """One address of a topic list."""

    topic_list = models.ForeignKey(TopicList, models.CASCADE, related_name="addresses", verbose_name=_("topic list"))
    address = models.CharField(_("e-mail address"), max_length=320)
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    lifecycle = Lifecycle(
        kept=With("topic_list"),
        personal=of_person("address"),
        audited=None,
        erased_by="outbox.services.topic_lists.lists.erase_from_lists",
    )

    class Meta:
        verbose_name = _("address of a topic list")
        verbose_name_plural = _("addresses of topic lists")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                "topic_list",
                Lower("address"),
                name="topiclistaddress_unique",
                violation_error_message=_("This address stands in the list already."),
            ),
        )

    def __str__(self) -> str:
        return self.address


class TopicDecision(models.Model):
    """What was decided for one topic list about one event of its topics: notified, waiting until when, or not, and why.

    Neither the list nor the events are constrained by the database: a decision is written in the transaction of
    whatever happened, which must not fail because somebody deletes a list at that moment.
    """

    topic_list = models.ForeignKey(
        TopicList,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="notices",
        verbose_name=_("topic list"),
    )
    list_name = models.CharField(_("topic list"), max_length=100)
    event = models.ForeignKey(
        Event,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="topic_notices",
        verbose_name=_("event"),
    )
    state = models.CharField(_("state"), max_length=8, choices=DecisionState.choices)
    reason = models.CharField(_("reason"), max_length=20, choices=DecisionReason.choices, blank=True, default="")
    # When a waiting decision is made again.
    due_at = models.DateTimeField(_("due"), null=True)
    decided_at = models.DateTimeField(_("decided"))
    # The event of its mail, and the mail (uuid hex) that began its conversation.
    mail_id = models.BigIntegerField(null=True)
    thread = models.CharField(max_length=32, blank=True, default="")

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_EVENTS_DAYS", by="decided_at", only="state <> 'waiting'", name="topic list notices"),
        personal=(),
        audited=None,
    )

    class Meta:
        verbose_name = _("decision of a topic list")
        verbose_name_plural = _("decisions of topic lists")
        ordering = ("-id",)
        # Also finds what became of one event on every list.
        constraints = (models.UniqueConstraint(fields=("event", "topic_list"), name="topicdecision_once"),)
        indexes = (
            # What is due to be told.
            models.Index(fields=("due_at", "topic_list"), name="topicdecision_due", condition=Q(state="waiting")),
            # A list's own history, newest first.
            models.Index(fields=("topic_list", "-id"), name="topicdecision_of_list"),
            # What a list was not told, newest first: among millions that it was told there may be few.
            models.Index(fields=("topic_list", "-id"), name="topicdecision_untold", condition=~Q(state="told")),
            # Pruning by age.
            BrinIndex(fields=("decided_at",), name="topicdecision_decided"),
        )

    def __str__(self) -> str:
        return f"{self.event_id} → {self.list_name}"
