"""What charge points, groups and incidents can be searched by; the same for pages, wizard and API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.search import ChoiceFacet, MembershipFacet, NumberFacet, SearchContext, SearchSchema, TextFacet, TimeFacet
from core.search.facets import FlagFacet, TagFacet
from core.search.grammar import Value
from core.search.schema import any_text, folded_text
from infra_notifications.choices import (
    OUTAGES,
    Case,
    CloseReason,
    Connectivity,
    WindowState,
)
from infra_notifications.evse_ids import EvseFacet, or_spelt_otherwise
from infra_notifications.models import ChargePoint, ChargePointState, GroupAddress, GroupMembership, Incident
from outbox.selectors import is_blocked

# The words of OCPP 1.6 and 2.x for a charge point's status, and those that OCPI has beside them; a device may say
# others, which free text finds.
STATUSES = (
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEVSE",
    "SuspendedEV",
    "Finishing",
    "Occupied",
    "Reserved",
    "Unavailable",
    "Faulted",
    "Blocked",
    "Inoperative",
    "Planned",
    "Removed",
    "Unknown",
)
HISTORY_DAYS = 30
KILOWATT = {"kw": Decimal(1), "w": Decimal("0.001"), "mw": Decimal(1000)}


def in_group(name: str | None, point: str = "pk") -> Q:
    """Rows whose charge point, by its field `point`, is in the group of this name (case ignored), or in any."""
    memberships = GroupMembership.objects.filter(charge_point=OuterRef(point))
    return Q(Exists(memberships.filter(group__name__iexact=name) if name is not None else memberships))


def has_open(case: str | None) -> Q:
    """Charge points with an open incident of this case, or of any."""
    return _with_incident(case, closed_at__isnull=True)


def had(case: str | None, context: SearchContext) -> Q:
    """Charge points with an incident of this case, or of any, in the last 30 days."""
    return _with_incident(case, opened_at__gte=context.now - timedelta(days=HISTORY_DAYS))


def _with_incident(case: str | None, **when: Any) -> Q:
    incidents = Incident.objects.filter(charge_point=OuterRef("pk"), **when)
    return Q(Exists(incidents.filter(case=case) if case else incidents))


_BEYOND = {"lt": "gte", "lte": "gt"}
_AWAY = (Connectivity.SILENT, Connectivity.OFFLINE)


@dataclass(frozen=True)
class ConnectivitySince(TimeFacet):
    """Since when a charge point is silent or disconnected, or online again.

    Silent or disconnected: since its last sign of life. Online: since the end of its last silence, which is the end of
    an incident; one that was never silent is online for longer than any age.
    """

    def condition(self, value: Value, context: SearchContext) -> Q:
        bounds = self.bounds(value, context)
        if bounds is None:
            raise self.refuse(str(_("an age such as <1h or >7d, a day, or a range")))
        silences = Incident.objects.filter(case=Case.UNAVAILABLE, close_reason=CloseReason.SEEN)
        begin = {f"closed_at__{name}": moment for name, moment in bounds.items() if name not in _BEYOND}
        # What ended after the end of the range: nothing may have, for the last silence to lie within.
        later = [Q(**{f"closed_at__{_BEYOND[name]}": moment}) for name, moment in bounds.items() if name in _BEYOND]
        if not begin:
            online = Q(state__connectivity=Connectivity.ONLINE)
            for condition in later:
                online &= ~Q(Exists(silences.filter(condition, charge_point=OuterRef("pk"))))
            seen = {f"state__last_seen__{name}": moment for name, moment in bounds.items()}
            return online | Q(state__connectivity__in=_AWAY, **seen)
        # Few, and each found by an index of its own: an OR would ask every charge point.
        seen = {f"last_seen__{name}": moment for name, moment in bounds.items()}
        silent = ChargePointState.objects.filter(connectivity__in=_AWAY, **seen).values("charge_point")
        ended = silences.filter(charge_point__state__connectivity=Connectivity.ONLINE, **begin)
        for condition in later:
            ended = ended.exclude(Exists(silences.filter(condition, charge_point=OuterRef("charge_point"))))
        return Q(pk__in=silent.union(ended.order_by().values("charge_point")))

    def hints(self) -> tuple[tuple[str, str | Promise], ...]:
        return (
            ("<1h", _("for less than an hour")),
            ("<1d", _("for less than a day")),
            (">1d", _("for more than a day")),
            (">7d", _("for more than a week")),
        )


_CASE_LABELS: dict[str, str | Promise] = {case.value.lower(): case.label for case in Case}
_ANY_NONE: dict[str, str | Promise] = {"any": _("any"), "none": _("none")}
_OPEN: dict[str, object] = {case.lower(): has_open(case) for case in Case.values}
_HAD: dict[str, object] = {case.lower(): partial(had, case) for case in Case.values}
_CLOCK: dict[str, object] = {
    "wrong": Q(state__clock_error_s__isnull=False),
    "right": Q(state__clock_error_s__isnull=True),
}
_CURRENT = {"ac": Q(power_type__startswith="AC"), "dc": Q(power_type="DC")}


def _not_had(context: SearchContext) -> Q:
    return ~had(None, context)


def _through(name: str, label: str | Promise, *aliases: str, counted: bool = False) -> TextFacet:
    return TextFacet(name, name, label, aliases, through="search_text", counted=counted)


def _kept(column: str, model: type[Model] = ChargePoint) -> str:
    """A column whose values are kept by triggers (migration 0014)."""
    return f"{model._meta.db_table}.{column}"


def _known(name: str, label: str | Promise, *aliases: str, column: str = "", exact: bool = False) -> TextFacet:
    path = column or name
    return TextFacet(name, path, label, aliases, kept_as=_kept(path), exact=exact, counted=True)


def _group_names() -> QuerySet[GroupMembership, tuple[int, str]]:
    return GroupMembership.objects.values_list("charge_point_id", "group__name")


@dataclass(frozen=True)
class StatusFacet(ChoiceFacet):
    """The status; outages are found by the index of a column of their own."""

    def condition_of(self, target: Any, context: SearchContext) -> Q:
        return Q(state__outage=target) if target in OUTAGES else super().condition_of(target, context)


# Laid out by hand as a table: it is read by its rows.
CHARGE_POINT_SEARCH = SearchSchema(
    or_spelt_otherwise(folded_text("search_text"), "pk"),
    (
        StatusFacet(
            "status", "state__status", _("Status"), choices={s.lower(): s for s in STATUSES},
            labels={s.lower(): s for s in STATUSES},
        ),
        ChoiceFacet(
            "connectivity", "state__connectivity", _("Connectivity"), ("conn",),
            choices={value: value for value in Connectivity.values},
            labels={one.value: one.label for one in Connectivity},
        ),
        ChoiceFacet(
            "clock", "pk", _("Clock"), choices=_CLOCK,
            labels={"wrong": _("wrong"), "right": _("not known to be wrong")},
        ),
        ConnectivitySince("since", "state__last_seen", _("Connectivity since")),
        ChoiceFacet(
            "open", "pk", _("Open incident"), ("case",), _("any and none work too"),
            choices=_OPEN | {"any": has_open(None), "none": ~has_open(None)}, labels=_CASE_LABELS | _ANY_NONE,
        ),
        ChoiceFacet(
            "history", "pk", _("Incident in 30 days"), ("had",), _("open or closed; any and none work too"),
            choices=_HAD | {"any": partial(had, None), "none": _not_had}, labels=_CASE_LABELS | _ANY_NONE,
        ),
        TimeFacet("seen", "state__last_seen", _("Last seen"), ("last_seen",)),
        MembershipFacet("group", "groups", _("Group"), belongs=in_group, pairs=_group_names),
        EvseFacet("evse", "evse_id", _("EVSE id"), ("id",), through="search_text"),
        _through("station", _("Station")),
        _through("name", _("Name")),
        _through("location", _("Location"), "site", counted=True),
        _through("street", _("Street")),
        TextFacet("zip", "postal_code", _("Postal code"), ("postal_code",), through="search_text"),
        _known("city", _("City")),
        _known("country", _("Country"), exact=True),
        _known("operator", _("Operator"), "owner"),
        _known("vendor", _("Vendor"), "manufacturer"),
        _known("model", _("Model")),
        _known("firmware", _("Firmware"), "fw"),
        TextFacet(
            "protocol", "state__ocpp_version", _("OCPP version"), ("ocpp",), counted=True,
            kept_as=_kept("ocpp_version", ChargePointState),
        ),
        _known(
            "plug", _("Connector standard"), "connector_standard", "standard", column="connector_standard"
        ),
        ChoiceFacet(
            "current", "power_type", _("AC or DC"), choices=_CURRENT, labels={"ac": _("AC"), "dc": _("DC")}
        ),
        NumberFacet("power", "max_power_kw", _("Power (kW)"), ("kw",), units=KILOWATT),
        TagFacet("tag", "tags", _("Tag"), ("tags",)),
    ),
)  # fmt: skip


def _has_address(text: str | None) -> Q:
    """Groups with an address that contains this text, or with any."""
    addresses = GroupAddress.objects.filter(group=OuterRef("pk"))
    return Q(Exists(addresses.filter(address__icontains=text) if text is not None else addresses))


def _addresses() -> QuerySet[GroupAddress, tuple[int, str]]:
    return GroupAddress.objects.values_list("group_id", "address")


def _reaches_nobody() -> Q:
    """Groups without an address, or of whose addresses each is blocked."""
    return ~Q(Exists(GroupAddress.objects.filter(~is_blocked(), group=OuterRef("pk"))))


def _has_no_member() -> Q:
    return ~Q(Exists(GroupMembership.objects.filter(group=OuterRef("pk"))))


def _hears_no_case() -> Q:
    return Q(cases=[])


def _notifies_nobody() -> Q:
    return _reaches_nobody() | _has_no_member() | _hears_no_case()


# Why a group notifies nobody.
MISSING: dict[str, Callable[[], Q]] = {
    "address": _reaches_nobody,
    "member": _has_no_member,
    "case": _hears_no_case,
    "any": _notifies_nobody,
}
MISSING_LABELS: dict[str, str | Promise] = {
    "address": _("no address"),
    "member": _("no charge point"),
    "case": _("no case"),
    "any": _("any"),
}

GROUP_SEARCH = SearchSchema(
    any_text("name", "description"),
    (
        TextFacet("name", "name", _("Name")),
        ChoiceFacet(
            "case",
            "pk",
            _("Case"),
            labels=_CASE_LABELS,
            choices={case.lower(): Q(cases__contains=[case]) for case in Case.values},
        ),
        TimeFacet("notified", "last_notified_at", _("Last notification")),
        ChoiceFacet(
            "missing",
            "pk",
            _("Notifies nobody"),
            choices={name: condition() for name, condition in MISSING.items()},
            labels=MISSING_LABELS,
        ),
        MembershipFacet("address", "addresses", _("E-mail address"), belongs=_has_address, pairs=_addresses),
    ),
)


def _at_point(name: str, label: str | Promise) -> TextFacet:
    return TextFacet(name, f"charge_point__{name}", label, kept_as=_kept(name), counted=True)


def _incident_groups() -> QuerySet[Incident, tuple[int, str]]:
    return Incident.objects.values_list("pk", "charge_point__memberships__group__name")


def _at_charge_points(text: str) -> Q:
    return Q(charge_point__search_text__folded_contains=text)


INCIDENT_SEARCH = SearchSchema(
    or_spelt_otherwise(_at_charge_points, "charge_point"),
    (
        ChoiceFacet(
            "case", "case", _("Case"), labels=_CASE_LABELS, choices={case.lower(): case for case in Case.values}
        ),
        FlagFacet("open", "closed_at", _("Open"), when_true=Q(closed_at__isnull=True)),
        FlagFacet("acknowledged", "pk", _("Acknowledged"), ("ack",), when_true=Q(acknowledgement__isnull=False)),
        TimeFacet("opened", "opened_at", _("Opened")),
        TimeFacet("closed", "closed_at", _("Closed")),
        EvseFacet(
            "evse", "charge_point__evse_id", _("EVSE id"), through="charge_point__search_text", point="charge_point"
        ),
        TextFacet(
            "location", "charge_point__location", _("Location"), through="charge_point__search_text", counted=True
        ),
        _at_point("city", _("City")),
        _at_point("operator", _("Operator")),
        TextFacet("said", "said", _("What it said"), through="said_text", is_same=True),
        NumberFacet("repeats", "repeats", _("Repeats")),
        MembershipFacet(
            "group", "charge_point", _("Group"), belongs=partial(in_group, point="charge_point"), pairs=_incident_groups
        ),
    ),
)


def _window_state(state: WindowState) -> Any:
    """A condition that asks for the moment when it is used, not when it was written down."""

    def condition(context: SearchContext) -> Q:
        begun, over = Q(starts_at__lte=context.now), Q(ends_at__lte=context.now)
        return {
            WindowState.PLANNED: ~begun,
            WindowState.RUNNING: begun & ~over,
            WindowState.OVER: over,
        }[state]

    return condition


MAINTENANCE_SEARCH = SearchSchema(
    any_text("reason", "author"),
    (
        ChoiceFacet("state", "pk", _("State"), choices={s.value: _window_state(s) for s in WindowState}),
        TextFacet("reason", "reason", _("Reason")),
        TextFacet("by", "author", _("By")),
        TimeFacet("begins", "starts_at", _("Begins")),
        TimeFacet("ends", "ends_at", _("Ends")),
    ),
)
