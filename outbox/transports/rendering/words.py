"""What mail templates can say beyond a payload's own words: filters, the outbox's own and those that apps register."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import translation

from core.time_zones import moment_text, number_text
from outbox.event_kinds import domain_of, label_of

# A moment as payloads write it: RFC 3339 with an offset.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


def mail_time(value: Any) -> str:
    """Date, time to the second and zone of a moment or of its RFC 3339 text, in the zone of the mail."""
    moment = _moment(value)
    return "–" if moment is None else moment_text(moment, zone=True)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        return parse_datetime(value)
    except ValueError:
        return None


@dataclass(frozen=True)
class FactWords:
    """How the facts of a domain's payloads are called, and of those that are words of ours what each value means."""

    names: Mapping[str, str | Promise]
    values: Mapping[str, Callable[[str], str]]


_NOT_SAID = FactWords({}, {})
_FACT_WORDS: dict[str, FactWords] = {}


def _words_of(kind: str) -> FactWords:
    return _FACT_WORDS.get(domain_of(kind), _NOT_SAID)


def labelled(choices: Mapping[str, str | Promise]) -> Callable[[str], str]:
    """Says values by these labels, others as they are."""
    return lambda value: str(choices.get(value, value))


def fact_name(name: str, kind: str = "") -> str:
    """`charge_point.opened_at` → `Charge point opened at`, or as the kind's domain calls it."""
    if (said := _words_of(kind).names.get(name)) is not None:
        return str(said)
    words = re.sub(r"[._\s]+", " ", str(name)).strip()
    return words[:1].upper() + words[1:]


def fact_value(value: Any, name: str = "", kind: str = "") -> str:
    """A payload's value for people: yes and no, numbers and moments by locale, texts as they are or as the kind's
    domain says them."""
    if isinstance(value, str) and (say := _words_of(kind).values.get(name)) is not None:
        return say(value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return number_text(value)
    return mail_time(value) if _moment(value) is not None else str(value)


_JOINTS = re.compile(r"(: | \()")


def in_language(text: Any) -> str:
    """A sentence of ours, which payloads have in English, in the mail's language; of a headline its parts. What we did
    not write ourselves, as names, stays as it is."""
    whole, language = str(text), str(get_language())
    known = _filled(whole, language)
    return known if known != whole else "".join(_filled(part, language) for part in _JOINTS.split(whole))


# Where a sentence of a catalogue holds a value. One is known again by so many signs before its first gap at least.
_GAP, _CLEAR = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}"), 8


@lru_cache(maxsize=16)
def _with_gaps(language: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Sentences with values in them, those that say most first: how each begins, its form, itself."""
    found = []
    for sentence in dict(translation(language)._catalog.items()):  # type: ignore[attr-defined]
        is_said = isinstance(sentence, str) and "\4" not in sentence
        if is_said and len((texts := _GAP.split(sentence)[::3])[0]) >= _CLEAR and texts[1:]:
            found.append((texts[0], re.compile("(.*?)".join(map(re.escape, texts)), re.DOTALL), sentence))
    return sorted(found, key=lambda one: -len(_GAP.sub("", one[2])))


@lru_cache(maxsize=1_024)
def _filled(text: str, language: str) -> str:
    """A sentence of ours with values in it, in the language of the moment."""
    if not text or (known := _(text)) != text:
        return known if text else ""
    for start, form, sentence in _with_gaps(language):
        if text.startswith(start) and (values := form.fullmatch(text)) and (said := _(sentence)) != sentence:
            for gap, value in zip(_GAP.finditer(sentence), values.groups(), strict=True):
                said = said.replace(gap[0], value)
            return said
    return text


def by_part(facts: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Facts in groups of those that stand side by side and belong to the same part of the payload."""
    return [(part, list(group)) for part, group in groupby(facts, key=lambda fact: fact.get("part", ""))]


mail_words: dict[str, Callable[..., Any]] = {
    "mail_time": mail_time,
    "kind_label": label_of,
    "fact_name": fact_name,
    "fact_value": fact_value,
    "by_part": by_part,
    "in_language": in_language,
}


def register_fact_words(
    domain: str, names: Mapping[str, str | Promise], values: Mapping[str, Callable[[str], str]]
) -> None:
    _FACT_WORDS[domain] = FactWords(names, values)


def register_mail_words(**filters: Callable[..., Any]) -> None:
    """Makes an app's functions known to mail templates by their names."""
    mail_words.update(filters)
