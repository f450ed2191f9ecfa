"""The administrators' site at /admin/: Django's own, under our name, behind the console's sign-in."""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from core.permissions import landing
from core.refusal import Refused, add_refusal
from core.versions import VersionedForm


def may_administer(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether /admin/ is open to this person: staff, or of a role that may change users."""
    return (
        isinstance(user, PermissionsMixin)
        and user.is_active
        and (getattr(user, "is_staff", False) or user.has_perm("auth.change_user"))
    )


class _Versioned:
    """What each page that changes a row owes: it overwrites nothing that somebody else changed meanwhile."""

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        return form if obj is None else type(form.__name__, (_VersionedForm, form), {})


class _VersionedForm(VersionedForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bear_version(self.instance)  # type: ignore[attr-defined] # of model forms

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        rows = type(self.row)._default_manager.select_for_update(of=("self",))
        try:
            self.check_version(rows.get(pk=self.row.pk))  # the admin saves in the same transaction
        except Refused as refused:
            add_refusal(self, refused)  # type: ignore[arg-type] # a form
        return data


class SignalboxAdminSite(AdminSite):
    site_header = _("Signalbox administration")
    site_title = _("Signalbox")
    index_title = _("All data")
    site_url = "/"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        versioned = type("VersionedAdmin", (_Versioned, admin_class or ModelAdmin), {})
        super().register(model_or_iterable, versioned, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Administrators by their role, without a further tick at "staff"."""
        return may_administer(request.user)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: object = None
    ) -> HttpResponse:
        """One page for it, where guessing counts."""
        return HttpResponseRedirect(reverse("console:account"))

    @login_not_required
    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """One sign-in for both sites, so that brute-force protection counts in one place.

        Who is signed in and may not enter is told so: the sign-in would only send them back here, for ever.
        """
        target = landing(request, request.GET.get("next"), reverse("admin:index"))
        if not request.user.is_authenticated:
            return HttpResponseRedirect(f"{reverse('console:sign_in')}?{urlencode({'next': target})}")
        if not self.has_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(target)
