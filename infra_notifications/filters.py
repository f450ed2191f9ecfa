"""Filters beside the lists, for those who would rather choose than type."""

from __future__ import annotations

import django_filters
from django.utils.translation import gettext_lazy as _

from console.filters import FacetFilter, FacetFilterSet, NumberRange
from infra_notifications.models import ChargePoint, Incident, NotificationGroup
from infra_notifications.search import CHARGE_POINT_SEARCH, GROUP_SEARCH, INCIDENT_SEARCH


class ChargePointFilters(FacetFilterSet):
    search = CHARGE_POINT_SEARCH
    status = FacetFilter("status")
    connectivity = FacetFilter("connectivity")
    since = FacetFilter("since")
    seen = FacetFilter("seen")
    open_case = FacetFilter("open")
    history = FacetFilter("history")
    group = FacetFilter("group")
    location = FacetFilter("location")
    city = FacetFilter("city")
    country = FacetFilter("country")
    operator = FacetFilter("operator")
    vendor = FacetFilter("vendor")
    model = FacetFilter("model")
    firmware = FacetFilter("firmware")
    protocol = FacetFilter("protocol")
    plug = FacetFilter("plug")
    current = FacetFilter("current")
    power = django_filters.RangeFilter(field_name="max_power_kw", label=_("Power (kW)"), widget=NumberRange)
    tag = FacetFilter("tag")

    class Meta:
        model = ChargePoint
        fields: tuple[str, ...] = ()


class IncidentFilters(FacetFilterSet):
    search = INCIDENT_SEARCH
    opened = 2
    is_open = FacetFilter("open")
    case = FacetFilter("case")
    since = FacetFilter("opened")
    location = FacetFilter("location")
    city = FacetFilter("city")
    operator = FacetFilter("operator")
    group = FacetFilter("group")
    acknowledged = FacetFilter("acknowledged")

    class Meta:
        model = Incident
        fields: tuple[str, ...] = ()


class GroupFilters(FacetFilterSet):
    search = GROUP_SEARCH
    case = FacetFilter("case")
    notified = FacetFilter("notified")

    class Meta:
        model = NotificationGroup
        fields: tuple[str, ...] = ()
