"""The Django admin of the console's own models, and what every admin page of a big table does."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from console.models import ApiKey, Job, SignOfLife
from console.paging import COUNT_CAP


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


class ReadOnlyAdmin(BigTableAdmin):
    """For rows that the system writes: to be looked at, not changed."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(BigTableAdmin):
    """Keys are made and revoked in the console, where the plain text can be shown once."""

    list_display = ("name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")
    search_fields = ("name", "prefix")
    readonly_fields = ("prefix", "created_at", "created_by", "revoked_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(SignOfLife)
class SignOfLifeAdmin(ReadOnlyAdmin):
    list_display = ("part", "instance", "at")


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("label", "kind", "state", "done", "total", "created_by", "created_at", "finished_at")
    list_filter = ("state", "kind")
    exclude = ("payload",)


admin.site.unregister((User, Group))


@admin.register(User)
class SignalboxUserAdmin(UserAdmin):  # type: ignore[type-arg]
    list_display = ("username", "email", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "groups")


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    filter_horizontal = ("permissions",)
