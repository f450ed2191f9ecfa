"""Trips and the requests to terminate them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bikeshare.choices import OPEN_REQUEST, RUNNING, RequestOrigin, RequestStatus, TripStatus
from bikeshare.models.base import LIVE, Resource
from bikeshare.models.cyclists import Cyclist
from bikeshare.models.fleet import Bike, Dock, Station, degrees
from core.lifecycle import Kept, Lifecycle, With, masked, one_of


def _cents(label: Any) -> models.IntegerField[Any, Any]:
    return models.IntegerField(label, null=True, blank=True)


class Trip(Resource):
    """One rental, from renting to completed. Amounts are integer cents and come after the end, with the billing."""

    PREFIX, NAME = "trip_", "trip"

    cyclist = models.ForeignKey(Cyclist, models.PROTECT, related_name="trips", verbose_name=_("cyclist"))
    vehicule = models.ForeignKey(Bike, models.PROTECT, related_name="rides", verbose_name=_("vehicle"))
    vehicule_number = models.CharField(_("vehicle"), max_length=40)
    vehicule_type = models.CharField(_("type"), max_length=12)
    status = models.CharField(_("status"), max_length=22, choices=TripStatus.choices, default=TripStatus.RENTING)
    origin = models.CharField(_("started by"), max_length=20, default="app")
    agent = models.CharField(_("agent"), max_length=40, blank=True, default="")
    forfait = models.CharField(_("tariff"), max_length=80, blank=True, default="")
    organization = models.CharField(_("organization"), max_length=80, blank=True, default="")
    assist = models.BooleanField(_("assistance"), default=False)
    assist_level = models.PositiveSmallIntegerField(_("assistance level"), null=True, blank=True)
    # A keyed hash: the PIN itself is given once, when the trip begins, and is kept nowhere.
    pin_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    start_at = models.DateTimeField(_("started"))
    start_name = models.CharField(_("from"), max_length=120, blank=True, default="")
    start_station = models.ForeignKey(Station, models.PROTECT, null=True, related_name="+")
    start_dock = models.ForeignKey(Dock, models.PROTECT, null=True, related_name="+")
    start_region = models.CharField(_("start region"), max_length=80, blank=True, default="")
    start_dockless_area = models.CharField(_("start area without docks"), max_length=80, blank=True, default="")
    start_caddie = models.CharField(_("trolley at the start"), max_length=40, blank=True, default="")
    start_photo = models.CharField(_("photo at the start"), max_length=500, blank=True, default="")
    start_latitude = degrees(_("start latitude"), 90)
    start_longitude = degrees(_("start longitude"), 180)
    end_at = models.DateTimeField(_("ended"), null=True)
    end_name = models.CharField(pgettext_lazy("place", "to"), max_length=120, blank=True, default="")
    end_station = models.ForeignKey(Station, models.PROTECT, null=True, related_name="+")
    end_dock = models.ForeignKey(Dock, models.PROTECT, null=True, related_name="+")
    end_region = models.CharField(_("end region"), max_length=80, blank=True, default="")
    end_dockless_area = models.CharField(_("end area without docks"), max_length=80, blank=True, default="")
    end_caddie = models.CharField(_("trolley at the end"), max_length=40, blank=True, default="")
    end_latitude = degrees(_("end latitude"), 90)
    end_longitude = degrees(_("end longitude"), 180)
    end_photo = models.CharField(_("photo"), max_length=500, blank=True, default="")
    termination_requested_at = models.DateTimeField(_("termination requested"), null=True)
    paused_at = models.DateTimeField(_("paused"), null=True)
    paused_s = models.PositiveIntegerField(_("paused (s)"), default=0)
    # Riding time without pauses, and from start to end.
    duration = models.PositiveIntegerField(_("duration (s)"), null=True)
    duration_total = models.PositiveIntegerField(_("duration with pauses (s)"), null=True)
    distance = models.PositiveIntegerField(_("distance (m)"), null=True, blank=True)
    billed_at = models.DateTimeField(_("billed"), null=True)
    amount = _cents(_("amount (cents)"))
    amount_cyclist = _cents(_("of it the cyclist (cents)"))
    amount_organization = _cents(_("of it the organization (cents)"))
    amount_discounted = _cents(_("discount (cents)"))
    amount_refunded = _cents(_("refunded (cents)"))
    amount_refundable_max = _cents(_("refundable at most (cents)"))
    # What it would cost if it ended now; the billing system says so while the trip goes on.
    amount_live = _cents(_("running cost (cents)"))
    deposit = _cents(_("deposit (cents)"))
    metrics = models.JSONField(_("metrics"), default=dict, blank=True)

    lifecycle = Lifecycle(
        kept=Kept(
            "RETENTION_HISTORY_DAYS",
            by="created",
            only="end_at < %(before)s AND " + one_of("status", [TripStatus.COMPLETED]),
        ),
        personal=(),
        audited=None,
    )

    class Meta:
        verbose_name = _("trip")
        verbose_name_plural = _("trips")
        ordering = ("-id",)
        constraints = (
            # A vehicle is rented by one cyclist at a time, whatever happens at once.
            models.UniqueConstraint(
                fields=("vehicule",), condition=LIVE & Q(status__in=RUNNING), name="trip_one_per_vehicule"
            ),
            models.CheckConstraint(
                condition=~Q(status=TripStatus.COMPLETED) | Q(end_at__isnull=False), name="trip_completed_has_end"
            ),
            models.CheckConstraint(
                condition=Q(end_at__isnull=True) | Q(end_at__gte=F("start_at")), name="trip_ends_after_start"
            ),
        )
        indexes = (
            # A cyclist's running trips are counted before another begins.
            models.Index(fields=("cyclist", "-id"), name="trip_cyclist"),
            models.Index(fields=("vehicule", "-id"), name="trip_vehicule"),
            models.Index(fields=("program", "status", "-id"), name="trip_list"),
            # The dashboard and the map: what runs now.
            models.Index(fields=("program",), name="trip_running", condition=Q(status__in=RUNNING)),
        )
        permissions = (("close_trip", _("Can close trips and decide termination requests")),)


class TerminationRequest(Resource):
    """A request to end a trip, the only way to end one: by the lock, by the cyclist with a photo, by an operator."""

    PREFIX, NAME = "treq_", "termination_request"

    trip = models.ForeignKey(Trip, models.PROTECT, related_name="requests", verbose_name=_("trip"))
    origin = models.CharField(_("by"), max_length=10, choices=RequestOrigin.choices)
    status = models.CharField(_("status"), max_length=10, choices=RequestStatus.choices)
    # The moment at which the trip ends if it is accepted.
    date = models.DateTimeField(_("date"))
    photo = models.CharField(_("photo"), max_length=500, blank=True, default="")
    latitude = degrees(_("latitude"), 90)
    longitude = degrees(_("longitude"), 180)
    dock = models.ForeignKey(Dock, models.PROTECT, null=True, related_name="+", verbose_name=_("dock"))
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    decided_at = models.DateTimeField(_("decided"), null=True)

    lifecycle = Lifecycle(kept=With("trip"), personal=masked("reason"), audited=None)

    class Meta:
        verbose_name = _("termination request")
        verbose_name_plural = _("termination requests")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("trip",), condition=Q(status__in=OPEN_REQUEST), name="terminationrequest_one_open"
            ),
            models.CheckConstraint(
                condition=~Q(status=RequestStatus.PENDING) | Q(origin=RequestOrigin.CYCLIST),
                name="terminationrequest_pending_is_cyclists",
            ),
            models.CheckConstraint(
                condition=~Q(status=RequestStatus.CREATED) | ~Q(origin=RequestOrigin.CYCLIST),
                name="terminationrequest_created_is_not",
            ),
        )
        indexes = (models.Index(fields=("trip", "id"), name="terminationrequest_trip"),)
