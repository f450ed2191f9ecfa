"""Charging infrastructure for machines; each module adds its operations to the one router."""

from infra_notifications.api import routes, senders, stations
from infra_notifications.api.base import router

__all__ = ["router", "routes", "senders", "stations"]
