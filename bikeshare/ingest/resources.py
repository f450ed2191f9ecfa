"""Resources as they are given to the API: every field may be left out, and stays as it is then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from core.email_addresses import is_address

Id = Annotated[str, Meta(max_length=40)]
Short = Annotated[str, Meta(max_length=40)]
Name = Annotated[str, Meta(min_length=1, max_length=120)]
Text = Annotated[str, Meta(max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]
Cents = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
Count = Annotated[int, Meta(ge=0, lt=2**31)]
Photo = Annotated[str, Meta(max_length=500, pattern="^https?://")]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]


class Place(msgspec.Struct):
    latitude: Latitude
    longitude: Longitude


class ResourceBody(msgspec.Struct, kw_only=True):
    """What is given of a resource."""


class ProgramBody(ResourceBody, kw_only=True):
    """`global_rules` are GBFS 3.0 rules that hold outside all zones."""

    id: Short | UnsetType = UNSET
    name: Annotated[str, Meta(min_length=1, max_length=80)] | UnsetType = UNSET
    city: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    status: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    language: Annotated[str, Meta(max_length=10)] | UnsetType = UNSET
    operator: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    url: Text | UnsetType = UNSET
    contact_email: Text | UnsetType = UNSET
    opening_hours: Text | UnsetType = UNSET
    publish_gbfs: bool | UnsetType = UNSET
    max_renting: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    min_rent_battery: Annotated[int, Meta(ge=0, le=100)] | UnsetType = UNSET
    min_depth_m: Annotated[float, Meta(ge=0, le=1000)] | UnsetType = UNSET
    accuracy_factor: Annotated[float, Meta(ge=0, le=10)] | UnsetType = UNSET
    confirm_fixes: Annotated[int, Meta(ge=1, le=20)] | UnsetType = UNSET
    exit_margin_m: Annotated[float, Meta(ge=0, le=1000)] | UnsetType = UNSET
    global_rules: list[dict[str, Any]] | UnsetType = UNSET
    connection_lost_min: Annotated[int, Meta(ge=0, le=30_000)] | UnsetType = UNSET
    unseen_days: Annotated[int, Meta(ge=0, le=1_000)] | UnsetType = UNSET
    unridden_days: Annotated[int, Meta(ge=0, le=1_000)] | UnsetType = UNSET
    moved_m: Annotated[int, Meta(ge=0, le=1_000_000)] | UnsetType = UNSET
    watch_unlocking: bool | UnsetType = UNSET
    watch_stations: bool | UnsetType = UNSET


class FeedBody(ResourceBody, kw_only=True):
    """An address that is read every so many minutes; 0: only when somebody asks for it."""

    program: Id | UnsetType = UNSET
    url: Annotated[str, Meta(min_length=1, max_length=500)] | UnsetType = UNSET
    every_min: Annotated[int, Meta(ge=0, le=525_600)] | UnsetType = UNSET
    types: dict[str, str] | UnsetType = UNSET
    rfc7946: bool | UnsetType = UNSET


class CyclistBody(ResourceBody, kw_only=True):
    program: Id | UnsetType = UNSET
    name: Annotated[str, Meta(max_length=120)] | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=320)] | UnsetType = UNSET
    phone_number: Annotated[str, Meta(max_length=32)] | UnsetType = UNSET
    role: Annotated[str, Meta(min_length=1, max_length=30)] | UnsetType = UNSET
    kyc_documents: list[Annotated[str, Meta(max_length=120)]] | UnsetType = UNSET
    has_payment_source: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.email, str) and self.email.strip() and not is_address(self.email):
            raise ValueError("`email`: not an e-mail address")


class RegistrationBody(ResourceBody, kw_only=True):
    program: Id | UnsetType = UNSET
    cyclist: Id | UnsetType = UNSET
    status: str | UnsetType = UNSET
    terms_accepted_at: Moment | UnsetType | None = UNSET
    memberships: list[Annotated[str, Meta(max_length=80)]] | UnsetType = UNSET


class PassBody(ResourceBody, kw_only=True):
    program: Id | UnsetType = UNSET
    uid: Annotated[str, Meta(min_length=1, max_length=40)] | UnsetType = UNSET
    model: Short | UnsetType = UNSET
    type: Annotated[str, Meta(min_length=1, max_length=30)] | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class SubscriptionBody(ResourceBody, kw_only=True):
    program: Id | UnsetType = UNSET
    cyclist: Id | UnsetType = UNSET
    forfait: Annotated[str, Meta(min_length=1, max_length=80)] | UnsetType = UNSET
    organization: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    amount: Count | UnsetType = UNSET
    rent_while_waiting: bool | UnsetType = UNSET
    supporting_documents: list[Annotated[str, Meta(max_length=120)]] | UnsetType = UNSET
    subscription_id: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    customer_id: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    cancel_at: Moment | UnsetType | None = UNSET
    trial_end: Moment | UnsetType | None = UNSET


class StationBody(ResourceBody, kw_only=True):
    """`area` is the GeoJSON MultiPolygon of a virtual station."""

    program: Id | UnsetType = UNSET
    external_id: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    short_name: Short | UnsetType = UNSET
    position: Place | UnsetType | None = UNSET
    address: Text | UnsetType = UNSET
    post_code: Annotated[str, Meta(max_length=12)] | UnsetType = UNSET
    city: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    region: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    capacity: Count | UnsetType | None = UNSET
    is_virtual: bool | UnsetType = UNSET
    area: dict[str, Any] | UnsetType | None = UNSET
    electrical: bool | UnsetType = UNSET
    score: Cents | UnsetType | None = UNSET
    status: str | UnsetType = UNSET


class DockBody(ResourceBody, kw_only=True):
    """Its program is that of its station."""

    station: Id | UnsetType = UNSET
    number: Annotated[str, Meta(max_length=20)] | UnsetType = UNSET
    rfid: Short | UnsetType = UNSET
    end_code: Annotated[str, Meta(max_length=20)] | UnsetType = UNSET
    vehicule: Id | UnsetType | None = UNSET
    vehicle_types: list[str] | UnsetType = UNSET
    status: str | UnsetType = UNSET


class LockBoxBody(ResourceBody, kw_only=True):
    program: Id | UnsetType = UNSET
    number: Annotated[str, Meta(min_length=1, max_length=40)] | UnsetType = UNSET
    fw: Short | UnsetType = UNSET
    imei: Annotated[str, Meta(max_length=20)] | UnsetType = UNSET


class BikeBody(ResourceBody, kw_only=True):
    program: Id | UnsetType = UNSET
    number: Annotated[str, Meta(min_length=1, max_length=40)] | UnsetType = UNSET
    type: str | UnsetType = UNSET
    model: Short | UnsetType = UNSET
    rfid: Short | UnsetType = UNSET
    status: str | UnsetType = UNSET
    status_reason: Text | UnsetType = UNSET
    boitier: Id | UnsetType | None = UNSET
    station: Id | UnsetType | None = UNSET
    dockless: bool | UnsetType = UNSET
    score: Cents | UnsetType | None = UNSET


class TripBody(ResourceBody, kw_only=True):
    """A rental. Cyclist, vehicle and PIN only when it begins; without a PIN one is made up and given back once."""

    cyclist: Id | UnsetType = UNSET
    vehicule: Id | UnsetType = UNSET
    origin: Annotated[str, Meta(min_length=1, max_length=20)] | UnsetType = UNSET
    agent: Short | UnsetType = UNSET
    pin: Annotated[str, Meta(pattern="^[0-9]{4,8}$")] | UnsetType = UNSET
    forfait: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    organization: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    assist: bool | UnsetType = UNSET
    assist_level: Annotated[int, Meta(ge=0, le=20)] | UnsetType | None = UNSET
    distance: Count | UnsetType | None = UNSET
    start_dockless_area: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    start_caddie: Short | UnsetType = UNSET
    start_photo: Photo | UnsetType = UNSET
    end_dockless_area: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    end_caddie: Short | UnsetType = UNSET
    amount_live: Cents | UnsetType | None = UNSET
    metrics: dict[str, Any] | UnsetType = UNSET


class ZoneBody(ResourceBody, kw_only=True):
    """Its area is either `bounds`, one ring of positions, or `geometry`, a GeoJSON Polygon or MultiPolygon."""

    program: Id | UnsetType = UNSET
    external_id: Annotated[str, Meta(max_length=160)] | UnsetType = UNSET
    name: Annotated[str, Meta(max_length=120)] | UnsetType = UNSET
    type: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    precedence: Count | UnsetType = UNSET
    bounds: list[Any] | UnsetType = UNSET
    geometry: dict[str, Any] | UnsetType = UNSET
    rules: list[dict[str, Any]] | UnsetType = UNSET
    vehicule_type: str | UnsetType = UNSET
    start: Moment | UnsetType | None = UNSET
    end: Moment | UnsetType | None = UNSET
    score: Cents | UnsetType | None = UNSET


def values_of(body: ResourceBody) -> dict[str, Any]:
    """What was given, trimmed; a `position` as `latitude` and `longitude`."""
    values = {name: getattr(body, name) for name in body.__struct_fields__}
    values = {name: clean(value) for name, value in values.items() if value is not UNSET}
    if "position" in values:
        place = values.pop("position")
        values |= {"latitude": place.latitude if place else None, "longitude": place.longitude if place else None}
    return values


def clean(value: Any) -> Any:
    """Texts without outer blanks, also inside lists and objects; moments in UTC."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, list):
        return [clean(part) for part in value]
    if isinstance(value, dict):
        return {clean(key): clean(part) for key, part in value.items()}
    if isinstance(value, msgspec.Struct):
        return replace(value, **{name: clean(getattr(value, name)) for name in value.__struct_fields__})
    return value
