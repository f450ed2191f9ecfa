"""What an EVSE and its location say of a charge point: name, address, place, power, connector, operator."""

from __future__ import annotations

import math
from typing import Any

from infra_notifications.rules.vocabulary import object_of, text

# Phases by the specification's PowerType.
_PHASES = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3, "DC": 1}
# OCPI asks for the voltage between line and neutral; what is above this was measured between two lines.
HIGHEST_LINE_TO_NEUTRAL_V = 300
MOST_KW = 99_999.0
LENGTHS = {
    "name": 120,
    "location": 120,
    "street": 120,
    "postal_code": 12,
    "city": 80,
    "country": 3,
    "operator": 100,
    "connector_standard": 40,
    "power_type": 20,
}


def number(value: Any) -> float | None:
    """A finite number, also where it is written as text ("51.047599", "51,05"); None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value.strip().replace(",", "."))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def power_w(connector: dict[str, Any]) -> float:
    """The most that a connector gives, in W: as it is said, else by voltage, amperage and phases; 0 where unknown."""
    said = number(connector.get("max_electric_power"))
    if said and said > 0:
        return said
    volts, amperes = number(connector.get("max_voltage")) or 0.0, number(connector.get("max_amperage")) or 0.0
    phases = float(_PHASES.get(text(connector.get("power_type")).upper(), 1))
    if phases == 3 and volts > HIGHEST_LINE_TO_NEUTRAL_V:
        phases = math.sqrt(3)
    return max(0.0, volts * amperes * phases)


def connectors_of(evse: dict[str, Any]) -> list[dict[str, Any]]:
    found = evse.get("connectors")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def evse_id_of(evse: dict[str, Any], country: str, party: str) -> str:
    """The EVSE id that people know; where none is said, one that nobody else can have."""
    return text(evse.get("evse_id")) or f"{country}*{party}*{text(evse.get('uid'))}"


def facts_of(location: dict[str, Any], evse: dict[str, Any], operator: str) -> dict[str, Any]:
    """The fields of a charge point, by name; a field of which nothing is said is left out.

    `operator` is the party's own name, for locations that name none.
    """
    site = text(location.get("name")) or text(location.get("address"))
    reference = text(evse.get("physical_reference"))
    strongest = max(connectors_of(evse), key=power_w, default={})
    facts: dict[str, Any] = {
        "name": f"{site} {reference}".strip(),
        "location": site,
        "street": text(location.get("address")),
        "postal_code": text(location.get("postal_code")),
        "city": text(location.get("city")),
        "country": text(location.get("country")).upper(),
        "operator": text(object_of(location.get("operator")).get("name")) or operator,
        "connector_standard": text(strongest.get("standard")).upper(),
        "power_type": text(strongest.get("power_type")).upper(),
    }
    facts = {name: value[: LENGTHS[name]] for name, value in facts.items() if value}
    kilowatts = round(power_w(strongest) / 1000, 2) if strongest else 0.0
    if 0 < kilowatts <= MOST_KW:
        facts["max_power_kw"] = kilowatts
    place = _place(object_of(evse.get("coordinates"))) or _place(object_of(location.get("coordinates")))
    return facts | place


def _place(coordinates: dict[str, Any]) -> dict[str, float]:
    """Latitude and longitude; nothing unless both can be on Earth."""
    latitude, longitude = number(coordinates.get("latitude")), number(coordinates.get("longitude"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return {}
    return {"latitude": latitude, "longitude": longitude}
