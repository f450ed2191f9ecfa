"""What deliveries and events can be searched by."""

from django.utils.translation import gettext_lazy as _

from console.search import ChoiceFacet, SearchSchema, TextFacet, TimeFacet
from console.search.schema import any_text
from outbox.choices import Channel, DeliveryState, Reason

DELIVERY_SEARCH = SearchSchema(
    any_text("address", "event__kind", "event__subject"),
    (
        ChoiceFacet("state", "state", _("State"), choices={value: value for value in DeliveryState.values}),
        ChoiceFacet("channel", "channel", _("Channel"), choices={value: value for value in Channel.values}),
        TextFacet("to", "address", _("To")),
        TextFacet("kind", "event__kind", _("Kind")),
        TextFacet("about", "event__subject", _("About")),
        ChoiceFacet("reason", "reason", _("Reason"), choices={value: value for value in Reason.values if value}),
        TimeFacet("created", "created_at", _("Created")),
        TimeFacet("settled", "settled_at", _("Ended")),
    ),
)
EVENT_SEARCH = SearchSchema(
    any_text("kind", "subject"),
    (
        TextFacet("kind", "kind", _("Kind")),
        TextFacet("about", "subject", _("About")),
        TimeFacet("at", "occurred_at", _("Occurred")),
        TimeFacet("recorded", "created_at", _("Recorded")),
    ),
)
