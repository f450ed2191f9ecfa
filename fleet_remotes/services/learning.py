"""What outcomes teach about their vehicles: stolen or found, refused for privacy or battery, and that all is well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from fleet_remotes.catalogue.advice import CauseGroup, group_of
from fleet_remotes.choices import SUCCESS, Kind, State
from fleet_remotes.models import FleetVehicle, RemoteAction

_PRIVACY, _STOLEN = "NotPossibleDueToVehiclePrivacyLevel", "NotPossibleDueToVehicleStolenState"


def learn_from(ended: Sequence[RemoteAction], now: datetime) -> None:
    """Writes what ended actions teach, in the caller's transaction; the later of two counts."""
    taught: dict[int, dict[str, Any]] = defaultdict(dict)
    for action in sorted(ended, key=lambda action: (action.since, action.pk)):
        taught[action.vehicle_id] |= dict(_lessons(action, now))
    vehicles: dict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for pk, values in taught.items():
        if values:
            vehicles[tuple(sorted(values.items()))].append(pk)
    for lesson, ids in vehicles.items():
        FleetVehicle.objects.filter(pk__in=ids).update(**dict(lesson))


def _lessons(action: RemoteAction, now: datetime) -> Iterator[tuple[str, Any]]:
    if action.state in SUCCESS:
        yield from (("privacy_refused_at", None), ("battery_refused_at", None))
        if action.kind == Kind.STOLEN and isinstance(action.parameters.get("stolen"), bool):
            yield "is_stolen", action.parameters["stolen"]
    elif action.state == State.FAILED and action.cause == _STOLEN:
        yield "is_stolen", True
    elif action.state == State.FAILED and action.cause == _PRIVACY:
        yield "privacy_refused_at", now
    elif action.state == State.FAILED and group_of(action.cause) == CauseGroup.BATTERY:
        yield "battery_refused_at", now
