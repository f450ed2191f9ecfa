"""The objects of bike-share as they leave in events: ids instead of personal data, never a PIN. Times are RFC 3339.

`version` counts an object's changes: what arrives late with a lower one is old. Distances are metres, durations
seconds, amounts integer cents, charges per cent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec


class ObjectFacts(msgspec.Struct, kw_only=True):
    """What every object says of itself."""

    id: str
    program: str
    version: int
    created: datetime


class Position(msgspec.Struct):
    latitude: float
    longitude: float


class CyclistFacts(ObjectFacts, kw_only=True):
    object: Literal["cyclist"] = "cyclist"
    status: str
    status_updated_at: datetime | None = None
    status_updated_reason: str = ""
    blocked_reasons: list[str] = []
    role: str = "cyclist"
    has_payment_source: bool = False


class RegistrationFacts(ObjectFacts, kw_only=True):
    object: Literal["registration"] = "registration"
    cyclist: str
    status: str
    terms_accepted_at: datetime | None = None
    first_trip_at: datetime | None = None
    last_trip_at: datetime | None = None
    memberships: list[str] = []


class PassFacts(ObjectFacts, kw_only=True):
    """`uid` is masked."""

    object: Literal["pass"] = "pass"
    uid: str
    model: str = ""
    type: str = "cyclist"
    user: str | None = None
    confirmed_at: datetime | None = None
    disabled_at: datetime | None = None


class SubscriptionFacts(ObjectFacts, kw_only=True):
    object: Literal["abonnement"] = "abonnement"
    cyclist: str
    forfait: str
    organization: str = ""
    amount: int = 0
    status: str
    can_rent: bool = False
    supporting_documents: list[str] = []
    subscription_id: str = ""
    customer_id: str = ""
    activated_at: datetime | None = None
    cancel_at: datetime | None = None
    canceled_at: datetime | None = None
    declined_reason: str = ""
    trial_end: datetime | None = None


class StationFacts(ObjectFacts, kw_only=True):
    object: Literal["station"] = "station"
    name: str
    short_name: str = ""
    external_id: str = ""
    position: Position | None = None
    address: str = ""
    post_code: str = ""
    city: str = ""
    region: str = ""
    capacity: int | None = None
    is_virtual: bool = False
    electrical: bool = False
    score: int | None = None
    status: str = "open"


class DockFacts(ObjectFacts, kw_only=True):
    object: Literal["dock"] = "dock"
    station: str
    number: str = ""
    rfid: str = ""
    free: bool = True
    vehicule: str | None = None
    vehicule_number: str | None = None
    vehicule_type: str | None = None
    vehicle_types: list[str] = []
    status: str = "open"


class LockBoxFacts(ObjectFacts, kw_only=True):
    object: Literal["boitier"] = "boitier"
    number: str
    fw: str = ""
    vehicule: str | None = None
    lock: str = ""
    chain_type: str = ""
    battery: float | None = None
    battery_vae: float | None = None
    position: Position | None = None
    last_seen: datetime | None = None


class BikeFacts(ObjectFacts, kw_only=True):
    """`lock` to `last_seen` are what its box last said; their change alone is no `vehicule.updated`.

    `rentable` says that a cyclist could rent it now: ready, on no trip, and its battery not known to be below the
    program's least; the program is open.
    """

    object: Literal["vehicule"] = "vehicule"
    number: str
    type: str
    model: str = ""
    rfid: str = ""
    status: str
    status_reason: str = ""
    rentable: bool = False
    boitier: str | None = None
    fw: str = ""
    station: str | None = None
    dockless: bool = False
    score: int | None = None
    lock: str = ""
    chain_type: str = ""
    battery: float | None = None
    battery_vae: float | None = None
    remaining_distance: float | None = None
    position: Position | None = None
    position_at: datetime | None = None
    last_seen: datetime | None = None


class TripFacts(ObjectFacts, kw_only=True):
    """The amounts are null until the trip is billed, after its end."""

    object: Literal["trip"] = "trip"
    status: str
    cyclist: str
    vehicule: str
    vehicule_number: str
    vehicule_type: str
    origin: str = "app"
    agent: str = ""
    forfait: str = ""
    organization: str = ""
    assist: bool = False
    assist_level: int | None = None
    start_timestamp: datetime
    start_name: str = ""
    start_station: str | None = None
    start_dock: str | None = None
    start_region: str = ""
    start_dockless_area: str = ""
    start_caddie: str = ""
    start_photo: str = ""
    start_position: Position | None = None
    end_timestamp: datetime | None = None
    end_name: str = ""
    end_station: str | None = None
    end_dock: str | None = None
    end_region: str = ""
    end_dockless_area: str = ""
    end_caddie: str = ""
    end_position: Position | None = None
    end_photo: str = ""
    termination_requested_timestamp: datetime | None = None
    duration: int | None = None
    duration_total: int | None = None
    distance: int | None = None
    amount: int | None = None
    amount_cyclist: int | None = None
    amount_organization: int | None = None
    amount_discounted: int | None = None
    amount_refunded: int | None = None
    amount_refundable_max: int | None = None
    amount_live: int | None = None
    deposit: int | None = None
    metrics: dict[str, Any] = {}


class TerminationRequestFacts(ObjectFacts, kw_only=True):
    object: Literal["termination_request"] = "termination_request"
    trip: str
    origin: str
    status: str
    date: datetime
    photo: str = ""
    position: Position | None = None
    dock: str | None = None
    reason: str = ""
    decided_at: datetime | None = None


class ZoneFacts(ObjectFacts, kw_only=True):
    """`geometry` is a GeoJSON MultiPolygon, null where it would be too large; `bounds` is its first ring."""

    object: Literal["zone"] = "zone"
    name: str = ""
    external_id: str = ""
    type: str
    status: str = "open"
    precedence: int
    vehicule_type: str = ""
    rules: list[dict[str, Any]] = []
    start: datetime | None = None
    end: datetime | None = None
    score: int | None = None
    geometry: dict[str, Any] | None = None
    bounds: list[Position] = []
