"""Names and colours of the outbox in templates."""

from django import template

from outbox.choices import ENDPOINT_COLOURS, STATE_COLOURS, DeliveryState, EndpointState
from outbox.event_kinds import label_of

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


register.filter("kind_label", label_of)
