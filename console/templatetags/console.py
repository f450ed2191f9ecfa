"""Small pieces of every page: icons, times, badges, cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any

import heroicons
import msgspec
from django import template
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.unsent import taken
from core.people import HIDDEN, shown, shown_id, shown_text
from core.time_zones import clock_text, day_text, moment_text, month_text, number_text

register = template.Library()


@register.inclusion_tag("console/parts/unsent.html", takes_context=True)
def unsent(context: dict[str, Any]) -> dict[str, Any]:
    """What somebody sent before this page without being signed in."""
    request = context.get("request")
    return {"sent": taken(request) if request is not None else None}


_STEPS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@register.simple_tag
@cache
def icon(name: str, size: int = 18) -> SafeString:
    """An inline SVG that screen readers skip; the text beside it says what it means."""
    attributes: dict[str, object] = {"class": "icon", "aria_hidden": "true", "focusable": "false"}
    return mark_safe(heroicons._render_icon("outline", name + "", size, attributes))  # noqa: S308 - from the package


def short_duration(seconds: float) -> str:
    """The largest unit of a duration: 42 s, 5 min, 3 h, 12 d."""
    total = abs(int(seconds))
    for length, unit in _STEPS:
        if total >= length:
            return f"{total // length} {unit}"
    return "0 s"


@register.filter
def ago(moment: datetime | str | None) -> str:
    """How long ago (or ahead), as time element with the exact instant on hover and the local time beside it. A template
    hands over an empty text for what would stand behind a relation that leads to nothing; here and below."""
    if not isinstance(moment, datetime):
        return format_html('<span class="nothing text-body-secondary">{}</span>', _("never"))
    seconds = (timezone.now() - moment).total_seconds()
    text = (_("%(time)s ago") if seconds >= 0 else _("in %(time)s")) % {"time": short_duration(seconds)}
    return _time_element(moment, text, relative=True)


@register.filter
def until(moment: datetime) -> str:
    """How much time is left, as time element."""
    return _time_element(moment, short_duration((moment - timezone.now()).total_seconds()), relative=True)


@register.filter
def exact(moment: datetime | str | None) -> str:
    """Date and time in the viewer's zone, the exact instant on hover."""
    if not isinstance(moment, datetime):
        return format_html('<span class="nothing text-body-secondary">{}</span>', "–")
    return _time_element(moment, moment_text(moment))


register.filter("day", lambda value: day_text(value) if value else "–")
register.filter("month", lambda value: month_text(value) if value else "–")
register.filter("clock", lambda value: clock_text(value) if value else "–")
register.filter("number", lambda value, digits=None: "–" if value in (None, "") else number_text(value, digits))


def _time_element(moment: datetime, text: str, *, relative: bool = False) -> SafeString:
    """What is relative has the exact moment on hover, and in its text for who hears the page read."""
    whole = moment_text(moment, zone=True)
    heard = format_html('<span class="visually-hidden">, {}</span>', whole) if relative else ""
    return format_html('<time datetime="{}" title="{}">{}{}</time>', moment.isoformat(), whole, text, heard)


@register.filter
def duration(seconds: float | str | None) -> str:
    return short_duration(seconds) if isinstance(seconds, float | int) else "–"


@register.simple_tag
def badge(text: Any, colour: str) -> SafeString:
    return format_html('<span class="badge badge-{}">{}</span>', colour, text)


def register_colours(library: template.Library, **filters: Mapping[Any, str]) -> None:
    """Filters from a value to the colour of its badge; what is not in the mapping is grey."""
    for name, colours in filters.items():
        library.filter(name, partial(_colour, colours))


def _colour(colours: Mapping[Any, str], value: Any) -> str:
    return colours.get(value, "secondary")


@register.filter
def pretty(value: Any) -> str:
    """JSON for eyes, indented."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


@register.simple_tag(takes_context=True)
def cells(context: template.Context, heads: Sequence[Mapping[str, Any]], row: Any) -> SafeString:
    """The cells of a row of a list."""
    parts = []
    for head in heads:
        parts.append(f'<td class="{name}">' if (name := head["cell_class"]) else "<td>")
        parts.append(conditional_escape(_cell(context, head["column"], row)))
        parts.append("</td>")
    return mark_safe("".join(parts))  # noqa: S308 - each part is escaped


def _cell(context: template.Context, column: Any, row: Any) -> str:
    """One cell: what the column draws, its template, its value function, or the attribute itself."""
    if column.draw or column.template:
        return drawn(context, column, row)
    if column.hides:
        return HIDDEN
    value = column.value(row) if column.value else getattr(row, column.name)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    if isinstance(value, datetime):
        return exact(value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, date):
        return day_text(value)
    if isinstance(value, Decimal):
        # 22 kW, not 22.00 kW: the zeros are the storage's.
        value = value.normalize() if value % 1 else int(value)
    if isinstance(value, Decimal | int | float):
        return number_text(value)
    return "–" if value in (None, "") else str(value)


def drawn(context: template.Context, column: Any, row: Any) -> str:
    """The HTML of a cell that draws itself or has a template, which is looked up once per page."""
    if column.draw:
        return str(column.draw(row, context))
    first: Any = context.render_context.dicts[0]
    templates: dict[str, template.Template] = first.setdefault("cells", {})
    if column.template not in templates:
        templates[column.template] = template.Engine.get_default().get_template(column.template)
    with context.push(row=row, column=column):
        return templates[column.template].render(context)


@register.filter
def count_text(page: Any) -> str:
    """The announced count: exact, or "10,000+" beyond what is counted."""
    number = number_text(page.total)
    if page.capped:
        return _("%(n)s+ results") % {"n": number}
    return ngettext("%(n)s result", "%(n)s results", page.total) % {"n": number}


@register.filter
def get(mapping: Any, key: Any) -> Any:
    return mapping.get(key)


register.filter("personal", shown)
register.filter("personal_text", shown_text)
register.filter("personal_id", shown_id)


@register.filter
def attribute(row: Any, name: str) -> Any:
    return getattr(row, name)


@register.filter
def audit_lines(entry: Any) -> list[tuple[str, str, str]]:
    """What an audit entry changed, as (field, before, after), without what a new object merely lacks."""
    lines = []
    for name, change in entry.changes_dict.items():
        if isinstance(change, dict):
            lines.append((name, "", f"{change.get('operation')}: {', '.join(change.get('objects', []))}"))
            continue
        before, after = ("" if value in ("None", None, "[]", "{}") else str(value) for value in change)
        # auditlog writes the manager of a relation, which says nothing.
        if (before or after) and not after.endswith(".None"):
            lines.append((name, before, after))
    return lines


@register.filter
def is_past(moment: datetime) -> bool:
    return moment <= timezone.now()


@register.filter
def pretty_text(text: str) -> str:
    """JSON text indented; anything else unchanged."""
    try:
        return msgspec.json.format(text)
    except (msgspec.DecodeError, RecursionError):
        return text or _("(empty)")
