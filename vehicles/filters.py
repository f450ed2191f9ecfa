"""Filters beside the lists, for those who would rather choose than type."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from vehicles.choices import Category, Language, NotificationState, PairingState, Reason, Severity, Way
from vehicles.models import ChargingSession, Driver, DriverNotification, Vehicle


class DriverFilters(django_filters.FilterSet):
    language = django_filters.MultipleChoiceFilter(choices=Language.choices, label=_("Language"))
    country = django_filters.CharFilter(lookup_expr="iexact", label=_("Country"))
    marketing_consent = django_filters.BooleanFilter(label=_("Consents to marketing"))

    class Meta:
        model = Driver
        fields = ("language", "country", "marketing_consent")


class VehicleFilters(django_filters.FilterSet):
    pairing_state = django_filters.MultipleChoiceFilter(choices=PairingState.choices, label=_("Pairing"))
    brand = django_filters.CharFilter(lookup_expr="fold_contains", label=_("Brand"))
    privacy_mode = django_filters.BooleanFilter(label=_("Privacy mode"))

    class Meta:
        model = Vehicle
        fields = ("pairing_state", "brand", "privacy_mode")


class SessionFilters(django_filters.FilterSet):
    managed = django_filters.BooleanFilter(label=_("Managed"))
    running = django_filters.BooleanFilter(field_name="ended_at", lookup_expr="isnull", label=_("Running"))

    class Meta:
        model = ChargingSession
        fields = ("managed", "running")


class NotificationFilters(django_filters.FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=NotificationState.choices, label=_("State"))
    severity = django_filters.MultipleChoiceFilter(choices=Severity.choices, label=_("Severity"))
    category = django_filters.MultipleChoiceFilter(choices=Category.choices, label=_("Category"))
    reason = django_filters.ChoiceFilter(choices=Reason.choices, label=_("Reason"))
    channel = django_filters.ChoiceFilter(choices=Way.choices, label=_("Channel"), method="filter_channel")

    class Meta:
        model = DriverNotification
        fields = ("state", "severity", "category", "reason", "channel")

    def filter_channel(self, rows: QuerySet[DriverNotification], name: str, value: str) -> QuerySet[DriverNotification]:
        return rows.filter(ways__contains=[value])
