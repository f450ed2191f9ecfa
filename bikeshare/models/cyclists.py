"""Cyclists, their registrations in programs, passes, abonnements and favourite stations."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bikeshare.choices import CyclistStatus, RegistrationStatus, SubscriptionStatus
from bikeshare.models.base import KEPT_AS_SUBJECT, LIVE, Resource
from bikeshare.models.fleet import Station
from bikeshare.models.identity import ByIdentity
from core.lifecycle import Lifecycle, With, masked, of_person
from core.people import shown, shows_people


class Cyclist(Resource):
    """A person who rides. Name, address and number are personal data: events hold none of it."""

    PREFIX, NAME = "cycl_", "cyclist"
    PERSONAL = ("name", "email", "phone_number", "kyc_documents")

    name = models.CharField(_("name"), max_length=120, blank=True, default="")
    email = models.CharField(_("e-mail"), max_length=320, blank=True, default="")
    phone_number = models.CharField(_("phone"), max_length=32, blank=True, default="")
    kyc_documents = ArrayField(
        models.CharField(max_length=120), verbose_name=_("identity documents"), default=list, blank=True
    )
    role = models.CharField(_("role"), max_length=30, default="cyclist")
    status = models.CharField(
        _("status"), max_length=20, choices=CyclistStatus.choices, default=CyclistStatus.UNCONFIRMED
    )
    status_updated_at = models.DateTimeField(_("status since"), null=True)
    status_updated_reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    blocked_reasons = ArrayField(
        models.CharField(max_length=80), verbose_name=_("blocked because"), default=list, blank=True
    )
    has_payment_source = models.BooleanField(_("has a credit card"), default=False)
    # When this number was confirmed; null for one that is new.
    phone_confirmed_at = models.DateTimeField(_("phone confirmed"), null=True, editable=False)

    lifecycle = Lifecycle(
        kept=KEPT_AS_SUBJECT,
        personal=of_person("name", "email", "phone_number", "kyc_documents", "status_updated_reason"),
        audited=None,
        erased_by="bikeshare.services.erasing.erase_cyclists",
    )

    class Meta:
        verbose_name = _("cyclist")
        verbose_name_plural = _("cyclists")
        ordering = ("-id",)
        indexes = (
            # The list by program and state.
            models.Index(fields=("program", "status", "-id"), name="cyclist_list"),
        )
        permissions = (("block_cyclist", _("Can block and unblock cyclists")),)

    def __str__(self) -> str:
        return (self.name if shows_people() else "") or self.pk


class Registration(Resource):
    """A cyclist in a program. It is made without an event: the source makes it when it is first looked for."""

    PREFIX, NAME = "regi_", "registration"

    cyclist = models.ForeignKey(Cyclist, models.PROTECT, related_name="registrations", verbose_name=_("cyclist"))
    status = models.CharField(
        _("status"), max_length=12, choices=RegistrationStatus.choices, default=RegistrationStatus.ACTIVE
    )
    terms_accepted_at = models.DateTimeField(_("terms accepted"), null=True)
    first_trip_at = models.DateTimeField(_("first trip"), null=True)
    last_trip_at = models.DateTimeField(_("last trip"), null=True)
    memberships = ArrayField(models.CharField(max_length=80), verbose_name=_("memberships"), default=list, blank=True)

    lifecycle = Lifecycle(kept=KEPT_AS_SUBJECT, personal=(), audited=None)

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("cyclist", "program"), condition=LIVE, name="registration_once"),
        )


class Pass(Resource):
    """An NFC card. One per cyclist and program at a time."""

    PREFIX, NAME = "pass_", "pass"
    IDENTITIES = ("uid",)

    uid = models.CharField(_("card number"), max_length=40)
    model = models.CharField(_("model"), max_length=40, blank=True, default="")
    type = models.CharField(_("type"), max_length=30, default="cyclist")
    user = models.ForeignKey(Cyclist, models.PROTECT, null=True, related_name="passes", verbose_name=_("cyclist"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True)
    disabled_at = models.DateTimeField(_("disabled"), null=True)

    lifecycle = Lifecycle(kept=KEPT_AS_SUBJECT, personal=masked("uid"), audited=None)

    class Meta:
        verbose_name = _("pass")
        verbose_name_plural = _("passes")
        ordering = ("-id",)
        constraints = (
            # A swipe names the card.
            models.UniqueConstraint("program", ByIdentity("uid"), condition=LIVE, name="pass_uid_once"),
            models.UniqueConstraint(
                fields=("program", "user"),
                condition=LIVE & Q(user__isnull=False, disabled_at__isnull=True),
                name="pass_one_per_cyclist",
            ),
        )

    def __str__(self) -> str:
        return str(shown(self.uid))


class Subscription(Resource):
    """A cyclist's subscription to a tariff (forfait) of a program."""

    PREFIX, NAME = "abon_", "abonnement"

    cyclist = models.ForeignKey(Cyclist, models.PROTECT, related_name="abonnements", verbose_name=_("cyclist"))
    forfait = models.CharField(_("tariff"), max_length=80)
    organization = models.CharField(_("organization"), max_length=80, blank=True, default="")
    amount = models.PositiveIntegerField(_("amount (cents)"), default=0)
    status = models.CharField(
        _("status"), max_length=20, choices=SubscriptionStatus.choices, default=SubscriptionStatus.INCOMPLETE
    )
    rent_while_waiting = models.BooleanField(_("may rent while waiting"), default=False)
    supporting_documents = ArrayField(
        models.CharField(max_length=120), verbose_name=_("documents"), default=list, blank=True
    )
    subscription_id = models.CharField(max_length=80, blank=True, default="")
    customer_id = models.CharField(max_length=80, blank=True, default="")
    activated_at = models.DateTimeField(_("activated"), null=True)
    cancel_at = models.DateTimeField(_("ends"), null=True)
    canceled_at = models.DateTimeField(_("canceled"), null=True)
    declined_reason = models.CharField(_("declined because"), max_length=200, blank=True, default="")
    trial_end = models.DateTimeField(_("trial ends"), null=True)
    # When its end is to be told, 72 hours before; null when there is nothing to tell (any more).
    trial_notice_at = models.DateTimeField(null=True, editable=False)

    lifecycle = Lifecycle(
        kept=KEPT_AS_SUBJECT, personal=of_person("supporting_documents", "declined_reason"), audited=None
    )

    class Meta:
        db_table = "bikeshare_abonnement"
        verbose_name = _("abonnement")
        verbose_name_plural = _("abonnements")
        ordering = ("-id",)
        indexes = (
            # What allows a cyclist to rent.
            models.Index(fields=("cyclist", "program", "status"), name="abonnement_cyclist"),
            models.Index(fields=("program", "status", "-id"), name="abonnement_list"),
            # The sweep: trial ends that are to be told now.
            models.Index(
                fields=("trial_notice_at",), name="abonnement_trial", condition=Q(trial_notice_at__isnull=False)
            ),
        )
        permissions = (("validate_abonnement", _("Can validate and decline abonnements")),)

    def __str__(self) -> str:
        return self.forfait

    @property
    def can_rent(self) -> bool:
        waiting = self.rent_while_waiting and self.status == SubscriptionStatus.WAITING_VALIDATION
        return self.status == SubscriptionStatus.ACTIVE or waiting


class StationFavorite(models.Model):
    """A station on a cyclist's list of favourites."""

    cyclist = models.ForeignKey(Cyclist, models.CASCADE, related_name="favorites", verbose_name=_("cyclist"))
    station = models.ForeignKey(Station, models.CASCADE, related_name="favorites", verbose_name=_("station"))
    created = models.DateTimeField(_("created"))

    lifecycle = Lifecycle(kept=With("cyclist"), personal=(), audited=None)

    class Meta:
        verbose_name = _("favourite station")
        verbose_name_plural = _("favourite stations")
        constraints = (models.UniqueConstraint(fields=("cyclist", "station"), name="stationfavorite_once"),)

    def __str__(self) -> str:
        return f"{self.cyclist_id} {self.station_id}"
