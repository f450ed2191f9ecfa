"""Forms of the OCPP proxy's routes."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from console.lists import BulkForm
from core.encryption import lost
from core.refusal import Refused, add_refusal, refusing_in_form
from core.versions import Versioned
from infra_notifications.models import OcppRoute
from infra_notifications.services.ocpp_routes import MAX_SLUG, RouteInput, known_and_unknown

MAX_TYPED = 100_000
_BETWEEN = re.compile(r"[\n,;]")
PLAIN = {"class": "mono", "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}


class RouteForm(Versioned):
    """A route. Its URL name is asked only once: stations are set to it."""

    slug = forms.CharField(
        label=_("URL name"),
        max_length=MAX_SLUG,
        widget=forms.TextInput(attrs=PLAIN),
        help_text=_("Stations connect to the proxy’s address, this name and their identity; it cannot be changed."),
    )
    upstream = forms.CharField(
        label=_("CSMS"),
        max_length=2_000,
        widget=forms.TextInput(attrs=PLAIN | {"placeholder": "wss://csms.example.com/ocpp"}),
        help_text=_("Where stations connected until now, without their identity."),
    )
    enabled = forms.BooleanField(
        label=_("Enabled"), required=False, initial=True, help_text=_("Otherwise stations are refused for now (503).")
    )
    register_unknown = forms.BooleanField(
        label=_("Register unknown stations"),
        required=False,
        help_text=_("A station that nobody registered becomes a charge point when it says something."),
    )
    evse_pattern = forms.CharField(
        label=_("EVSE ids"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs=PLAIN | {"placeholder": "DE*ABC*E{station}*{connector}"}),
        help_text=_("Of stations that are registered so; {station} and {connector} are put in. Empty: as elsewhere."),
    )

    def __init__(self, data: Any = None, *, route: OcppRoute | None = None) -> None:
        initial = {name: getattr(route, name, "") for name in self.base_fields} if route is not None else None
        super().__init__(data, initial=initial, row=route)
        if route is not None:
            del self.fields["slug"]
            for name, sentence in lost(route).items():
                self.fields[name].help_text = sentence
        self.route = route

    def clean(self) -> dict[str, Any]:
        data = dict(super().clean())
        if not self.errors:
            slug = self.route.slug if self.route is not None else data["slug"]
            try:
                RouteInput(**(data | {"slug": slug})).cleaned()
            except Refused as refused:
                add_refusal(self, refused)
        return data


class _TargetField(forms.ModelChoiceField):  # type: ignore[type-arg] # generic in the stubs alone
    def label_from_instance(self, route: Any) -> str:
        return f"{route.slug} – {getattr(route, 'upstream', route.shown_url)}"


class MoveForm(BulkForm):
    """To which route the selected stations are moved."""

    target = _TargetField(queryset=OcppRoute.objects.order_by("slug"), label=_("Passed on by the route"))

    def arguments(self) -> dict[str, Any]:
        return {"target": self.cleaned_data["target"].pk}


class MoveNamedForm(MoveForm):
    """The same for stations that are named one by one, connected or not."""

    stations = forms.CharField(
        label=_("Stations"),
        max_length=MAX_TYPED,
        widget=forms.Textarea(attrs=PLAIN | {"rows": 3}),
        help_text=_("Their identities, one per line."),
    )
    field_order = ("stations", "target")

    def __init__(self, *args: Any, route: OcppRoute, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.route = route

    def clean_stations(self) -> list[str]:
        names = [name.strip() for name in _BETWEEN.split(self.cleaned_data["stations"]) if name.strip()]
        with refusing_in_form():
            _known, unknown = known_and_unknown(route=self.route, stations=names)
        if unknown:
            said = ngettext(
                "Nobody has heard of this station: %(names)s. Register it as a charge point first.",
                "Nobody has heard of these stations: %(names)s. Register them as charge points first.",
                len(unknown),
            )
            raise forms.ValidationError(said % {"names": ", ".join(unknown[:10])[:300]})
        return names
