"""The vendor's records of vehicles and their state, read leniently: what is missing or unknown stays unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.corrections import folded
from core.moments import read_moment
from fleet_remotes.catalogue.words import BRAND, CAPABILITY, PRIVACY, SWITCH

# The first signs of a VIN, where no brand is said (ISO 3780; the vendor's sites).
_BRAND_OF_VIN = {
    **dict.fromkeys(("VF3", "VR3"), "peugeot"),
    **dict.fromkeys(("VF7", "VR7", "VS7"), "citroen"),
    "VR1": "ds",
    **dict.fromkeys(("W0L", "W0V", "VXK", "VXE"), "opel"),
}
_ON = ("start", "startup", "on", "running", "moving")


@dataclass(frozen=True, slots=True)
class VehicleRecord:
    """A vehicle of the vendor's list; `brand` is empty where none is known."""

    vin: str
    vehicle_id: str
    brand: str
    model: str


@dataclass(frozen=True, slots=True)
class VehicleState:
    """What the vendor last knew of a vehicle; None for what it does not say."""

    at: datetime
    privacy: str | None
    battery_level: int | None
    is_stolen: bool
    is_in_use: bool


def _part(record: Any, *names: str) -> Any:
    """What stands under these keys, in any spelling, of objects in objects."""
    for name in names:
        if not isinstance(record, dict):
            return None
        wanted = folded(name)
        record = next((value for key, value in record.items() if folded(key) == wanted), None)
    return record


def _word(value: Any) -> str:
    value = value[0] if isinstance(value, list) and value else value
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def read_vehicle(record: Any) -> VehicleRecord | None:
    """One of the list; None for what has no VIN or no id."""
    vin = _word(_part(record, "vin")).upper()
    vehicle_id = _word(_part(record, "id")) or _word(_part(record, "vehicleId"))
    if not vin or not vehicle_id or len(vehicle_id) > 128:
        return None
    branding = _part(record, "_embedded", "extension", "branding") or {}
    named = _word(_part(branding, "brand")) or _word(_part(record, "brand")) or _word(_part(record, "make"))
    brand = (BRAND.read(named) if named else None) or _BRAND_OF_VIN.get(vin[:3], "")
    model = _word(_part(branding, "label")) or _word(_part(record, "model")) or _word(_part(record, "shortLabel"))
    return VehicleRecord(vin, vehicle_id, str(brand), model[:60])


def read_capabilities(record: Any) -> list[str] | None:
    """What a vehicle can do, by its own record; None where it does not say."""
    remote = _remote_in(record)
    if remote is None:
        return None
    known = {CAPABILITY.read(name) for name, is_supported in supported_in(remote).items() if is_supported}
    return sorted(str(capability) for capability in known if capability is not None)


def _remote_in(record: Any) -> dict[str, Any] | None:
    paths = (
        ("_embedded", "extension", "onboardCapabilities", "remote"),
        ("onboardCapabilities", "remote"),
        ("remote",),
    )
    return next((remote for path in paths if isinstance(remote := _part(record, *path), dict)), None)


def supported_in(said: dict[str, Any]) -> dict[str, bool | None]:
    """By its name whether each capability is supported, of the vendor's whole record or of its part of these alone;
    None where that cannot be read."""
    return {name: _switch(value) for name, value in (_remote_in(said) or said).items()}


def _switch(said: Any) -> bool | None:
    said = _part(said, "supported") if isinstance(said, dict) else said
    if said is None or not isinstance(said, str | int | float):
        return None
    read = SWITCH.read(str(said))
    return None if read is None else read == "true"


def _is_true(value: Any) -> bool:
    """Also of what is said by its own name: a car whose state is "Stolen"."""
    if isinstance(value, str) and folded(value) == "stolen":
        return True
    return value is True or (isinstance(value, str | int) and SWITCH.read(str(value)) == "true")


def read_state(record: Any, now: datetime) -> VehicleState:
    """The state of a vehicle."""
    privacy = _word(_part(record, "privacy", "state")) or _word(_part(record, "privacy"))
    stolen = _part(record, "stolen")
    # "Only returned when the vehicle is reported stolen."
    is_stolen = _is_true(_part(stolen, "state")) if isinstance(stolen, dict) else _is_true(stolen)
    at = read_moment(_part(record, "updatedAt")) or read_moment(_part(record, "createdAt")) or now
    known = PRIVACY.read(privacy) if privacy else None
    return VehicleState(
        at=min(at, now),
        privacy=None if known is None else str(known),
        battery_level=_level(record),
        is_stolen=is_stolen,
        is_in_use=folded(_word(_part(record, "ignition", "type")) or _word(_part(record, "ignition"))) in _ON,
    )


def percent(value: Any) -> int | None:
    """A level in per cent, also as a share of one: nothing has less than 1 % and says so."""
    try:
        level = float(str(value).rstrip("% ").replace(",", "."))
    except ValueError:
        return None
    return (round(100 * level) if level < 1 else round(level)) if 0 <= level <= 100 else None


def as_vendor_says(item: dict[str, Any]) -> list[str]:
    """Of a vehicle whose fields are as the vendor's records have them, what these mean."""
    meant: dict[str, Any] = {}
    if isinstance(privacy := item.get("privacy"), dict) and (state := _word(_part(privacy, "state"))):
        meant["privacy"] = state
    if isinstance(stolen := item.get("is_stolen"), dict) and isinstance(
        said := _part(stolen, "state"), str | bool | int
    ):
        meant["is_stolen"] = _is_true(said)
    if isinstance(energies := item.get("battery_level"), dict | list):
        # `battery` may be that of 12 V, beside them.
        beside = [key for key in item if folded(key) in ("energies", "energy")]
        said = [energies, *(item.pop(key) for key in beside)]
        level = next((level for one in said if (level := _level({"energies": one})) is not None), None)
        meant |= {} if level is None else {"battery_level": level}
    item |= meant
    return [f"`{name}` was an object and was read as {value}." for name, value in meant.items()]


def _level(record: Any) -> int | None:
    """The percentage of the traction battery; a hybrid says its fuel too."""
    energies = _part(record, "energies") or _part(record, "energy") or []
    if isinstance(named := _part(energies, "electric"), dict):
        return _level_in(named)
    for energy in energies if isinstance(energies, list) else [energies]:
        kind = folded(_word(_part(energy, "type")) or _word(_part(energy, "subType")))
        if kind.startswith("electric"):
            return _level_in(energy)
    return None


def _level_in(energy: Any) -> int | None:
    paths = (("level",), ("battery", "soc"), ("battery", "level"), ("soc",))
    return next((level for path in paths if (level := percent(_part(energy, *path))) is not None), None)
