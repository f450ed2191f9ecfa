"""The Django admin of the outbox: to be looked at; its rows are written by the services alone."""

from django.contrib import admin

from console.admin import BigTableAdmin, ReadOnlyAdmin
from outbox.models import Address, Attempt, Delivery, Event


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "subject", "occurred_at", "created_at")
    search_fields = ("subject__startswith", "kind__startswith")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "channel", "address", "state", "reason", "attempts", "created_at", "settled_at")
    list_filter = ("channel", "state")
    search_fields = ("address__startswith",)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("id", "delivery_id", "at", "verdict", "reason", "code", "duration_ms")
    list_filter = ("verdict",)


@admin.register(Address)
class AddressAdmin(BigTableAdmin):
    list_display = ("address", "channel", "failing_since", "last_failure_at", "blocked_reason")
    list_filter = ("channel", "blocked_reason")
    search_fields = ("address",)
