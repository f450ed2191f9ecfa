"""Filters beside the lists, for those who would rather choose than type."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from infra_notifications.choices import Case, Connectivity
from infra_notifications.models import ChargePoint, Incident, NotificationGroup
from infra_notifications.search import STATUSES, has_open, in_group

Points = QuerySet[ChargePoint]


class ChargePointFilters(django_filters.FilterSet):
    status = django_filters.MultipleChoiceFilter(
        field_name="state__status", choices=[(s, s) for s in STATUSES], label=_("Status")
    )
    connectivity = django_filters.MultipleChoiceFilter(
        field_name="state__connectivity", choices=Connectivity.choices, label=_("Connectivity")
    )
    open_case = django_filters.ChoiceFilter(
        choices=[("any", _("any")), *Case.choices], label=_("Open incident"), method="filter_open"
    )
    location = django_filters.CharFilter(lookup_expr="fold_contains", label=_("Location"))
    city = django_filters.CharFilter(lookup_expr="fold_contains", label=_("City"))
    vendor = django_filters.CharFilter(lookup_expr="fold_contains", label=_("Vendor"))
    current = django_filters.ChoiceFilter(
        choices=[("AC", _("AC")), ("DC", _("DC"))],
        field_name="power_type",
        lookup_expr="startswith",
        label=_("AC or DC"),
    )
    power = django_filters.RangeFilter(field_name="max_power_kw", label=_("Power (kW)"))
    group = django_filters.ChoiceFilter(
        choices=[("none", _("in none")), ("any", _("in any"))], label=_("Group"), method="filter_group"
    )

    class Meta:
        model = ChargePoint
        fields = (
            "status",
            "connectivity",
            "open_case",
            "location",
            "city",
            "vendor",
            "current",
            "power",
            "group",
        )

    def filter_open(self, rows: Points, name: str, value: str) -> Points:
        return rows.filter(has_open(None if value == "any" else value))

    def filter_group(self, rows: Points, name: str, value: str) -> Points:
        return rows.filter(in_group(None) if value == "any" else ~in_group(None))


class IncidentFilters(django_filters.FilterSet):
    case = django_filters.MultipleChoiceFilter(choices=Case.choices, label=_("Case"))
    is_open = django_filters.ChoiceFilter(
        choices=[("yes", _("open")), ("no", _("closed"))], label=_("State"), method="filter_open"
    )

    class Meta:
        model = Incident
        fields = ("case", "is_open")

    def filter_open(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(closed_at__isnull=value == "yes")


class GroupFilters(django_filters.FilterSet):
    case = django_filters.ChoiceFilter(choices=Case.choices, label=_("Case"), method="filter_case")

    class Meta:
        model = NotificationGroup
        fields = ("case",)

    def filter_case(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(cases__contains=[value])
