"""What the outbox remembers of itself: its troubles, and how far its log was pruned."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Kept, Lifecycle, While, masked


class HealthAlert(models.Model):
    """Something of Signalbox itself that does not work; administrators hear of it once, and once of its end."""

    # The name of the health check that found it.
    name = models.CharField(_("what"), max_length=60)
    text = models.CharField(_("what was found"), max_length=500)
    began_at = models.DateTimeField(_("since"))
    ended_at = models.DateTimeField(_("over"), null=True)
    told_at = models.DateTimeField(_("mailed"), null=True)
    end_told_at = models.DateTimeField(_("end mailed"), null=True)
    # A process that is mailing it holds it until then.
    held_until = models.DateTimeField(null=True, editable=False)

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_EVENTS_DAYS", by="began_at", only="ended_at < %(before)s", name="troubles"),
        personal=masked("text"),
        audited=None,
    )

    class Meta:
        verbose_name = _("health alert")
        verbose_name_plural = _("health alerts")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("name",), condition=Q(ended_at__isnull=True), name="outbox_healthalert_open"
            ),
        )
        indexes = (
            # Whose end is still to be mailed.
            models.Index(
                fields=("id",),
                name="outbox_healthalert_end_untold",
                condition=Q(told_at__isnull=False, ended_at__isnull=False, end_told_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


class LogMark(models.Model):
    """How far the event log was pruned: a reader whose cursor lies before this place missed something. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    pruned_to = models.BigIntegerField(default=0)

    lifecycle = Lifecycle(kept=While("One row."), personal=(), audited=None)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="outbox_logmark_one"),)

    def __str__(self) -> str:
        return str(self.pruned_to)
