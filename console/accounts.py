"""Signing in and out, and one's own password: whoever tries too often is answered before anything is hashed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView, RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from console import unsent
from console.forms import OwnPasswordForm, SignInForm
from console.middleware import CHOSEN_ZONE
from core import passwords
from core.hashing import check_place, is_first
from core.permissions import SIGNED_IN, landing, person, public, requires
from core.rates import Verdict
from core.time_zones import known_zones


class _Lands(RedirectURLMixin):
    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        return landing(self.request, super().get_redirect_url(), "")  # type: ignore[attr-defined]


class SignIn(_Lands, LoginView):
    authentication_form = SignInForm
    template_name = "console/sign_in.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """What a script sent without being signed in comes here; by who has signed in meanwhile it is taken back."""
        if unsent.KEPT not in request.POST or (sent := unsent.sent_with(request)) is None:
            return super().dispatch(request, *args, **kwargs)
        if not request.user.is_authenticated:
            return unsent.ask_to_sign_in(request, sent)
        unsent.keep(request, sent)
        return redirect(landing(request, sent["page"]))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(unsent=self.request.POST.get(unsent.FIELD, ""), **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        check_place()
        if (refusal := passwords.too_often(request)) is not None:
            return _too_often(request, refusal)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        passwords.note_right(self.request, form.get_user())
        response = super().form_valid(form)
        unsent.keep_signed(self.request)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        passwords.note_wrong(self.request, form.data.get("username", ""), form.data.get("password", ""))
        return super().form_invalid(form)


class SignOut(_Lands, LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What the browser kept of pages goes; cookies end by themselves, for other sites of the domain have theirs."""
        response: HttpResponse = super().post(request, *args, **kwargs)
        response["Clear-Site-Data"] = '"cache", "storage"'
        return response


def _too_often(request: HttpRequest, refusal: Verdict) -> HttpResponse:
    response = render(request, "console/locked_out.html", {"is_by_address": True}, status=429)
    for name, value in refusal.headers.items():
        response[name] = value
    return response


sign_in = public(SignIn.as_view())
sign_out = public(SignOut.as_view())


class Account(PasswordChangeView):
    template_name = "console/account.html"
    form_class = OwnPasswordForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_due = is_first(person(self.request).password)
        return super().get_context_data(
            page_title=_("Account"),
            languages=settings.LANGUAGES,
            zones=known_zones(),
            chosen_zone=self.request.COOKIES.get(CHOSEN_ZONE, ""),
            is_due=is_due,
            next=self.get_success_url(),
            **kwargs,
        )

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}

    def get_success_url(self) -> str:
        """Where somebody was going who had to choose a password first."""
        target = self.request.POST.get("next") or self.request.GET.get("next", "")
        return landing(self.request, target, reverse("console:account"))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Whoever sits at somebody's screen must not guess their password here."""
        if (refusal := passwords.too_often(request, person(request))) is not None:
            return _too_often(request, refusal)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: Any) -> HttpResponse:
        if "old_password" in form.errors:
            passwords.note_wrong(self.request, person(self.request).get_username(), form.data.get("old_password", ""))
        return super().form_invalid(form)

    def form_valid(self, form: Any) -> HttpResponse:
        passwords.note_right(self.request, person(self.request), "password changed")
        messages.success(self.request, _("Your password is changed."))
        return super().form_valid(form)


account = requires(SIGNED_IN)(Account.as_view())


@requires(SIGNED_IN)
@require_POST
def time_zone(request: HttpRequest) -> HttpResponse:
    """Keeps the chosen zone in a cookie, as the theme and the language; without one the browser's counts."""
    zone, response = request.POST.get("time_zone", ""), redirect("console:account")
    if zone in known_zones():
        response.set_cookie(CHOSEN_ZONE, zone, 365 * 24 * 3600, secure=settings.HTTPS, samesite="Lax")
    else:
        response.delete_cookie(CHOSEN_ZONE, samesite="Lax")
    return response
