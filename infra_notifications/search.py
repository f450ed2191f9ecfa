"""What charge points, groups and incidents can be searched by; the same for pages, wizard and API."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Exists, OuterRef, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from console.search import ChoiceFacet, MembershipFacet, NumberFacet, SearchSchema, TextFacet, TimeFacet
from console.search.facets import FlagFacet, TagFacet
from console.search.schema import any_text, folded_text
from infra_notifications.choices import Case, Connectivity
from infra_notifications.models import GroupAddress, GroupMembership, Incident

# The words of OCPP 1.6 and 2.x for a charge point's status; a device may say others, which free text finds.
STATUSES = (
    "Available", "Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing", "Occupied", "Reserved",
    "Unavailable", "Faulted",
)  # fmt: skip
KILOWATT = {"kw": Decimal(1), "w": Decimal("0.001"), "mw": Decimal(1000)}


def in_group(name: str | None) -> Q:
    """Charge points in the group of this name (case ignored), or in any."""
    memberships = GroupMembership.objects.filter(charge_point=OuterRef("pk"))
    return Q(Exists(memberships.filter(group__name__iexact=name) if name is not None else memberships))


def has_open(case: str | None) -> Q:
    """Charge points with an open incident of this case, or of any."""
    incidents = Incident.objects.filter(charge_point=OuterRef("pk"), closed_at__isnull=True)
    return Q(Exists(incidents.filter(case=case) if case else incidents))


_CASES: dict[str, object] = {case.lower(): has_open(case) for case in Case.values}
_CURRENT = {"dc": Q(power_type="DC"), "ac": Q(power_type__startswith="AC")}


def _through(name: str, label: str | Promise, *aliases: str) -> TextFacet:
    return TextFacet(name, name, label, aliases, through="search_text")


CHARGE_POINT_SEARCH = SearchSchema(
    folded_text("search_text"),
    (
        ChoiceFacet("status", "state__status", _("Status"), choices={s.lower(): s for s in STATUSES}),
        ChoiceFacet(
            "connectivity", "state__connectivity", _("Connectivity"), ("conn",),
            choices={value: value for value in Connectivity.values},
        ),
        ChoiceFacet(
            "open", "pk", _("Open incident"), ("case",), _("any and none work too"),
            choices=_CASES | {"any": has_open(None), "none": ~has_open(None)},
        ),
        TimeFacet("seen", "state__last_seen", _("Last seen"), ("last_seen",)),
        MembershipFacet("group", "groups", _("Group"), belongs=in_group),
        TextFacet("evse", "evse_id", _("EVSE id"), ("id",), through="search_text"),
        _through("station", _("Station")),
        _through("name", _("Name")),
        _through("location", _("Location"), "site"),
        _through("street", _("Street")),
        TextFacet("zip", "postal_code", _("Postal code"), ("postal_code",), through="search_text"),
        _through("city", _("City")),
        TextFacet("country", "country", _("Country"), exact=True),
        _through("operator", _("Operator"), "owner"),
        _through("vendor", _("Vendor"), "manufacturer"),
        _through("model", _("Model")),
        TextFacet("firmware", "firmware", _("Firmware"), ("fw",)),
        TextFacet("protocol", "state__ocpp_version", _("OCPP version"), ("ocpp",)),
        TextFacet("plug", "connector_standard", _("Connector standard"), ("connector_standard", "standard")),
        ChoiceFacet("current", "power_type", _("AC or DC"), choices=_CURRENT),
        NumberFacet("power", "max_power_kw", _("Power"), ("kw",), units=KILOWATT),
        TagFacet("tag", "tags", _("Tag"), ("tags",)),
    ),
)  # fmt: skip


def _has_address(text: str | None) -> Q:
    """Groups with an address that contains this text, or with any."""
    addresses = GroupAddress.objects.filter(group=OuterRef("pk"))
    return Q(Exists(addresses.filter(address__icontains=text) if text is not None else addresses))


GROUP_SEARCH = SearchSchema(
    any_text("name", "description"),
    (
        TextFacet("name", "name", _("Name")),
        ChoiceFacet("case", "pk", _("Case"), choices={case.lower(): Q(cases__contains=[case]) for case in Case.values}),
        TimeFacet("notified", "last_notified_at", _("Last notification")),
        MembershipFacet("address", "addresses", _("E-mail address"), belongs=_has_address),
    ),
)


def _incident_in_group(name: str | None) -> Q:
    memberships = GroupMembership.objects.filter(charge_point=OuterRef("charge_point"))
    return Q(Exists(memberships.filter(group__name__iexact=name) if name is not None else memberships))


def _at_charge_points(text: str) -> Q:
    return Q(charge_point__search_text__folded_contains=text)


INCIDENT_SEARCH = SearchSchema(
    _at_charge_points,
    (
        ChoiceFacet("case", "case", _("Case"), choices={case.lower(): case for case in Case.values}),
        FlagFacet("open", "closed_at", _("Open"), when_true=Q(closed_at__isnull=True)),
        TimeFacet("opened", "opened_at", _("Opened")),
        TimeFacet("closed", "closed_at", _("Closed")),
        TextFacet("evse", "charge_point__evse_id", _("EVSE id"), through="charge_point__search_text"),
        TextFacet("location", "charge_point__location", _("Location"), through="charge_point__search_text"),
        TextFacet("city", "charge_point__city", _("City"), through="charge_point__search_text"),
        TextFacet("operator", "charge_point__operator", _("Operator"), through="charge_point__search_text"),
        TextFacet("said", "said", _("What it said")),
        NumberFacet("repeats", "repeats", _("Repeats")),
        MembershipFacet("group", "charge_point", _("Group"), belongs=_incident_in_group),
    ),
)
