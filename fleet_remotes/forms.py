"""Forms of fleet remotes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

import msgspec
from django import forms
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext_lazy as _

from console.forms import SheetField, UrlNameField
from console.lists import BulkForm
from core.pieces import why_malformed
from core.time_zones import known_zones
from core.versions import Versioned
from fleet_remotes.catalogue.advice import summary_of
from fleet_remotes.catalogue.words import kind_of_name
from fleet_remotes.choices import Kind
from fleet_remotes.ingest.commands import Command, CommandError, read_command
from fleet_remotes.models import Fleet
from fleet_remotes.services.commands import MIN_REASON
from fleet_remotes.services.imports import MOST_BYTES

Values = dict[str, Any]
# What a person may choose, in groups: kind and parameters.
_GROUPS: tuple[tuple[Any, dict[str, tuple[Kind, Values]]], ...] = (
    (
        _("Everyday"),
        {
            "lock": (Kind.DOOR, {"state": "Locked"}),
            "precondition": (Kind.PRECONDITIONING, {"airConditioning": {"immediate": True}}),
            "precondition_stop": (Kind.PRECONDITIONING, {"airConditioning": {"immediate": False}}),
            "horn": (Kind.HORN, {"state": "Activated"}),
            "horn_off": (Kind.HORN, {"state": "Unactivated"}),
            "lights": (Kind.LIGHTS, {"on": True}),
            "lights_off": (Kind.LIGHTS, {"on": False}),
        },
    ),
    (
        _("Charging"),
        {
            "charge": (Kind.CHARGING, {"immediate": True}),
            "charge_stop": (Kind.CHARGING, {"immediate": False}),
            "charge_later": (Kind.CHARGING, {"schedule": {}}),
            "charge_type": (Kind.CHARGING, {"preferences": {}}),
        },
    ),
    (_("Other"), {"navigate": (Kind.NAVIGATION, {"positions": [{}]}), "wake_up": (Kind.WAKE_UP, {})}),
    (
        _("With a reason and a second confirmation"),
        {
            "unlock": (Kind.DOOR, {"state": "Unlocked"}),
            "immobilise": (Kind.IMMOBILIZATION, {"activate": True}),
            "release": (Kind.IMMOBILIZATION, {"activate": False}),
            "stolen": (Kind.STOLEN, {"stolen": True}),
            "found": (Kind.STOLEN, {"stolen": False}),
        },
    ),
)
COMMANDS = {key: command for _title, commands in _GROUPS for key, command in commands.items()}
# Those whose parameters are built from further fields: which they need, and how.
_BUILT: dict[str, tuple[tuple[str, ...], Callable[[Values], Values]]] = {
    "charge_later": (("time",), lambda values: {"schedule": {"nextDelayedTime": _duration(values["time"])}}),
    "charge_type": (("charge_to",), lambda values: {"preferences": {"type": values["charge_to"]}}),
    "navigate": (("latitude", "longitude"), lambda values: {"positions": [_point(values)]}),
}
CUSTOM = "custom"


def _duration(moment: time) -> str:
    return f"PT{moment.hour}H{moment.minute}M"


def _point(values: Values) -> Values:
    return {"type": "Point", "coordinates": [float(values["longitude"]), float(values["latitude"])]}


def _choices() -> list[Any]:
    groups: list[Any] = [(title, [(key, _label(key)) for key in commands]) for title, commands in _GROUPS]
    return [("", "–"), *groups, (_("By hand"), [(CUSTOM, _("As the vendor’s API spells it"))])]


def _label(key: str) -> Any:
    return _("Charge later") if key == "charge_later" else summary_of(*COMMANDS[key])


class CommandForm(forms.Form):
    """What is to be done, and why. The fields in the middle belong to some commands alone."""

    command = forms.ChoiceField(label=_("Command"), choices=_choices)
    time = forms.TimeField(
        label=_("Time of day"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}),
        help_text=_("For “Charge later”, by the vehicle’s clock."),
    )
    charge_to = forms.ChoiceField(
        label=_("Charge"),
        required=False,
        choices=[("", "–"), ("Partial", _("partly")), ("Full", _("fully"))],
        help_text=_("For “Set charging preferences”."),
    )
    latitude = forms.DecimalField(
        label=_("Latitude"),
        required=False,
        min_value=-90,
        max_value=90,
        decimal_places=6,
        help_text=_("For “Send a destination”."),
    )
    longitude = forms.DecimalField(
        label=_("Longitude"), required=False, min_value=-180, max_value=180, decimal_places=6
    )
    kind = forms.ChoiceField(
        label=_("Action by hand"),
        required=False,
        choices=[("", "–"), *Kind.choices],
        help_text=_("For “As the vendor’s API spells it”."),
    )
    parameters = forms.CharField(
        label=_("Parameters by hand"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "mono"}),
        help_text=_('JSON, e.g. {"airConditioning": {"programs": [{"slot": 1, "start": "PT7H30M"}]}}'),
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        help_text=_("Kept with the command; needed for unlocking, immobilising and declaring stolen."),
    )

    def clean(self) -> Values:
        values: Values = super().clean() or {}
        choice = values.get("command")
        if not choice or self.errors:
            return values
        try:
            self.made = self._custom(values) if choice == CUSTOM else self._chosen(choice, values)
        except CommandError as error:
            self.add_error("parameters" if choice == CUSTOM else "command", str(error))
            return values
        if self.made is not None and self.made.is_dangerous and len((values.get("reason") or "").strip()) < MIN_REASON:
            self.add_error("reason", _("Say why, in at least %(n)d characters.") % {"n": MIN_REASON})
        return values

    def _chosen(self, choice: str, values: Values) -> Command | None:
        kind, parameters = COMMANDS[choice]
        if choice not in _BUILT:
            return read_command(kind, parameters)
        needs, build = _BUILT[choice]
        missing = [name for name in needs if values.get(name) in (None, "")]
        for name in missing:
            self.add_error(name, _("This command needs it."))
        return None if missing else read_command(kind, build(values))

    def _custom(self, values: Values) -> Command | None:
        try:
            parameters = msgspec.json.decode((values.get("parameters") or "{}").encode())
        except (msgspec.DecodeError, RecursionError) as error:
            raise CommandError(f"This is no JSON: {why_malformed(error)}.") from error
        # The vendor's whole request names the action itself.
        named = [key for key in parameters if kind_of_name(key)] if isinstance(parameters, dict) else []
        if not values.get("kind") and len(named) != 1:
            self.add_error("kind", _("Choose the action."))
            return None
        return read_command(values.get("kind") or named[0], parameters)


class ConfirmForm(forms.Form):
    """The second confirmation: what is to be typed is the VIN, or the number of vehicles."""

    typed = forms.CharField(label=_("To confirm"), max_length=40)

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected
        self.fields["typed"].widget.attrs["autocomplete"] = "off"
        self.fields["typed"].help_text = _("Type %(expected)s.") % {"expected": expected}

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"].strip().upper()
        if typed != self.expected:
            raise forms.ValidationError(_("This is not it; type %(expected)s.") % {"expected": self.expected})
        return typed


_DAYS = tuple((str(number), word) for number, word in WEEKDAYS_ABBR.items())


class ScheduleForm(Versioned):
    name = forms.CharField(label=_("Name"), max_length=120)
    days = forms.TypedMultipleChoiceField(
        label=_("Days"), choices=_DAYS, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    at = forms.TimeField(label=_("Time of day"), widget=forms.TimeInput(attrs={"type": "time"}))
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=lambda: [(zone, zone) for zone in known_zones()])


class ImportForm(forms.Form):
    file = SheetField(
        label=_("File"),
        help_text=_("CSV or Excel (.xlsx); its first line names the columns: vin, fleet, brand, plate, name …"),
        most_bytes=MOST_BYTES,
        too_large=_("The file is larger than 5 MiB."),
    )


class StopForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=200, help_text=_("Everyone who wants to send sees it."))


class CallbackForm(forms.Form):
    slug = UrlNameField(label=_("URL name"), max_length=60, help_text=_("The last part of its address."))
    fleet = forms.ModelChoiceField(label=_("Fleet"), queryset=Fleet.objects.all())
    header_name = forms.CharField(label=_("Header"), max_length=60, initial="Authorization")
    header_value = forms.CharField(
        label=_("Its value"),
        max_length=500,
        required=False,
        help_text=_("What the vendor sends; empty for a random one. It is shown once and stored nowhere."),
    )
    callback_id = forms.CharField(
        label=_("Callback id"),
        max_length=128,
        required=False,
        help_text=_("The vendor’s, if it is registered there already; else register it in the next step."),
    )
    batch_window_s = forms.IntegerField(
        label=_("Batch window (s)"),
        min_value=0,
        max_value=86_400,
        initial=0,
        help_text=_("How long the vendor gathers notifications into one batch; 0: not at all."),
    )
    silent_after_s = forms.IntegerField(
        label=_("Silent after (s)"),
        min_value=60,
        max_value=2_592_000,
        initial=900,
        help_text=_("A command without any notification for this long means that the callback is silent."),
    )


class CallbackUpdateForm(Versioned):
    batch_window_s = CallbackForm.base_fields["batch_window_s"]
    silent_after_s = CallbackForm.base_fields["silent_after_s"]


class RotateForm(forms.Form):
    header_value = forms.CharField(
        label=_("The header’s new value"),
        max_length=500,
        required=False,
        help_text=_("Empty for a random one. It is shown once and stored nowhere."),
    )


class RegisterForm(forms.Form):
    header_value = forms.CharField(
        label=_("The header’s value"),
        max_length=500,
        help_text=_("As it was shown when the callback was made; the vendor is told it."),
    )


class BudgetForm(BulkForm, Versioned):
    wakeup_budget = forms.IntegerField(
        label=_("Wake-ups a month"),
        required=False,
        min_value=0,
        max_value=32_767,
        help_text=_("No more wake-ups than this; empty: the installation’s number."),
    )
