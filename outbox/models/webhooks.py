"""Webhook endpoints: where events go by HTTP, how they are signed, and how the receiver has been doing."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.email_addresses import AddressField
from core.encryption import AddressElsewhere, EncryptedJSONField, EncryptedTextField, LeadsElsewhere
from core.lifecycle import Audited, How, Lifecycle, Personal, While, With, masked
from outbox.choices import EndpointState, Reason

KEY_PREFIX = "webhook:"


def endpoint_id(list_key: str) -> int | None:
    """The id of the endpoint whose deliveries have this `list_key`; None for another's."""
    prefix, _colon, number = list_key.partition(":")
    return int(number) if f"{prefix}:" == KEY_PREFIX and number.isascii() and number.isdigit() else None


class WebhookEndpoint(LeadsElsewhere):
    """A receiver of events by HTTP. Its URL, as `transports.webhook.targets` writes it, is shown to nobody whole."""

    url = AddressElsewhere(_("URL"))
    description = models.CharField(_("description"), max_length=200, blank=True, default="")
    topics = ArrayField(models.CharField(max_length=80), verbose_name=_("topics"))
    condition = models.TextField(_("condition"), blank=True, default="")
    # Sent with every request; values may be secrets, so that they are shown to nobody and kept out of the audit log.
    headers = EncryptedJSONField(_("own headers"), default=dict, blank=True)
    # Whether it is told who the people are that events name by their ids (outbox.subscriptions.personal_data).
    personal_data = models.BooleanField(_("personal data"), default=False)
    contact = AddressField(_("contact"), max_length=254, blank=True, default="")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, verbose_name=_("owner"), related_name="+"
    )
    state = models.CharField(_("state"), max_length=10, choices=EndpointState.choices, default=EndpointState.ENABLED)
    # Why it was disabled.
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True, default="")
    # Since when it has not been enabled: what happened from then on can be replayed.
    held_since = models.DateTimeField(_("held back since"), null=True)
    # The first failure after the last success.
    failing_since = models.DateTimeField(_("failing since"), null=True)
    # When the owner was told of it.
    warned_at = models.DateTimeField(_("owner told"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"))

    lifecycle = Lifecycle(
        kept=While("Operators make and delete it."),
        personal=(Personal("contact", How.BLANK, _("contacts of webhook endpoints")), *masked("url", "headers")),
        audited=Audited(exclude=("failing_since", "warned_at")),
    )

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        ordering = ("-id",)
        indexes = (
            # The sweep: who has failed for a day, who for five.
            models.Index(
                fields=("failing_since",), name="outbox_endpoint_failing", condition=Q(failing_since__isnull=False)
            ),
        )
        permissions = (("operate_webhookendpoint", _("Can pause, resume and test webhook endpoints")),)

    def __str__(self) -> str:
        return self.description or self.shown_url

    @property
    def key(self) -> str:
        """Its deliveries' `list_key` and `destination`."""
        return f"{KEY_PREFIX}{self.pk}"

    @property
    def header_names(self) -> list[str]:
        """The names of its own headers; none where they cannot be read."""
        return sorted(getattr(self, "headers", ()))


class WebhookSecret(models.Model):
    """A secret that signs an endpoint's requests: the newest without end, rotated ones until they expire."""

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="secrets")
    secret = EncryptedTextField()
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"), null=True)

    lifecycle = Lifecycle(kept=With("endpoint"), personal=(), audited=None)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("endpoint",), name="outbox_secret_current", condition=Q(expires_at__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.created_at:%Y-%m-%d}"
