"""Filters beside the lists, for those who would rather choose than type."""

from __future__ import annotations

from console.filters import filters_of
from fleet_remotes.search import ACTION_SEARCH, BATCH_SEARCH, MESSAGE_SEARCH, NOTIFICATION_SEARCH, VEHICLE_SEARCH

VehicleFilters = filters_of(VEHICLE_SEARCH, "fleet", "brand", "can", "privacy", "battery", "busy")
ActionFilters = filters_of(ACTION_SEARCH, "state", "type", "fleet", "ordered")
BatchFilters = filters_of(BATCH_SEARCH, "type", "sent")
NotificationFilters = filters_of(NOTIFICATION_SEARCH, "verdict", "type", "received")
MessageFilters = filters_of(MESSAGE_SEARCH, "callback", "applied", "received")
