"""The Django admin of fleet remotes: vehicles, fleets and callbacks are edited, the history is read only."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from console.admin import BigTableAdmin, MadeElsewhereAdmin, ReadOnlyAdmin, register_read_only
from fleet_remotes.models import (
    ActionStep,
    Callback,
    CallbackMessage,
    CommandBatch,
    CommandDraft,
    CommandSchedule,
    Fleet,
    FleetVehicle,
    RemoteAction,
    RemoteNotification,
    WakeUpUse,
)


@admin.register(Fleet)
class FleetAdmin(BigTableAdmin):
    """The stop switch is turned in the console, where it asks for a reason."""

    list_display = ("key", "name", "stopped_at", "stop_reason", "paused_until")
    search_fields = ("key", "name")
    readonly_fields = ("stopped_at", "stopped_by", "stop_reason", "paused_until")


@admin.register(FleetVehicle)
class FleetVehicleAdmin(BigTableAdmin):
    list_display = ("vin", "fleet", "brand", "model", "plate", "name", "battery_level", "privacy", "wakeup_budget")
    list_filter = ("brand", "privacy", "is_stolen")
    search_fields = ("search_text__folded_contains",)
    autocomplete_fields = ("fleet",)
    ordering = ("vin",)


@admin.register(Callback)
class CallbackAdmin(MadeElsewhereAdmin):
    """Callbacks are created in the console, where the header's value can be shown once."""

    list_display = ("slug", "fleet", "callback_id", "status", "last_received_at", "silent_since", "refused")
    search_fields = ("slug", "callback_id")
    autocomplete_fields = ("fleet",)
    readonly_fields = ("bodies", "events", "duplicates", "refused", "last_received_at", "last_refused_at")


register_read_only(
    RemoteAction,
    ("id", "vehicle", "kind", "state", "since", "cause", "requested_by", "created_at"),
    filters=("state", "kind"),
    raw_id_fields=("vehicle", "fleet", "batch", "retry_of", "resolved_by"),
)
register_read_only(ActionStep, ("id", "action_id", "at", "kind", "detail"), filters=("kind",))
register_read_only(CommandBatch, ("id", "kind", "total", "reason", "created_at", "created_by"), filters=("kind",))


register_read_only(CommandSchedule, ("name", "kind", "next_at", "created_by", "last_problem"), filters=("kind",))


@admin.register(CommandDraft)
class CommandDraftAdmin(MadeElsewhereAdmin):
    list_display = ("id", "owner", "updated_at")
    exclude = ("vehicles", "command")
    raw_id_fields = ("owner", "retry_of")


@admin.register(CallbackMessage)
class CallbackMessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "callback", "received_at", "applied_at", "events", "duplicates", "problem")
    exclude = ("body",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CallbackMessage]:
        return super().get_queryset(request).defer("body")


register_read_only(
    RemoteNotification,
    ("id", "callback", "remote_action_id", "vin", "type", "status", "cause", "verdict", "received_at"),
    filters=("verdict",),
)
register_read_only(WakeUpUse, ("vehicle", "month", "used", "refusals", "refused_at_count"))
