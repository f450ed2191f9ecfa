"""The forms for erasing an address, and for a report on whom it belongs to."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.email_addresses import clean_address
from core.refusal import refusing_in_form

# Who sees banners is named by the app that shows them, e.g. driver:12.
_AUDIENCE = re.compile(r"\w{2,40}:\S{1,250}")


class ReportForm(forms.Form):
    """On whom, and why."""

    address = forms.CharField(
        label=_("Address"),
        max_length=320,
        help_text=_("An e-mail address, or whom an app shows banners to, such as driver:12."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        help_text=_("Kept in the audit log, without the address. Do not name the person here."),
    )

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"].strip()
        if _AUDIENCE.fullmatch(address) and "@" not in address:
            return address
        with refusing_in_form():
            return clean_address(address)

    def clean_reason(self) -> str:
        reason: str = self.cleaned_data["reason"]
        if "@" in reason:
            raise ValidationError(_("Give the reason without an address: it is kept."))
        return reason


class EraseAddressForm(ReportForm):
    """The address is typed twice, because nothing brings it back."""

    field_order = ("address", "again", "reason")
    again = forms.CharField(label=_("The same address again"), max_length=320)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        typed = self.data.get("address", "").strip().casefold()
        if "again" in data and data["again"].strip().casefold() != typed:
            self.add_error("again", _("This is not the same address."))
        return data
