"""Stations, docks, vehicles, and the boxes (boitiers) on the vehicles with what they last said."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bikeshare.choices import BikeStatus, BikeType, OpenStatus
from bikeshare.models.base import KEPT_AS_SUBJECT, LIVE, Resource
from bikeshare.models.identity import ByIdentity
from core.lifecycle import Lifecycle, With


def degrees(label: Any, bound: int, **more: Any) -> models.FloatField[Any, Any]:
    return models.FloatField(
        label, null=True, blank=True, validators=[MinValueValidator(-bound), MaxValueValidator(bound)], **more
    )


class Station(Resource):
    """A place where vehicles are picked up and returned; `external_id` is its id in the feed it came from."""

    PREFIX, NAME = "stn_", "station"

    external_id = models.CharField(_("id in the feed"), max_length=100, blank=True, default="")
    # Of which feed it is, none if it was made by hand (`services.gbfs_import.feed_key`).
    feed = models.CharField(max_length=40, blank=True, default="", editable=False)
    # Since when its feed does not hold it any more.
    gone_at = models.DateTimeField(null=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    short_name = models.CharField(_("number"), max_length=40, blank=True, default="")
    latitude = degrees(_("latitude"), 90)
    longitude = degrees(_("longitude"), 180)
    address = models.CharField(_("address"), max_length=200, blank=True, default="")
    post_code = models.CharField(_("postal code"), max_length=12, blank=True, default="")
    city = models.CharField(_("city"), max_length=80, blank=True, default="")
    region = models.CharField(_("region"), max_length=80, blank=True, default="")
    capacity = models.PositiveIntegerField(_("capacity"), null=True, blank=True)
    is_virtual = models.BooleanField(_("virtual"), default=False)
    # GeoJSON MultiPolygon of a virtual station.
    area = models.JSONField(_("area"), null=True, blank=True)
    electrical = models.BooleanField(_("charges vehicles"), default=False)
    score = models.IntegerField(_("score"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=OpenStatus.choices, default=OpenStatus.OPEN)
    # When something last was said of it, and what the feed that it came from says is there. No version, no `updated`.
    reported_at = models.DateTimeField(_("last reported"), null=True, editable=False)
    reported_vehicules = models.PositiveIntegerField(_("vehicles by its feed"), null=True, editable=False)
    # Whether it was told as empty or full; empty when it is neither.
    fill = models.CharField(max_length=5, blank=True, default="", editable=False)
    reported_docks = models.PositiveIntegerField(_("free docks by its feed"), null=True, editable=False)
    reported_renting = models.BooleanField(_("rents by its feed"), null=True, editable=False)
    reported_returning = models.BooleanField(_("takes back by its feed"), null=True, editable=False)

    lifecycle = Lifecycle(kept=KEPT_AS_SUBJECT, personal=(), audited=None)

    class Meta:
        verbose_name = _("station")
        verbose_name_plural = _("stations")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("program", "feed", "external_id"),
                condition=LIVE & ~Q(external_id=""),
                name="station_external_once",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="station_name_given"),
        )
        indexes = (models.Index(fields=("program", "name"), name="station_by_name"),)

    def __str__(self) -> str:
        return self.name


class LockBox(Resource):
    """The box on a vehicle: lock, chain reader, keypad, card reader, positioning. It is addressed by its number."""

    PREFIX, NAME = "boit_", "boitier"
    IDENTITIES = ("number",)

    number = models.CharField(_("serial number"), max_length=40)
    fw = models.CharField(_("firmware"), max_length=40, blank=True, default="")
    imei = models.CharField(max_length=20, blank=True, default="")

    lifecycle = Lifecycle(kept=KEPT_AS_SUBJECT, personal=(), audited=None)

    class Meta:
        db_table = "bikeshare_boitier"
        verbose_name = _("boitier")
        verbose_name_plural = _("boitiers")
        ordering = ("number",)
        constraints = (
            # Messages name it.
            models.UniqueConstraint(ByIdentity("number"), condition=LIVE, name="boitier_number_once"),
            models.CheckConstraint(condition=~Q(number=""), name="boitier_number_given"),
        )

    def __str__(self) -> str:
        return self.number


class LockBoxState(models.Model):
    """What a box last said, in a narrow row of its own, because every message writes it.

    Each value has the device time of the message it came with: an older message changes nothing.
    """

    boitier = models.OneToOneField(LockBox, models.CASCADE, primary_key=True, related_name="state")
    last_seen = models.DateTimeField(_("last seen"), null=True)
    # The latest device time that was believed, when the last message was received, and by how many seconds the clock
    # was wrong then (behind is negative); null unless it was.
    clock_at = models.DateTimeField(null=True)
    clock_received_at = models.DateTimeField(null=True)
    clock_error_s = models.IntegerField(_("clock wrong by (s)"), null=True)
    lock = models.CharField(_("lock"), max_length=40, blank=True, default="")
    lock_at = models.DateTimeField(null=True)
    # The last of locked and unlocked, from which the next is judged: what a lock did not know for a while is no edge.
    lock_known = models.CharField(max_length=20, blank=True, default="")
    chain_type = models.CharField(_("chain"), max_length=40, blank=True, default="")
    chain_type_at = models.DateTimeField(null=True)
    battery = models.FloatField(_("battery (%)"), null=True)
    battery_at = models.DateTimeField(null=True)
    # The vehicle of which it said so: boxes are moved between vehicles.
    battery_on = models.CharField(max_length=32, blank=True, default="")
    battery_vae = models.FloatField(_("assistance battery (%)"), null=True)
    battery_vae_range_m = models.FloatField(_("remaining distance (m)"), null=True)
    battery_vae_at = models.DateTimeField(null=True)
    battery_vae_on = models.CharField(max_length=32, blank=True, default="")
    latitude = models.FloatField(_("latitude"), null=True)
    longitude = models.FloatField(_("longitude"), null=True)
    accuracy = models.FloatField(_("accuracy (m)"), null=True)
    position_at = models.DateTimeField(_("position of"), null=True)
    # Wrong PINs in a row.
    pin_attempts = models.PositiveSmallIntegerField(default=0)
    # The position from which the next one is judged, the trip to which it belongs, and how many positions in a row
    # have been in a forbidden zone since (rules.zones.Watch).
    anchor_trip = models.CharField(max_length=32, blank=True, default="")
    anchor_latitude = models.FloatField(null=True)
    anchor_longitude = models.FloatField(null=True)
    streak = models.PositiveSmallIntegerField(default=0)

    lifecycle = Lifecycle(kept=With("boitier"), personal=(), audited=None)

    class Meta:
        db_table = "bikeshare_boitierstate"
        verbose_name = _("state of a boitier")
        verbose_name_plural = _("states of boitiers")
        indexes = (
            # The list of boxes whose clock is wrong.
            models.Index(fields=("boitier",), name="boitierstate_clock", condition=Q(clock_error_s__isnull=False)),
        )

    def __str__(self) -> str:
        return str(self.boitier_id)


class Bike(Resource):
    PREFIX, NAME = "vhcl_", "vehicule"

    number = models.CharField(_("number"), max_length=40)
    type = models.CharField(_("type"), max_length=12, choices=BikeType.choices, default=BikeType.CLASSIC)
    model = models.CharField(_("model"), max_length=40, blank=True, default="")
    rfid = models.CharField(_("tag"), max_length=40, blank=True, default="")
    status = models.CharField(_("status"), max_length=12, choices=BikeStatus.choices, default=BikeStatus.STOCK)
    status_reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    boitier = models.OneToOneField(LockBox, models.SET_NULL, null=True, blank=True, related_name="vehicule")
    station = models.ForeignKey(Station, models.PROTECT, null=True, blank=True, related_name="vehicules")
    dockless = models.BooleanField(_("needs no dock"), default=False)
    score = models.IntegerField(_("score"), null=True, blank=True)
    # How many trips it has made; the public feed's id of it changes with each.
    trips = models.PositiveIntegerField(_("trips"), default=0)
    # Whether a trip with it is running; the trip's own status says how.
    on_trip = models.BooleanField(_("on a trip"), default=False, editable=False)

    lifecycle = Lifecycle(kept=KEPT_AS_SUBJECT, personal=(), audited=None)

    class Meta:
        db_table = "bikeshare_vehicule"
        verbose_name = _("vehicle")
        verbose_name_plural = _("vehicles")
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=("program", "number"), condition=LIVE, name="vehicule_number_once"),
            models.CheckConstraint(condition=~Q(number=""), name="vehicule_number_given"),
        )
        indexes = (models.Index(fields=("program", "status"), name="vehicule_list"),)
        permissions = (("service_vehicule", _("Can set vehicles to maintenance and back")),)

    def __str__(self) -> str:
        return self.number

    @property
    def state(self) -> LockBoxState | None:
        """What its box last said; None without a box."""
        return getattr(self.boitier, "state", None) if self.boitier_id else None


class BikeState(models.Model):
    """What was told of a vehicle, whatever box is on it: edges belong to the vehicle. No version, no `updated`."""

    vehicule = models.OneToOneField(Bike, models.CASCADE, primary_key=True, related_name="told")
    battery_low = models.BooleanField(_("battery low"), default=False)
    battery_vae_low = models.BooleanField(_("assistance battery low"), default=False)
    # When each was told; null while there is nothing of the kind to tell.
    connection_lost_at = models.DateTimeField(_("connection lost"), null=True)
    unseen_at = models.DateTimeField(_("told as not seen"), null=True)
    unridden_at = models.DateTimeField(_("told as not ridden"), null=True)
    # When its last trip began or ended, where it rests since, and when it last moved from there without a trip.
    ridden_at = models.DateTimeField(_("last ridden"), null=True)
    rest_latitude = models.FloatField(null=True)
    rest_longitude = models.FloatField(null=True)
    moved_at = models.DateTimeField(_("moved without a trip"), null=True)

    lifecycle = Lifecycle(kept=With("vehicule"), personal=(), audited=None)

    class Meta:
        db_table = "bikeshare_vehiculestate"
        verbose_name = _("state of a vehicle")
        verbose_name_plural = _("states of vehicles")
        indexes = (
            # The dashboard and the list: what is low.
            models.Index(
                fields=("vehicule",), name="vehiculestate_low", condition=Q(battery_low=True) | Q(battery_vae_low=True)
            ),
        )

    def __str__(self) -> str:
        return str(self.vehicule_id)


class Dock(Resource):
    """One place of a station, with the tag that a vehicle's box reads, and the vehicle in it."""

    PREFIX, NAME = "dock_", "dock"
    IDENTITIES = ("rfid", "end_code")

    station = models.ForeignKey(Station, models.PROTECT, related_name="docks", verbose_name=_("station"))
    number = models.CharField(_("number"), max_length=20, blank=True, default="")
    rfid = models.CharField(_("tag"), max_length=40, blank=True, default="")
    end_code = models.CharField(_("end code"), max_length=20, blank=True, default="")
    vehicule = models.OneToOneField(
        Bike, models.SET_NULL, null=True, blank=True, related_name="dock", verbose_name=_("vehicle")
    )
    vehicle_types = ArrayField(
        models.CharField(max_length=12, choices=BikeType.choices), verbose_name=_("takes"), default=list, blank=True
    )
    status = models.CharField(_("status"), max_length=10, choices=OpenStatus.choices, default=OpenStatus.OPEN)

    lifecycle = Lifecycle(kept=KEPT_AS_SUBJECT, personal=(), audited=None)

    class Meta:
        verbose_name = _("dock")
        verbose_name_plural = _("docks")
        ordering = ("station", "number", "id")
        constraints = (
            # The box reads it when a vehicle is returned.
            models.UniqueConstraint("program", ByIdentity("rfid"), condition=LIVE & ~Q(rfid=""), name="dock_rfid_once"),
            models.UniqueConstraint(
                "program", ByIdentity("end_code"), condition=LIVE & ~Q(end_code=""), name="dock_end_code_once"
            ),
        )

    def __str__(self) -> str:
        return self.number or str(self.pk)
