"""The public GBFS 3.0 feed of a program: open to everyone, as the standard wants it, where the program publishes it.

Vehicle ids are keyed hashes that change with each trip, so that nobody can follow a vehicle from ride to ride;
vehicles on a trip do not appear.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from bikeshare.choices import BikeStatus, BikeType, OpenStatus, ProgramStatus, ZoneType
from bikeshare.models import Bike, Dock, Program, Station, Zone
from bikeshare.selectors import rows_of
from bikeshare.services.payloads import is_rentable
from core.api import rfc3339
from core.permissions import public

VERSION = "3.0"
TTL_S = 60
E_BIKE_RANGE_M = 60_000
# Our types in the standard's words: form, drive, and the range in metres on a full charge.
_TYPES: dict[str, tuple[str, str, int | None]] = {
    BikeType.CLASSIC: ("bicycle", "human", None),
    BikeType.VAE: ("bicycle", "electric_assist", E_BIKE_RANGE_M),
    BikeType.VAE_HYBRID: ("bicycle", "electric_assist", E_BIKE_RANGE_M),
    BikeType.VAE_OTGR: ("bicycle", "electric_assist", E_BIKE_RANGE_M),
    BikeType.OTGR_VAE: ("bicycle", "electric_assist", E_BIKE_RANGE_M),
    BikeType.SCOOTER: ("scooter_standing", "electric", 30_000),
    BikeType.BOAT: ("other", "electric", 30_000),
}
# Vehicles that are not on the street.
_AWAY = (BikeStatus.STOCK, BikeStatus.LOST, BikeStatus.DESTROYED)
Data = dict[str, Any]


def _texts(text: str, program: Program) -> list[dict[str, str]]:
    return [{"text": text, "language": program.language[:2].lower() or "en"}]


def gbfs(program: Program, now: datetime) -> Data:
    feeds = [name for name in FILES if name != "gbfs"]
    return {"feeds": [{"name": name, "url": _url(program, name)} for name in feeds]}


def _url(program: Program, name: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(f'bikeshare:gbfs_{name}', args=[program.pk])}"


def system_information(program: Program, now: datetime) -> Data:
    information: Data = {
        "system_id": program.pk,
        "languages": [program.language[:2].lower() or "en"],
        "name": _texts(program.name, program),
        "opening_hours": program.opening_hours or "24/7",
        "feed_contact_email": program.contact_email or settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip(">"),
        "timezone": program.timezone,
    }
    if program.operator:
        information["operator"] = _texts(program.operator, program)
    if program.url:
        information["url"] = program.url
    return information


def vehicle_types(program: Program, now: datetime) -> Data:
    types = []
    for key, (form, drive, max_range) in _TYPES.items():
        kind = {"vehicle_type_id": str(key), "form_factor": form, "propulsion_type": drive}
        types.append(kind | ({"max_range_meters": max_range} if max_range else {}))
    return {"vehicle_types": types}


def station_information(program: Program, now: datetime) -> Data:
    docks = Counter(Dock.objects.filter(program=program).values_list("station_id", flat=True))
    stations = Station.objects.filter(program=program, latitude__isnull=False, longitude__isnull=False).order_by("pk")
    return {"stations": [_station(station, program, docks[station.pk]) for station in stations]}


def _station(station: Station, program: Program, docks: int) -> Data:
    required: Data = {
        "station_id": station.pk,
        "name": _texts(station.name, program),
        "lat": station.latitude,
        "lon": station.longitude,
        "is_virtual_station": station.is_virtual,
        "is_charging_station": station.electrical,
    }
    capacity = station.capacity if station.capacity is not None else docks
    optional = {
        "short_name": _texts(station.short_name, program) if station.short_name else None,
        "address": station.address or None,
        "post_code": station.post_code or None,
        "capacity": capacity or None,
        "station_area": station.area,
    }
    return required | {key: value for key, value in optional.items() if value is not None}


def station_status(program: Program, now: datetime) -> Data:
    docks: dict[str, list[Dock]] = defaultdict(list)
    for dock in Dock.objects.filter(program=program):
        docks[dock.station_id].append(dock)
    vehicules: dict[str, list[Bike]] = defaultdict(list)
    for vehicule in _on_the_street(program):
        if vehicule.station_id:
            vehicules[vehicule.station_id].append(vehicule)
    stations = Station.objects.filter(program=program, latitude__isnull=False, longitude__isnull=False).order_by("pk")
    return {
        "stations": [_status(station, docks[station.pk], vehicules[station.pk], program, now) for station in stations]
    }


def _status(station: Station, docks: list[Dock], vehicules: list[Bike], program: Program, now: datetime) -> Data:
    ready = Counter(vehicule.type for vehicule in vehicules if is_rentable(vehicule))
    is_open = station.status == OpenStatus.OPEN
    status: Data = {
        "station_id": station.pk,
        "num_vehicles_available": sum(ready.values()),
        "num_vehicles_disabled": len(vehicules) - sum(ready.values()),
        "vehicle_types_available": [{"vehicle_type_id": kind, "count": n} for kind, n in sorted(ready.items())],
        "is_installed": True,
        "is_renting": is_open and program.status == ProgramStatus.OPEN,
        "is_returning": is_open,
        "last_reported": rfc3339(now),
    }
    if docks:
        empty = [dock for dock in docks if dock.vehicule_id is None]
        status["num_docks_available"] = sum(dock.status == OpenStatus.OPEN for dock in empty)
        status["num_docks_disabled"] = sum(dock.status != OpenStatus.OPEN for dock in empty)
    return status


def _on_the_street(program: Program) -> list[Bike]:
    rows = rows_of(Bike).filter(program=program, on_trip=False).exclude(status__in=_AWAY)
    return list(rows.select_related("boitier__state", "station").order_by("pk"))


def rotating_id(vehicule: Bike) -> str:
    """The vehicle's id in the feed until its next trip ends."""
    message = f"gbfs:{vehicule.pk}:{vehicule.trips}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()[:32]


def vehicle_status(program: Program, now: datetime) -> Data:
    vehicles = (_vehicle(vehicule) for vehicule in _on_the_street(program))
    return {
        "vehicles": sorted((vehicle for vehicle in vehicles if vehicle), key=lambda vehicle: str(vehicle["vehicle_id"]))
    }


def _vehicle(vehicule: Bike) -> Data | None:
    state, station = vehicule.state, vehicule.station if vehicule.station_id else None
    place = (state.latitude, state.longitude) if state else (None, None)
    if place[0] is None and station is not None:
        place = (station.latitude, station.longitude)
    if place[0] is None:
        return None
    vehicle: Data = {
        "vehicle_id": rotating_id(vehicule),
        "lat": place[0],
        "lon": place[1],
        "is_reserved": False,
        "is_disabled": not is_rentable(vehicule),
        "vehicle_type_id": vehicule.type,
    }
    if station is not None:
        vehicle["station_id"] = station.pk
    if state is not None and state.last_seen is not None:
        vehicle["last_reported"] = rfc3339(state.last_seen)
    max_range = _TYPES[vehicule.type][2] if vehicule.type in _TYPES else None
    if max_range is not None:
        share = (state.battery_vae or 0) / 100 if state else 0
        reported = state.battery_vae_range_m if state else None
        vehicle["current_range_meters"] = round(reported if reported is not None else share * max_range)
        vehicle["current_fuel_percent"] = round(share, 2)
    return vehicle


def geofencing_zones(program: Program, now: datetime) -> Data:
    zones = Zone.objects.filter(program=program, status=OpenStatus.OPEN).order_by("precedence", "pk")
    features = [_feature(zone, program) for zone in zones]
    return {
        "geofencing_zones": {"type": "FeatureCollection", "features": features},
        "global_rules": program.global_rules,
    }


def _feature(zone: Zone, program: Program) -> Data:
    forbidden = {"ride_start_allowed": False, "ride_end_allowed": False, "ride_through_allowed": False}
    allowed = dict.fromkeys(forbidden, True)
    rules = list(zone.rules) or [forbidden if zone.type == ZoneType.FORBIDDEN else allowed]
    if zone.vehicule_type:
        rules = [{"vehicle_type_ids": [zone.vehicule_type]} | rule for rule in rules]
    properties: Data = {"rules": rules} | ({"name": _texts(zone.name, program)} if zone.name else {})
    for key in ("start", "end"):
        if moment := getattr(zone, key):
            properties[key] = rfc3339(moment)
    return {"type": "Feature", "geometry": zone.geometry, "properties": properties}


FILES: dict[str, Callable[[Program, datetime], Data]] = {
    "gbfs": gbfs,
    "system_information": system_information,
    "vehicle_types": vehicle_types,
    "station_information": station_information,
    "station_status": station_status,
    "vehicle_status": vehicle_status,
    "geofencing_zones": geofencing_zones,
}


def gbfs_file(name: str) -> Callable[..., HttpResponse]:
    """The view of one file."""

    @public
    def view(request: HttpRequest, pk: str) -> HttpResponse:
        program = get_object_or_404(Program, pk=pk)
        if not program.publish_gbfs:
            raise Http404
        now = timezone.now()
        body = {"last_updated": rfc3339(now), "ttl": TTL_S, "version": VERSION, "data": FILES[name](program, now)}
        response = HttpResponse(msgspec.json.encode(body), content_type="application/json")
        response["Cache-Control"] = f"public, max-age={TTL_S}"
        response["Access-Control-Allow-Origin"] = "*"
        return response

    return view
