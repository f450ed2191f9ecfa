"""Words and colours of topic lists."""

from __future__ import annotations

from django import template

from console.templatetags.console import register_colours
from core.people import shown_id, shown_text
from outbox.choices import DECISION_COLOURS
from outbox.models import Event
from outbox.rules.payload_summary import headline

register = template.Library()
register_colours(register, decision_colour=DECISION_COLOURS)


@register.filter
def about(event: Event) -> str:
    """What an event is about: the thing and its place where its payload names them, else its subject."""
    return str(shown_text(headline(event.payload)) or shown_id(event.subject))
