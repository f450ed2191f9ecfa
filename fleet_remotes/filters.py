"""Filters beside the lists, for those who would rather choose than type."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fleet_remotes.choices import OPEN, SUCCESS, Brand, Capability, Kind, Privacy, State, Verdict
from fleet_remotes.models import Fleet, FleetVehicle, RemoteAction, RemoteNotification
from fleet_remotes.search import can_do, has_action


class VehicleFilters(django_filters.FilterSet):
    fleet = django_filters.ModelChoiceFilter(queryset=Fleet.objects.all(), label=_("Fleet"))
    brand = django_filters.MultipleChoiceFilter(choices=Brand.choices, label=_("Brand"))
    can = django_filters.ChoiceFilter(choices=Capability.choices, label=_("Can"), method="filter_can")
    privacy = django_filters.MultipleChoiceFilter(
        choices=[(value, label) for value, label in Privacy.choices if value], label=_("Privacy")
    )
    battery = django_filters.NumberFilter(
        field_name="battery_level", lookup_expr="lt", label=_("Battery below (%)"), min_value=0, max_value=100
    )
    busy = django_filters.ChoiceFilter(
        choices=[("yes", _("yes")), ("no", _("no"))], label=_("Has an open command"), method="filter_busy"
    )

    class Meta:
        model = FleetVehicle
        fields = ("fleet", "brand", "can", "privacy", "battery", "busy")

    def filter_can(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(can_do(value))

    def filter_busy(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(has_action(OPEN) if value == "yes" else ~has_action(OPEN))


_OUTCOMES = {
    "open": OPEN,
    "success": SUCCESS,
    "trouble": (State.FAILED, State.REJECTED, State.REFUSED, State.UNCONFIRMED),
    "cancelled": (State.CANCELLED,),
}


class ActionFilters(django_filters.FilterSet):
    outcome = django_filters.ChoiceFilter(
        choices=[
            ("open", _("open")), ("success", _("succeeded")), ("trouble", _("in trouble")),
            ("cancelled", _("cancelled")),
        ],
        label=_("Outcome"), method="filter_outcome",
    )  # fmt: skip
    kind = django_filters.MultipleChoiceFilter(choices=Kind.choices, label=_("Command"))
    fleet = django_filters.ModelChoiceFilter(queryset=Fleet.objects.all(), label=_("Fleet"))

    class Meta:
        model = RemoteAction
        fields = ("outcome", "kind", "fleet")

    def filter_outcome(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(state__in=_OUTCOMES[value])


class NotificationFilters(django_filters.FilterSet):
    verdict = django_filters.MultipleChoiceFilter(choices=Verdict.choices, label=_("Verdict"))

    class Meta:
        model = RemoteNotification
        fields = ("verdict",)
