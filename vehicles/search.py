"""What the lists of vehicles can be searched by; the same for pages, audiences and the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from core.people import sees_people, without_hidden_ids
from core.search import ChoiceFacet, NumberFacet, SearchSchema, TextFacet, TimeFacet
from core.search.facets import Facet, FlagFacet, NameFacet, RankedFacet, SearchContext, TagFacet
from core.search.grammar import Comparison, Span, Value, Word
from core.search.schema import any_text
from vehicles.catalogue import TYPES
from vehicles.choices import (
    LIVE,
    SHOWN,
    BrakeState,
    CampaignState,
    Category,
    DriverChannel,
    DriverSeverity,
    NotificationState,
    PairingReason,
    PairingState,
    PlatformName,
    PushState,
    Reason,
    TriggerKind,
    UnmanagedReason,
)
from vehicles.models import ChargingLocation, Driver, DriverNotification, Vehicle
from vehicles.rules.versions import version_key


@dataclass(frozen=True)
class VersionFacet(Facet):
    """A version, compared as numbers: `app:<4.16` finds 4.9."""

    def _numbers(self, text: str) -> list[int]:
        numbers = version_key(text)
        if not numbers:
            raise self.refuse(str(_("a version such as 4.16")))
        return numbers

    def condition(self, value: Value, context: SearchContext) -> Q:
        has_version = ~Q(**{self.path: []})
        match value:
            case Comparison(operator, text):
                lookup = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}[operator]
                return has_version & Q(**{f"{self.path}__{lookup}": self._numbers(text)})
            case Span(low, high):
                bounds = has_version
                if low:
                    bounds &= Q(**{f"{self.path}__gte": self._numbers(low)})
                if high:
                    bounds &= Q(**{f"{self.path}__lte": self._numbers(high)})
                return bounds
            case Word(text):
                if text.lower() in ("none", ""):
                    return ~has_version
                return Q(**{self.path: self._numbers(text)})

    def examples(self) -> list[Any]:
        return [f"{self.name}:<4.16", f"{self.name}:4.9..4.16"]


def _values(choices: Any) -> dict[str, Any]:
    return {value: value for value in choices.values if value}


def _has_vehicle(**filters: Any) -> Q:
    return Q(Exists(Vehicle.objects.filter(driver=OuterRef("pk"), removed=False, **filters)))


def _has_open(**filters: Any) -> Q:
    living = (NotificationState.OPEN, NotificationState.READ)
    return Q(Exists(DriverNotification.objects.filter(driver=OuterRef("pk"), state__in=living, **filters)))


@dataclass(frozen=True)
class OfVehicleFacet(Facet):
    """Drivers by a text of one of their cars."""

    def condition(self, value: Value, context: SearchContext) -> Q:
        if not isinstance(value, Word):
            raise self.refuse(str(_("a text, no comparison or range")))
        if not value.text or (value.text.lower() == "none" and not value.quoted):
            return ~_has_vehicle()
        return _has_vehicle(**{f"{self.path}__fold_contains": value.text})

    def examples(self) -> list[Any]:
        return [f"{self.name}:renault"]


_OPEN: dict[str, Any] = {name.lower(): _has_open(type=name) for name in TYPES}
_HAS_PDL = Q(Exists(ChargingLocation.objects.filter(driver=OuterRef("pk")).exclude(pdl="")))


def _driver_text(text: str) -> Q:
    """The index holds names and addresses beside ids."""
    found = Q(search_text__folded_contains=text)
    return found if sees_people() else without_hidden_ids("external_id", found & Q(external_id__fold_contains=text))


def _vehicle_text(text: str) -> Q:
    return without_hidden_ids("external_id", Q(search_text__folded_contains=text))


def _by_id(text: str) -> Q:
    return without_hidden_ids("external_id", Q(external_id__startswith=text))


DRIVER_SEARCH = SearchSchema(
    _driver_text,
    (
        TextFacet("id", "external_id", _("Id"), through="search_text", identifies=True),
        TextFacet("name", "name", _("Name"), through="search_text", personal=True),
        TextFacet("email", "email", _("E-mail address"), ("mail",), through="search_text", personal=True),
        NameFacet("country", "country", _("Country")),
        NameFacet("language", "language", _("Language"), ("lang",)),
        NameFacet("program", "program", _("Programme"), ("programme",)),
        NameFacet("platform", "app_platform", _("App platform")),
        VersionFacet("app", "app_version_key", _("App version"), ("version",)),
        OfVehicleFacet("brand", "brand", _("Brand of a car"), ("car",)),
        OfVehicleFacet("model", "model", _("Model of a car")),
        ChoiceFacet(
            "pairing",
            "pk",
            _("Pairing of a car"),
            choices={state.value: _has_vehicle(pairing_state=state) for state in PairingState},
        ),
        ChoiceFacet(
            "open",
            "pk",
            _("Open notification"),
            help_text=_("any and none work too"),
            choices=_OPEN | {"any": _has_open(), "none": ~_has_open()},
        ),
        FlagFacet("pdl", "pk", _("Has a PDL"), when_true=_HAS_PDL),
        FlagFacet("consent", "marketing_consent", _("Consents to marketing"), when_true=Q(marketing_consent=True)),
        FlagFacet("push", "push_enabled", _("Push enabled"), when_true=Q(push_enabled=True)),
        FlagFacet("removed", "removed", _("Removed"), when_true=Q(removed=True)),
        TagFacet("unwanted", "unwanted", _("Unwanted category")),
        TimeFacet("since", "created_at", _("First named")),
    ),
)

VEHICLE_SEARCH = SearchSchema(
    _vehicle_text,
    (
        TextFacet("id", "external_id", _("Id"), through="search_text", identifies=True),
        TextFacet("brand", "brand", _("Brand"), through="search_text"),
        TextFacet("model", "model", _("Model"), through="search_text"),
        TextFacet("vin", "vin", _("VIN"), through="search_text"),
        ChoiceFacet("pairing", "pairing_state", _("Pairing"), ("state",), choices=_values(PairingState)),
        ChoiceFacet("reason", "pairing_reason", _("Why"), choices=_values(PairingReason)),
        TagFacet("capability", "capabilities", _("Capability")),
        NameFacet("role", "user_role", _("Role")),
        FlagFacet("privacy", "privacy_mode", _("Privacy mode"), when_true=Q(privacy_mode=True)),
        FlagFacet("position", "geolocation_enabled", _("Geolocation"), when_true=Q(geolocation_enabled=True)),
        FlagFacet("smart", "smart_charging", _("Smart charging"), when_true=Q(smart_charging=True)),
        TimeFacet("contact", "last_contact_at", _("Last contact"), ("seen",)),
        TextFacet("driver", "driver__external_id", _("Driver"), identifies=True),
        FlagFacet("removed", "removed", _("Removed"), when_true=Q(removed=True)),
    ),
)


# Free text on the lists that may hold millions goes through the indexed text of the drivers and vehicles concerned, and
# through the beginnings of ids, so that no list is read from end to end.


def _drivers(text: str) -> QuerySet[Driver]:
    return Driver.objects.filter(_driver_text(text))


def _vehicles(text: str) -> QuerySet[Vehicle]:
    return Vehicle.objects.filter(_vehicle_text(text))


def _account_text(text: str) -> Q:
    of_cars = _vehicles(text).filter(account__isnull=False).values("account")
    return _by_id(text) | Q(driver__in=_drivers(text)) | Q(pk__in=of_cars)


def _session_text(text: str) -> Q:
    return _by_id(text) | Q(vehicle__in=_vehicles(text))


def _contract_text(text: str) -> Q:
    return _by_id(text) | Q(driver__in=_drivers(text))


def _notification_text(text: str) -> Q:
    types = [name for name in TYPES if text.lower() in name.lower()]
    return Q(type__in=types) | Q(driver__in=_drivers(text)) | Q(vehicle__in=_vehicles(text))


ACCOUNT_SEARCH = SearchSchema(
    _account_text,
    (
        TextFacet("brand", "brand", _("Brand")),
        NameFacet("auth", "auth_state", _("Sign-in"), counted=True),
        FlagFacet("linked", "linked", _("Linked"), when_true=Q(linked=True)),
        TextFacet("driver", "driver__external_id", _("Driver"), identifies=True),
    ),
)
SESSION_SEARCH = SearchSchema(
    _session_text,
    (
        FlagFacet("managed", "managed", _("Managed"), when_true=Q(managed=True)),
        FlagFacet("open", "ended_at", _("Running"), when_true=Q(ended_at__isnull=True)),
        ChoiceFacet("reason", "reason", _("Why unmanaged"), choices=_values(UnmanagedReason)),
        TextFacet("vehicle", "vehicle__external_id", _("Vehicle"), identifies=True),
        TextFacet("brand", "vehicle__brand", _("Brand")),
        TimeFacet("started", "started_at", _("Started")),
        TimeFacet("ended", "ended_at", _("Ended")),
        NumberFacet("soc", "soc_last", _("State of charge (%)")),
    ),
)
CONTRACT_SEARCH = SearchSchema(
    _contract_text,
    (
        TextFacet("supplier", "supplier", _("Supplier")),
        NameFacet("state", "state", _("State"), counted=True),
        TextFacet("number", "contract_number", _("Contract number"), personal=True),
        TextFacet("driver", "driver__external_id", _("Driver"), identifies=True),
        TextFacet("location", "location__name", _("Location"), personal=True),
    ),
)
_STATES: dict[str, Any] = {"live": Q(state__in=LIVE), "shown": Q(state__in=SHOWN)}
NOTIFICATION_SEARCH = SearchSchema(
    _notification_text,
    (
        ChoiceFacet("state", "state", _("State"), choices=_values(NotificationState) | _STATES),
        ChoiceFacet("type", "type", _("Type"), choices={name.lower(): name for name in TYPES}),
        ChoiceFacet("reason", "reason", _("Reason"), choices=_values(Reason)),
        RankedFacet("severity", "severity", _("Severity"), choices=_values(DriverSeverity)),
        ChoiceFacet("category", "category", _("Category"), choices=_values(Category)),
        TagFacet("channel", "ways", _("Channel"), ("way", "channels")),
        ChoiceFacet("push", "push_state", _("Push"), choices=_values(PushState)),
        NameFacet("program", "driver__program", _("Programme"), ("programme",)),
        TextFacet("driver", "driver__external_id", _("Driver"), identifies=True),
        TextFacet("vehicle", "vehicle__external_id", _("Vehicle"), identifies=True),
        TextFacet("brand", "vehicle__brand", _("Brand")),
        TextFacet("model", "vehicle__model", _("Model")),
        TextFacet("about", "subject", _("About"), ("subject",), identifies=True),
        NameFacet("language", "language", _("Language")),
        TimeFacet("created", "created_at", _("Created")),
        TimeFacet("told", "told_at", _("Told")),
        TimeFacet("ended", "ended_at", _("Ended")),
        NumberFacet("repeats", "repeats", _("Repeats")),
    ),
)
CAMPAIGN_SEARCH = SearchSchema(
    any_text("name", "type", personal=("audience",)),
    (
        ChoiceFacet("state", "state", _("State"), choices=_values(CampaignState)),
        NameFacet("type", "type", _("Notification"), counted=True),
        TimeFacet("begins", "begins_at", _("Begins")),
        TimeFacet("ends", "ends_at", _("Ends")),
    ),
)


def _types(attribute: str, choices: type[TextChoices]) -> dict[str, Any]:
    """For each choice, the settings of the types of the catalogue that have it."""
    return {
        choice.value: Q(type__in=[name for name, entry in TYPES.items() if getattr(entry, attribute) == choice])
        for choice in choices
    }


def _types_by_channel(channel: DriverChannel) -> Q:
    """Types that use a channel: by an operator's setting, or else by the catalogue's."""
    return Q(ways__contains=[channel.value]) | Q(
        ways__isnull=True, type__in=[name for name, entry in TYPES.items() if channel in entry.ways]
    )


def _type_text(text: str) -> Q:
    """Types whose name, description, trigger or clear contains a text, case ignored."""
    lowered = text.lower()
    texts = {name: (name, entry.description, entry.trigger, entry.clear) for name, entry in TYPES.items()}
    return Q(type__in=[name for name, parts in texts.items() if any(lowered in str(part).lower() for part in parts)])


_TYPES_BY_CHANNEL: dict[str, Any] = {channel.value: _types_by_channel(channel) for channel in DriverChannel}
TYPE_SEARCH = SearchSchema(
    _type_text,
    (
        NameFacet("type", "type", _("Name"), ("name",)),
        ChoiceFacet(
            "channel",
            "ways",
            _("Channel"),
            ("way",),
            choices={channel.value: _types_by_channel(channel) for channel in DriverChannel},
        ),
        ChoiceFacet("category", "type", _("Category"), choices=_types("category", Category)),
        RankedFacet("severity", "type", _("Severity"), choices=_types("severity", DriverSeverity)),
        ChoiceFacet("kind", "type", _("Kind"), choices=_types("kind", TriggerKind)),
        FlagFacet("on", "enabled", _("On"), when_true=Q(enabled=True)),
    ),
)

LOOK_SEARCH = SearchSchema(
    any_text("program", "logo", personal=("sender", "reply_to")),
    (
        NameFacet("program", "program", _("Programme"), ("programme",), counted=True),
        TextFacet("logo", "logo", _("Logo")),
    ),
)
LANGUAGE_SEARCH = SearchSchema(
    any_text("code"),
    (
        NameFacet("language", "code", _("Language"), ("code",), counted=True),
        NameFacet("fallback", "fallback", _("Otherwise"), counted=True),
    ),
)

SOURCE_SEARCH = SearchSchema(
    any_text("slug", "platform"),
    (
        TextFacet("slug", "slug", _("URL name")),
        ChoiceFacet("platform", "platform", _("Platform"), choices=_values(PlatformName)),
        FlagFacet("on", "enabled", _("On"), when_true=Q(enabled=True)),
        TimeFacet("received", "last_received_at", _("Last received")),
        NumberFacet("refused", "refused", _("Refused")),
    ),
)
PLATFORM_MESSAGE_SEARCH = SearchSchema(
    any_text("source__slug"),
    (
        TextFacet("source", "source__slug", _("Source")),
        TimeFacet("received", "received_at", _("Received")),
        FlagFacet("read", "applied_at", _("Read"), when_true=Q(applied_at__isnull=False)),
        FlagFacet("understood", "notes", _("Understood"), when_true=Q(notes=[])),
        NumberFacet("facts", "facts", _("Facts")),
    ),
)
BRAKE_SEARCH = SearchSchema(
    any_text("brake_key"),
    (
        ChoiceFacet("state", "state", _("State"), choices=_values(BrakeState)),
        TextFacet("brand", "brake_key", _("Brand")),
        TimeFacet("began", "began_at", _("Began")),
    ),
)
