"""Cells of the charge points' lists, drawn in Python: they are looked at all day, fifty rows of eight columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from console.templatetags.console import ago, badge
from core.device_clock import span_text
from core.time_zones import number_text
from infra_notifications.choices import CASE_COLOURS, CONNECTIVITY_COLOURS, Case, Connectivity, IntervalSource
from infra_notifications.models import ChargePoint
from infra_notifications.services.expectations import expectation_of

_DASH = SafeString("–")
_STATUS_COLOURS = {"Faulted": "danger", "Unavailable": "warning"}


def _under(main: SafeString, more: str) -> SafeString:
    """A line with a smaller one under it."""
    return format_html('{}<div class="text-body-secondary small">{}</div>', main, more) if more else main


def _elsewhere(context: Mapping[str, Any]) -> str:
    """In the wizard a link must not lead away from it."""
    return SafeString(' target="_blank" rel="noopener"') if context.get("draft") else ""


def point(row: ChargePoint, context: Mapping[str, Any]) -> SafeString:
    url = reverse("infra_notifications:charge_point", args=[row.pk])
    link = format_html('<a class="mono" href="{}"{}>{}</a>', url, _elsewhere(context), row.evse_id)
    return _under(link, row.name)


def place(row: ChargePoint, context: Mapping[str, Any]) -> SafeString:
    return _under(format_html("{}", row.location), f"{row.postal_code} {row.city}" if row.city else "")


def connectivity(row: ChargePoint, context: Mapping[str, Any]) -> SafeString:
    state = getattr(row, "state", None)
    if state is None:
        return _DASH
    shown = badge(state.get_connectivity_display(), CONNECTIVITY_COLOURS[Connectivity(state.connectivity)])
    if state.clock_error_s is not None:
        wrong = _("Clock wrong by %(time)s") % {"time": span_text(state.clock_error_s)}
        shown = format_html("{} {}", shown, badge(wrong, "warning"))
    seen, expected = ago(state.last_seen) if state.last_seen else "", expectation_of(row)
    if not seen or expected.source == IntervalSource.DEFAULT:
        return _under(shown, seen)
    interval = _("every %(time)s, %(source)s") % {
        "time": span_text(expected.interval_s),
        "source": expected.source.label,
    }
    return _under(shown, format_html("{} · {}", seen, interval))


def status(row: ChargePoint, context: Mapping[str, Any]) -> SafeString:
    said = row.state.status if hasattr(row, "state") else ""
    if colour := _STATUS_COLOURS.get(said):
        return badge(said, colour)
    return format_html("{}", said) if said else _DASH


def open_incidents(row: Any, context: Mapping[str, Any]) -> SafeString:
    if not row.open_incidents:
        return _DASH
    return format_html_join(
        " ",
        '<a href="{}">{}</a>',
        (
            (
                reverse("infra_notifications:incident", args=[incident.pk]),
                badge(incident.get_case_display(), CASE_COLOURS[Case(incident.case)]),
            )
            for incident in row.open_incidents
        ),
    )


def groups(row: Any, context: Mapping[str, Any]) -> SafeString:
    if not row.group_list:
        return badge(_("in no group"), "danger")
    target = _elsewhere(context)
    return format_html_join(
        ", ",
        '<a href="{}"{}>{}</a>',
        ((reverse("infra_notifications:group", args=[one.pk]), target, one.name) for one in row.group_list),
    )


def percent(value: float | None) -> str:
    """`99.95 %`; an en dash where nothing is known."""
    return "–" if value is None else _("%(n)s %%") % {"n": number_text(value, 2)}


def availability(row: Any, context: Mapping[str, Any]) -> SafeString:
    """The last 30 days, with the share of maintenance beneath it where there was any."""
    resting = row.maintenance_percent
    more = _("%(share)s in maintenance") % {"share": percent(resting)} if resting else ""
    return _under(format_html("{}", percent(row.availability_percent)), more)


def model(row: ChargePoint, context: Mapping[str, Any]) -> SafeString:
    return format_html("{} {}", row.vendor, row.model) if row.vendor or row.model else _DASH
