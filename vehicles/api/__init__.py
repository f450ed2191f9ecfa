"""The API of vehicles: facts and platforms' webhooks in; drivers and their notifications out; what support does."""

from vehicles.api import campaigns, support
from vehicles.api.base import receive_webhook, router

__all__ = ["campaigns", "receive_webhook", "router", "support"]
