"""Forms of charging infrastructure notifications."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from django import forms
from django.utils.translation import gettext_lazy as _

from infra_notifications.choices import CASE_EXPLANATIONS, DEFAULT_HOLD_OFF_S, Case, Language
from infra_notifications.models import NotificationGroup

MAX_UPLOAD_BYTES = 100 * 1024 * 1024
_BETWEEN = re.compile(r"[\s,;]+")
# `Anna Muster <anna@example.org>`, as mail programs copy it; the name may be quoted and hold a comma.
_NAMED = re.compile(r"""(?:"[^"<>]*"|[^,;<>\n"])*<([^<>]*)>""")


def addresses_in(texts: Iterable[str]) -> list[str]:
    """What was typed or pasted, address by address; names beside them are left out."""
    return [part for text in texts for part in _BETWEEN.split(_NAMED.sub(r" \1 ", text)) if part]


def ids_in(texts: Iterable[str]) -> list[int]:
    """The numbers among submitted values; whatever else was sent is no row of ours."""
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]


class GroupNameForm(forms.Form):
    """The wizard's first step."""

    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs={"autofocus": True}))
    description = forms.CharField(
        label=_("Description"), required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=2_000
    )

    def __init__(self, *args: Any, group: NotificationGroup | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        taken = NotificationGroup.objects.filter(name__iexact=name)
        if self.group is not None:
            taken = taken.exclude(pk=self.group.pk)
        if taken.exists():
            raise forms.ValidationError(_("There is a notification group named “%(name)s” already.") % {"name": name})
        return name


class CaseChoices(forms.CheckboxSelectMultiple):
    """The cases, each with the seed's explanation."""

    template_name = "infra_notifications/widgets/cases.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["explanations"] = {case.value: text for case, text in CASE_EXPLANATIONS.items()}
        return context


class GroupConfigurationForm(forms.Form):
    """A group's configuration: addresses in several fields, cases, hold-off in minutes, all-clear, language."""

    cases = forms.MultipleChoiceField(label=_("Cases"), choices=Case.choices, widget=CaseChoices, required=False)
    notify_recovery = forms.BooleanField(
        label=_("Send an all-clear when it is over"), required=False, help_text=_("In the same mail thread.")
    )
    reminder_h = forms.IntegerField(
        label=_("Remind every (hours)"), required=False, min_value=1, max_value=720,
        help_text=_("While it is open and nobody acknowledged it; empty: never."),
    )  # fmt: skip
    language = forms.ChoiceField(label=_("Language of the mails"), choices=Language.choices)

    def __init__(self, data: Any = None, *, group: NotificationGroup, addresses: list[str], **kwargs: Any) -> None:
        initial = {
            "cases": group.cases,
            "notify_recovery": group.notify_recovery,
            "reminder_h": -(-group.reminder_s // 3600) if group.reminder_s else None,
            "language": group.language,
        }
        super().__init__(data, initial=initial, **kwargs)
        for case in Case:
            self.fields[f"hold_off_{case}"] = forms.IntegerField(
                label=_("Hold-off (minutes)"), min_value=0, max_value=43_200, required=False,
                initial=group.hold_off_of(case) // 60, widget=forms.NumberInput(attrs={"class": "form-control-sm"}),
            )  # fmt: skip
        self.group = group
        # What was typed stays in its fields; pasted lists are spread over several.
        self.emails = (addresses_in(data.getlist("emails")) if data is not None else addresses) or [""]

    def group_settings(self) -> dict[str, Any]:
        """The settings as the service takes them. What the API set to the second and nobody touched here stays so."""
        data = self.cleaned_data
        hold_off = {}
        for case in Case:
            minutes = data.get(f"hold_off_{case}")
            if f"hold_off_{case}" not in self.changed_data:
                hold_off[case.value] = self.group.hold_off_of(case)
            else:
                hold_off[case.value] = DEFAULT_HOLD_OFF_S[case] if minutes is None else minutes * 60
        reminder = data["reminder_h"] * 3600 if data["reminder_h"] else None
        return {
            "cases": data["cases"],
            "notify_recovery": data["notify_recovery"],
            "reminder_s": reminder if "reminder_h" in self.changed_data else self.group.reminder_s,
            "language": data["language"],
            "hold_off_s": hold_off,
        }

    def hold_offs(self) -> list[tuple[Case, Any]]:
        return [(case, self[f"hold_off_{case}"]) for case in Case]


class DeleteGroupForm(forms.Form):
    """Deleting asks for the name, so that it never happens by a slip."""

    name = forms.CharField(label=_("Type the group’s name to delete it"))

    def __init__(self, *args: Any, group: NotificationGroup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name.strip().casefold() != self.group.name.casefold():
            raise forms.ValidationError(_("This is not the group’s name."))
        return name


class ImportForm(forms.Form):
    file = forms.FileField(
        label=_("CSV file"), help_text=_("The first line names the columns; evse_id must be among them.")
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_UPLOAD_BYTES:
            raise forms.ValidationError(_("The file is larger than 100 MiB; use manage.py import_charge_points."))
        return file


class AdoptForm(forms.Form):
    evse_id = forms.CharField(label=_("EVSE id"), max_length=48)


class TryRuleForm(forms.Form):
    """A message as the API takes it, pasted to see which rule it meets."""

    message = forms.CharField(
        label=_("Message"),
        widget=forms.Textarea(attrs={"rows": 10, "class": "mono", "spellcheck": "false"}),
        max_length=100_000,
        help_text=_("As the API takes it, or an OCPP frame [2, id, action, payload]."),
    )

    def clean_message(self) -> dict[str, Any]:
        """The message as {"protocol", "action", "payload"}; says where the JSON is wrong."""
        try:
            given = msgspec.json.decode(self.cleaned_data["message"])
        except (msgspec.DecodeError, RecursionError) as error:
            raise forms.ValidationError(_("This is no JSON: %(error)s") % {"error": error}) from error
        message: dict[str, Any]
        match given:
            case [2, _id, action, payload, *_rest]:
                message = {"action": action, "payload": payload}
            case {"action": _action} as message:
                pass
            case [{"action": _action} as message, *_rest]:
                pass
            case dict():
                message = {"action": "NotifyEvent" if "eventData" in given else "StatusNotification", "payload": given}
            case _other:
                raise forms.ValidationError(_("Paste one message, an object with action and payload."))
        two = "eventData" in str(message) or "connectorStatus" in str(message)
        return {"protocol": "ocpp2.0.1" if two else "ocpp1.6"} | message
