"""What deliveries, events and topic lists can be searched by."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.search import ChoiceFacet, MembershipFacet, SearchSchema, TextFacet, TimeFacet
from core.search.facets import FlagFacet, NameFacet, TagFacet
from core.search.schema import any_text
from outbox.choices import DecisionReason, DecisionState, DeliveryState, EndpointState, Language, Reason
from outbox.models import TopicListAddress
from outbox.transports.registry import channel_choices


def _choice(name: str, label: Promise, choices: Sequence[tuple[str, str | Promise]]) -> ChoiceFacet:
    """One of a field's choices, by the names that the database has."""
    values = {value: value for value, _label in choices if value}
    return ChoiceFacet(name, name, label, choices=values, labels=dict(choices))


DELIVERY_SEARCH = SearchSchema(
    any_text("event__kind", ids=("event__subject",), personal=("address",)),
    (
        _choice("state", _("State"), DeliveryState.choices),
        _choice("channel", _("Channel"), channel_choices()),
        TextFacet("to", "address", _("To"), personal=True),
        NameFacet("kind", "event__kind", _("Kind"), counted=True),
        TextFacet("about", "event__subject", _("About"), identifies=True),
        _choice("reason", _("Reason"), Reason.choices),
        TimeFacet("created", "created_at", _("Created")),
        TimeFacet("settled", "settled_at", _("Ended")),
    ),
)
EVENT_SEARCH = SearchSchema(
    any_text("kind", ids=("subject",)),
    (
        NameFacet("kind", "kind", _("Kind"), counted=True),
        TextFacet("about", "subject", _("About"), identifies=True),
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
        NameFacet("domain", "domain", _("Domain")),
        TextFacet("condition", "condition", _("Condition")),
        FlagFacet("enabled", "enabled", _("Enabled"), when_true=Q(enabled=True)),
        _choice("language", _("Language"), Language.choices),
        TimeFacet("told", "last_told_at", _("Last mail")),
        MembershipFacet("address", "addresses", _("E-mail address"), belongs=_has_address),
    ),
)
DECISION_SEARCH = SearchSchema(
    any_text("event__kind", ids=("event__subject",)),
    (
        _choice("state", _("State"), DecisionState.choices),
        _choice("reason", _("Why"), DecisionReason.choices),
        NameFacet("kind", "event__kind", _("Kind")),
        TextFacet("about", "event__subject", _("About"), identifies=True),
        TimeFacet("at", "event__occurred_at", _("Occurred")),
        TimeFacet("decided", "decided_at", _("Decided")),
    ),
)

ENDPOINT_SEARCH = SearchSchema(
    any_text("shown_url", "description", "condition"),
    (
        TextFacet("url", "shown_url", _("URL")),
        TagFacet("topic", "topics", _("Topic"), ("kind",), _("as it stands in the endpoint, e.g. topic:trip.*")),
        _choice("state", _("State"), EndpointState.choices),
        TextFacet("condition", "condition", _("Condition")),
        TextFacet("contact", "contact", _("Contact")),
        TimeFacet("failing", "failing_since", _("Failing since")),
        TimeFacet("created", "created_at", _("Created")),
    ),
)
