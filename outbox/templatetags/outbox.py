"""Names and colours of the outbox in templates."""

from django import template

from outbox.choices import STATE_COLOURS, DeliveryState
from outbox.event_kinds import UnknownKind, kind_of

register = template.Library()


@register.filter
def state_colour(state: str) -> str:
    return STATE_COLOURS[DeliveryState(state)]


@register.filter
def kind_label(key: str) -> str:
    try:
        return str(kind_of(key).label)
    except UnknownKind:
        return key
