"""Models of bike-share."""

from bikeshare.models.base import Resource, new_id
from bikeshare.models.cyclists import Cyclist, Pass, Registration, StationFavorite, Subscription
from bikeshare.models.feeds import FeedSource
from bikeshare.models.fleet import Bike, BikeState, Dock, LockBox, LockBoxState, Station
from bikeshare.models.programs import Program
from bikeshare.models.telemetry import TelemetryMessage
from bikeshare.models.trips import TerminationRequest, Trip
from bikeshare.models.zones import Zone

__all__ = [
    "Bike",
    "BikeState",
    "Cyclist",
    "Dock",
    "FeedSource",
    "LockBox",
    "LockBoxState",
    "Pass",
    "Program",
    "Registration",
    "Resource",
    "Station",
    "StationFavorite",
    "Subscription",
    "TelemetryMessage",
    "TerminationRequest",
    "Trip",
    "Zone",
    "new_id",
]
