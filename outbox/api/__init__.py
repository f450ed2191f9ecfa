"""The outbox for machines, one file per noun; each adds its operations to the one `router`."""

from outbox.api import banners, bounces, events, people, topic_lists, webhooks
from outbox.api.base import router

__all__ = ["banners", "bounces", "events", "people", "router", "topic_lists", "webhooks"]
