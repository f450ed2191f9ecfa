"""The Django admin of bike-share. Programs are set up here; resources are shown, and changed where events follow."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.http import HttpRequest

from bikeshare import models
from bikeshare.ingest.rules import BadRule, rules_from
from console.admin import BigTableAdmin, register_read_only


class _ProgramForm(ModelForm):  # type: ignore[type-arg]
    def clean_global_rules(self) -> list[dict[str, Any]]:
        try:
            return rules_from(self.cleaned_data["global_rules"] or [])
        except BadRule as error:
            raise ValidationError(str(error)) from error


@admin.register(models.Program)
class ProgramAdmin(BigTableAdmin):
    form = _ProgramForm
    list_display = ("id", "name", "city", "status", "publish_gbfs", "timezone")
    search_fields = ("id", "name", "city")

    def get_readonly_fields(self, request: HttpRequest, obj: models.Program | None = None) -> tuple[str, ...]:
        return ("id",) if obj is not None else ()

    def save_model(
        self, request: HttpRequest, obj: models.Program, form: ModelForm[models.Program], change: bool
    ) -> None:
        if "global_rules" in form.changed_data:
            obj.zones_version += 1
        super().save_model(request, obj, form, change)


# A change here would tell nobody: the API and the console's actions do, with their events.
register_read_only(
    models.Cyclist,
    ("id", "name", "email", "status", "program"),
    filters=("program", "status"),
    search=("id", "name", "email", "phone_number"),
)
register_read_only(
    models.Registration,
    ("id", "cyclist", "status", "program"),
    filters=("program",),
    search=("id", "cyclist__name"),
)
register_read_only(
    models.Pass, ("id", "uid", "user", "disabled_at", "program"), filters=("program",), search=("id", "uid")
)
register_read_only(
    models.Subscription,
    ("id", "cyclist", "forfait", "status", "trial_end", "program"),
    filters=("program", "status"),
    search=("id", "cyclist__name", "forfait"),
)
register_read_only(
    models.Station,
    ("id", "name", "status", "capacity", "program"),
    filters=("program",),
    search=("id", "name", "external_id"),
)
register_read_only(
    models.Dock,
    ("id", "station", "number", "vehicule", "status", "program"),
    filters=("program",),
    search=("id", "rfid", "end_code"),
)
register_read_only(models.LockBox, ("id", "number", "fw", "program"), filters=("program",), search=("id", "number"))
register_read_only(
    models.Bike,
    ("id", "number", "type", "status", "station", "program"),
    filters=("program", "status", "type"),
    search=("id", "number"),
)
register_read_only(
    models.Trip,
    ("id", "vehicule_number", "cyclist", "status", "start_at", "end_at", "program"),
    filters=("program", "status"),
    search=("id", "vehicule_number"),
    exclude=("pin_hash",),
)
register_read_only(
    models.TerminationRequest,
    ("id", "trip_id", "origin", "status", "date"),
    filters=("program", "status", "origin"),
    search=("id", "trip__id"),
)
register_read_only(
    models.Zone,
    ("id", "name", "type", "status", "precedence", "program"),
    filters=("program", "type", "status"),
    search=("id", "name"),
)
register_read_only(models.StationFavorite, ("cyclist", "station", "created"))
register_read_only(models.LockBoxState, ("boitier", "last_seen", "lock", "chain_type", "battery", "battery_vae"))
register_read_only(
    models.FeedSource,
    ("program", "shown_url", "every_min", "last_ok_at", "problem"),
    filters=("program",),
    search=("shown_url",),
)
register_read_only(models.BikeState, ("vehicule", "battery_low", "battery_vae_low"))
register_read_only(
    models.TelemetryMessage, ("id", "boitier_id", "type", "verdict", "at", "received_at"), filters=("type", "verdict")
)
