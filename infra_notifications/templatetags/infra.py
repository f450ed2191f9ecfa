"""Names and colours of charging infrastructure in templates."""

from __future__ import annotations

import json
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from django import template
from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from infra_notifications.choices import (
    CASE_COLOURS,
    CONNECTIVITY_COLOURS,
    EFFECT_COLOURS,
    NOTICE_COLOURS,
    VERDICT_COLOURS,
    WINDOW_COLOURS,
    Case,
    Connectivity,
    Effect,
    MessageVerdict,
    NoticeState,
    WindowState,
)
from infra_notifications.models import EventRule

register = template.Library()


@register.filter
def case_colour(case: str) -> str:
    return CASE_COLOURS.get(Case(case), "secondary")


@register.filter
def case_label(case: str) -> str:
    return str(Case(case).label)


@register.filter
def connectivity_colour(value: str) -> str:
    return CONNECTIVITY_COLOURS[Connectivity(value)]


@register.filter
def notice_colour(value: str) -> str:
    return NOTICE_COLOURS[NoticeState(value)]


@register.filter
def verdict_colour(value: str) -> str:
    return VERDICT_COLOURS[MessageVerdict(value)]


@register.filter
def effect_colour(value: str) -> str:
    return EFFECT_COLOURS[Effect(value)]


@register.filter
def window_colour(value: str) -> str:
    return WINDOW_COLOURS[WindowState(value)]


@register.filter
def rule_conditions(rule: EventRule) -> list[tuple[str, str]]:
    """A rule's conditions as (label, values)."""
    pairs = (
        (_("protocol"), rule.protocols),
        (_("action"), rule.actions),
        (_("status"), rule.statuses),
        (_("code"), rule.codes),
        (_("component"), rule.components),
        (_("variable"), rule.variables),
        (_("vendor"), rule.vendors),
        (_("says"), rule.words),
        (_("and says"), rule.and_words),
    )
    return [(label, ", ".join(values)) for label, values in pairs if values]


@register.filter
def meanings(_effect: str) -> list[tuple[str, str]]:
    """What an unmapped message may be made to mean with one click."""
    cases = [(f"raise:{case}", str(case.label)) for case in (Case.FUSE_TRIPPED, Case.SENSORS, Case.UNAVAILABLE)]
    return [*cases, ("info:", _("no alarm"))]


@register.filter
def moment(value: Any) -> datetime | None:
    """A payload's RFC 3339 text as a moment."""
    return parse_datetime(value) if isinstance(value, str) else value


@register.filter
def mail_time(value: Any) -> str:
    """Date, time and zone as a mail shows them, in the installation's zone."""
    found = moment(value)
    return "–" if found is None else _mail_time(found, get_language(), timezone.get_current_timezone())


@lru_cache(maxsize=1_024)
def _mail_time(at: datetime, _language: str | None, zone: tzinfo) -> str:
    """Kept, because a mail's text and HTML, and those of other groups, tell of the same moment."""
    local = timezone.localtime(at, zone)
    return f"{formats.date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M} {local.tzname()}"


@register.filter
def address_line(facts: dict[str, Any]) -> str:
    """Where a payload's charge point stands, in one line: location, street, town."""
    town = " ".join(facts[part] for part in ("postal_code", "city") if facts.get(part))
    return ", ".join(part for part in (facts.get("location"), facts.get("street"), town) if part)


@register.filter
def minus(total: int, listed: list[Any]) -> int:
    return total - len(listed)


@register.filter
def pretty(value: Any) -> str:
    """JSON for eyes."""
    return json.dumps(value, indent=2, ensure_ascii=False)
