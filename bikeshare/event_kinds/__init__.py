"""The kinds of event that bike-share publishes: the customer's topics, and some of our own."""

from __future__ import annotations

from bikeshare.event_kinds.topics import CUSTOMERS, Topic
from bikeshare.event_kinds.watching import OWN
from outbox.event_kinds import EventKind

DOMAIN = "bikeshare"
TOPICS = (*CUSTOMERS, *OWN)
# English words for the customer's.
ALIASES = {
    "vehicle": "vehicule",
    "bike": "vehicule",
    "subscription": "abonnement",
    "lockbox": "boitier",
    "lock": "boitier",
    "card": "pass",
    "battery_ebike": "battery_vae",
    "favourite": "favorite",
}
KINDS = tuple(
    EventKind(topic.key, topic.label, topic.description, DOMAIN, topic.payload, topic.example, topic.severity)
    for topic in TOPICS
)
TOPIC_OF: dict[str, Topic] = {topic.key: topic for topic in TOPICS}

__all__ = ["ALIASES", "DOMAIN", "KINDS", "TOPICS", "TOPIC_OF", "Topic"]
