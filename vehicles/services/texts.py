"""The words of a notification in a driver's language, with the facts filled in as people there write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import formats, translation

from vehicles.catalogue.texts import PLACEHOLDERS, TEXTS
from vehicles.models import NotificationText
from vehicles.rules.clocks import as_moment

_UNITS = {
    "en": {"days": ("day", "days"), "hours": ("hour", "hours")},
    "de": {"days": ("Tag", "Tagen"), "hours": ("Stunde", "Stunden")},
    "fr": {"days": ("jour", "jours"), "hours": ("heure", "heures")},
    "nl": {"days": ("dag", "dagen"), "hours": ("uur", "uur")},
}
# What stands for a name that nobody told us: people know no ids.
_UNNAMED = {
    "vehicle": {"en": "car", "de": "Wagen", "fr": "voiture", "nl": "auto"},
    "location": {"en": "your place", "de": "Ihren Ort", "fr": "votre lieu", "nl": "uw adres"},
}
_REASONS = {
    "smart_charging_off": {
        "en": "smart charging is switched off",
        "de": "smartes Laden ist ausgeschaltet",
        "fr": "la recharge intelligente est désactivée",
        "nl": "slim laden is uitgeschakeld",
    },
    "unknown_location": {
        "en": "we do not know this place",
        "de": "wir kennen diesen Ort nicht",
        "fr": "nous ne connaissons pas ce lieu",
        "nl": "we kennen deze plek niet",
    },
    "missing_capability": {
        "en": "your car does not allow it",
        "de": "Ihr Auto lässt es nicht zu",
        "fr": "votre voiture ne le permet pas",
        "nl": "uw auto laat het niet toe",
    },
    "overview_requested": {
        "en": "was asked for; we tell you when it is here",
        "de": "ist angefordert; wir melden uns, wenn sie da ist",
        "fr": "est demandé, nous vous préviendrons dès qu’il sera là",
        "nl": "is aangevraagd; we melden ons als het er is",
    },
    "overview_issued": {"en": "is ready", "de": "ist da", "fr": "est prêt", "nl": "is er"},
}


_NAME = re.compile(r"{(\w+)}")
_PART = re.compile(r"\[([^\[\]]*)\]")


def fields_in(text: str) -> tuple[str, ...]:
    """The names in braces."""
    return tuple(_NAME.findall(text))


def unknown_placeholders(text: str) -> list[str]:
    """What stands in braces and cannot be filled in, also braces that do not match."""
    unknown = {f"{{{name}}}" for name in fields_in(text) if name not in PLACEHOLDERS}
    rest = set(_NAME.sub("", text)) & set("{}")
    return sorted(unknown | rest)


@dataclass(frozen=True)
class Words:
    title: str
    body: str


class Wording:
    """All texts, the operators' laid over the catalogue's; read once per batch."""

    def __init__(self) -> None:
        rows = NotificationText.objects.values_list("type", "language", "title", "body")
        self._own = {(name, language): (title, body) for name, language, title, body in rows}

    def template(self, name: str, language: str) -> tuple[str, str]:
        """Title and body before anything is filled in; English where a language has none."""
        own = self._own.get((name, language)) or TEXTS.get(language, {}).get(name)
        return own or self._own.get((name, "en")) or TEXTS["en"][name]

    def names_driver(self, name: str, language: str) -> bool:
        """Whether the words of a type have a place for the driver's name."""
        return any("name" in fields_in(text) for text in self.template(name, language))

    def words(self, name: str, language: str, facts: Mapping[str, Any], zone: tzinfo) -> Words:
        title, body = self.template(name, language)
        return fill(title, body, language, facts, zone)


def fill(title: str, body: str, language: str, facts: Mapping[str, Any], zone: tzinfo) -> Words:
    """Fills in what is known and leaves nothing of what is not, nor of a part in brackets that needs it."""

    def needed(match: re.Match[str]) -> str:
        names = fields_in(match.group(1))
        is_filled = all(facts.get(name) not in (None, "") for name in names)
        return (match.group(1) if is_filled else "") if names else match.group(0)

    def written(match: re.Match[str]) -> str:
        name = match.group(1)
        known = name in facts or name in _UNNAMED
        return _FORMATS.get(name, _plain)(facts.get(name), language, facts, zone) if known else ""

    return Words(*(" ".join(_NAME.sub(written, _PART.sub(needed, text)).split()) for text in (title, body)))


# ---- how facts are written ------------------------------------------------------------------------------------------

Format = Callable[[Any, str, Mapping[str, Any], tzinfo], str]


def _plain(value: Any, _language: str, _facts: Mapping[str, Any], _zone: tzinfo) -> str:
    return "" if value is None else str(value)


def _named(name: str) -> Format:
    def write_name(value: Any, language: str, _facts: Mapping[str, Any], _zone: tzinfo) -> str:
        return str(value) if value not in (None, "") else _UNNAMED[name].get(language, _UNNAMED[name]["en"])

    return write_name


def _counted(unit: str) -> Format:
    def write_counted(value: Any, language: str, _facts: Mapping[str, Any], _zone: tzinfo) -> str:
        singular, plural = _UNITS.get(language, _UNITS["en"])[unit]
        return f"{value:g} {singular if value == 1 else plural}" if isinstance(value, int | float) else str(value)

    return write_counted


def _reason(value: Any, language: str, _facts: Mapping[str, Any], _zone: tzinfo) -> str:
    return _REASONS.get(str(value), {}).get(language, str(value))


def _amount(value: Any, language: str, facts: Mapping[str, Any], _zone: tzinfo) -> str:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    with translation.override(language):
        written = formats.number_format(number, decimal_pos=2, use_l10n=True, force_grouping=True)
    return f"{written} {facts.get('currency', '')}".strip()


def _written_day(text: str, language: str, style: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    with translation.override(language):
        return formats.date_format(day, style)


def _day(value: Any, language: str, _facts: Mapping[str, Any], _zone: tzinfo) -> str:
    return _written_day(str(value)[:10], language, "DATE_FORMAT")


def _month(value: Any, language: str, _facts: Mapping[str, Any], _zone: tzinfo) -> str:
    return _written_day(f"{value}-01", language, "YEAR_MONTH_FORMAT") if value else ""


def _moment(value: Any, language: str, _facts: Mapping[str, Any], zone: tzinfo) -> str:
    moment = as_moment(value)
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    with translation.override(language):
        return f"{formats.date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M}"


_FORMATS: dict[str, Format] = {
    "vehicle": _named("vehicle"),
    "location": _named("location"),
    "days": _counted("days"),
    "hours": _counted("hours"),
    "reason": _reason,
    "amount": _amount,
    "date": _day,
    "period": _month,
    "ready_by": _moment,
    "started_at": _moment,
    "ended_at": _moment,
}
