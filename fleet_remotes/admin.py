"""The Django admin of fleet remotes: vehicles, fleets and callbacks are edited, what happened is looked at."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from console.admin import BigTableAdmin, ReadOnlyAdmin
from fleet_remotes.models import (
    ActionStep,
    Callback,
    CallbackMessage,
    CommandBatch,
    CommandDraft,
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
    list_select_related = ("fleet",)
    list_filter = ("brand", "privacy", "is_stolen")
    search_fields = ("search_text__folded_contains",)
    autocomplete_fields = ("fleet",)
    ordering = ("vin",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[FleetVehicle], search_term: str
    ) -> tuple[QuerySet[FleetVehicle], bool]:
        """The whole text as one phrase on the indexed column."""
        if search_term.strip():
            queryset = queryset.filter(search_text__folded_contains=search_term)
        return queryset, False


@admin.register(Callback)
class CallbackAdmin(BigTableAdmin):
    """Callbacks are made in the console, where the header's value can be shown once."""

    list_display = ("slug", "fleet", "callback_id", "status", "last_received_at", "silent_since", "refused")
    list_select_related = ("fleet",)
    search_fields = ("slug", "callback_id")
    autocomplete_fields = ("fleet",)
    readonly_fields = ("bodies", "events", "duplicates", "refused", "last_received_at", "last_refused_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(RemoteAction)
class RemoteActionAdmin(ReadOnlyAdmin):
    list_display = ("id", "vehicle", "kind", "state", "since", "cause", "requested_by", "created_at")
    list_select_related = ("vehicle",)
    list_filter = ("state", "kind")
    raw_id_fields = ("vehicle", "fleet", "batch", "retry_of", "resolved_by")


@admin.register(ActionStep)
class ActionStepAdmin(ReadOnlyAdmin):
    list_display = ("id", "action_id", "at", "kind", "detail")
    list_filter = ("kind",)


@admin.register(CommandBatch)
class CommandBatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "total", "reason", "created_at", "created_by")
    list_filter = ("kind",)


@admin.register(CommandDraft)
class CommandDraftAdmin(BigTableAdmin):
    list_display = ("id", "owner", "updated_at")
    exclude = ("vehicles", "command")
    raw_id_fields = ("owner", "retry_of")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(CallbackMessage)
class CallbackMessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "callback", "received_at", "applied_at", "events", "duplicates", "problem")
    list_select_related = ("callback",)
    exclude = ("body",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CallbackMessage]:
        return super().get_queryset(request).defer("body")


@admin.register(RemoteNotification)
class RemoteNotificationAdmin(ReadOnlyAdmin):
    list_display = ("id", "callback", "remote_action_id", "vin", "type", "status", "cause", "verdict", "received_at")
    list_select_related = ("callback",)
    list_filter = ("verdict",)


@admin.register(WakeUpUse)
class WakeUpUseAdmin(ReadOnlyAdmin):
    list_display = ("vehicle", "month", "used", "refusals", "refused_at_count")
    list_select_related = ("vehicle",)
