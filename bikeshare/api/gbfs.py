"""The public GBFS feed of a program, in 3.0 and in 2.3: open to everyone, where the program publishes it.

Vehicle ids are keyed hashes that change with each trip, so that nobody can follow a vehicle from ride to ride;
vehicles on a trip do not appear. What is not known is left out: a motorised vehicle whose range nobody knows, which the
standard does not allow, stands under a type of its own that promises none.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from bikeshare.choices import BikeStatus, BikeType, OpenStatus, ProgramStatus, ZoneType
from bikeshare.models import Bike, Dock, Program, Station, Zone
from bikeshare.rules.zones import FORBIDS_ALL
from bikeshare.selectors import rows_of
from bikeshare.services.payloads import is_rentable
from core.api import rfc3339

VERSION = "3.0"
E_BIKE_RANGE_M = 60_000
UNKNOWN = "_range_unknown"
# Of what stands at another feed's stations only the number is known.
ANY = "type_unknown"
_ASSISTED = (BikeType.VAE, BikeType.VAE_HYBRID, BikeType.VAE_OTGR, BikeType.OTGR_VAE)
# Our types in the standard's words: form, drive, and the range in metres on a full charge.
_TYPES: dict[str, tuple[str, str, int | None]] = {
    BikeType.CLASSIC.value: ("bicycle", "human", None),
    **{kind.value: ("bicycle", "electric_assist", E_BIKE_RANGE_M) for kind in _ASSISTED},
    BikeType.SCOOTER.value: ("scooter_standing", "electric", 30_000),
    BikeType.BOAT.value: ("other", "electric", 30_000),
    **{f"{kind.value}{UNKNOWN}": ("bicycle", "human", None) for kind in _ASSISTED},
    ANY: ("other", "human", None),
}
# Vehicles that are not on the street.
_AWAY = (BikeStatus.STOCK, BikeStatus.LOST, BikeStatus.DESTROYED)
Data = dict[str, Any]


def language_of(program: Program) -> str:
    return program.language[:2].lower() or "en"


def _texts(text: str, program: Program) -> list[dict[str, str]]:
    return [{"text": text, "language": language_of(program)}]


def gbfs(program: Program, now: datetime) -> Data:
    feeds = [name for name in FILES if name != "gbfs"]
    return {"feeds": [{"name": name, "url": url_of(program, name)} for name in feeds]}


def url_of(program: Program, name: str, version: str = VERSION) -> str:
    path = reverse(f"bikeshare:gbfs_{version}_{name}", args=[program.pk])
    return f"{settings.PUBLIC_URL}{path}"


def gbfs_versions(program: Program, now: datetime) -> Data:
    return {"versions": [{"version": one, "url": url_of(program, "gbfs", one)} for one in ("2.3", VERSION)]}


def manifest(programs: list[Program], now: datetime) -> Data:
    """All feeds that are published here."""
    return {"datasets": [{"system_id": program.pk, **gbfs_versions(program, now)} for program in programs]}


def system_information(program: Program, now: datetime) -> Data:
    information: Data = {
        "system_id": program.pk,
        "languages": [language_of(program)],
        "name": _texts(program.name, program),
        "opening_hours": program.opening_hours or "24/7",
        "feed_contact_email": program.contact_email or settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip(">"),
        "timezone": program.timezone,
        "manifest_url": settings.PUBLIC_URL + reverse("bikeshare:gbfs_manifest"),
    }
    if program.operator:
        information["operator"] = _texts(program.operator, program)
    if program.url:
        information["url"] = program.url
    return information


def vehicle_types(program: Program, now: datetime) -> Data:
    types = []
    for key, (form, drive, max_range) in _TYPES.items():
        kind = {"vehicle_type_id": key, "form_factor": form, "propulsion_type": drive}
        types.append(kind | ({"max_range_meters": max_range} if max_range else {}))
    return {"vehicle_types": types}


def _stations(program: Program) -> list[Station]:
    placed = Station.objects.filter(program=program, latitude__isnull=False, longitude__isnull=False)
    return list(placed.order_by("pk"))


def station_information(program: Program, now: datetime) -> Data:
    docks = Counter(Dock.objects.filter(program=program).values_list("station_id", flat=True))
    return {"stations": [_station(station, program, docks[station.pk]) for station in _stations(program)]}


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
    statuses = (_status(one, docks[one.pk], vehicules[one.pk], program) for one in _stations(program))
    return {"stations": [status for status in statuses if status]}


def _status(station: Station, docks: list[Dock], vehicules: list[Bike], program: Program) -> Data | None:
    """What is there; of a station that another feed knows better what that says, and nothing where it does not."""
    is_open = station.status == OpenStatus.OPEN
    is_renting = is_open and program.status == ProgramStatus.OPEN
    seen = [vehicule.state.last_seen for vehicule in vehicules if vehicule.state and vehicule.state.last_seen]
    stamps = [station.reported_at] if station.reported_at else []
    status: Data = {
        "station_id": station.pk,
        "is_installed": True,
        "is_renting": is_renting and station.reported_renting is not False,
        "is_returning": is_open and station.reported_returning is not False,
        "last_reported": rfc3339(max([*seen, *stamps], default=station.created)),
    }
    if station.external_id and not docks and not vehicules:
        if station.reported_vehicules is None:
            return None
        reported = station.reported_vehicules
        by_type = [{"vehicle_type_id": ANY, "count": reported}] if reported else []
        status |= {"num_vehicles_available": reported, "vehicle_types_available": by_type}
        if station.reported_docks is not None:
            status["num_docks_available"] = station.reported_docks
        return status
    ready = Counter(vehicule.type for vehicule in vehicules if is_rentable(vehicule))
    status |= {
        "num_vehicles_available": sum(ready.values()),
        "num_vehicles_disabled": len(vehicules) - sum(ready.values()),
        "vehicle_types_available": [{"vehicle_type_id": kind, "count": n} for kind, n in sorted(ready.items())],
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
    energy = _energy(vehicule)
    kind = vehicule.type if energy is not None else f"{vehicule.type}{UNKNOWN}"
    if kind not in _TYPES:
        return None
    vehicle: Data = {
        "vehicle_id": rotating_id(vehicule),
        "lat": place[0],
        "lon": place[1],
        "is_reserved": False,
        "is_disabled": not is_rentable(vehicule),
        "vehicle_type_id": kind,
    } | (energy or {})
    if station is not None:
        vehicle["station_id"] = station.pk
    if state is not None and state.last_seen is not None:
        vehicle["last_reported"] = rfc3339(state.last_seen)
    return vehicle


def _energy(vehicule: Bike) -> Data | None:
    """The range and the charge as far as they are known; None where a vehicle has a motor and its range is not."""
    max_range = _TYPES[vehicule.type][2]
    if max_range is None:
        return {}
    charge = vehicule.state.battery_vae if vehicule.state else None
    reported = vehicule.state.battery_vae_range_m if vehicule.state else None
    if charge is None:
        return None if reported is None else {"current_range_meters": round(reported)}
    metres = reported if reported is not None else charge / 100 * max_range
    return {"current_range_meters": round(metres), "current_fuel_percent": round(charge / 100, 2)}


def geofencing_zones(program: Program, now: datetime) -> Data:
    zones = Zone.objects.filter(program=program, status=OpenStatus.OPEN).order_by("precedence", "pk")
    features = [_feature(zone, program) for zone in zones]
    return {
        "geofencing_zones": {"type": "FeatureCollection", "features": features},
        "global_rules": _published(program.global_rules),
    }


def rules_of(zone: Zone) -> list[Data]:
    """A zone's own rules, or that of a forbidden one; where it is only for one type of vehicle they say so."""
    rules = list(zone.rules) or ([FORBIDS_ALL.as_gbfs()] if zone.type == ZoneType.FORBIDDEN else [])
    return [{"vehicle_type_ids": [zone.vehicule_type]} | rule for rule in rules] if zone.vehicule_type else rules


def _feature(zone: Zone, program: Program) -> Data:
    properties: Data = {"rules": _published(rules_of(zone))} | (
        {"name": _texts(zone.name, program)} if zone.name else {}
    )
    for key in ("start", "end"):
        if moment := getattr(zone, key):
            properties[key] = rfc3339(moment)
    return {"type": "Feature", "geometry": zone.geometry, "properties": properties}


def _published(rules: list[Data]) -> list[Data]:
    """A rule that binds a type binds its vehicles of unknown range, too; one for types that no vehicle here has binds
    nobody."""
    shown = []
    for rule in rules:
        if named := rule.get("vehicle_type_ids"):
            bound = [kind for one in named for kind in (one, f"{one}{UNKNOWN}") if kind in _TYPES]
            shown += [rule | {"vehicle_type_ids": bound}] if bound else []
        else:
            shown.append(rule)
    return shown


FILES: dict[str, Callable[[Program, datetime], Data]] = {
    "gbfs": gbfs,
    "gbfs_versions": gbfs_versions,
    "system_information": system_information,
    "vehicle_types": vehicle_types,
    "station_information": station_information,
    "station_status": station_status,
    "vehicle_status": vehicle_status,
    "geofencing_zones": geofencing_zones,
}
