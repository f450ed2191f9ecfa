"""What operators watch beside the customer's topics: who may be moved, and when a vehicle has moved. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from bikeshare.choices import BikeStatus
from bikeshare.rules.geometry import METRES_PER_DEGREE

# Staff have these in their hands, or nobody expects them on the street.
HANDLED = (BikeStatus.SERVICE, BikeStatus.MAINTENANCE, BikeStatus.MAJ, BikeStatus.STOCK, BikeStatus.DESTROYED)
# So long a vehicle stays where it is before its next move is another one.
AT_REST = timedelta(minutes=30)


def distance_m(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Metres between two places of a city."""
    eastward = (to_longitude - longitude) * math.cos(math.radians(latitude))
    return math.hypot(to_latitude - latitude, eastward) * METRES_PER_DEGREE


@dataclass(frozen=True)
class Rest:
    """Where a vehicle rests, and when it last moved without a trip; both may be unknown."""

    latitude: float | None = None
    longitude: float | None = None
    moved_at: datetime | None = None


def rest_after(
    rest: Rest, latitude: float, longitude: float, at: datetime, *, accuracy: float | None, moved_m: int
) -> tuple[Rest, float]:
    """Where it rests after a position without a trip, and how far it moved if that is to be told; 0 else."""
    if rest.latitude is None or rest.longitude is None:
        return Rest(latitude, longitude), 0.0
    metres = distance_m(rest.latitude, rest.longitude, latitude, longitude)
    if not moved_m or metres <= moved_m + (accuracy or 0):
        return rest, 0.0
    goes_on = rest.moved_at is not None and at - rest.moved_at < AT_REST
    return Rest(latitude, longitude, at), 0.0 if goes_on else metres
