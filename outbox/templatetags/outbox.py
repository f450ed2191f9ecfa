"""Names and colours of the outbox in templates."""

from django import template

from outbox.choices import ENDPOINT_COLOURS, STATE_COLOURS, DeliveryState, EndpointState
from outbox.event_kinds import UnknownKind, kind_of

register = template.Library()


@register.filter
def state_colour(state: str) -> str:
    return STATE_COLOURS[DeliveryState(state)]


@register.filter
def state_label(state: str) -> str:
    return str(DeliveryState(state).label).lower()


@register.filter
def endpoint_colour(state: str) -> str:
    return ENDPOINT_COLOURS[EndpointState(state)]


@register.filter
def kind_label(key: str) -> str:
    try:
        return str(kind_of(key).label)
    except UnknownKind:
        return key
