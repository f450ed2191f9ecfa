"""Names and colours of charging infrastructure in templates."""

from __future__ import annotations

import json
from typing import Any

from django import template
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
def pretty(value: Any) -> str:
    """JSON for eyes."""
    return json.dumps(value, indent=2, ensure_ascii=False)
