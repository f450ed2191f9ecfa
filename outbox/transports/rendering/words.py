"""What mail templates can say beyond a payload's own words: filters, the outbox's own and those that apps register."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import lru_cache
from itertools import groupby
from typing import Any

from django.utils import dateformat, formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from outbox.event_kinds import label_of

# A moment as payloads write it: RFC 3339 with an offset.
_DAYS = {"de": "d.m.Y", "fr": "d/m/Y"}  # everywhere else no order of numbers that could be taken for another
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


def mail_time(value: Any) -> str:
    """Date, time to the second and zone of a moment or of its RFC 3339 text, in the zone of the mail."""
    moment = _moment(value)
    return "–" if moment is None else _formatted(moment, get_language(), timezone.get_current_timezone())


@lru_cache(maxsize=1_024)
def _formatted(at: datetime, language: str | None, zone: tzinfo) -> str:
    """Kept, because a mail's text and HTML, and those of other lists, tell of the same moment."""
    local = timezone.localtime(at, zone)
    day = dateformat.format(local, _DAYS.get(str(language)[:2], "j M Y"))
    return f"{day} {local:%H:%M:%S} {_zone_name(local)}"


def _zone_name(local: datetime) -> str:
    """CET, or UTC+03:30 where a zone has numbers for a name."""
    name = local.tzname() or ""
    numbers = f"{local:%z}"
    return f"UTC{numbers[:3]}:{numbers[3:5]}" if name[:1] in "+-" else name


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        return parse_datetime(value)
    except ValueError:
        return None


def fact_name(name: str) -> str:
    """`charge_point.opened_at` → `Charge point opened at`."""
    words = re.sub(r"[._\s]+", " ", str(name)).strip()
    return words[:1].upper() + words[1:]


def fact_value(value: Any) -> str:
    """A payload's value for people: yes and no, numbers and moments by locale, texts as they are."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return str(formats.localize(value))
    return mail_time(value) if _moment(value) is not None else str(value)


_JOINTS = re.compile(r"(: | \()")


def in_language(text: Any) -> str:
    """A sentence of ours, which payloads have in English, in the mail's language; of a headline its parts. What we did
    not write ourselves, as names, stays as it is."""
    whole = str(text)
    known = _(whole) if whole else ""
    return known if known != whole else "".join(_(part) if part else "" for part in _JOINTS.split(whole))


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


def register_mail_words(**filters: Callable[..., Any]) -> None:
    """Makes an app's functions known to mail templates by their names."""
    mail_words.update(filters)
