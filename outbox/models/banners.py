"""What apps show to their users."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Lifecycle, With, masked
from outbox.choices import BannerState
from outbox.models.events import Delivery


class Banner(models.Model):
    """What an app shows to its user, from the moment it is available to its end; the delivery says of which event."""

    delivery = models.OneToOneField(
        Delivery, models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="banner"
    )
    # Who sees it, in the app's own words, e.g. "driver:12"; the delivery's address.
    audience = models.CharField(_("audience"), max_length=320)
    kind = models.CharField(_("kind"), max_length=80)
    subject = models.CharField(_("subject"), max_length=120)
    state = models.CharField(_("state"), max_length=10, choices=BannerState.choices, default=BannerState.OPEN)
    shown_at = models.DateTimeField(_("available"))
    read_at = models.DateTimeField(_("read"), null=True)
    expires_at = models.DateTimeField(_("expires"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    lifecycle = Lifecycle(
        kept=With("delivery"),
        personal=masked("audience", "subject", what=_("banners that were shown to it or named it")),
        audited=None,
    )

    class Meta:
        verbose_name = _("banner")
        verbose_name_plural = _("banners")
        ordering = ("-delivery",)
        indexes = (
            # What an audience has seen, newest first.
            models.Index(fields=("audience", "-delivery"), name="outbox_banner_audience"),
            # What an audience sees now.
            models.Index(fields=("audience", "-delivery"), name="outbox_banner_open", condition=Q(state="open")),
            # resolve(): the open banners about a subject.
            models.Index(fields=("subject", "kind"), name="outbox_banner_subject", condition=Q(state="open")),
            # expire(): what is due to expire.
            models.Index(
                fields=("expires_at",),
                name="outbox_banner_expiry",
                condition=Q(state="open", expires_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} → {self.audience}"
