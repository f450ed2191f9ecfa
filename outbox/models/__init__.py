"""Models of the outbox, one file per noun; `outbox.models` names them all."""

from outbox.models.banners import Banner
from outbox.models.events import Address, Attempt, Delivery, Event, ListenerStamp
from outbox.models.topic_lists import TopicDecision, TopicList, TopicListAddress
from outbox.models.upkeep import HealthAlert, LogMark
from outbox.models.webhooks import WebhookEndpoint, WebhookSecret

__all__ = [
    "Address",
    "Attempt",
    "Banner",
    "Delivery",
    "Event",
    "HealthAlert",
    "ListenerStamp",
    "LogMark",
    "TopicDecision",
    "TopicList",
    "TopicListAddress",
    "WebhookEndpoint",
    "WebhookSecret",
]
