"""Charge points, what is known of them from their messages, and the messages."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Coalesce, Upper
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Audited, Kept, Lifecycle, While, With, masked
from core.text import composed, identity
from infra_notifications.choices import EVSE_SEPARATORS, OUTAGES, Connectivity, IntervalSource, MessageVerdict
from infra_notifications.models.sources import Source

# The columns that free text searches, folded into one: a single trigram index beats an OR over ten.
SEARCHED = (
    "evse_id",
    "station",
    "name",
    "location",
    "street",
    "postal_code",
    "city",
    "operator",
    "vendor",
    "model",
)


def folded(*columns: str) -> Func:
    """The columns' texts as Magic Search folds them, one after the other."""
    # Parts are joined by "||", which is immutable, and begin with a space, so that word beginnings can be searched.
    parts: list[Value | F] = []
    for column in columns:
        parts += [Value(" "), F(column)]
    return Func(_joined(parts), function="signalbox_fold", output_field=models.TextField())


def _joined(parts: list[Value | F]) -> Func:
    return Func(*parts, template="(%(expressions)s)", arg_joiner=" || ", output_field=models.TextField())


# A tag ends at a comma or semicolon, so that a list of tags can be written in one cell.
_TAG_ENDS = re.compile(r"[,;]")


def tags_typed(texts: Iterable[str]) -> list[str]:
    """Tags in the order in which they were typed, once each."""
    tags = (composed(part) for text in texts for part in _TAG_ENDS.split(text))
    return list(dict.fromkeys(" ".join(tag.lower().split()) for tag in tags if tag))


def tags_of(texts: Iterable[str]) -> list[str]:
    """All tags of a charge point as they are stored, however they were typed."""
    return sorted(tags_typed(texts))


class ChargePoint(models.Model):
    """What OCPI calls an EVSE and a CSMS a charge point or port: it charges one vehicle at a time."""

    evse_id = models.CharField(_("EVSE id"), max_length=48)
    station = models.CharField(
        _("station"),
        max_length=48,
        blank=True,
        default="",
        help_text=_("The identity with which its station connects (OCPP)."),
    )
    connector = models.PositiveSmallIntegerField(
        _("connector"),
        null=True,
        blank=True,
        help_text=_("Connector (OCPP 1.6) or EVSE number (2.x) at its station."),
    )
    name = models.CharField(_("name"), max_length=120, blank=True, default="")
    location = models.CharField(_("location"), max_length=120, blank=True, default="")
    street = models.CharField(_("street"), max_length=120, blank=True, default="")
    postal_code = models.CharField(_("postal code"), max_length=12, blank=True, default="")
    city = models.CharField(_("city"), max_length=80, blank=True, default="")
    country = models.CharField(_("country"), max_length=3, blank=True, default="")
    latitude = models.DecimalField(
        _("latitude"),
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(-90), MaxValueValidator(90)],
    )
    longitude = models.DecimalField(
        _("longitude"),
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(-180), MaxValueValidator(180)],
    )
    operator = models.CharField(_("operator"), max_length=100, blank=True, default="")
    vendor = models.CharField(_("vendor"), max_length=60, blank=True, default="")
    model = models.CharField(_("model"), max_length=60, blank=True, default="")
    firmware = models.CharField(_("firmware"), max_length=60, blank=True, default="")
    connector_standard = models.CharField(_("connector standard"), max_length=40, blank=True, default="")
    power_type = models.CharField(_("power type"), max_length=20, blank=True, default="")
    max_power_kw = models.DecimalField(
        _("power (kW)"),
        max_digits=7,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    expected_interval_s = models.PositiveIntegerField(
        _("expected interval (s)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("The longest normal gap between two messages; longer is silence. Empty: the installation’s."),
    )
    tags = ArrayField(models.CharField(max_length=40), verbose_name=_("tags"), blank=True, default=list)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    search_text = models.GeneratedField(expression=folded(*SEARCHED), output_field=models.TextField(), db_persist=True)

    lifecycle = Lifecycle(
        kept=While("Operators add and remove it."), personal=(), audited=Audited(exclude=("search_text", "updated_at"))
    )

    class Meta:
        verbose_name = _("charge point")
        verbose_name_plural = _("charge points")
        ordering = ("evse_id",)
        constraints = (
            # OCPI's identifiers ignore case.
            models.UniqueConstraint(Upper("evse_id"), name="chargepoint_evse_unique"),
            models.CheckConstraint(condition=~Q(evse_id=""), name="chargepoint_evse_given"),
        )
        indexes = (
            # Messages name a station and a connector; a sign of life reaches all charge points of a station.
            models.Index(Upper("station"), "connector", name="chargepoint_station", condition=~Q(station="")),
            # EVSE ids with other separators, or none.
            models.Index(
                Func(Upper("evse_id"), Value(EVSE_SEPARATORS), Value(""), function="translate"),
                name="chargepoint_evse_letters",
            ),
            # Magic Search's free text.
            GinIndex(fields=("search_text",), name="chargepoint_search", opclasses=("gin_trgm_ops",)),
            GinIndex(fields=("tags",), name="chargepoint_tags"),
            # Sorting the list.
            models.Index(fields=("evse_id", "id"), name="chargepoint_by_evse"),
            models.Index(fields=("location", "id"), name="chargepoint_by_location"),
            models.Index(fields=("city", "id"), name="chargepoint_by_city"),
            models.Index(fields=("max_power_kw", "id"), name="chargepoint_by_power"),
            # AC or DC, which goes with the power: many pairs of the two exclude each other.
            models.Index(fields=("power_type", "max_power_kw"), name="chargepoint_by_current"),
            # What a search asks for by whole values, because all of them are known.
            models.Index(fields=("operator",), name="chargepoint_by_operator"),
            models.Index(fields=("vendor",), name="chargepoint_by_vendor"),
            models.Index(fields=("model",), name="chargepoint_by_model"),
            models.Index(fields=("firmware",), name="chargepoint_by_firmware"),
        )

    def __str__(self) -> str:
        return self.evse_id

    def clean(self) -> None:
        """Identities are stored as they are compared, whoever edits them."""
        super().clean()
        self.evse_id, self.station = identity(self.evse_id), identity(self.station)
        self.tags = tags_of(self.tags or ())

    @property
    def place(self) -> str:
        """Location and city as one would say them."""
        return ", ".join(part for part in (self.location, self.city) if part)


class ChargePointState(models.Model):
    """What the messages say, in a narrow row of its own, because every message writes it."""

    charge_point = models.OneToOneField(
        ChargePoint, models.CASCADE, primary_key=True, related_name="state", verbose_name=_("charge point")
    )
    last_seen = models.DateTimeField(_("last seen"), null=True)
    # Kept by a trigger, whoever writes `last_seen`: before it nothing is known of the charge point.
    first_seen = models.DateTimeField(_("first seen"), null=True, editable=False)
    # When silence becomes an incident: last_seen + expected interval; null when it has, or was never seen.
    silent_at = models.DateTimeField(_("silent at"), null=True)
    # When the sweep is to look at it, `silent_at` or before. Kept by a trigger, whoever writes `silent_at`: that moves
    # with every message, and this, which an index holds, only when its time has come.
    sweep_at = models.DateTimeField(null=True, editable=False)
    connectivity = models.CharField(
        _("connectivity"), max_length=8, choices=Connectivity.choices, default=Connectivity.NEVER
    )
    # The last reported status in the protocol's own word, e.g. Available, Charging, Faulted.
    status = models.CharField(_("status"), max_length=30, blank=True, default="")
    status_at = models.DateTimeField(_("status since"), null=True)
    # The same where it is unusual, for searches: an index of `status` would be written with most messages.
    outage = models.GeneratedField(
        expression=Case(When(status__in=OUTAGES, then="status"), default=None),
        output_field=models.CharField(max_length=30, null=True),
        db_persist=True,
    )
    ocpp_version = models.CharField(_("protocol"), max_length=12, blank=True, default="")
    # Who fed it last, and who did so before, where that was another.
    source = models.ForeignKey(
        Source, models.DO_NOTHING, null=True, db_constraint=False, related_name="+", verbose_name=_("source")
    )
    other_source = models.ForeignKey(
        Source, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    # When its station's connection closed, unless something was heard since.
    disconnected_at = models.DateTimeField(_("disconnected since"), null=True)
    # By how many seconds the device's clock is wrong (behind is negative); null unless it is.
    clock_error_s = models.IntegerField(_("clock wrong by (s)"), null=True)
    # Whether `last_seen` is by the clock of who passed it on, and not ours.
    is_stamped = models.BooleanField(db_default=False, editable=False)
    # What was learnt of its pace (`rules/pace.py`); null before its first message.
    learnt_interval_s = models.PositiveIntegerField(_("learnt interval (s)"), null=True)
    learnt_silence_s = models.PositiveIntegerField(null=True)
    interval_source = models.CharField(
        _("interval learnt from"), max_length=8, choices=IntervalSource.choices, default=IntervalSource.DEFAULT
    )
    # What its earlier messages mean for the next one (`rules/memory.py`), and how often it speaks (`rules/pace.py`).
    memory = models.TextField(blank=True, default="")
    pace = models.TextField(blank=True, default="")

    lifecycle = Lifecycle(kept=With("charge_point"), personal=(), audited=None)

    class Meta:
        verbose_name = _("charge point state")
        verbose_name_plural = _("charge point states")
        indexes = (
            # The silence sweep: only what is due.
            models.Index(fields=("sweep_at",), name="cpstate_sweep_at", condition=Q(sweep_at__isnull=False)),
            # Filters by what is unusual.
            models.Index(fields=("outage",), name="cpstate_outage", condition=Q(outage__isnull=False)),
            models.Index(
                fields=("charge_point",), name="cpstate_silent", condition=Q(connectivity__in=("silent", "offline"))
            ),
            models.Index(fields=("charge_point",), name="cpstate_clock", condition=Q(clock_error_s__isnull=False)),
        )

    def __str__(self) -> str:
        return str(self.charge_point_id)


class StatusPeriod(models.Model):
    """From when until when a charge point said that it is Faulted or Unavailable; kept by a trigger on its state."""

    charge_point = models.ForeignKey(
        ChargePoint, models.CASCADE, related_name="+", verbose_name=_("charge point"), db_index=False
    )
    status = models.CharField(_("status"), max_length=30)
    began_at = models.DateTimeField(_("begins"))
    ended_at = models.DateTimeField(_("ends"), null=True)

    lifecycle = Lifecycle(
        kept=Kept(
            "RETENTION_INCIDENTS_DAYS",
            by="began_at",
            only="ended_at < %(before)s",
            in_order=False,
            name="charging statusperiod",
        ),
        personal=(),
        audited=None,
    )

    class Meta:
        verbose_name = _("status period")
        verbose_name_plural = _("status periods")
        ordering = ("-id",)
        indexes = (
            # A charge point's history, and its last period.
            models.Index(fields=("charge_point", "-began_at"), name="statusperiod_history"),
        )

    def __str__(self) -> str:
        return f"{self.status} {self.charge_point_id}"


class ChargePointMessage(models.Model):
    """A message as it was on the wire, and what it turned out to be. Append-only; pruned by age."""

    # Null for a message of a whole station (`station` then says which).
    charge_point = models.ForeignKey(
        ChargePoint,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="messages",
    )
    station = models.CharField(max_length=48, blank=True, default="")
    protocol = models.CharField(_("protocol"), max_length=12)
    action = models.CharField(_("action"), max_length=60)
    payload = models.JSONField(_("payload"))
    verdict = models.CharField(_("verdict"), max_length=10, choices=MessageVerdict.choices)
    # What was found in it: [{"rule": id | null, "effect", "case", "said", "charge_points": n}, …]
    findings = models.JSONField(_("findings"), null=True)
    # What its sender was warned of, as sentences.
    warnings = models.JSONField(_("warnings"), null=True)
    occurred_at = models.DateTimeField(_("device time"), null=True)
    received_at = models.DateTimeField(_("received"))

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_MESSAGES_DAYS", by="received_at", name="charging chargepointmessage"),
        personal=masked("payload", "findings", "warnings", what=_("messages of charge points that named it")),
        audited=None,
    )

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ("-id",)
        indexes = (
            # The last messages of a charge point, and of its station.
            models.Index(
                fields=("charge_point", "-id"),
                name="cpmessage_point",
                condition=Q(charge_point__isnull=False),
            ),
            models.Index(fields=("station", "-id"), name="cpmessage_station", condition=Q(charge_point__isnull=True)),
            BrinIndex(fields=("received_at",), name="cpmessage_received"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.received_at:%Y-%m-%d %H:%M:%S}"


class UnknownChargePoint(models.Model):
    """An identity that sends messages but is no charge point here; an administrator can adopt it."""

    evse_id = models.CharField(_("EVSE id"), max_length=48, blank=True, default="")
    station = models.CharField(_("station"), max_length=48, blank=True, default="")
    connector = models.PositiveIntegerField(_("connector"), null=True)
    messages = models.PositiveIntegerField(_("messages"), default=0)
    sample = models.JSONField(_("last message"), default=dict)
    # `messages`: boots, states and faults as they were on the wire, with their receipt ("at"): adoption applies them.
    said = models.JSONField(default=dict)
    vendor = models.CharField(_("vendor"), max_length=60, blank=True, default="")
    model = models.CharField(_("model"), max_length=60, blank=True, default="")
    firmware = models.CharField(_("firmware"), max_length=60, blank=True, default="")
    source = models.ForeignKey(
        Source, models.DO_NOTHING, null=True, db_constraint=False, related_name="+", verbose_name=_("source")
    )
    first_seen = models.DateTimeField(_("first seen"))
    last_seen = models.DateTimeField(_("last seen"))
    # Why its route, which registers stations by itself, could not.
    refusal = models.CharField(_("not registered because"), max_length=300, blank=True, db_default="")

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_MESSAGES_DAYS", by="last_seen", in_order=False, name="charging unknownchargepoint"),
        personal=masked("sample", "said", what=_("messages of charge points that named it")),
        audited=None,
    )

    class Meta:
        verbose_name = _("unknown charge point")
        verbose_name_plural = _("unknown charge points")
        ordering = ("-last_seen",)
        constraints = (
            models.UniqueConstraint(
                Upper("evse_id"), Upper("station"), Coalesce("connector", -1), name="unknownchargepoint_identity"
            ),
        )

    def __str__(self) -> str:
        if self.evse_id:
            return self.evse_id
        return f"{self.station} / {self.connector if self.connector is not None else '–'}"
