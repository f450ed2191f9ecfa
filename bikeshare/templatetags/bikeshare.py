"""Names, colours and links of bike-share in templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bikeshare.choices import STATUS_COLOURS, VERDICT_COLOURS, ZONE_COLOURS
from bikeshare.models import Resource
from console.templatetags.console import register_colours
from core.device_clock import span_text
from core.time_zones import number_text

register = template.Library()
register.filter("span", span_text)
register_colours(register, status_colour=STATUS_COLOURS, zone_colour=ZONE_COLOURS, verdict_colour=VERDICT_COLOURS)


@register.filter
def page_of(row: Resource) -> str:
    """The page of a resource."""
    return reverse(f"bikeshare:{row.NAME}", args=[row.pk])


@register.filter
def euros(cents: int | None) -> str:
    """An amount in cents with two decimals; the currency is the program's own."""
    return "–" if cents is None else number_text(cents / 100, 2)


@register.filter
def degrees(value: float) -> str:
    """A coordinate as maps take it, in every language with a point."""
    return f"{value:.5f}"


@register.filter
def charge(value: float | str | None) -> SafeString:
    """A battery's charge, low ones marked; a template has an empty text where there is no box to ask."""
    if not isinstance(value, float | int):
        return format_html('<span class="text-body-secondary">{}</span>', "–")
    if value < 20:
        return format_html('<span class="badge badge-danger">{} %</span>', round(value))
    return format_html("{} %", round(value))


@register.filter
def said(value: dict[str, Any]) -> str:
    """What a device's message held, in a line."""
    return " · ".join(f"{key} {part}" for key, part in value.items()) or _("(not kept)")
