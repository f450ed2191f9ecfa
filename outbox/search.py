"""What deliveries, events and topic lists can be searched by."""

from django.db.models import Exists, OuterRef, Q, TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.search import ChoiceFacet, MembershipFacet, SearchSchema, TextFacet, TimeFacet
from core.search.facets import FlagFacet, TagFacet
from core.search.schema import any_text
from outbox.choices import DecisionReason, DecisionState, DeliveryState, EndpointState, Language, Reason
from outbox.models import TopicListAddress
from outbox.transports.registry import channel_choices


def _values(choices: type[TextChoices]) -> dict[str, str]:
    return {value: value for value in choices.values if value}


def _labels(choices: type[TextChoices]) -> dict[str, str | Promise]:
    return {one.value: one.label for one in choices}


_CHANNELS = dict(channel_choices())
DELIVERY_SEARCH = SearchSchema(
    any_text("address", "event__kind", "event__subject"),
    (
        ChoiceFacet("state", "state", _("State"), choices=_values(DeliveryState), labels=_labels(DeliveryState)),
        ChoiceFacet(
            "channel",
            "channel",
            _("Channel"),
            choices={key: key for key, _label in channel_choices()},
            labels=dict(channel_choices()),
        ),
        TextFacet("to", "address", _("To")),
        TextFacet("kind", "event__kind", _("Kind"), counted=True),
        TextFacet("about", "event__subject", _("About")),
        ChoiceFacet("reason", "reason", _("Reason"), choices=_values(Reason), labels=_labels(Reason)),
        TimeFacet("created", "created_at", _("Created")),
        TimeFacet("settled", "settled_at", _("Ended")),
    ),
)
EVENT_SEARCH = SearchSchema(
    any_text("kind", "subject"),
    (
        TextFacet("kind", "kind", _("Kind"), counted=True),
        TextFacet("about", "subject", _("About")),
        TimeFacet("at", "occurred_at", _("Occurred")),
        TimeFacet("recorded", "created_at", _("Recorded")),
    ),
)


def _has_address(text: str | None) -> Q:
    """Topic lists with an address that contains this text, or with any."""
    addresses = TopicListAddress.objects.filter(topic_list=OuterRef("pk"))
    return Q(Exists(addresses.filter(address__icontains=text) if text is not None else addresses))


TOPIC_LIST_SEARCH = SearchSchema(
    any_text("name", "description", "condition"),
    (
        TextFacet("name", "name", _("Name")),
        TagFacet("topic", "topics", _("Topic"), ("kind",), _("as it stands in the list, e.g. topic:trip.*")),
        TextFacet("domain", "domain", _("Domain"), exact=True),
        TextFacet("condition", "condition", _("Condition")),
        FlagFacet("enabled", "enabled", _("Enabled"), when_true=Q(enabled=True)),
        ChoiceFacet("language", "language", _("Language"), choices={value: value for value in Language.values}),
        TimeFacet("told", "last_told_at", _("Last mail")),
        MembershipFacet("address", "addresses", _("E-mail address"), belongs=_has_address),
    ),
)
DECISION_SEARCH = SearchSchema(
    any_text("event__kind", "event__subject"),
    (
        ChoiceFacet("state", "state", _("State"), choices={value: value for value in DecisionState.values}),
        ChoiceFacet("reason", "reason", _("Why"), choices={value: value for value in DecisionReason.values if value}),
        TextFacet("kind", "event__kind", _("Kind")),
        TextFacet("about", "event__subject", _("About")),
        TimeFacet("at", "event__occurred_at", _("Occurred")),
        TimeFacet("decided", "decided_at", _("Decided")),
    ),
)

ENDPOINT_SEARCH = SearchSchema(
    any_text("url", "description", "condition"),
    (
        TextFacet("url", "url", _("URL")),
        TagFacet("topic", "topics", _("Topic"), ("kind",), _("as it stands in the endpoint, e.g. topic:trip.*")),
        ChoiceFacet("state", "state", _("State"), choices={value: value for value in EndpointState.values}),
        TextFacet("condition", "condition", _("Condition")),
        TextFacet("contact", "contact", _("Contact")),
        TimeFacet("failing", "failing_since", _("Failing since")),
        TimeFacet("created", "created_at", _("Created")),
    ),
)
