"""API keys and their receipts, signs of life of the processes, long work with its progress."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from console.choices import JobState, Scope


class ApiKey(models.Model):
    """A machine's key. Only the SHA-256 of the secret part is stored: it is 256 random bits, so no slow hash."""

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

    class Meta:
        ordering = ("-id",)
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = (models.UniqueConstraint(Lower("name"), name="apikey_name_unique"),)

    def __str__(self) -> str:
        return self.name

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class ApiReceipt(models.Model):
    """A sender's own id that was taken before: the same id from the same key again is a duplicate.

    Its rows are written and pruned in bulk, so they carry no other column and no foreign key.
    """

    key_id = models.BigIntegerField()
    external_id = models.CharField(max_length=200)
    received_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("key_id", "external_id"), name="apireceipt_unique"),)
        # Serves the pruning by age.
        indexes = (models.Index(fields=("received_at",), name="apireceipt_received"),)

    def __str__(self) -> str:
        return self.external_id


class SignOfLife(models.Model):
    """When a part of Signalbox (worker, beat) last showed that it works, one row per running instance."""

    part = models.CharField(max_length=40)
    instance = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("sign of life")
        verbose_name_plural = _("signs of life")
        constraints = (models.UniqueConstraint(fields=("part", "instance"), name="signoflife_unique"),)

    def __str__(self) -> str:
        return f"{self.part} {self.instance}"


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
