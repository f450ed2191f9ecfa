"""Forms of OCPI's parties."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from infra_notifications.services.ocpi.parties import MAX_NAME


class OcpiPartyForm(forms.Form):
    """A party's name here; everything else it says itself when it registers."""

    name = forms.CharField(
        label=_("Name"), max_length=MAX_NAME, help_text=_("The operator or hub whose locations are received.")
    )
