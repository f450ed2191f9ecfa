"""Forms of the console."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    AuthenticationForm,
    PasswordChangeForm,
    UsernameField,
)
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.choices import Scope
from core.hashing import make_first
from core.models import ApiKey


class SheetField(forms.FileField):
    """A CSV or Excel file. How large it may be, the proxy in front has to know too (`deploy/nginx.conf`)."""

    widget = forms.ClearableFileInput({"accept": ".csv,.tsv,.txt,.xlsx"})

    def __init__(self, *, most_bytes: int, too_large: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most_bytes, self.too_large = most_bytes, too_large

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and value.size > self.most_bytes:
            raise forms.ValidationError(self.too_large)


class UrlNameField(forms.SlugField):
    """A name that stands in an address."""

    default_error_messages = {"invalid": _("Use letters without accents, digits, - and _ alone.")}


class SignInForm(AuthenticationForm):
    """Django's, which cuts no name: one longer than any user's must not reach the log of failures."""

    username = UsernameField(
        label=_("Username"),
        max_length=User._meta.get_field("username").max_length,
        widget=forms.TextInput(attrs={"autofocus": True}),
    )


class OwnPasswordForm(PasswordChangeForm):
    """Django's, which takes the old password for a new one, and lets it be guessed without end."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        """As at the sign-in, where those that are wrong are counted by name and address."""
        old: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=old) is None:
            raise forms.ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return old

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("old_password") and data["old_password"] == data.get("new_password1"):
            self.add_error("new_password1", _("This is the old password; choose another."))
        return data


class _ForAnother:
    """A password that somebody sets for somebody else has to be changed at the sign-in."""

    def set_password_and_save(self, user: User, *args: Any, commit: bool = True) -> User:
        user = super().set_password_and_save(user, *args, commit=False)  # type: ignore[misc]
        if user.has_usable_password():
            user.password = make_first(user._password)  # type: ignore[attr-defined] # as it was set a line before
        if commit:
            user.save()
        return user


class NewUserForm(_ForAnother, AdminUserCreationForm):  # type: ignore[type-arg,misc]
    pass


class OthersPasswordForm(_ForAnother, AdminPasswordChangeForm):  # type: ignore[type-arg]
    pass


class ConfirmByTypingForm(forms.Form):
    """Asks to type what is to be deleted, so that it never happens by a slip; case is ignored."""

    typed = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}))

    def __init__(self, *args: Any, label: str, expected: str, refusal: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["typed"].label = label
        self.expected, self.refusal = expected, refusal

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if typed.strip().casefold() != self.expected.casefold():
            raise forms.ValidationError(self.refusal)
        return typed


class ApiKeyForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("Who uses it, e.g. “CSMS Rhineland”."))
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What it may do."),
    )
    expires_on = forms.DateField(
        label=_("Expires on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The last day on which it works; empty: until it is revoked."),
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if ApiKey.objects.filter(name__iexact=name).exists():
            raise forms.ValidationError(_("There is a key of this name already."))
        return name

    def clean_expires_on(self) -> Any:
        day = self.cleaned_data["expires_on"]
        if day is not None and day < timezone.localdate():
            raise forms.ValidationError(_("This day is over; choose today or a later one."))
        return day

    def expires_at(self) -> datetime | None:
        day = self.cleaned_data.get("expires_on")
        return timezone.make_aware(datetime.combine(day, time.max)) if day else None
