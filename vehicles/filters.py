"""Filters beside the lists, for those who would rather choose than type."""

from __future__ import annotations

from console.filters import filters_of
from vehicles.search import DRIVER_SEARCH, NOTIFICATION_SEARCH, SESSION_SEARCH, TYPE_SEARCH, VEHICLE_SEARCH

DriverFilters = filters_of(DRIVER_SEARCH, "language", "country", "consent", "pairing", "open", "push")
VehicleFilters = filters_of(VEHICLE_SEARCH, "pairing", "brand", "privacy", "capability", "contact")
SessionFilters = filters_of(SESSION_SEARCH, "managed", "open", "reason", "started")
NotificationFilters = filters_of(NOTIFICATION_SEARCH, "state", "severity", "category", "reason", "channel", "push")
TypeFilters = filters_of(TYPE_SEARCH, "on", "channel", "category", "severity")
