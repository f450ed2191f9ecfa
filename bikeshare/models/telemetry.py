"""The messages of the boxes, as they came. Append-only; pruned by age."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from bikeshare.choices import RUNNING, TelemetryType, TelemetryVerdict
from core.lifecycle import Kept, Lifecycle, masked, no_row, one_of


class TelemetryMessage(models.Model):
    """One message: without its PIN, its card number masked. No database keys: rows are written and pruned in bulk."""

    boitier_id = models.CharField(_("boitier"), max_length=32, db_collation="C")
    trip_id = models.CharField(_("trip"), max_length=32, blank=True, default="", db_collation="C")
    type = models.CharField(_("type"), max_length=12, choices=TelemetryType.choices)
    value = models.JSONField(_("said"))
    verdict = models.CharField(_("verdict"), max_length=6, choices=TelemetryVerdict.choices)
    at = models.DateTimeField(_("device time"))
    received_at = models.DateTimeField(_("received"))

    lifecycle = Lifecycle(
        kept=Kept(
            "RETENTION_MESSAGES_DAYS",
            by="received_at",
            only=no_row("bikeshare_trip", f"o.id = t.trip_id AND {one_of('o.status', RUNNING)}"),
        ),
        personal=masked("value"),
        audited=None,
    )

    class Meta:
        verbose_name = _("device message")
        verbose_name_plural = _("device messages")
        ordering = ("-id",)
        indexes = (
            # The last messages of a box; those of a trip, for its timeline.
            models.Index(fields=("boitier_id", "-id"), name="telemetry_boitier"),
            models.Index(fields=("trip_id", "-id"), name="telemetry_trip", condition=~models.Q(trip_id="")),
            BrinIndex(fields=("received_at",), name="telemetry_received"),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.at:%Y-%m-%d %H:%M:%S}"
