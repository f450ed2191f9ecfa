"""Zones: where riding is forbidden, slow, or a trip may not begin or end."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bikeshare.choices import BikeType, OpenStatus, ZoneType
from bikeshare.models.base import KEPT_AS_SUBJECT, LIVE, Resource
from core.lifecycle import Lifecycle


class Zone(Resource):
    """An area with rules. Where several overlap, the one with the lowest precedence decides (GBFS: first in the file).

    `geometry` is a GeoJSON MultiPolygon (longitude first). `rules` are those of GBFS 3.0; the first that is about the
    vehicle's type decides; without rules a forbidden zone forbids, and any other has no say.
    """

    PREFIX, NAME = "zone_", "zone"

    external_id = models.CharField(_("id in the feed"), max_length=160, blank=True, default="")
    # Of which feed it is, none if it was made by hand (`services.gbfs_import.feed_key`).
    feed = models.CharField(max_length=40, blank=True, default="", editable=False)
    name = models.CharField(_("name"), max_length=120, blank=True, default="")
    type = models.CharField(_("type"), max_length=20, choices=ZoneType.choices, default=ZoneType.GEOFENCING)
    status = models.CharField(_("status"), max_length=10, choices=OpenStatus.choices, default=OpenStatus.OPEN)
    precedence = models.PositiveIntegerField(_("precedence"), default=1_000)
    geometry = models.JSONField(_("area"))
    rules = models.JSONField(_("rules"), default=list, blank=True)
    vehicule_type = models.CharField(_("only for"), max_length=12, choices=BikeType.choices, blank=True, default="")
    start = models.DateTimeField(_("from"), null=True, blank=True)
    end = models.DateTimeField(_("until"), null=True, blank=True)
    score = models.IntegerField(_("score"), null=True, blank=True)

    lifecycle = Lifecycle(kept=KEPT_AS_SUBJECT, personal=(), audited=None)

    class Meta:
        verbose_name = _("zone")
        verbose_name_plural = _("zones")
        ordering = ("precedence", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("program", "feed", "external_id"),
                condition=LIVE & ~Q(external_id=""),
                name="zone_external_once",
            ),
            models.CheckConstraint(
                condition=Q(start__isnull=True) | Q(end__isnull=True) | Q(end__gt=F("start")), name="zone_ends_later"
            ),
        )
        indexes = (
            # All zones of a program in their order, for its index.
            models.Index(fields=("program", "precedence", "id"), name="zone_order"),
        )

    def __str__(self) -> str:
        return self.name or self.pk
