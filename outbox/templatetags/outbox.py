"""Names and colours of the outbox in templates."""

from django import template

from console.templatetags.console import register_colours
from outbox.choices import ENDPOINT_COLOURS, STATE_COLOURS, DeliveryState
from outbox.event_kinds import label_of

register = template.Library()
register_colours(register, state_colour=STATE_COLOURS, endpoint_colour=ENDPOINT_COLOURS)


@register.filter
def state_label(state: str) -> str:
    return str(DeliveryState(state).label).lower()


register.filter("kind_label", label_of)
