"""Facts as they came, for the timeline; the truth that follows from them is in `reports`."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Kept, Lifecycle, masked, of_person
from core.people import shown_id
from vehicles.choices import FactEffect


class Fact(models.Model):
    """One fact. The same fact again, at the same moment, is counted and not kept twice (`digest`)."""

    type = models.CharField(_("type"), max_length=30)
    subject = models.CharField(_("about"), max_length=140)
    data = models.JSONField(_("data"), default=dict)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"))
    effect = models.CharField(_("effect"), max_length=10, choices=FactEffect.choices, default=FactEffect.TAKEN)
    digest = models.BinaryField(max_length=16, unique=True, editable=False)
    times = models.PositiveIntegerField(_("times"), default=1)

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_MESSAGES_DAYS", by="received_at"),
        personal=(*masked("subject"), *of_person("data")),
        audited=None,
    )

    class Meta:
        verbose_name = _("fact")
        verbose_name_plural = _("facts")
        ordering = ("-id",)
        indexes = (
            # What was reported about the entities of a driver.
            models.Index(fields=("subject", "-id"), name="fact_about"),
            BrinIndex(fields=("received_at",), name="fact_received"),
        )

    def __str__(self) -> str:
        return f"{self.type} {shown_id(self.subject)}"
