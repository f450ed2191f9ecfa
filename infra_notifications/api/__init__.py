"""Charging infrastructure for machines; each module adds its operations to the one router."""

from infra_notifications.api import ocpi_parties, routes, senders, stations
from infra_notifications.api.base import router

__all__ = ["ocpi_parties", "router", "routes", "senders", "stations"]
