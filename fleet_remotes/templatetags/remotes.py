"""Small pieces of fleet remotes' pages: colours and texts."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.dates import WEEKDAYS_ABBR

from console.templatetags.console import register_colours, short_duration
from core.time_zones import number_text
from fleet_remotes.catalogue.advice import advice_of, summary_of, words_for
from fleet_remotes.choices import STATE_COLOURS, VERDICT_COLOURS
from fleet_remotes.models import CommandBatch, RemoteAction
from fleet_remotes.rules.preflight import CheckFinding, OpenAction

register = template.Library()
register_colours(register, action_colour=STATE_COLOURS, remote_verdict_colour=VERDICT_COLOURS)


@register.filter
def summary(action: RemoteAction | CommandBatch | OpenAction) -> str:
    return summary_of(action.kind, action.parameters)


@register.filter
def weekdays(days: list[int]) -> str:
    """Mon, Tue, Wed: days of the week, 0 for Monday."""
    return ", ".join(str(WEEKDAYS_ABBR[day]) for day in days)


@register.filter
def meaning(cause: str) -> Any:
    return advice_of(cause).meaning


@register.filter
def finding_words(finding: CheckFinding) -> Any:
    return words_for(finding.code)


@register.filter
def delay(seconds: float | None) -> str:
    """A delay, exact where it is short: 0.4 s, 12 s, 3 min."""
    if seconds is None:
        return "–"
    if abs(seconds) < 10:
        return f"{number_text(round(seconds, 1), 1)} s"
    return short_duration(seconds)
