"""Words and values of topic lists and their mails."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import groupby
from typing import Any

from django import template
from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from outbox.choices import NOTICE_COLOURS, NoticeState
from outbox.models import Event
from outbox.rules.facts import headline

register = template.Library()
# A moment as payloads write it: RFC 3339 with an offset.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


@register.filter
def notice_colour(state: str) -> str:
    return NOTICE_COLOURS[NoticeState(state)]


@register.filter
def about(event: Event) -> str:
    """What an event is about: the thing and its place where its payload names them, else its subject."""
    return headline(event.payload) or event.subject


@register.filter
def moment_text(value: Any) -> str:
    """Date, time and zone of an RFC 3339 text as a mail shows them, in the installation's zone."""
    found = _moment(value)
    if found is None:
        return "–"
    local = timezone.localtime(found)
    return f"{formats.date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M} {local.tzname()}"


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        return parse_datetime(value)
    except ValueError:
        return None


@register.filter
def fact_name(name: str) -> str:
    """`charge_point.opened_at` → `Charge point opened at`."""
    words = re.sub(r"[._\s]+", " ", str(name)).strip()
    return words[:1].upper() + words[1:]


@register.filter
def fact_value(value: Any) -> str:
    """A payload's value for people: yes and no, numbers and moments by locale, texts as they are."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return str(formats.localize(value))
    return moment_text(value) if _moment(value) is not None else str(value)


@register.filter
def by_part(facts: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Facts in groups of those that stand side by side and belong to the same part of the payload."""
    return [(part, list(group)) for part, group in groupby(facts, key=lambda fact: fact.get("part", ""))]


@register.filter
def more_than(total: int, listed: list[Any]) -> int:
    """How many are not listed."""
    return max(0, int(total) - len(listed))
