"""The Django admin of bike-share. Programs are set up here; resources are shown, and changed where events follow."""

from __future__ import annotations

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from bikeshare.models import (
    Abonnement,
    Boitier,
    BoitierState,
    Cyclist,
    Dock,
    Pass,
    Program,
    Registration,
    Station,
    StationFavorite,
    TelemetryMessage,
    TerminationRequest,
    Trip,
    Vehicule,
    Zone,
)
from console.admin import BigTableAdmin, ReadOnlyAdmin


@admin.register(Program)
class ProgramAdmin(BigTableAdmin):
    list_display = ("id", "name", "city", "status", "publish_gbfs", "timezone")
    search_fields = ("id", "name", "city")

    def get_readonly_fields(self, request: HttpRequest, obj: Program | None = None) -> tuple[str, ...]:
        return ("id",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Program, form: ModelForm[Program], change: bool) -> None:
        if "global_rules" in form.changed_data:
            obj.zones_version += 1
        super().save_model(request, obj, form, change)


class ResourceAdmin(ReadOnlyAdmin):
    """A change here would tell nobody: the API and the console's actions do, with their events."""

    ordering = ("-pk",)


@admin.register(Cyclist)
class CyclistAdmin(ResourceAdmin):
    list_display = ("id", "name", "email", "status", "program")
    list_filter = ("program", "status")
    search_fields = ("id", "name", "email", "phone_number")


@admin.register(Registration)
class RegistrationAdmin(ResourceAdmin):
    list_display = ("id", "cyclist", "status", "program")
    list_filter = ("program",)
    list_select_related = ("cyclist", "program")
    search_fields = ("id", "cyclist__name")


@admin.register(Pass)
class PassAdmin(ResourceAdmin):
    list_display = ("id", "uid", "user", "disabled_at", "program")
    list_filter = ("program",)
    list_select_related = ("user", "program")
    search_fields = ("id", "uid")


@admin.register(Abonnement)
class AbonnementAdmin(ResourceAdmin):
    list_display = ("id", "cyclist", "forfait", "status", "trial_end", "program")
    list_select_related = ("cyclist", "program")
    list_filter = ("program", "status")
    search_fields = ("id", "cyclist__name", "forfait")


@admin.register(Station)
class StationAdmin(ResourceAdmin):
    list_display = ("id", "name", "status", "capacity", "program")
    list_filter = ("program",)
    search_fields = ("id", "name", "external_id")


@admin.register(Dock)
class DockAdmin(ResourceAdmin):
    list_display = ("id", "station", "number", "vehicule", "status", "program")
    list_filter = ("program",)
    list_select_related = ("station", "vehicule", "program")
    search_fields = ("id", "rfid", "end_code")


@admin.register(Boitier)
class BoitierAdmin(ResourceAdmin):
    list_display = ("id", "number", "fw", "program")
    list_filter = ("program",)
    search_fields = ("id", "number")


@admin.register(Vehicule)
class VehiculeAdmin(ResourceAdmin):
    list_display = ("id", "number", "type", "status", "station", "program")
    list_select_related = ("station", "program")
    list_filter = ("program", "status", "type")
    search_fields = ("id", "number")


@admin.register(Trip)
class TripAdmin(ResourceAdmin):
    list_display = ("id", "vehicule_number", "cyclist", "status", "start_at", "end_at", "program")
    list_select_related = ("cyclist", "program")
    list_filter = ("program", "status")
    search_fields = ("id", "vehicule_number")
    exclude = ("pin_hash",)


@admin.register(TerminationRequest)
class TerminationRequestAdmin(ResourceAdmin):
    list_display = ("id", "trip_id", "origin", "status", "date")
    list_filter = ("program", "status", "origin")
    search_fields = ("id", "trip__id")


@admin.register(Zone)
class ZoneAdmin(ResourceAdmin):
    list_display = ("id", "name", "type", "status", "precedence", "program")
    list_filter = ("program", "type", "status")
    search_fields = ("id", "name")


@admin.register(StationFavorite)
class StationFavoriteAdmin(ReadOnlyAdmin):
    list_display = ("cyclist", "station", "created")
    list_select_related = ("cyclist", "station")


@admin.register(BoitierState)
class BoitierStateAdmin(ReadOnlyAdmin):
    list_display = ("boitier", "last_seen", "lock", "chain_type", "battery", "battery_vae")
    list_select_related = ("boitier",)


@admin.register(TelemetryMessage)
class TelemetryMessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "boitier_id", "type", "verdict", "at", "received_at")
    list_filter = ("type", "verdict")
