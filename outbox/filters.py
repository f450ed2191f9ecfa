"""Filters beside the lists of the outbox."""

import django_filters
from django.utils.translation import gettext_lazy as _

from console.filters import FacetFilter, FacetFilterSet
from outbox.choices import DecisionReason, DecisionState, EndpointState
from outbox.models import Delivery, Event, TopicList, TopicNotice, WebhookEndpoint
from outbox.search import DELIVERY_SEARCH, EVENT_SEARCH


class DeliveryFilters(FacetFilterSet):
    search = DELIVERY_SEARCH
    opened = 2
    state = FacetFilter("state")
    channel = FacetFilter("channel")
    reason = FacetFilter("reason")
    kind = FacetFilter("kind")
    created = FacetFilter("created")

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = ()


class EventFilters(FacetFilterSet):
    search = EVENT_SEARCH
    kind = FacetFilter("kind")
    at = FacetFilter("at")

    class Meta:
        model = Event
        fields: tuple[str, ...] = ()


class DeadLetterFilters(FacetFilterSet):
    """Beside the dead letters, which all have failed."""

    search = DELIVERY_SEARCH
    opened = 2
    channel = FacetFilter("channel")
    reason = FacetFilter("reason")

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = ()


class TopicListFilters(django_filters.FilterSet):
    enabled = django_filters.ChoiceFilter(choices=[("True", _("on")), ("False", _("off"))], label=_("State"))

    class Meta:
        model = TopicList
        fields = ("enabled",)


class DecisionFilters(django_filters.FilterSet):
    """Beside what a topic list was not told: what it was told stands among its deliveries."""

    state = django_filters.ChoiceFilter(
        choices=[choice for choice in DecisionState.choices if choice[0] != DecisionState.NOTIFIED], label=_("State")
    )
    reason = django_filters.MultipleChoiceFilter(choices=[c for c in DecisionReason.choices if c[0]], label=_("Why"))

    class Meta:
        model = TopicNotice
        fields = ("state", "reason")


class EndpointFilters(django_filters.FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=EndpointState.choices, label=_("State"))

    class Meta:
        model = WebhookEndpoint
        fields = ("state",)
