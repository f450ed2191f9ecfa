"""API keys and their receipts, signs of life, long work with its progress and its undo, what people keep of lists."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from core.choices import JobState, Scope
from core.lifecycle import Audited, Kept, Lifecycle, While, With, masked

Row = TypeVar("Row", bound=models.Model)


class ApiKey(models.Model):
    """A machine's key. Only the SHA-256 of the secret part is stored: it is 256 random bits, so no slow hash.

    It works as long as whoever made it or took it over may sign in.
    """

    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope.choices), verbose_name=_("scopes"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        verbose_name=_("created by"),
        related_name="+",
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    lifecycle = Lifecycle(
        kept=While("Administrators make and revoke it."),
        personal=(),
        audited=Audited(exclude=("last_used_at", "digest")),
    )

    class Meta:
        ordering = ("-id",)
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = (models.UniqueConstraint(Lower("name"), name="apikey_name_unique"),)
        # Asked for by `core.people`; it belongs to no table more than to another.
        permissions = (("see_personal_data", _("Can see who drivers, cyclists and receivers of mails are")),)

    def __str__(self) -> str:
        return self.name

    @property
    def has_owner(self) -> bool:
        """Whether whoever made it may still sign in; the command line makes keys of nobody, which stay."""
        return self.created_by is None or self.created_by.is_active

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now) and self.has_owner


class ApiReceipt(models.Model):
    """An item with its sender's own id that was taken: the same id with the same content again is a duplicate.

    `scope` says for whom the id counts, `digest` is that of the content (`core/receipts.py`); nothing can be read out
    of either. Its rows are written and pruned in bulk.
    """

    scope = models.UUIDField(unique=True)
    digest = models.UUIDField()
    # The sender's time, or ours; where an id may restart, a repetition counts as one for a while only.
    said_at = models.DateTimeField()
    repeats_until = models.DateTimeField(null=True)
    received_at = models.DateTimeField()

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_RECEIPTS_DAYS", by="received_at", name="receipts"), personal=(), audited=None
    )

    class Meta:
        # Serves the pruning by age.
        indexes = (models.Index(fields=("received_at",), name="apireceipt_received"),)

    def __str__(self) -> str:
        return str(self.scope)


class RateAccount(models.Model):
    """What is left of a limit for somebody, over all processes (`core/rates.py`). Whose it is cannot be read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    left_over = models.FloatField()
    burst = models.FloatField()
    per_s = models.FloatField()
    at = models.DateTimeField()

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_RECEIPTS_DAYS", prune="core.retention.prune_rate_accounts", name="rate accounts"),
        personal=(),
        audited=None,
    )

    def __str__(self) -> str:
        return str(self.id)


class SignOfLife(models.Model):
    """When a part of Signalbox (worker, beat) last showed that it works, one row per running instance; `detail` is what
    it knows of itself."""

    part = models.CharField(max_length=40)
    instance = models.CharField(max_length=120)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_DAYS", by="at", only="t.part <> 'home'", in_order=False, name="signs of life"),
        personal=(),
        audited=None,
    )

    class Meta:
        verbose_name = _("sign of life")
        verbose_name_plural = _("signs of life")
        constraints = (models.UniqueConstraint(fields=("part", "instance"), name="signoflife_unique"),)

    def __str__(self) -> str:
        return f"{self.part} {self.instance}"


class WithoutPayloads(models.Manager[Row]):
    """Rows without their payload, which may be a file of 100 MiB: who wants it asks for it. The driver's buffers grow
    by it and never shrink, with every connection."""

    def get_queryset(self) -> models.QuerySet[Row]:
        return super().get_queryset().defer("payload")


class Job(models.Model):
    """A piece of work too long for a request: done by a worker, watched by a person, with a bar that says how far."""

    kind = models.CharField(_("kind"), max_length=60)
    label = models.CharField(_("what"), max_length=200)
    state = models.CharField(_("state"), max_length=12, choices=JobState.choices, default=JobState.WAITING)
    total = models.PositiveIntegerField(_("total"), default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    arguments = models.JSONField(default=dict)
    payload = models.BinaryField(default=bytes)
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, verbose_name=_("created by"), related_name="+"
    )
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = WithoutPayloads["Job"]()
    lifecycle = Lifecycle(
        kept=Kept("RETENTION_DAYS", by="created_at", only="finished_at IS NOT NULL", name="jobs"),
        personal=masked("label", "arguments", "payload", "result", what=_("pieces of work that named it")),
        audited=None,
    )

    class Meta:
        ordering = ("-id",)
        verbose_name = _("job")
        verbose_name_plural = _("jobs")

    def __str__(self) -> str:
        return self.label

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // self.total) if self.total else 0

    @property
    def is_ended(self) -> bool:
        return self.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Undo(models.Model):
    """A change that can be taken back for ten minutes: its kind says how, its payload what was changed.

    The payload is the changed rows' ids, eight bytes each (`console.packing`); of a job it grows with each chunk.
    """

    kind = models.CharField(_("kind"), max_length=60)
    label = models.CharField(_("what"), max_length=200)
    arguments = models.JSONField(default=dict)
    payload = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(_("created"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("created by"), related_name="+"
    )
    # Null while the change itself is still being made.
    expires_at = models.DateTimeField(_("can be undone until"), null=True)
    undone_at = models.DateTimeField(_("undone"), null=True)

    objects = WithoutPayloads["Undo"]()
    lifecycle = Lifecycle(
        kept=Kept("RETENTION_DAYS", by="created_at"), personal=masked("label", "arguments"), audited=None
    )

    class Meta:
        ordering = ("-id",)
        verbose_name = _("undoable change")
        verbose_name_plural = _("undoable changes")
        # Serves the strip above lists: a person's last change; and the pruning.
        indexes = (
            models.Index(fields=("created_by", "-id"), name="undo_of_person", condition=Q(undone_at__isnull=True)),
            models.Index(fields=("created_at",), name="undo_created"),
        )

    def __str__(self) -> str:
        return self.label

    def is_open(self, now: datetime) -> bool:
        return self.undone_at is None and self.expires_at is not None and self.expires_at > now


class SavedSearch(models.Model):
    """A list's search, filters and order under a name, for its owner or for everyone."""

    list_key = models.CharField(_("list"), max_length=60)
    name = models.CharField(_("name"), max_length=80)
    query = models.TextField(_("query string"))
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("owner"), related_name="+")
    shared = models.BooleanField(_("shared with everyone"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    lifecycle = Lifecycle(kept=With("owner"), personal=masked("query"), audited=Audited())

    class Meta:
        ordering = (Lower("name"), "id")
        verbose_name = _("saved search")
        verbose_name_plural = _("saved searches")
        constraints = (models.UniqueConstraint("list_key", "owner", Lower("name"), name="savedsearch_name_unique"),)
        # Serves the menu of a list: those of everyone beside one's own.
        indexes = (models.Index(fields=("list_key",), name="savedsearch_shared", condition=Q(shared=True)),)
        permissions = (("share_savedsearch", _("Can share saved searches with everyone")),)

    def __str__(self) -> str:
        return self.name


class ColumnChoice(models.Model):
    """The columns of a list that a person wants to see."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("owner"), related_name="+")
    list_key = models.CharField(_("list"), max_length=60)
    columns = ArrayField(models.CharField(max_length=60), verbose_name=_("columns"))

    lifecycle = Lifecycle(kept=With("owner"), personal=(), audited=None)

    class Meta:
        verbose_name = _("column choice")
        verbose_name_plural = _("column choices")
        constraints = (models.UniqueConstraint(fields=("owner", "list_key"), name="columnchoice_unique"),)

    def __str__(self) -> str:
        return f"{self.list_key}: {', '.join(self.columns)}"


class FacetCensus(models.Model):
    """When the facets of a long list were last counted, and how long it took: the dearer, the rarer."""

    list_key = models.CharField(_("list"), max_length=60, primary_key=True)
    counted_at = models.DateTimeField(_("counted"))
    took_ms = models.PositiveIntegerField(_("took (ms)"))
    rows = models.BigIntegerField(_("rows"))

    lifecycle = Lifecycle(kept=While("It is counted anew."), personal=(), audited=None)

    class Meta:
        verbose_name = _("facet census")
        verbose_name_plural = _("facet censuses")

    def __str__(self) -> str:
        return self.list_key


class KnownValue(models.Model):
    """A value that a column holds or has held; kept by triggers on its table (`core.search.vocabulary`)."""

    column = models.CharField(_("column"), max_length=100, help_text=_("Table and column, joined by a dot."))
    value = models.CharField(_("value"), max_length=300)

    lifecycle = Lifecycle(
        kept=While("Those that no row holds any more go once a day."), personal=masked("value"), audited=None
    )

    class Meta:
        verbose_name = _("known value")
        verbose_name_plural = _("known values")
        constraints = (models.UniqueConstraint(fields=("column", "value"), name="knownvalue_unique"),)

    def __str__(self) -> str:
        return self.value


class FacetCount(models.Model):
    """A value of a facet of a long list, and in how many rows it stands: counted beforehand, by beat."""

    list_key = models.CharField(_("list"), max_length=60)
    facet = models.CharField(_("facet"), max_length=40)
    value = models.CharField(_("value"), max_length=300)
    # Folded as Magic Search folds, without the "=" of a name.
    folded = models.CharField(max_length=600)
    count = models.BigIntegerField(_("count"))
    # 0 is the most frequent value of its facet.
    rank = models.PositiveIntegerField(_("rank"))

    lifecycle = Lifecycle(kept=While("It is counted anew."), personal=masked("value", "folded"), audited=None)

    class Meta:
        verbose_name = _("facet count")
        verbose_name_plural = _("facet counts")
        indexes = (
            # The first values of each facet, for the filters.
            models.Index(fields=("list_key", "facet", "rank"), name="facetcount_rank"),
            # Values that begin with a word, for the suggestions.
            models.Index("list_key", OpClass("folded", "varchar_pattern_ops"), name="facetcount_beginning"),
        )

    def __str__(self) -> str:
        return f"{self.facet}:{self.value}"
