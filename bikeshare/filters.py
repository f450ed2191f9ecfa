"""Filters beside the lists, for those who would rather choose than type."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bikeshare.choices import (
    AbonnementStatus,
    CyclistStatus,
    OpenStatus,
    TripStatus,
    VehiculeStatus,
    VehiculeType,
    ZoneType,
)
from bikeshare.models import Abonnement, Cyclist, Program, Station, Trip, Vehicule, Zone


def _programs(request: HttpRequest | None) -> Any:
    return Program.objects.all()


class ByProgram(django_filters.FilterSet):
    program = django_filters.ModelChoiceFilter(queryset=_programs, label=_("Program"))


class TripFilters(ByProgram):
    status = django_filters.MultipleChoiceFilter(choices=TripStatus.choices, label=_("Status"))
    vehicule_type = django_filters.ChoiceFilter(choices=VehiculeType.choices, label=_("Vehicle type"))

    class Meta:
        model = Trip
        fields = ("program", "status", "vehicule_type")


class VehiculeFilters(ByProgram):
    status = django_filters.MultipleChoiceFilter(choices=VehiculeStatus.choices, label=_("Status"))
    type = django_filters.MultipleChoiceFilter(choices=VehiculeType.choices, label=_("Type"))
    low = django_filters.ChoiceFilter(choices=[("yes", _("yes"))], label=_("Battery low"), method="filter_low")

    class Meta:
        model = Vehicule
        fields = ("program", "status", "type", "low")

    def filter_low(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(Q(boitier__state__battery_low=True) | Q(boitier__state__battery_vae_low=True))


class AbonnementFilters(ByProgram):
    status = django_filters.MultipleChoiceFilter(choices=AbonnementStatus.choices, label=_("Status"))

    class Meta:
        model = Abonnement
        fields = ("program", "status")


class CyclistFilters(ByProgram):
    status = django_filters.MultipleChoiceFilter(choices=CyclistStatus.choices, label=_("Status"))

    class Meta:
        model = Cyclist
        fields = ("program", "status")


class StationFilters(ByProgram):
    status = django_filters.MultipleChoiceFilter(choices=OpenStatus.choices, label=_("Status"))

    class Meta:
        model = Station
        fields = ("program", "status")


class ZoneFilters(ByProgram):
    type = django_filters.MultipleChoiceFilter(choices=ZoneType.choices, label=_("Type"))
    status = django_filters.MultipleChoiceFilter(choices=OpenStatus.choices, label=_("Status"))

    class Meta:
        model = Zone
        fields = ("program", "type", "status")
