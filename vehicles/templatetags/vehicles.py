"""Names and colours of vehicles in templates."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.utils.safestring import SafeString

from console.templatetags.console import badge, register_colours
from vehicles.choices import CAMPAIGN_COLOURS, PAIRING_COLOURS, SEVERITY_COLOURS, STATE_COLOURS, StepKind, Way
from vehicles.ingest import FACT_TYPES

register = template.Library()
register_colours(register, campaign_colour=CAMPAIGN_COLOURS, pairing_colour=PAIRING_COLOURS)
register_colours(register, driver_severity_colour=SEVERITY_COLOURS, driver_state_colour=STATE_COLOURS)

_WAY_ICONS = {Way.PUSH: "device-phone-mobile", Way.EMAIL: "envelope", Way.BANNER: "megaphone"}
_STEP_CLASSES = {
    StepKind.TOLD: "",
    StepKind.RETURNED: "",
    StepKind.REMINDED: "",
    StepKind.RESOLVED: "good",
    StepKind.EXPIRED: "quiet",
    StepKind.HELD: "quiet",
    StepKind.WITHDRAWN: "quiet",
    StepKind.SKIPPED: "bad",
}


@register.filter
def way_label(way: str) -> str:
    return str(Way(way).label)


@register.filter
def way_icon(way: str) -> str:
    return _WAY_ICONS[Way(way)]


@register.filter
def step_class(kind: str) -> str:
    return _STEP_CLASSES.get(StepKind(kind), "quiet")


@register.filter
def compact(value: Any) -> str:
    """JSON in one line, for a table."""
    return json.dumps(value, ensure_ascii=False)


@register.filter
def fact_about(kind: str) -> str:
    """What a fact of this type is about, in a sentence."""
    struct = FACT_TYPES.get(kind)
    return (struct.__doc__ or "").strip() if struct is not None else kind


@register.simple_tag
def yes_no_badge(value: bool | None, yes: str, no: str, colour: str = "warning") -> SafeString | str:
    """A badge for what is switched on or off; nothing for what nobody told."""
    if value is None:
        return ""
    return badge(yes if value else no, colour if value else "secondary")
