"""Names and colours of vehicles in templates."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.utils.safestring import SafeString

from console.templatetags.console import badge, register_colours
from vehicles.choices import (
    BRAKE_COLOURS,
    CAMPAIGN_COLOURS,
    PAIRING_COLOURS,
    PUSH_COLOURS,
    SEVERITY_COLOURS,
    STATE_COLOURS,
    DriverChannel,
    StepKind,
)
from vehicles.ingest import FACT_TYPES

register = template.Library()
register_colours(register, campaign_colour=CAMPAIGN_COLOURS, pairing_colour=PAIRING_COLOURS)
register_colours(register, driver_severity_colour=SEVERITY_COLOURS, driver_state_colour=STATE_COLOURS)
register_colours(register, push_colour=PUSH_COLOURS, brake_colour=BRAKE_COLOURS)

_CHANNEL_ICONS = {
    DriverChannel.PUSH: "device-phone-mobile",
    DriverChannel.EMAIL: "envelope",
    DriverChannel.BANNER: "megaphone",
}
_STEP_CLASSES = {
    StepKind.NOTIFIED: "",
    StepKind.RETURNED: "",
    StepKind.REMINDED: "",
    StepKind.RESOLVED: "good",
    StepKind.EXPIRED: "quiet",
    StepKind.HELD: "quiet",
    StepKind.WITHDRAWN: "quiet",
    StepKind.SKIPPED: "bad",
    StepKind.PUSH_DELIVERED: "good",
    StepKind.PUSH_OPENED: "good",
    StepKind.PUSH_FAILED: "bad",
}


@register.filter
def driver_channel_label(channel: str) -> str:
    return str(DriverChannel(channel).label)


@register.filter
def driver_channel_icon(channel: str) -> str:
    return _CHANNEL_ICONS[DriverChannel(channel)]


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
    """A badge for what is switched on or off; nothing for what nobody reported."""
    if value is None:
        return ""
    return badge(yes if value else no, colour if value else "secondary")
