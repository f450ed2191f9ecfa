"""The Django admin of the outbox: mostly to be looked at, because its rows are written by the services alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from console.admin import BigTableAdmin, register_read_only
from core.refusal import Refused, add_refusal
from outbox.models import (
    Address,
    Attempt,
    Banner,
    Delivery,
    Event,
    HealthAlert,
    TopicDecision,
    TopicList,
    TopicListAddress,
    WebhookEndpoint,
)
from outbox.services.mailing_lists.leaving import resume_on_lists
from outbox.services.topic_lists import lists
from outbox.services.topic_lists.deciding import lists_changed

register_read_only(
    Event, ("id", "kind", "subject", "occurred_at", "created_at"), search=("subject__startswith", "kind__startswith")
)
register_read_only(
    Delivery,
    ("id", "channel", "address", "state", "reason", "attempts", "created_at", "settled_at"),
    filters=("channel", "state"),
    search=("address__startswith",),
)
register_read_only(
    Attempt, ("id", "delivery_id", "at", "verdict", "reason", "code", "duration_ms"), filters=("verdict",)
)


@admin.register(Address)
class AddressAdmin(BigTableAdmin):
    list_display = ("address", "channel", "failing_since", "last_failure_at", "blocked_reason")
    list_filter = ("channel", "blocked_reason")
    search_fields = ("address",)

    def save_model(self, request: HttpRequest, obj: Address, form: ModelForm[Address], change: bool) -> None:
        """Who lets mail go to an address again brings it back to its lists, as the console does."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if "blocked_reason" in form.changed_data and not obj.blocked_reason:
                resume_on_lists([obj.address], timezone.now())

    def delete_model(self, request: HttpRequest, obj: Address) -> None:
        self.delete_queryset(request, Address.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Address]) -> None:
        with transaction.atomic():
            freed = list(queryset.exclude(blocked_reason="").values_list("address", flat=True))
            super().delete_queryset(request, queryset)
            resume_on_lists(freed, timezone.now())


register_read_only(
    Banner,
    ("delivery_id", "audience", "kind", "subject", "state", "shown_at", "read_at", "ended_at"),
    filters=("state",),
    search=("audience__startswith", "subject__startswith"),
)
register_read_only(
    HealthAlert, ("id", "name", "text", "began_at", "ended_at", "told_at", "end_told_at"), filters=("name",)
)


class TopicListForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checked as everywhere else: topics that exist, a condition that can be read."""

    class Meta:
        model = TopicList
        fields = ("name", "description", "domain", "topics", "condition", "language", "enabled", "gather_s")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            try:
                data |= lists.clean_settings(data)
            except Refused as refused:
                add_refusal(self, refused)
        return data


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


register_read_only(
    TopicDecision,
    ("id", "list_name", "event_id", "state", "reason", "due_at", "decided_at"),
    filters=("state", "reason"),
)
# Changed in the console alone, which checks the URL and tells all processes; secrets are shown nowhere.
register_read_only(
    WebhookEndpoint,
    ("shown_url", "description", "state", "failing_since", "created_at"),
    filters=("state",),
    search=("shown_url__contains", "description__contains"),
)
