"""The Django admin of the console's own models, and what every admin page of a big table does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditlog.admin import LogEntryAdmin
from auditlog.models import LogEntry
from axes.admin import AccessAttemptAdmin
from axes.models import AccessAttempt, AccessFailureLog
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import PeriodicTask

from console.forms import NewUserForm, OthersPasswordForm
from console.paging import COUNT_CAP
from core.encryption import EncryptedTextField
from core.lifecycle import Lifecycle
from core.models import ApiKey, ColumnChoice, FacetCensus, FacetCount, Job, KnownValue, SavedSearch, SignOfLife, Undo
from core.people import sees_people
from core.selectors import keys_that_stop_with


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts at most 10,000 rows, so that a page of a table with a million rows costs what a small one does."""

    @cached_property
    def count(self) -> int:
        if isinstance(self.object_list, QuerySet):
            return len(self.object_list.order_by().values_list("pk")[:COUNT_CAP])
        return len(self.object_list)


class BigTableAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Base of the admin pages whose tables may hold millions of rows: no full count, no select with all rows."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What is encrypted is shown nowhere, what is personal to those who may see people."""
        sealed = {field.name for field in self.opts.concrete_fields if isinstance(field, EncryptedTextField)}
        return (*(super().get_exclude(request, obj) or ()), *sealed, *self._hidden())

    def _hidden(self) -> set[str]:
        life: Lifecycle | None = vars(self.model).get("lifecycle")
        return {each.field for each in life.personal} if life is not None and not sees_people() else set()

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [name for name in super().get_list_display(request) if name not in self._hidden()] or ["pk"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        hidden = self._hidden()
        return [path for path in super().get_search_fields(request) if path.partition("__")[0] not in hidden]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str] | tuple[str, ...]:
        return [name for name in super().get_readonly_fields(request, obj) if name not in self._hidden()]

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        """What the columns name of other tables, so that no row asks for it."""
        links = {field.name for field in self.opts.concrete_fields if field.is_relation}
        return [str(name) for name in self.list_display if name in links]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Word by word, but for a folded column: its index finds the whole text as one phrase."""
        name = self.search_fields[0] if self.search_fields else ""
        if not name.endswith("__folded_contains"):
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(**{name: search_term}) if search_term.strip() else queryset, False


class ReadOnlyAdmin(BigTableAdmin):
    """For rows that the system writes: to be looked at, not changed."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MadeElsewhereAdmin(BigTableAdmin):
    """For rows that the console's own pages make, where they are checked or shown once."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


def register_read_only(
    model: type[Model], columns: Sequence[str], *, filters: Sequence[str] = (), search: Sequence[str] = (), **more: Any
) -> None:
    """An admin page on which rows of a model are looked at: its columns, what it filters by, where it searches."""
    options = {"list_display": columns, "list_filter": filters, "search_fields": search, **more}
    admin.register(model)(type(f"{model.__name__}Admin", (ReadOnlyAdmin,), options))


@admin.register(ApiKey)
class ApiKeyAdmin(MadeElsewhereAdmin):
    """Keys are made and revoked in the console, where the plain text can be shown once."""

    list_display = ("name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")
    search_fields = ("name", "prefix")
    readonly_fields = ("prefix", "created_at", "created_by", "revoked_at", "last_used_at")


register_read_only(SignOfLife, ("part", "instance", "at"))


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("label", "kind", "state", "done", "total", "created_by", "created_at", "finished_at")
    list_filter = ("state", "kind")
    exclude = ("payload",)


@admin.register(SavedSearch)
class SavedSearchAdmin(MadeElsewhereAdmin):
    list_display = ("name", "list_key", "owner", "shared", "created_at")
    list_filter = ("shared", "list_key")
    search_fields = ("name",)
    readonly_fields = ("list_key", "query", "owner", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SavedSearch]:
        """What a person keeps for nobody else is nobody else's business."""
        mine = Q(owner_id=request.user.pk)
        return super().get_queryset(request).filter(mine | Q(shared=True))


@admin.register(ColumnChoice)
class ColumnChoiceAdmin(ReadOnlyAdmin):
    list_display = ("owner", "list_key", "columns")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("console.delete_columnchoice")


@admin.register(Undo)
class UndoAdmin(ReadOnlyAdmin):
    list_display = ("label", "kind", "created_by", "created_at", "expires_at", "undone_at")
    exclude = ("payload",)


register_read_only(KnownValue, ("value", "column"), filters=("column",), search=("value",))
register_read_only(FacetCensus, ("list_key", "rows", "counted_at", "took_ms"))
register_read_only(
    FacetCount,
    ("list_key", "facet", "value", "count", "rank"),
    filters=("list_key",),
    ordering=("list_key", "facet", "rank"),
)


admin.site.unregister((LogEntry, AccessAttempt, PeriodicTask))


@admin.register(PeriodicTask)
class ScheduledTaskAdmin(PeriodicTaskAdmin):
    """Without its inline script, which our policy forbids, and without the actions that no audit log would see."""

    change_form_template = None
    actions = ("run_tasks",)


@admin.register(LogEntry)
class AuditAdmin(BigTableAdmin, LogEntryAdmin):
    """The audit log as auditlog shows it, on a table that grows for ever."""


@admin.register(AccessAttempt)
class SignInAttemptAdmin(BigTableAdmin, AccessAttemptAdmin):
    """Deleting an attempt opens a sign-in that too many wrong passwords closed; the audit log says who did it."""

    def delete_model(self, request: HttpRequest, obj: AccessAttempt) -> None:
        _audit_opening(obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        for attempt in queryset:
            _audit_opening(attempt)
        super().delete_queryset(request, queryset)


def _audit_opening(attempt: AccessAttempt) -> None:
    failures = [str(attempt.failures_since_start), "0"]
    LogEntry.objects.log_create(attempt, action=LogEntry.Action.DELETE, changes={"failures_since_start": failures})


# Never filled (AXES_ENABLE_ACCESS_FAILURE_LOG is off): the attempts say the same.
admin.site.unregister((User, Group, AccessFailureLog))


class PersonForm(UserChangeForm):  # type: ignore[type-arg]
    """Deactivating somebody stops that person's keys: it is said before, by name."""

    stop_keys = forms.BooleanField(
        label=_("Stop the API keys"),
        required=False,
        help_text=_("Keys work as long as their owner is active. Whoever goes on needing one takes it over before."),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        keys = keys_that_stop_with(self.instance, timezone.now()) if "is_active" in self.changed_data else []
        if keys and not data.get("is_active") and not data.get("stop_keys"):
            names = ", ".join(key.name for key in keys)
            sentence = _("These API keys would stop: %(names)s. Take them over before, or tick the box to stop them.")
            self.add_error("stop_keys", sentence % {"names": names})
        return data


@admin.register(User)
class SignalboxUserAdmin(UserAdmin):  # type: ignore[type-arg]
    form, add_form, change_password_form = PersonForm, NewUserForm, OthersPasswordForm
    fieldsets = (*(UserAdmin.fieldsets or ()), (_("API keys"), {"fields": ("stop_keys",)}))
    list_display = ("username", "email", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "groups")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The question before names the keys that go with somebody."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        keys = [key for user in objs for key in keys_that_stop_with(user, timezone.now())]
        return (
            [*deleted, *(_("API key “%(name)s” stops") % {"name": key.name} for key in keys)],
            counts,
            lacking,
            protected,
        )


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    filter_horizontal = ("permissions",)
