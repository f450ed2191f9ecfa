"""The Django admin of the outbox: mostly to be looked at, because its rows are written by the services alone."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from console.admin import BigTableAdmin, ReadOnlyAdmin
from outbox.models import (
    Address,
    Attempt,
    Banner,
    Delivery,
    Event,
    TopicList,
    TopicListAddress,
    TopicNotice,
    Trouble,
    WebhookEndpoint,
)
from outbox.services.topic_lists import lists
from outbox.services.topic_lists.noticing import lists_changed


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


@admin.register(Banner)
class BannerAdmin(ReadOnlyAdmin):
    list_display = ("delivery_id", "audience", "kind", "subject", "state", "shown_at", "read_at", "ended_at")
    list_filter = ("state",)
    search_fields = ("audience__startswith", "subject__startswith")


@admin.register(Trouble)
class TroubleAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "text", "began_at", "ended_at", "told_at", "end_told_at")
    list_filter = ("name",)


class TopicListForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checked as everywhere else: topics that exist, a condition that can be read."""

    class Meta:
        model = TopicList
        fields = ("name", "description", "domain", "topics", "condition", "language", "enabled", "gather_s")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        return given if self.errors else given | lists.clean_settings(given)


class TopicListAddressInline(admin.TabularInline):  # type: ignore[type-arg]
    model = TopicListAddress
    extra = 1


@admin.register(TopicList)
class TopicListAdmin(BigTableAdmin):
    list_display = ("name", "domain", "topics", "condition", "enabled", "last_told_at")
    list_filter = ("enabled", "language")
    search_fields = ("name",)
    form = TopicListForm
    inlines = (TopicListAddressInline,)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        lists_changed()

    def delete_model(self, request: HttpRequest, obj: TopicList) -> None:
        lists.delete_list(topic_list=obj, now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[TopicList]) -> None:
        for topic_list in queryset:
            lists.delete_list(topic_list=topic_list, now=timezone.now())


@admin.register(TopicNotice)
class TopicNoticeAdmin(ReadOnlyAdmin):
    list_display = ("id", "list_name", "event_id", "state", "reason", "due_at", "decided_at")
    list_filter = ("state", "reason")


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Changed in the console alone, which checks the URL and tells all processes; secrets are shown nowhere."""

    list_display = ("shown_url", "description", "state", "failing_since", "created_at")
    list_filter = ("state",)
    search_fields = ("url__contains", "description__contains")
    exclude = ("headers",)
