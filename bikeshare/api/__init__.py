"""Bike-share for machines: resources, their actions, feeds, device messages."""

from bikeshare.api import actions, feeds, geojson, telemetry
from bikeshare.api.resources import router

__all__ = ["actions", "feeds", "geojson", "router", "telemetry"]
