"""Who sends: each API key, and later each proxy, party and link, with what it brought and how regularly."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Audited, Lifecycle, While, masked
from infra_notifications.choices import SourceKind, SourceTrouble

# A source's number is its kind's, shifted, and that of the key, route, party or link: who writes a batch names its
# source without reading it. Keys are the first kind, so their numbers are their own.
_KIND_BITS = 48
# Sources that are API keys.
KEY_KINDS = (SourceKind.KEY, SourceKind.CITRINEOS)
NUMBER_OF_KIND = (1 << _KIND_BITS) - 1


def source_id(kind: SourceKind, number: int) -> int:
    """The number of the source that a key, route, party or link of this number is."""
    return list(SourceKind).index(kind) << _KIND_BITS | number


def kind_of_source(pk: int) -> SourceKind:
    return list(SourceKind)[pk >> _KIND_BITS]


class Source(models.Model):
    """Counted after each batch's commit (`services/sources.py`), watched by the sweep (`services/source_watch.py`)."""

    id = models.BigIntegerField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=10, choices=SourceKind.choices)
    name = models.CharField(_("name"), max_length=100)
    first_heard_at = models.DateTimeField(_("first heard"))
    last_heard_at = models.DateTimeField(_("last heard"))
    accepted = models.BigIntegerField(_("accepted"), default=0)
    duplicates = models.BigIntegerField(_("duplicates"), default=0)
    rejected = models.BigIntegerField(_("rejected"), default=0)
    warnings = models.BigIntegerField(_("warnings"), default=0)
    # Between two batches, where they are at least a second apart: the decaying mean, and the longest one lately.
    gaps = models.IntegerField(default=0)
    usual_gap_s = models.FloatField(_("usual gap (s)"), null=True)
    longest_gap_s = models.FloatField(_("longest usual gap (s)"), null=True)
    # When it fell quiet for longer than its pace explains, and when it was heard again; newest first.
    quiet_from = ArrayField(models.DateTimeField(), default=list)
    quiet_until = ArrayField(models.DateTimeField(), default=list)
    # How many items were rejected, and since when, without one that was taken.
    refused_in_row = models.BigIntegerField(default=0)
    refused_since = models.DateTimeField(null=True)
    # The last sentences: [{"text", "n", "at"}, …], newest first.
    rejections = models.JSONField(_("last rejections"), default=list)
    cautions = models.JSONField(_("last warnings"), default=list)
    # By how many seconds the sender's `received_at` was behind (-) or ahead of our receipt, newest first.
    offsets_s = ArrayField(models.FloatField(), default=list)
    # The best of them, which its clock explains; it is forgotten slowly. And when it was behind that the last time,
    # because it delivered what had waited.
    best_offset_s = models.FloatField(null=True)
    lagged_at = models.DateTimeField(null=True)
    # Some of the stations whose life it proved: enough to know whether it is more than a test.
    fed = ArrayField(models.CharField(max_length=48), default=list)
    # Unknown senders beyond its share, of which nothing was kept.
    dropped = models.BigIntegerField(_("unknown senders dropped"), default=0)
    # What the proxy heard and could not keep until it was taken in, and when that was noted last.
    lost = models.BigIntegerField(_("lost"), default=0)
    lost_at = models.DateTimeField(_("lost at"), null=True)
    # A person wants no alerts of it.
    paused = models.BooleanField(_("paused"), default=False)
    trouble = models.CharField(
        _("trouble"), max_length=10, choices=SourceTrouble.choices, blank=True, default=SourceTrouble.NONE
    )
    trouble_since = models.DateTimeField(_("trouble since"), null=True)
    # When the last connection closed of many that closed in a row since then.
    closings_until = models.DateTimeField(null=True)
    # When its last trouble ended.
    recovered_at = models.DateTimeField(null=True)
    # Since when, and when last, the sweep listened without a pause of its own.
    listening_since = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)

    lifecycle = Lifecycle(
        kept=While("One row for each key that ever sent; its counts are its history."),
        personal=masked("rejections", "cautions", what=_("rejections that named it")),
        audited=Audited(include=("paused",)),
    )

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ("name", "id")
        indexes = (
            # What is in trouble: asked by each decision about a silence, by doctor, metrics and the dashboard.
            models.Index(fields=("trouble",), name="source_trouble", condition=~Q(trouble="")),
        )

    def __str__(self) -> str:
        return self.name or f"{self.get_kind_display()} {self.pk}"

    @property
    def clock_offset_s(self) -> float | None:
        """The median of the last measured offsets; None where its sender names no `received_at`.

        The proxy's clock is ours; what it kept while the database was away is late, not wrong.
        """
        if self.kind == SourceKind.PROXY:
            return None
        measured: list[Any] = sorted(self.offsets_s)
        return measured[len(measured) // 2] if measured else None
