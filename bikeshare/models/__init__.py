"""Models of bike-share."""

from bikeshare.models.base import Resource, new_id
from bikeshare.models.cyclists import Abonnement, Cyclist, Pass, Registration, StationFavorite
from bikeshare.models.fleet import Boitier, BoitierState, Dock, Station, Vehicule
from bikeshare.models.programs import Program
from bikeshare.models.telemetry import TelemetryMessage
from bikeshare.models.trips import TerminationRequest, Trip
from bikeshare.models.zones import Zone

__all__ = [
    "Abonnement",
    "Boitier",
    "BoitierState",
    "Cyclist",
    "Dock",
    "Pass",
    "Program",
    "Registration",
    "Resource",
    "Station",
    "StationFavorite",
    "TelemetryMessage",
    "TerminationRequest",
    "Trip",
    "Vehicule",
    "Zone",
    "new_id",
]
