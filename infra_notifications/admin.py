"""The Django admin of charging infrastructure: complete, and usable at a million charge points."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import CharField, ModelForm, Textarea
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.admin import BigTableAdmin, register_read_only
from core.permissions import person
from core.time_zones import known_zones
from infra_notifications.forms import points_named
from infra_notifications.models import (
    Acknowledgement,
    ChargePoint,
    ChargePointMessage,
    ChargePointState,
    EventRule,
    Flapping,
    GroupAddress,
    GroupDraft,
    GroupMembership,
    Incident,
    IncidentEntry,
    MaintenanceTarget,
    MaintenanceWindow,
    MovedStation,
    NotificationDecision,
    NotificationGroup,
    OcpiEvse,
    OcpiLocation,
    OcpiParty,
    OcppRoute,
    Source,
    StationConnection,
    StatusPeriod,
    UnknownChargePoint,
    UnmappedReport,
)
from infra_notifications.services.already_open import review_groups
from infra_notifications.services.charge_points import settle_charge_point
from infra_notifications.services.digests import next_digest
from infra_notifications.services.groups import add_members, follow_schedule, schedule_of
from infra_notifications.services.maintenance import ask_again
from infra_notifications.services.mapping import forget_rule_book


class MembershipsAdmin(BigTableAdmin):
    """With an inline of memberships: a new one remembers who added it."""

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for added in formset.save(commit=False) if formset.model is GroupMembership else ():
            added.added_by_id = added.added_by_id or request.user.pk
        formset.save()
        touched = {row.group_id for row in (*formset.new_objects, *(row for row, _fields in formset.changed_objects))}
        review_groups(group_ids=touched, now=timezone.now())


class GroupsInline(admin.TabularInline):  # type: ignore[type-arg]
    """The groups of one charge point: few, so they are edited in place."""

    model = GroupMembership
    fields = ("group", "added_at", "added_by")
    readonly_fields = ("added_at", "added_by")
    autocomplete_fields = ("group",)
    extra = 1


@admin.register(ChargePoint)
class ChargePointAdmin(MembershipsAdmin):
    list_display = ("evse_id", "station", "connector", "name", "location", "city", "vendor", "model")
    search_fields = ("search_text__folded_contains",)
    ordering = ("evse_id",)
    inlines = (GroupsInline,)
    fieldsets = (
        (None, {"fields": ("evse_id", "station", "connector", "name", "expected_interval_s", "tags")}),
        ("", {"fields": ("location", "street", "postal_code", "city", "country", "latitude", "longitude")}),
        ("", {"fields": ("operator", "vendor", "model", "firmware")}),
        ("", {"fields": ("connector_standard", "power_type", "max_power_kw")}),
    )

    def save_model(self, request: HttpRequest, obj: ChargePoint, form: ModelForm[ChargePoint], change: bool) -> None:
        with transaction.atomic():
            before = ChargePoint.objects.select_for_update().get(pk=obj.pk) if change else None
            super().save_model(request, obj, form, change)
            settle_charge_point(charge_point=obj, before=before, now=timezone.now())


class AddressInline(admin.TabularInline):  # type: ignore[type-arg]
    model = GroupAddress
    extra = 1


class NewRowsInline(admin.TabularInline):  # type: ignore[type-arg]
    """Only new rows: those that are there, which may be thousands, are listed on a page of their own."""

    extra = 3

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).none()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _link_to_rows(model: str, field: str, owner: Model, label: str) -> str:
    """A link to the rows that belong to one of another table; none before it is saved."""
    if not owner.pk:
        return "–"
    url = reverse(f"admin:infra_notifications_{model}_changelist")
    return format_html('<a href="{}?{}__id__exact={}">{}</a>', url, field, owner.pk, label)


class MembersInline(NewRowsInline):
    model = GroupMembership
    fields = ("charge_point",)
    autocomplete_fields = ("charge_point",)
    verbose_name_plural = gettext_lazy("add members")


class GroupAdminForm(ModelForm):  # type: ignore[type-arg]
    """A group with a field for many new members at once; the inline beside it is for a few."""

    add_evse_ids = CharField(
        label=gettext_lazy("add charge points"),
        required=False,
        widget=Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("EVSE ids of new members, one per line."),
    )

    class Meta:
        model = NotificationGroup
        fields = (
            "name",
            "description",
            "cases",
            "hold_off_s",
            "notify_recovery",
            "reminder_s",
            "language",
            "digest_time",
            "time_zone",
            "reply_to",
        )

    def clean_add_evse_ids(self) -> list[int]:
        return points_named(self.cleaned_data["add_evse_ids"])

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"]
        if zone and zone not in known_zones():
            raise ValidationError(_("Name a time zone of the IANA database, e.g. Europe/Berlin."))
        return zone


@admin.register(NotificationGroup)
class NotificationGroupAdmin(MembershipsAdmin):
    form = GroupAdminForm
    list_display = ("name", "cases", "notify_recovery", "language", "digest_time", "last_notified_at", "members")
    search_fields = ("name",)
    inlines = (AddressInline, MembersInline)
    readonly_fields = ("members", "digest_due_at", "last_notified_at")

    def save_model(
        self, request: HttpRequest, obj: NotificationGroup, form: ModelForm[NotificationGroup], change: bool
    ) -> None:
        """What waits follows the changed hold-off, digest and reminders, as it does in the console."""
        now = timezone.now()
        before = schedule_of(NotificationGroup.objects.get(pk=obj.pk)) if change else ()
        if before[:2] != schedule_of(obj)[:2]:
            obj.digest_due_at = next_digest(obj, now)
        obj.review_at = now
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if change:
                follow_schedule(group=obj, before=before, now=now)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        ids = form.cleaned_data.get("add_evse_ids") or ()
        add_members(group=form.instance, charge_point_ids=ids, by=person(request))

    @admin.display(description=gettext_lazy("members"))
    def members(self, group: NotificationGroup) -> str:
        return _link_to_rows("groupmembership", "group", group, _("List and remove members"))


@admin.register(GroupMembership)
class GroupMembershipAdmin(BigTableAdmin):
    list_display = ("charge_point", "group", "added_at", "added_by")
    search_fields = ("charge_point__search_text__folded_contains",)
    autocomplete_fields = ("group", "charge_point")
    readonly_fields = ("added_at", "added_by")
    ordering = ("-id",)

    def save_model(self, request: HttpRequest, obj: GroupMembership, form: Any, change: bool) -> None:
        obj.added_by_id = obj.added_by_id or request.user.pk
        super().save_model(request, obj, form, change)
        review_groups(group_ids=[obj.group_id], now=timezone.now())


@admin.register(EventRule)
class EventRuleAdmin(BigTableAdmin):
    list_display = ("name", "precedence", "enabled", "effect", "case", "updated_at")
    list_filter = ("enabled", "effect", "case")
    search_fields = ("name", "note")
    change_list_template = "admin/infra_notifications/eventrule/change_list.html"

    def save_model(self, request: HttpRequest, obj: EventRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        forget_rule_book()

    def delete_model(self, request: HttpRequest, obj: EventRule) -> None:
        super().delete_model(request, obj)
        forget_rule_book()


register_read_only(
    ChargePointState,
    ("charge_point", "connectivity", "status", "last_seen", "silent_at", "ocpp_version"),
    filters=("connectivity",),
)
register_read_only(StatusPeriod, ("id", "charge_point", "status", "began_at", "ended_at"), filters=("status",))
register_read_only(
    ChargePointMessage, ("id", "charge_point", "station", "action", "verdict", "received_at"), filters=("verdict",)
)


register_read_only(
    Source,
    ("name", "kind", "last_heard_at", "accepted", "duplicates", "rejected", "warnings", "trouble", "paused"),
    filters=("kind", "trouble"),
    search=("name",),
)


# They are changed in the console, which checks where a route leads and asks the stations to connect again.
register_read_only(
    OcppRoute,
    ("slug", "shown_url", "register_unknown", "enabled", "created_at"),
    filters=("enabled",),
    search=("slug", "shown_url"),
)
register_read_only(MovedStation, ("station", "route", "target", "moved_at"), search=("station",))
register_read_only(
    StationConnection,
    ("station", "connected", "since", "last_seen", "protocol", "route", "process", "messages"),
    filters=("connected", "protocol"),
    search=("station",),
)


# The token by which a party is called is shown nowhere.
register_read_only(
    OcpiParty,
    ("name", "state", "version", "registered_at", "pulled_at", "is_disabled"),
    filters=("state",),
    search=("name",),
    exclude=("token_digest",),
)
register_read_only(OcpiLocation, ("key", "party", "last_updated", "received_at"), search=("key",))
register_read_only(OcpiEvse, ("key", "location", "charge_point", "last_updated", "received_at"), search=("key",))


@admin.register(UnknownChargePoint)
class UnknownChargePointAdmin(BigTableAdmin):
    list_display = ("evse_id", "station", "connector", "messages", "last_seen")
    search_fields = ("evse_id", "station")


@admin.register(UnmappedReport)
class UnmappedReportAdmin(BigTableAdmin):
    list_display = ("said", "protocol", "action", "seen", "last_seen")
    search_fields = ("said",)


class EntriesInline(admin.TabularInline):  # type: ignore[type-arg]
    """What people did about an incident."""

    model = IncidentEntry
    fields = ("at", "kind", "author", "text")
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


register_read_only(
    Incident,
    ("id", "charge_point", "case", "opened_at", "closed_at", "repeats", "said"),
    inlines=(EntriesInline,),
    filters=("case",),
)
register_read_only(
    NotificationDecision,
    ("id", "incident_id", "group_name", "kind", "state", "reason", "due_at", "decided_at"),
    filters=("state", "kind", "reason"),
)
register_read_only(Acknowledgement, ("incident_id", "at", "author"), search=("author",))
register_read_only(
    IncidentEntry, ("id", "incident_id", "kind", "at", "author", "text"), filters=("kind",), search=("author",)
)
register_read_only(
    Flapping, ("id", "charge_point", "case", "began_at", "openings", "next_check_at", "ended_at"), filters=("case",)
)


class TargetsInline(NewRowsInline):
    model = MaintenanceTarget
    fields = ("charge_point", "group", "location", "city")
    autocomplete_fields = ("charge_point", "group")
    verbose_name_plural = gettext_lazy("add targets")


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(BigTableAdmin):
    list_display = ("reason", "starts_at", "ends_at", "author", "targets")
    search_fields = ("reason", "author")
    readonly_fields = ("author", "created_at", "targets")
    inlines = (TargetsInline,)

    def save_model(self, request: HttpRequest, obj: MaintenanceWindow, form: Any, change: bool) -> None:
        """What waits for the end is decided again when that comes earlier."""
        obj.author = obj.author or request.user.get_username()
        super().save_model(request, obj, form, change)
        if change and "ends_at" in form.changed_data:
            ask_again(windows=[obj.pk], at=max(obj.ends_at, timezone.now()))

    @admin.display(description=gettext_lazy("targets"))
    def targets(self, window: MaintenanceWindow) -> str:
        return _link_to_rows("maintenancetarget", "window", window, _("List and remove targets"))


@admin.register(MaintenanceTarget)
class MaintenanceTargetAdmin(BigTableAdmin):
    list_display = ("window", "charge_point", "group", "location", "city")
    search_fields = ("location",)
    autocomplete_fields = ("window", "charge_point", "group")
    ordering = ("-id",)


@admin.register(GroupDraft)
class GroupDraftAdmin(BigTableAdmin):
    list_display = ("id", "owner", "group", "name", "updated_at")
    exclude = ("marked",)
    raw_id_fields = ("owner", "group")
