"""Connected-car platforms that push to us, and the bodies that they brought."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.encryption import EncryptedTextField
from core.lifecycle import Audited, Kept, Lifecycle, While, masked
from vehicles.choices import PlatformName

# A platform's facts are those of a key that no API key has.
KEYS_OF_SOURCES = 1 << 48


class VehicleSource(models.Model):
    """An address at which a platform's webhook arrives, with the secret by which it signs."""

    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    platform = models.CharField(_("platform"), max_length=20, choices=PlatformName.choices)
    # Signatures are made of it; never shown again.
    secret = EncryptedTextField(editable=False)
    enabled = models.BooleanField(_("on"), default=True)
    silent_after_s = models.PositiveIntegerField(
        _("silent after (s)"),
        default=86_400,
        validators=[MinValueValidator(60)],
        help_text=_("Nothing received for this long means that the platform is silent."),
    )
    received = models.PositiveBigIntegerField(_("received"), default=0, editable=False)
    facts = models.PositiveBigIntegerField(_("facts"), default=0, editable=False)
    refused = models.PositiveBigIntegerField(_("refused"), default=0, editable=False)
    last_received_at = models.DateTimeField(_("last received"), null=True, editable=False)
    last_refused_at = models.DateTimeField(_("last refused"), null=True, editable=False)
    # What was not understood, by its sentence: {"…": {"n": 3, "at": "…"}}; the last hundred.
    notes = models.JSONField(_("not understood"), default=dict, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    lifecycle = Lifecycle(
        kept=While("Operators make it."),
        personal=(),
        audited=Audited(include=("slug", "platform", "enabled", "silent_after_s")),
    )

    class Meta:
        verbose_name = _("platform source")
        verbose_name_plural = _("platform sources")
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug


class Feed(models.Model):
    """Whoever sends facts, and since when it is heard without a long pause: silence of a car counts only meanwhile."""

    # An API key's id, a platform's with a high bit, or 0 for the console.
    key = models.BigIntegerField(unique=True)
    heard_since = models.DateTimeField(_("heard since"))
    last_heard_at = models.DateTimeField(_("last heard"))

    lifecycle = Lifecycle(kept=While("It is as many as there are keys."), personal=(), audited=None)

    class Meta:
        verbose_name = _("feed")
        verbose_name_plural = _("feeds")

    def __str__(self) -> str:
        return str(self.key)


class PlatformMessage(models.Model):
    """A body as it was received, stored before anything else is done with it. Append-only; deleted by age."""

    source = models.ForeignKey(VehicleSource, models.CASCADE, related_name="messages", verbose_name=_("source"))
    body = models.BinaryField()
    received_at = models.DateTimeField(_("received"))
    # Null while it waits to be read.
    applied_at = models.DateTimeField(_("applied"), null=True)
    facts = models.PositiveIntegerField(_("facts"), default=0)
    # Sentences: what was not understood, and what is wrong with its facts.
    notes = models.JSONField(_("notes"), default=list)

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_MESSAGES_DAYS", by="received_at", name="vehicles platformmessage"),
        personal=masked("body", "notes"),
        audited=None,
    )

    class Meta:
        verbose_name = _("platform message")
        verbose_name_plural = _("platform messages")
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("id",), name="platformmessage_waiting", condition=Q(applied_at__isnull=True)),
            models.Index(fields=("source", "-id"), name="platformmessage_source"),
            BrinIndex(fields=("received_at",), name="platformmessage_received"),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.received_at:%Y-%m-%d %H:%M:%S}"

    @property
    def text(self) -> str:
        return bytes(self.body).decode(errors="replace")
