"""The words of a notification in a driver's language, with the facts filled in as people there write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django.utils import formats, translation

from vehicles.catalogue.texts import PLACEHOLDERS, TEXTS
from vehicles.models import NotificationText
from vehicles.rules.clocks import as_moment
from vehicles.services.languages import counted, fallbacks_of, phrase

# What is said of a reason; another system's own words stay as they are.
_REASONS = ("smart_charging_off", "unknown_location", "missing_capability", "overview_requested", "overview_issued")
# What a car does, and what an account with a manufacturer lacks.
_STATES = ("charging", "plugged_in", "charged", "invalid_credentials", "action_required", "revoked")
# What is named otherwise where nobody told us a name: people know no ids.
_UNNAMED = ("vehicle", "location")
_NAME = re.compile(r"{(\w+)}")
_PART = re.compile(r"\[([^\[\]]*)\]")


def fields_in(text: str) -> tuple[str, ...]:
    """The names in braces."""
    return tuple(_NAME.findall(text))


def unknown_placeholders(text: str) -> list[str]:
    """What stands in braces and cannot be filled in, also braces and brackets that do not match."""
    unknown = {f"{{{name}}}" for name in fields_in(text) if name not in PLACEHOLDERS}
    rest = set(_NAME.sub("", text)) & set("{}") | set(_PART.sub("", text)) & set("[]")
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
        self._languages: dict[tuple[str, str], str] = {}

    def own(self, name: str, language: str) -> tuple[str, str] | None:
        """Title and body in a language, an operator's or the catalogue's, before anything is filled in."""
        return self._own.get((name, language)) or TEXTS.get(language, {}).get(name)

    def language_for(self, name: str, language: str) -> str:
        """In which language a driver is told: the best in which there are words."""
        found = self._languages.get((name, language))
        if found is None:
            found = next(code for code in fallbacks_of(language) if self.own(name, code) is not None)
            self._languages[name, language] = found
        return found

    def template(self, name: str, language: str) -> tuple[str, str]:
        own = self.own(name, self.language_for(name, language))
        assert own is not None
        return own

    def names_driver(self, name: str, language: str) -> bool:
        """Whether the words of a type have a place for the driver's name."""
        return any("name" in fields_in(text) for text in self.template(name, language))

    def words(self, name: str, language: str, facts: Mapping[str, Any], zone: tzinfo) -> Words:
        title, body = self.template(name, language)
        return fill(title, body, self.language_for(name, language), facts, zone)


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
        return str(value) if value not in (None, "") else phrase(name, language)

    return write_name


def _counted(unit: str) -> Format:
    def write_counted(value: Any, language: str, _facts: Mapping[str, Any], _zone: tzinfo) -> str:
        return counted(unit, value, language) if isinstance(value, int | float) else str(value)

    return write_counted


def _reason(value: Any, language: str, _facts: Mapping[str, Any], _zone: tzinfo) -> str:
    return phrase(value, language) if value in (*_REASONS, *_STATES) else str(value)


def _amount(value: Any, language: str, facts: Mapping[str, Any], _zone: tzinfo) -> str:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    with translation.override(language):
        written = formats.number_format(number, decimal_pos=2, use_l10n=True, force_grouping=True)
    return f"{written} {facts.get('currency', '')}".strip()


@lru_cache(maxsize=10_000)
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
    **dict.fromkeys(("reason", "activity", "problem"), _reason),
    "amount": _amount,
    "date": _day,
    "period": _month,
    "ready_by": _moment,
    "started_at": _moment,
    "ended_at": _moment,
}
