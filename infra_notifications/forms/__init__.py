"""Forms of charging infrastructure notifications."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from console.forms import SheetField
from console.lists import BulkForm
from core.email_addresses import validate_mailbox
from core.refusal import Refused, add_refusal, refusing_in_form
from core.text import identity_key
from core.time_zones import known_zones
from core.versions import Versioned
from infra_notifications.choices import CASE_EXPLANATIONS, DEFAULT_HOLD_OFF_S, Case, Language
from infra_notifications.evse_ids import ids_by_evse
from infra_notifications.models import NotificationGroup
from infra_notifications.models.charge_points import tags_typed
from infra_notifications.selectors import locations_named
from infra_notifications.services.adoption import UnknownStation, check_pattern, proposed
from infra_notifications.services.maintenance import Targets, beginning
from outbox.services.mailing_lists.addresses import addresses_in

MAX_TAG = 40
_ENDS = re.compile(r"[\n\r\t,;]+")
MAX_UPLOAD_BYTES = 100 * 1024 * 1024


def _moment_input() -> forms.DateTimeInput:
    """A date and time in the viewer's zone."""
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def ids_in(texts: Iterable[str]) -> list[int]:
    """The numbers among submitted values; whatever else was sent is no row of ours."""
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]


def points_named(text: str) -> list[int]:
    """The charge points of EVSE ids that were typed or pasted. Raises ValidationError that names the unknown ones."""
    lines = [line for line in _ENDS.split(text) if line.strip()]
    whole = ids_by_evse(identity_key(line) for line in lines)
    # An id may be spelt with blanks; else they stand between two.
    wanted = [part for line in lines if identity_key(line) not in whole for part in line.split()]
    found = whole | ids_by_evse(identity_key(part) for part in wanted)
    unknown = [part for part in wanted if identity_key(part) not in found]
    if unknown:
        names = ", ".join(unknown[:10]) + (" …" if len(unknown) > 10 else "")
        raise forms.ValidationError(_("There is no charge point %(names)s.") % {"names": names})
    return list(dict.fromkeys(found.values()))


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


class GroupConfigurationForm(Versioned):
    """A group's configuration: addresses in several fields, cases, hold-off in minutes, all-clear, language."""

    also_shown = ("hold_off_s", "reminder_s")

    cases = forms.MultipleChoiceField(label=_("Cases"), choices=Case.choices, required=False)
    notify_recovery = forms.BooleanField(
        label=_("Send an all-clear when it is over"), required=False, help_text=_("In the same mail thread.")
    )
    reminder_h = forms.IntegerField(
        label=_("Remind every (hours)"),
        required=False,
        min_value=1,
        max_value=720,
        help_text=_("While it is open and nobody acknowledged it; empty: never."),
    )
    language = forms.ChoiceField(label=_("Language of the mails"), choices=Language.choices)
    digest_time = forms.TimeField(
        label=_("One daily digest at"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("Instead of single mails, reminders included; empty: each alert is mailed by itself."),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), required=False, help_text=_("Of the times in mails, and of the digest.")
    )
    reply_to = forms.CharField(
        label=_("Answers go to"),
        required=False,
        max_length=254,
        validators=[validate_mailbox],
        help_text=_("Empty: as the installation’s mails."),
    )

    def __init__(self, data: Any = None, *, group: NotificationGroup, addresses: list[str], **kwargs: Any) -> None:
        initial = {
            "cases": group.cases,
            "notify_recovery": group.notify_recovery,
            "reminder_h": -(-group.reminder_s // 3600) if group.reminder_s else None,
            "language": group.language,
            "digest_time": group.digest_time,
            # A group that has none is offered the viewer's.
            "time_zone": group.time_zone or ("" if group.digest_time else timezone.get_current_timezone_name()),
            "reply_to": group.reply_to,
        }
        super().__init__(data, initial=initial, row=group, **kwargs)
        usual = _("The installation’s (%(zone)s)") % {"zone": timezone.get_default_timezone_name()}
        self.fields["time_zone"].choices = [("", usual), *((zone, zone) for zone in known_zones())]  # type: ignore[attr-defined]
        for case in Case:
            self.fields[f"hold_off_{case}"] = forms.IntegerField(
                label=_("Hold-off of %(case)s (minutes)") % {"case": case.label},
                min_value=0,
                max_value=43_200,
                required=False,
                initial=group.hold_off_of(case) // 60,
                widget=forms.NumberInput(attrs={"class": "form-control-sm"}),
            )
        self.group = group
        # What was typed stays in its fields; pasted lists are spread over several.
        self.known_emails = data.getlist("known_emails") if data is not None else ["", *addresses]
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
        # Left as it was offered, the zone is that of the digest alone.
        is_zone_chosen = data["digest_time"] is not None or "time_zone" in self.changed_data
        reminder = data["reminder_h"] * 3600 if data["reminder_h"] else None
        return {
            "cases": data["cases"],
            "notify_recovery": data["notify_recovery"],
            "reminder_s": reminder if "reminder_h" in self.changed_data else self.group.reminder_s,
            "language": data["language"],
            "hold_off_s": hold_off,
            "digest_time": data["digest_time"],
            "time_zone": data["time_zone"] if is_zone_chosen else self.group.time_zone,
            "reply_to": data["reply_to"],
        }

    def case_rows(self) -> list[dict[str, Any]]:
        """Each case with the seed's explanation, whether it is chosen, and its hold-off."""
        chosen = self["cases"].value() or []
        return [
            {
                "case": case,
                "explanation": CASE_EXPLANATIONS[case],
                "chosen": case.value in chosen,
                "hold_off": self[f"hold_off_{case}"],
            }
            for case in Case
        ]


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


class AddToGroupForm(BulkForm):
    """To which group the selected charge points are added."""

    group = forms.ModelChoiceField(queryset=NotificationGroup.objects.order_by("name"), label=_("Group"))

    def arguments(self) -> dict[str, Any]:
        return {"group": self.cleaned_data["group"].pk}


class TagForm(BulkForm):
    """Tags to add and to take away."""

    add = forms.CharField(label=_("Add tags"), required=False, help_text=_("Several are parted by commas."))
    drop = forms.CharField(label=_("Take away tags"), required=False)

    def _tags(self, name: str) -> list[str]:
        found = tags_typed([self.cleaned_data[name]])
        if any(len(tag) > MAX_TAG for tag in found):
            raise forms.ValidationError(_("A tag has at most %(n)d characters.") % {"n": MAX_TAG})
        return found

    def clean_add(self) -> list[str]:
        return self._tags("add")

    def clean_drop(self) -> list[str]:
        return self._tags("drop")

    def clean(self) -> None:
        if not self.errors and not self.cleaned_data["add"] and not self.cleaned_data["drop"]:
            raise forms.ValidationError(_("Name a tag to add or to take away."))


class ImportForm(forms.Form):
    file = SheetField(
        label=_("CSV or Excel file"),
        help_text=_("The first line names the columns; evse_id must be among them."),
        most_bytes=MAX_UPLOAD_BYTES,
        too_large=_("The file is larger than 100 MiB; use manage.py import_charge_points."),
    )


class AdoptForm(forms.Form):
    """The EVSE id of each connector of an unknown station, as proposed or typed."""

    def __init__(self, data: Any = None, *, station: UnknownStation) -> None:
        super().__init__(data)
        self.first = "evse_id"
        self.senders = {f"evse_id_{sender.pk}" if n else self.first: sender for n, sender in enumerate(station.points)}
        for name, sender in self.senders.items():
            label = _("EVSE id of connector %(n)d") % {"n": sender.connector} if sender.connector else _("EVSE id")
            self.fields[name] = forms.CharField(label=label, initial=proposed(sender, station.pattern))

    def evse_ids(self) -> dict[int, str]:
        return {sender.pk: self.cleaned_data[name] for name, sender in self.senders.items()}


class AdoptAllForm(BulkForm):
    """By which pattern the EVSE ids of several unknown stations are made."""

    pattern = forms.CharField(
        label=_("EVSE ids"),
        max_length=100,
        required=False,
        help_text=_(
            "{station} and {connector} are put in; a sender that names an EVSE id keeps it. Empty: by the pattern of"
            " each station’s route, or that of the installation."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pattern"].widget.attrs["placeholder"] = settings.CHARGING_EVSE_PATTERN

    def clean_pattern(self) -> str:
        with refusing_in_form():
            return check_pattern(pattern) if (pattern := self.cleaned_data["pattern"]).strip() else ""


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
            raise forms.ValidationError(_("This is no JSON; paste the whole message.")) from error
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


class MaintenanceTimesForm(Versioned):
    """Why and how long: what can be changed of a window later."""

    reason = forms.CharField(
        label=_("What is done"), max_length=200, help_text=_("Shown wherever somebody was not told because of it.")
    )
    starts_at = forms.DateTimeField(
        label=_("Begins"), required=False, widget=_moment_input(), help_text=_("Empty: at once.")
    )
    ends_at = forms.DateTimeField(
        label=_("Ends"), widget=_moment_input(), help_text=_("What is still broken then is told.")
    )


class MaintenanceOfSelectedForm(BulkForm, MaintenanceTimesForm):
    """The same, for charge points that were selected in a list."""

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not self.errors:
            try:
                beginning(starts_at=data["starts_at"], ends_at=data["ends_at"], now=timezone.now())
            except Refused as refused:
                add_refusal(self, refused)
        return data

    def arguments(self) -> dict[str, Any]:
        data = self.cleaned_data
        starts = data["starts_at"]
        return {
            "reason": data["reason"],
            "starts_at": starts.isoformat() if starts else "",
            "ends_at": data["ends_at"].isoformat(),
        }


class MaintenanceForm(MaintenanceTimesForm):
    """A new window with what it covers. `selected` charge points come from a list and need not be typed."""

    evse_ids = forms.CharField(
        label=_("Charge points"),
        required=False,
        max_length=500_000,
        help_text=_("EVSE ids, one per line."),
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
    )
    locations = forms.CharField(
        label=_("Locations"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One per line, named as in the list of charge points; with “, city” behind it in one city only."),
    )
    groups = forms.ModelMultipleChoiceField(
        NotificationGroup.objects.all(),
        label=_("All charge points of these groups"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    GROUPS_SHOWN = 200

    def __init__(self, *args: Any, selected: Iterable[int] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.selected = list(selected)
        groups: Any = self.fields["groups"]
        first = NotificationGroup.objects.all()[: self.GROUPS_SHOWN + 1]
        chosen = NotificationGroup.objects.filter(pk__in=ids_in(map(str, self["groups"].value() or [])))
        shown = {group.pk: group.name for group in (*chosen, *first[: self.GROUPS_SHOWN])}
        groups.widget.choices = list(shown.items())
        if len(first) > self.GROUPS_SHOWN:
            groups.help_text = _("More groups: begin from the page of the group.")

    def clean_evse_ids(self) -> list[int]:
        return points_named(self.cleaned_data["evse_ids"])

    def clean_locations(self) -> list[tuple[str, str]]:
        lines = [line.strip() for line in self.cleaned_data["locations"].splitlines() if line.strip()]
        found, unknown = locations_named(lines)
        if unknown:
            said = [
                _("“%(name)s” (did you mean “%(near)s”?)") % {"name": name, "near": near} if near else f"“{name}”"
                for name, near in unknown
            ]
            raise forms.ValidationError(_("There is no location %(names)s.") % {"names": ", ".join(map(str, said))})
        return found

    def targets(self) -> Targets:
        data = self.cleaned_data
        points = {*self.selected, *data["evse_ids"]}
        return Targets(sorted(points), [group.pk for group in data["groups"]], data["locations"])
