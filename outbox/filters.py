"""Filters beside the lists of the outbox."""

from __future__ import annotations

from console.filters import filters_of
from outbox.search import DECISION_SEARCH, DELIVERY_SEARCH, ENDPOINT_SEARCH, EVENT_SEARCH, TOPIC_LIST_SEARCH

DeliveryFilters = filters_of(DELIVERY_SEARCH, "state", "channel", "reason", "kind", "created", opened=2)
# Beside the failed deliveries, which all have the same state.
DeadLetterFilters = filters_of(DELIVERY_SEARCH, "channel", "reason", opened=2)
EventFilters = filters_of(EVENT_SEARCH, "kind", "at")
TopicListFilters = filters_of(TOPIC_LIST_SEARCH, "enabled", "language", "topic")
DecisionFilters = filters_of(DECISION_SEARCH, "state", "reason", "kind")
EndpointFilters = filters_of(ENDPOINT_SEARCH, "state", "topic", "failing")
