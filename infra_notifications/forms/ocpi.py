"""Forms of OCPI's parties."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from core.versions import Versioned
from infra_notifications.forms.routes import PLAIN
from infra_notifications.rules.ocpi.credentials import MAX_TOKEN, MAX_URL
from infra_notifications.services.ocpi.parties import MAX_NAME


class OcpiPartyForm(Versioned):
    """A party's name here; everything else it says itself when it registers."""

    name = forms.CharField(
        label=_("Name"), max_length=MAX_NAME, help_text=_("The operator or hub whose locations are received.")
    )
    may_be_hub = forms.BooleanField(
        label=_("May be a hub"),
        required=False,
        help_text=_("A hub speaks for everyone who is not connected here by themselves."),
    )


class OcpiConnectForm(forms.Form):
    """What a party gave us so that we begin."""

    versions_url = forms.CharField(
        label=_("Versions URL"),
        max_length=MAX_URL,
        widget=forms.TextInput(attrs=PLAIN | {"placeholder": "https://ocpi.example/ocpi/cpo/versions"}),
    )
    token = forms.CharField(
        label=_("Token A"),
        max_length=MAX_TOKEN,
        widget=forms.TextInput(attrs=PLAIN),
        help_text=_("Used for this one exchange, and not kept."),
    )
