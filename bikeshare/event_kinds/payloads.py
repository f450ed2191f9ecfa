"""Payloads: an object, and what is special about its topic. `program` and `city` can be filtered by."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from bikeshare.event_kinds.objects import (
    BikeFacts,
    LockBoxFacts,
    ObjectFacts,
    PassFacts,
    Position,
    StationFacts,
    SubscriptionFacts,
    TerminationRequestFacts,
    TripFacts,
)

Facts = TypeVar("Facts", bound=ObjectFacts)


class ObjectPayload(msgspec.Struct, Generic[Facts], kw_only=True, omit_defaults=True):
    """What every event holds; `sample` marks one that was sent to try a listener out."""

    program: str
    city: str = ""
    object: Facts
    sample: bool = False


class Updated(ObjectPayload[Facts], Generic[Facts], kw_only=True, omit_defaults=True):
    """`previous_attributes` holds the old values of what changed.

    Personal data is named, never shown: `personal_attributes_changed`.
    """

    previous_attributes: dict[str, Any]
    personal_attributes_changed: list[str] = []


class Deleted(ObjectPayload[Facts], Generic[Facts], kw_only=True, omit_defaults=True):
    """The last state of what is gone."""

    deleted: bool


class Failure(msgspec.Struct):
    code: str
    message: str


class SubscriptionFailed(ObjectPayload[SubscriptionFacts], kw_only=True, omit_defaults=True):
    error: Failure


class SubscriptionValidated(ObjectPayload[SubscriptionFacts], kw_only=True, omit_defaults=True):
    """`validator` is who validated: a user's id in the console, or the name of an API key."""

    validator: str


class SubscriptionDeclined(SubscriptionValidated, kw_only=True, omit_defaults=True):
    reason: str


class TrialWillEnd(ObjectPayload[SubscriptionFacts], kw_only=True, omit_defaults=True):
    trial_end: datetime


class PassDisassociated(ObjectPayload[PassFacts], kw_only=True, omit_defaults=True):
    previous_user: str


class StationFavored(ObjectPayload[StationFacts], kw_only=True, omit_defaults=True):
    cyclist: str


class TripMarked(ObjectPayload[TripFacts], kw_only=True, omit_defaults=True):
    termination_request: TerminationRequestFacts


class TripMarkUpdated(TripMarked, kw_only=True, omit_defaults=True):
    """`previous_attributes` are those of the termination request."""

    previous_attributes: dict[str, Any]


class LockBoxPayload(ObjectPayload[LockBoxFacts], kw_only=True, omit_defaults=True):
    """Said by a box: on which vehicle it is, in which trip, and when it said so by its clock."""

    vehicule: str | None
    trip: str | None
    reported_at: datetime


class LockChanged(LockBoxPayload, kw_only=True, omit_defaults=True):
    """`previous` is what the lock said before; `rfid` the tag of the dock that it reads."""

    previous: str
    rfid: str = ""


class PassUnrecognized(LockBoxPayload, kw_only=True, omit_defaults=True):
    """`uid` is masked."""

    uid: str


class PinIncorrect(LockBoxPayload, kw_only=True, omit_defaults=True):
    """`attempts` counts the wrong ones in a row. The PIN itself is told to nobody."""

    attempts: int


class ChainTypeUpdated(LockBoxPayload, kw_only=True, omit_defaults=True):
    chain_type: str
    previous: str


class BatteryLow(ObjectPayload[BikeFacts], kw_only=True, omit_defaults=True):
    value: float
    previous: float | None
    threshold: float
    trip: str | None
    reported_at: datetime


class ZoneReference(msgspec.Struct):
    id: str
    name: str


class PositionForbidden(ObjectPayload[BikeFacts], kw_only=True, omit_defaults=True):
    """`zone` is null when the vehicle left the program's operating area; `rule` is the one that forbids."""

    trip: str
    cyclist: str
    zone: ZoneReference | None
    rule: dict[str, Any]
    position: Position
    accuracy: float | None
    reported_at: datetime


class ConnectionLost(ObjectPayload[BikeFacts], kw_only=True, omit_defaults=True):
    last_seen: datetime


class ConnectionRestored(ObjectPayload[BikeFacts], kw_only=True, omit_defaults=True):
    """`lost_at` is when its loss was told."""

    lost_at: datetime
    reported_at: datetime


class MovedWithoutTrip(ObjectPayload[BikeFacts], kw_only=True, omit_defaults=True):
    """`rested` is where it stood before, `distance` how many metres away it is now."""

    rested: Position
    position: Position
    distance: int
    accuracy: float | None
    reported_at: datetime


class UnlockedWithoutTrip(ObjectPayload[BikeFacts], kw_only=True, omit_defaults=True):
    reported_at: datetime


class NotSeen(ConnectionLost, kw_only=True, omit_defaults=True):
    days: int


class NotRidden(ObjectPayload[BikeFacts], kw_only=True, omit_defaults=True):
    """`last_ridden` is when its last trip began or ended; null for a vehicle that never rode."""

    last_ridden: datetime | None
    days: int


class StationFill(ObjectPayload[StationFacts], kw_only=True, omit_defaults=True):
    """`free_docks` is null where a station has no docks and no capacity."""

    vehicules: int | None
    free_docks: int | None
