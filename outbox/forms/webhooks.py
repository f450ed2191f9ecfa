"""Forms of webhook endpoints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from outbox.forms.topics import QUIET, SubscriptionForm
from outbox.models import WebhookEndpoint
from outbox.services.webhooks import KEPT, MAX_DESCRIPTION, EndpointInput
from outbox.subscriptions.personal_data import permissions_needed


class EndpointForm(SubscriptionForm):
    """An endpoint: where to, of what, on which condition, and whom to tell of trouble."""

    field_order = ("url", "description", "topics", "condition")

    url = forms.CharField(
        label=gettext_lazy("URL"),
        max_length=2_000,
        widget=forms.URLInput(attrs=QUIET | {"class": "mono"}),
        help_text=gettext_lazy(
            "Where the events are posted to, e.g. https://hooks.example.com/signalbox. Behind the host it is shown as"
            " *** and stays where that stays."
        ),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=MAX_DESCRIPTION,
        help_text=gettext_lazy("Whose system it is, for the people who look at this list."),
    )
    headers = forms.CharField(
        label=gettext_lazy("Own headers"),
        required=False,
        max_length=8_192,
        widget=forms.Textarea(attrs=QUIET | {"rows": 3, "class": "mono"}),
        help_text=gettext_lazy(
            "One “Name: value” per line, sent with every request. A value is shown as *** and stays where that stays;"
            " with another host all are dropped that are not typed anew."
        ),
    )
    contact = forms.CharField(
        label=gettext_lazy("Contact"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(),
        help_text=gettext_lazy("Who is mailed when the endpoint fails; empty: whoever made it, or the administrators."),
    )
    personal_data = forms.BooleanField(
        label=gettext_lazy("With personal data"),
        required=False,
        help_text=gettext_lazy("Events name people by ids; tick it only where the receiver must know who they are."),
    )

    def __init__(
        self, data: Any = None, *, editor: User, endpoint: WebhookEndpoint | None = None, **kwargs: Any
    ) -> None:
        self.editor, self.kept = editor, endpoint.header_names if endpoint is not None else []
        if endpoint is not None:
            named = {name: getattr(endpoint, name) for name in self.base_fields if name not in ("url", "headers")}
            kwargs["initial"] = named | {
                "url": endpoint.shown_url,
                "headers": "\n".join(f"{name}: {KEPT}" for name in endpoint.header_names),
            }
        super().__init__(data, row=endpoint, **kwargs)

    def clean_personal_data(self) -> bool:
        """Only who may read the people may have them told to somebody, at this URL or another."""
        asked: bool = self.cleaned_data["personal_data"]
        if asked and not self.editor.has_perms(permissions_needed(self.cleaned_data.get("topics", ()))):
            raise ValidationError(_("You may not read the people of every source, so you cannot have them told of."))
        return asked

    def clean_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for line in self.cleaned_data["headers"].splitlines():
            name, colon, value = line.partition(":")
            if line.strip() and not colon:
                raise ValidationError(_("“%(line)s” is not of the form “Name: value”.") % {"line": line.strip()[:60]})
            if line.strip():
                headers[name.strip()] = value.strip()
        return headers

    def check(self, data: dict[str, Any]) -> dict[str, Any]:
        """What is kept is judged by nobody: it is as it was."""
        kept = {name: value for name, value in data["headers"].items() if value == KEPT and name in self.kept}
        typed = {name: value for name, value in data["headers"].items() if name not in kept}
        clean = asdict(EndpointInput(**data | {"headers": typed}).cleaned())
        return clean | {"headers": clean["headers"] | kept}


def _moment() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class ReplayForm(forms.Form):
    """A range of time, and whether what arrived is sent once more."""

    since = forms.DateTimeField(label=gettext_lazy("From"), widget=_moment())
    until = forms.DateTimeField(
        label=gettext_lazy("To"),
        required=False,
        help_text=gettext_lazy("Not included; empty: until now."),
        widget=_moment(),
    )
    only_failed = forms.BooleanField(
        label=gettext_lazy("Only what has not arrived"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Failed, held back or cancelled. Otherwise everything is sent once more."),
    )

    def clean_since(self) -> Any:
        since = self.cleaned_data["since"]
        if since >= timezone.now():
            raise ValidationError(_("Choose a moment in the past."))
        return since
