"""Which stations are connected, as far as somebody says so who sees their connections: a proxy, a CSMS, an adapter."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Kept, Lifecycle, masked
from infra_notifications.models.sources import Source


class StationConnection(models.Model):
    """One row for each station of which a connection was ever reported; `rules/connections.py` says what it means."""

    # The identity as the station spells it, and as it is compared.
    station = models.CharField(_("station"), max_length=48)
    key = models.CharField(max_length=48, unique=True)
    connected = models.BooleanField(_("connected"))
    # When it connected, or when its last connection closed.
    since = models.DateTimeField(_("since"))
    last_seen = models.DateTimeField(_("last seen"))
    # Of its connections that are open, and of the last that were: [[id, opened, heard, closed], …].
    links = models.JSONField(default=list)
    # When the process that held its connection ended; it has some time to connect anew.
    lost_at = models.DateTimeField(_("lost at"), null=True)
    protocol = models.CharField(_("protocol"), max_length=12, blank=True, default="")
    # Of stations that come through the proxy: which route, held by which process, how many messages passed.
    route = models.CharField(_("route"), max_length=60, blank=True, default="")
    process = models.CharField(_("process"), max_length=120, blank=True, default="")
    messages = models.BigIntegerField(_("messages"), default=0)
    # Between a call of the station and the answer of its CSMS, the decaying mean.
    round_trip_ms = models.FloatField(_("round trip (ms)"), null=True)
    # By how much the clock of its CSMS is ahead of ours, by the `currentTime` of its answers.
    csms_offset_s = models.FloatField(_("CSMS clock ahead by (s)"), null=True)
    close_code = models.PositiveIntegerField(_("close code"), null=True)
    close_reason = models.CharField(_("close reason"), max_length=200, blank=True, default="")
    source = models.ForeignKey(
        Source, models.DO_NOTHING, null=True, db_constraint=False, related_name="+", verbose_name=_("source")
    )

    lifecycle = Lifecycle(
        kept=Kept(
            "RETENTION_MESSAGES_DAYS",
            by="last_seen",
            only="NOT t.connected",
            in_order=False,
            name="charging stationconnection",
        ),
        personal=masked("close_reason", what=_("connections of stations that named it")),
        audited=None,
    )

    class Meta:
        verbose_name = _("connection of a station")
        verbose_name_plural = _("connections of stations")
        ordering = ("station", "id")
        indexes = (
            # Those of a process that ended, and those whose time to connect anew is over.
            models.Index(fields=("process",), name="connection_process", condition=Q(connected=True)),
            models.Index(fields=("lost_at",), name="connection_lost", condition=Q(lost_at__isnull=False)),
            # How many of a source closed lately.
            models.Index(fields=("source", "since"), name="connection_closed", condition=Q(connected=False)),
            # Who is connected through a route.
            models.Index(fields=("route", "station"), name="connection_route", condition=~Q(route="")),
        )

    def __str__(self) -> str:
        return self.station
