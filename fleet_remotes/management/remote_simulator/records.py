"""The vendor's records of fleets, vehicles and their state, as its document has them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fleet_remotes.choices import Capability

BASE = "/connectedcar/v3"
_BRANDS = {"VR7": "Citroen", "VF7": "Citroen", "VR1": "DS", "VXK": "Opel"}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def fleet_record(fleet: str) -> dict[str, Any]:
    return {"_links": {"self": {"href": f"{BASE}/fleets/{fleet}"}}, "id": fleet, "name": f"Fleet {fleet}"}


def vehicle_record(fleet: str, vehicle_id: str, vin: str, can: Sequence[str] = ()) -> dict[str, Any]:
    """A vehicle; what it can do stands in its own record alone, not in the list."""
    href = f"{BASE}/fleets/{fleet}/vehicles/{vehicle_id}"
    extension: dict[str, Any] = {"branding": {"brand": _BRANDS.get(vin[:3], "Peugeot")}}
    if can:
        remote = {c: {"supported": c in can, "scopeName": f"remote:{c}:write"} for c in Capability.values}
        extension["onboardCapabilities"] = {"data": [], "remote": remote}
    return {
        "_links": {"self": {"href": href}, "status": {"href": f"{href}/status"}},
        "id": vehicle_id,
        "vin": vin,
        "motorization": "Electric",
        "_embedded": {"extension": extension},
    }


def status_record(fleet: str, vehicle_id: str, vin: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Its state; the level of its battery follows from its VIN. `more` replaces fields."""
    now = _now()
    level = 20.0 + zlib.crc32(vin.encode()) % 800 / 10
    status: dict[str, Any] = {
        "_links": {"self": {"href": f"{BASE}/fleets/{fleet}/vehicles/{vehicle_id}/status"}},
        "createdAt": now,
        "updatedAt": now,
        "vin": vin,
        "ignition": {"createdAt": now, "type": "Stop"},
        "privacy": {"createdAt": now, "state": "None"},
        "energies": [{"createdAt": now, "type": "Electric", "subType": "ElectricEnergy", "level": level}],
    }
    return status | dict(more)
