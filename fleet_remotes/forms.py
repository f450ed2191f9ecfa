"""Forms of fleet remotes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fleet_remotes.choices import Kind
from fleet_remotes.ingest.commands import Command, CommandError, read_command
from fleet_remotes.models import Fleet
from fleet_remotes.services.commands import MIN_REASON

Given = dict[str, Any]


def _duration(given: Given) -> str:
    return f"PT{given['time'].hour}H{given['time'].minute}M"


def _position(given: Given) -> Given:
    return {"type": "Point", "coordinates": [float(given["longitude"]), float(given["latitude"])]}


# What a person may choose: label, kind, the parameters made of the other fields, and which of those it needs.
Choice = tuple[str | Promise, Kind, Callable[[Given], Any], tuple[str, ...]]
COMMANDS: dict[str, Choice] = {
    "lock": (_("Lock the doors"), Kind.DOOR, lambda _g: {"state": "Locked"}, ()),
    "unlock": (_("Unlock the doors"), Kind.DOOR, lambda _g: {"state": "Unlocked"}, ()),
    "precondition": (
        _("Start preconditioning"),
        Kind.PRECONDITIONING,
        lambda _g: {"airConditioning": {"immediate": True}},
        (),
    ),
    "precondition_stop": (
        _("Stop preconditioning"),
        Kind.PRECONDITIONING,
        lambda _g: {"airConditioning": {"immediate": False}},
        (),
    ),
    "charge": (_("Start charging"), Kind.CHARGING, lambda _g: {"immediate": True}, ()),
    "charge_stop": (_("Stop charging"), Kind.CHARGING, lambda _g: {"immediate": False}, ()),
    "charge_later": (
        _("Charge later"),
        Kind.CHARGING,
        lambda g: {"schedule": {"nextDelayedTime": _duration(g)}},
        ("time",),
    ),
    "charge_type": (
        _("Set charging preferences"),
        Kind.CHARGING,
        lambda g: {"preferences": {"type": g["charge_to"]}},
        ("charge_to",),
    ),
    "horn": (_("Sound the horn"), Kind.HORN, lambda _g: {"state": "Activated"}, ()),
    "horn_off": (_("Silence the horn"), Kind.HORN, lambda _g: {"state": "Unactivated"}, ()),
    "lights": (_("Switch the lights on"), Kind.LIGHTS, lambda _g: {"on": True}, ()),
    "lights_off": (_("Switch the lights off"), Kind.LIGHTS, lambda _g: {"on": False}, ()),
    "navigate": (
        _("Send a destination"),
        Kind.NAVIGATION,
        lambda g: {"positions": [_position(g)]},
        ("latitude", "longitude"),
    ),
    "wake_up": (_("Wake up"), Kind.WAKE_UP, lambda _g: {}, ()),
    "immobilise": (_("Immobilise"), Kind.IMMOBILIZATION, lambda _g: {"activate": True}, ()),
    "release": (_("Release the immobiliser"), Kind.IMMOBILIZATION, lambda _g: {"activate": False}, ()),
    "stolen": (_("Declare stolen"), Kind.STOLEN, lambda _g: {"stolen": True}, ()),
    "found": (_("Declare found again"), Kind.STOLEN, lambda _g: {"stolen": False}, ()),
}
CUSTOM = "custom"
_GROUPS = (
    (_("Everyday"), ("lock", "precondition", "precondition_stop", "horn", "horn_off", "lights", "lights_off")),
    (_("Charging"), ("charge", "charge_stop", "charge_later", "charge_type")),
    (_("Other"), ("navigate", "wake_up")),
    (_("With a reason and a second confirmation"), ("unlock", "immobilise", "release", "stolen", "found")),
)


def _choices() -> list[Any]:
    groups: list[Any] = [(title, [(key, COMMANDS[key][0]) for key in keys]) for title, keys in _GROUPS]
    return [("", "–"), *groups, (_("By hand"), [(CUSTOM, _("As the vendor’s API spells it"))])]


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

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        chosen = given.get("command")
        if not chosen or self.errors:
            return given
        try:
            self.made = self._custom(given) if chosen == CUSTOM else self._chosen(chosen, given)
        except CommandError as error:
            self.add_error("parameters" if chosen == CUSTOM else "command", str(error))
            return given
        if self.made is not None and self.made.is_dangerous and len((given.get("reason") or "").strip()) < MIN_REASON:
            self.add_error("reason", _("Say why, in at least %(n)d characters.") % {"n": MIN_REASON})
        return given

    def _chosen(self, chosen: str, given: Given) -> Command | None:
        _label, kind, build, needs = COMMANDS[chosen]
        missing = [name for name in needs if given.get(name) in (None, "")]
        for name in missing:
            self.add_error(name, _("This command needs it."))
        return None if missing else read_command(kind, build(given))

    def _custom(self, given: Given) -> Command | None:
        if not given.get("kind"):
            self.add_error("kind", _("Choose the action."))
            return None
        try:
            parameters = msgspec.json.decode((given.get("parameters") or "{}").encode())
        except (msgspec.DecodeError, RecursionError) as error:
            raise CommandError(f"{error}") from error
        return read_command(given["kind"], parameters)


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


class StopForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=200, help_text=_("Everyone who wants to send sees it."))


class CallbackForm(forms.Form):
    slug = forms.SlugField(label=_("Slug"), max_length=60, help_text=_("The last part of its address."))
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


class RegisterForm(forms.Form):
    header_value = forms.CharField(
        label=_("The header’s value"),
        max_length=500,
        help_text=_("As it was shown when the callback was made; the vendor is told it."),
    )


class BudgetForm(forms.Form):
    wakeup_budget = forms.IntegerField(
        label=_("Wake-ups a month"),
        required=False,
        min_value=0,
        max_value=32_767,
        help_text=_("No more wake-ups than this; empty: the installation’s number."),
    )
