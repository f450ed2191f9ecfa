"""Forms of vehicles: facts by hand, a type's settings and words, samples, campaigns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from msgspec import inspect

from console.forms import UrlNameField
from core.schema_words import readable
from core.versions import Versioned
from vehicles.catalogue import CAMPAIGN_TYPES, TYPES, NotificationType
from vehicles.choices import MEANINGS, DriverChannel, PlatformName
from vehicles.ingest.base import DAYS, IncomingFact
from vehicles.models import NotificationText, TypeSetting
from vehicles.rules.deciding import Policy
from vehicles.services.languages import language_choices

YES_NO = (("", "–"), ("true", _("yes")), ("false", _("no")))


class LocalMoment(forms.DateTimeField):
    """A moment in the viewer's zone, with the browser's own picker."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **kwargs)


class Pairs(forms.Field):
    """ "geoLocation available, startStopCharging blocked": names with a word each."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        pairs = {}
        for part in re.split(r"[,\n]+", text):
            words = re.split(r"[\s:=]+", part.strip(), maxsplit=1)
            if len(words) != 2:
                raise forms.ValidationError(_t("Write names with a word each, e.g. geoLocation available."))
            pairs[words[0]] = words[1].strip()
        return pairs


class FlagPairs(Pairs):
    """The same with yes or no for a word."""

    def to_python(self, value: Any) -> Any:
        pairs = super().to_python(value)
        words = {"yes": True, "true": True, "no": False, "false": False}
        if pairs and set(map(str.lower, pairs.values())) - set(words):
            raise forms.ValidationError(_t("Write names with yes or no each, e.g. session no."))
        return {name: words[word.lower()] for name, word in pairs.items()} if pairs else None


class QuietField(forms.Field):
    """ "22:00-07:00"."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        parts = [part.strip() for part in re.split(r"[-–]", text)]
        if len(parts) != 2:
            raise forms.ValidationError(_t("Write two times, e.g. 22:00-07:00."))
        return {"from": parts[0], "until": parts[1]}


class YesNoField(forms.ChoiceField):
    """Yes, no, or nothing said."""


def _field_for(kind: inspect.Type, label: str, required: bool) -> forms.Field:
    """A form field for one type of a fact's schema."""
    if isinstance(kind, inspect.UnionType):
        kinds = [k for k in kind.types if not isinstance(k, inspect.NoneType)]
        return _field_for(kinds[0], label, required)
    if isinstance(kind, inspect.Metadata):
        return _field_for(kind.type, label, required)
    common: dict[str, Any] = {"label": label, "required": required}
    if isinstance(kind, inspect.BoolType):
        return YesNoField(choices=YES_NO, **common)
    if isinstance(kind, inspect.DateTimeType):
        return LocalMoment(**common)
    if isinstance(kind, inspect.IntType):
        return forms.IntegerField(min_value=kind.ge, max_value=kind.le, **common)
    if isinstance(kind, inspect.FloatType):
        return forms.FloatField(min_value=kind.ge, max_value=kind.le, **common)
    if isinstance(kind, inspect.DecimalType):
        return forms.DecimalField(**common)
    if isinstance(kind, inspect.StructType):
        return QuietField(help_text=_("e.g. 22:00-07:00"), **common)
    if isinstance(kind, inspect.DictType) and isinstance(kind.value_type, inspect.BoolType):
        return FlagPairs(help_text=_("e.g. session no, money yes"), **common)
    if isinstance(kind, inspect.DictType):
        return Pairs(help_text=_("e.g. geoLocation available, startStopCharging blocked"), **common)
    return forms.CharField(max_length=getattr(kind, "max_length", None), **common)


def _can_be_null(kind: inspect.Type) -> bool:
    """Whether null says something else than nothing at all, where that is no default."""
    return isinstance(kind, inspect.UnionType) and any(isinstance(one, inspect.NoneType) for one in kind.types)


class FactForm(forms.Form):
    """A fact by hand: its fields follow from the schema of its type, so that form and API are one."""

    def __init__(self, data: Any = None, *, fact_type: type[IncomingFact], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fact_type = fact_type
        self._links: list[str] = []
        self._data: list[str] = []
        nullable: list[tuple[str, str]] = []
        info = inspect.type_info(fact_type)
        assert isinstance(info, inspect.StructType)
        for field in info.fields:
            if isinstance(field.type, inspect.StructType):
                for inner in field.type.fields:
                    self._add(f"data_{inner.encode_name}", inner, self._data)
                    if inner.default is not None and _can_be_null(inner.type):
                        nullable.append((inner.encode_name, inner.encode_name.replace("_", " ")))
            elif field.name == "occurred_at":
                self.fields["occurred_at"] = LocalMoment(
                    label=_t("Occurred"), required=False, help_text=_t("Empty: now.")
                )
            elif field.name != "id":
                self._add(field.name, field, self._links)
        if nullable:
            self.fields["unknown"] = forms.MultipleChoiceField(
                label=_t("Not known any more"),
                choices=nullable,
                required=False,
                widget=forms.CheckboxSelectMultiple,
                help_text=_t("What was told of these before holds no more."),
            )

    def _add(self, name: str, field: inspect.Field, names: list[str]) -> None:
        required = field.required and not isinstance(field.type, inspect.BoolType)
        label = field.encode_name.replace("_", " ")
        meanings = MEANINGS.get(f"{self.fact_type.__struct_config__.tag}.{field.encode_name}")
        if field.encode_name in DAYS:
            day = forms.DateInput(attrs={"type": "date"})
            self.fields[name] = forms.DateField(label=label, required=required, widget=day)
        elif meanings is None:
            self.fields[name] = _field_for(field.type, label, required)
        else:
            words = [("", "–"), *((word, f"{meaning} ({word})") for word, meaning in meanings.items())]
            self.fields[name] = forms.ChoiceField(label=label, required=required, choices=words)
        names.append(name)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        values: dict[str, Any] = {name: cleaned[name] for name in self._links if cleaned.get(name)}
        values["data"] = {
            name.removeprefix("data_"): value
            for name in self._data
            if (value := self._value(name, cleaned.get(name))) is not None
        }
        for name in cleaned.get("unknown", ()):
            if name in values["data"]:
                self.add_error("unknown", _t("Say either what it is or that it is not known any more."))
            values["data"][name] = None
        moment = cleaned.get("occurred_at") or timezone.now()
        tag = self.fact_type.__struct_config__.tag
        try:
            fact = {"type": tag, "occurred_at": moment.isoformat(), **values}
            cleaned["fact"] = msgspec.convert(msgspec.to_builtins(fact), self.fact_type)
        except msgspec.ValidationError as error:
            raise forms.ValidationError(readable(error).removeprefix("data.")) from error
        return cleaned

    def _value(self, name: str, value: Any) -> Any:
        """A value as the schema takes it; None for what was left empty."""
        if value is None or value == "":
            return None
        if isinstance(self.fields[name], YesNoField):
            return value == "true"
        return value


def threshold_text(value: Any) -> str:
    """A threshold as people type it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{currency} {amount:g}" for currency, amount in value.items())
    return ", ".join(f"{v:g}" for v in value) if isinstance(value, list) else f"{value:g}"


def threshold_value(text: str, default: Any) -> Any:
    """What was typed, in the shape of the catalogue's own. Raises ValidationError."""
    try:
        if isinstance(default, Mapping):
            pairs = [part.split() for part in text.split(",") if part.strip()]
            return {currency.upper(): float(amount) for currency, amount in pairs}
        if isinstance(default, list):
            return [int(part) for part in text.split(",") if part.strip()]
        return float(text)
    except ValueError as error:
        sentence = _t("Write it as it stands here: %(example)s") % {"example": threshold_text(default)}
        raise forms.ValidationError(sentence) from error


class TypeForm(Versioned):
    """What an operator may change about a type."""

    also_shown = ("thresholds",)

    enabled = forms.BooleanField(label=_("On"), required=False)
    ways = forms.MultipleChoiceField(
        label=_("Channels"), choices=DriverChannel.choices, widget=forms.CheckboxSelectMultiple
    )
    cooldown_h = forms.FloatField(
        label=_("Cooldown (hours)"),
        min_value=0,
        max_value=24 * 365,
        help_text=_("Passes before the same is told again, or a dismissed banner comes back."),
    )

    links = forms.CharField(
        label=_("Links"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("A line each: “https://… Button”, or “programme | https://… Button” for one programme."),
    )

    def __init__(
        self, data: Any = None, *, row: TypeSetting, entry: NotificationType, policy: Policy, **kwargs: Any
    ) -> None:
        initial = {
            "enabled": policy.enabled,
            "ways": list(policy.ways),
            "cooldown_h": policy.cooldown.total_seconds() / 3600,
            "links": "\n".join(
                f"{program} | {url} {label}" if program else f"{url} {label}"
                for program, (url, label) in sorted(policy.links.items())
            ),
        }
        super().__init__(data, initial=initial, row=row, **kwargs)
        self.entry = entry
        for name in entry.thresholds:
            self.fields[f"threshold_{name}"] = forms.CharField(
                label=_t("Threshold: %(name)s") % {"name": name}, initial=threshold_text(policy.thresholds[name])
            )

    def clean_links(self) -> dict[str, list[str]]:
        links: dict[str, list[str]] = {}
        for line in self.cleaned_data["links"].splitlines():
            program, _bar, link = line.rpartition("|")
            url, _blank, label = link.strip().partition(" ")
            if url:
                links[program.strip()] = [url, label.strip()]
        return links

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned["thresholds"] = {}
        for name, default in self.entry.thresholds.items():
            field = f"threshold_{name}"
            if field in cleaned:
                try:
                    cleaned["thresholds"][name] = threshold_value(cleaned[field], default)
                except forms.ValidationError as error:
                    self.add_error(field, error)
        return cleaned


class TextForm(Versioned):
    """A type's words in one language; both empty: the catalogue's own. Its row is the type's, which always is."""

    title = forms.CharField(label=_("Title"), max_length=200, required=False)
    body = forms.CharField(label=_("Text"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, data: Any = None, *, row: TypeSetting, language: str) -> None:
        self.words = NotificationText.objects.filter(type=row.type, language=language)
        super().__init__(data, row=row, initial=self.shown(row))

    def shown(self, row: TypeSetting) -> dict[str, Any]:
        return {"title": "", "body": ""} | dict(self.words.values("title", "body").first() or {})

    def logged(self, row: TypeSetting) -> list[NotificationText]:
        return list(self.words)


class SampleForm(forms.Form):
    to = forms.CharField(label=_("To"), max_length=320, help_text=_("An e-mail address, or the id of a driver."))
    language = forms.ChoiceField(label=_("Language"))
    program = forms.CharField(
        label=_("Programme"), max_length=60, required=False, help_text=_("Whose sender, look and link to show.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = language_choices()  # type: ignore[attr-defined]


class NoteForm(forms.Form):
    text = forms.CharField(label=_("Note"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class MuteForm(forms.Form):
    """For how long support mutes what."""

    type = forms.ChoiceField(
        label=_("Notification"), required=False, choices=[("", _("everything")), *((name, name) for name in TYPES)]
    )
    hours = forms.IntegerField(label=_("Hours"), min_value=1, max_value=24 * 365, initial=24)
    note = forms.CharField(label=_("Why"), max_length=250, required=False)


class CampaignForm(Versioned):
    """A campaign's settings; the service checks them."""

    name = forms.CharField(label=_("Name"), max_length=100)
    type = forms.ChoiceField(label=_("Notification"), choices=[(name, name) for name in CAMPAIGN_TYPES])
    min_app_version = forms.CharField(
        label=_("Least app version"), max_length=20, required=False, help_text=_("e.g. 4.16")
    )
    audience = forms.CharField(
        label=_("Audience"), max_length=500, required=False, help_text=_("A Magic Search on drivers; empty: everyone.")
    )
    begins_at = LocalMoment(label=_("Begins"))
    ends_at = LocalMoment(label=_("Ends"), required=False)


class SourceForm(forms.Form):
    slug = UrlNameField(label=_("URL name"), max_length=60, help_text=_("The last part of its address."))
    platform = forms.ChoiceField(label=_("Platform"), choices=PlatformName.choices)
    secret = forms.CharField(
        label=_("Secret"),
        max_length=500,
        required=False,
        help_text=_(
            "By which the platform signs: Smartcar’s application management token, or the secret of Enode’s webhook."
            " Empty for a random one, which is shown once."
        ),
    )
    silent_after_s = forms.IntegerField(
        label=_("Silent after (s)"),
        min_value=60,
        max_value=31_536_000,
        initial=86_400,
        help_text=_("Nothing received for this long means that the platform is silent."),
    )


class SourceChangeForm(Versioned):
    """What of a platform's address may change."""

    enabled = forms.BooleanField(label=_("On"), required=False, help_text=_("Off, nothing is taken at its address."))
    secret = forms.CharField(
        label=_("New secret"), max_length=500, required=False, help_text=_("Empty: the present one stays.")
    )
    silent_after_s = forms.IntegerField(
        label=_("Silent after (s)"),
        min_value=60,
        max_value=31_536_000,
        help_text=_("Nothing received for this long means that the platform is silent."),
    )
