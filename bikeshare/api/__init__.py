"""Bike-share for machines: resources, their actions, device messages."""

from bikeshare.api import actions, telemetry
from bikeshare.api.resources import router

__all__ = ["actions", "router", "telemetry"]
