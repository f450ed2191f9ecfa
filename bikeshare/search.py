"""What each resource can be searched by; the same for pages, map and API."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bikeshare.choices import (
    RUNNING,
    BikeStatus,
    BikeType,
    CyclistStatus,
    OpenStatus,
    RegistrationStatus,
    RequestStatus,
    SubscriptionStatus,
    TripStatus,
    ZoneType,
)
from core.identities import identity, phone_identity
from core.people import sees_people
from core.search import ChoiceFacet, Facet, NumberFacet, SearchContext, SearchSchema, TextFacet, TimeFacet
from core.search.facets import FlagFacet, NameFacet
from core.search.grammar import Value, Word
from core.search.schema import any_text

_PERCENT = {"%": Decimal(1)}


def _choice(name: str, label: Any, values: list[str]) -> ChoiceFacet:
    return ChoiceFacet(name, name, label, choices={value: value for value in values})


def _clock(path: str) -> ChoiceFacet:
    """By whether the clock of a box, whose state is reached by this path, is known to be wrong."""
    is_right = Q(**{f"{path}clock_error_s__isnull": True})
    return ChoiceFacet(
        "clock",
        "pk",
        _("Clock"),
        choices={"wrong": ~is_right, "right": is_right},
        labels={"wrong": _("wrong"), "right": _("not known to be wrong")},
    )


def _flag(name: str, label: Any, condition: Q) -> FlagFacet:
    return FlagFacet(name, name, label, when_true=condition)


# Every resource belongs to a program, and so to its city.
_COMMON: tuple[Facet, ...] = (
    NameFacet("program", "program__id", _("Program")),
    TextFacet("city", "program__city", _("City")),
    TextFacet("id", "id", _("Id"), exact=True),
    TimeFacet("created", "created", _("Created")),
)


@dataclass(frozen=True)
class IdentityFacet(TextFacet):
    """What names a thing: found in any spelling of it, or of a part of it (`core.identities`)."""

    phone: bool = False

    def same(self, text: str) -> Q:
        name, key = ("phone", phone_identity(text)) if self.phone else ("identity", identity(text))
        return Q(**{f"{self.path}__{name}__contains": key})

    def condition(self, value: Value, context: SearchContext) -> Q:
        found = super().condition(value, context)
        return found | self.same(value.text) if isinstance(value, Word) and value.text else found


def _schema(texts: tuple[str, ...], *facets: Facet, personal: tuple[str, ...] = ()) -> SearchSchema:
    written = any_text("id", *texts, personal=personal)
    identities = [facet for facet in facets if isinstance(facet, IdentityFacet)]

    def free_text(text: str) -> Q:
        named = (facet.same(text) for facet in identities if sees_people() or not facet.personal)
        return reduce(or_, named, written(text))

    return SearchSchema(free_text, (*facets, *_COMMON))


SEARCHES: dict[str, SearchSchema] = {
    "cyclists": _schema(
        (),
        _choice("status", _("Status"), CyclistStatus.values),
        TextFacet("name", "name", _("Name"), personal=True),
        TextFacet("email", "email", _("E-mail"), personal=True),
        IdentityFacet("phone", "phone_number", _("Phone"), personal=True, phone=True),
        _flag("card", _("Has a credit card"), Q(has_payment_source=True)),
        personal=("name", "email", "phone_number"),
    ),
    "registrations": _schema(
        (),
        _choice("status", _("Status"), RegistrationStatus.values),
        TextFacet("cyclist", "cyclist__name", _("Cyclist"), personal=True),
        TimeFacet("last_trip", "last_trip_at", _("Last trip")),
        personal=("cyclist__name",),
    ),
    "passes": _schema(
        (),
        IdentityFacet("uid", "uid", _("Card number"), personal=True),
        TextFacet("cyclist", "user__name", _("Cyclist"), ("user",), personal=True),
        NameFacet("type", "type", _("Type")),
        _flag("disabled", _("Disabled"), Q(disabled_at__isnull=False)),
        _flag("given", _("Belongs to a cyclist"), Q(user__isnull=False)),
        personal=("uid", "user__name"),
    ),
    "abonnements": _schema(
        ("forfait", "organization"),
        _choice("status", _("Status"), SubscriptionStatus.values),
        TextFacet("forfait", "forfait", _("Tariff"), ("tariff",)),
        TextFacet("organization", "organization", _("Organization")),
        TextFacet("cyclist", "cyclist__name", _("Cyclist"), personal=True),
        NumberFacet("amount", "amount", _("Amount (cents)")),
        TimeFacet("trial", "trial_end", _("Trial ends")),
        TimeFacet("activated", "activated_at", _("Activated")),
        personal=("cyclist__name",),
    ),
    "stations": _schema(
        ("name", "short_name", "address", "city", "external_id"),
        _choice("status", _("Status"), OpenStatus.values),
        TextFacet("name", "name", _("Name")),
        TextFacet("address", "address", _("Address")),
        TextFacet("region", "region", _("Region")),
        TextFacet("zip", "post_code", _("Postal code")),
        NumberFacet("capacity", "capacity", _("Capacity")),
        _flag("virtual", _("Virtual"), Q(is_virtual=True)),
        _flag("electrical", _("Charges vehicles"), Q(electrical=True)),
    ),
    "docks": _schema(
        ("number", "rfid", "station__name", "vehicule__number"),
        _choice("status", _("Status"), OpenStatus.values),
        TextFacet("station", "station__name", _("Station")),
        TextFacet("vehicule", "vehicule__number", _("Vehicle")),
        IdentityFacet("rfid", "rfid", _("RFID tag")),
        _flag("free", _("Free"), Q(vehicule__isnull=True)),
    ),
    "boitiers": _schema(
        ("number", "fw", "imei", "vehicule__number"),
        IdentityFacet("number", "number", _("Serial number")),
        TextFacet("fw", "fw", _("Firmware")),
        TextFacet("vehicule", "vehicule__number", _("Vehicle")),
        NameFacet("lock", "state__lock", _("Lock")),
        NameFacet("chain", "state__chain_type", _("Chain")),
        NumberFacet("battery", "state__battery", _("Battery (%)"), units=_PERCENT),
        TimeFacet("seen", "state__last_seen", _("Last seen")),
        _clock("state__"),
        _flag("low", _("Battery low"), Q(vehicule__told__battery_low=True) | Q(vehicule__told__battery_vae_low=True)),
    ),
    "vehicules": _schema(
        ("number", "model", "rfid", "boitier__number", "station__name"),
        _choice("status", _("Status"), BikeStatus.values),
        _choice("type", _("Type"), BikeType.values),
        TextFacet("number", "number", _("Number")),
        TextFacet("model", "model", _("Model")),
        IdentityFacet("boitier", "boitier__number", _("Boitier")),
        IdentityFacet("rfid", "rfid", _("RFID tag")),
        TextFacet("station", "station__name", _("Station")),
        NameFacet("lock", "boitier__state__lock", _("Lock")),
        NumberFacet("battery", "boitier__state__battery", _("Battery (%)"), units=_PERCENT),
        NumberFacet("battery_vae", "boitier__state__battery_vae", _("Assistance battery (%)"), units=_PERCENT),
        TimeFacet("seen", "boitier__state__last_seen", _("Last seen")),
        _clock("boitier__state__"),
        _flag("riding", _("On a trip"), Q(on_trip=True)),
        _flag("low", _("Battery low"), Q(told__battery_low=True) | Q(told__battery_vae_low=True)),
    ),
    "trips": _schema(
        ("vehicule_number", "start_name", "end_name"),
        ChoiceFacet(
            "status",
            "status",
            _("Status"),
            choices={value: value for value in TripStatus.values} | {"running": Q(status__in=RUNNING)},
        ),
        TextFacet("vehicule", "vehicule_number", _("Vehicle")),
        TextFacet("cyclist", "cyclist__name", _("Cyclist"), personal=True),
        TextFacet("forfait", "forfait", _("Tariff"), ("tariff",)),
        TextFacet("from", "start_name", _("From")),
        TextFacet("to", "end_name", pgettext_lazy("place", "To")),
        TimeFacet("started", "start_at", _("Started")),
        TimeFacet("ended", "end_at", _("Ended")),
        NumberFacet("amount", "amount", _("Amount (cents)")),
        NumberFacet("duration", "duration", _("Duration (s)")),
        ChoiceFacet(
            "request",
            "requests__status",
            _("Termination request"),
            choices={value: Q(requests__status=value) for value in RequestStatus.values},
        ),
        personal=("cyclist__name",),
    ),
    "zones": _schema(
        ("name", "external_id"),
        _choice("type", _("Type"), ZoneType.values),
        _choice("status", _("Status"), OpenStatus.values),
        TextFacet("name", "name", _("Name")),
        NumberFacet("precedence", "precedence", _("Precedence")),
        TimeFacet("start", "start", _("From")),
        TimeFacet("end", "end", _("Until")),
    ),
}
PROGRAM_SEARCH = SearchSchema(
    any_text("id", "name", "city"),
    (
        TextFacet("id", "id", _("Key"), exact=True),
        TextFacet("name", "name", _("Name")),
        TextFacet("city", "city", _("City")),
        _choice("status", _("Status"), ["open", "blocked"]),
    ),
)
