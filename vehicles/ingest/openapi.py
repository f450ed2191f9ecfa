"""The facts as the OpenAPI document shows them: one schema per type."""

from __future__ import annotations

from typing import Any

import msgspec

from core.batches import MAX_ITEMS, batch_openapi, inline
from vehicles.ingest.base import IncomingFact
from vehicles.ingest.fact_types import FACT_TYPES

EXAMPLES: dict[str, Any] = {
    "credentials refused": {
        "type": "oem_account",
        "account": "renault-7",
        "driver": "driver-7",
        "occurred_at": "2026-11-21T06:40:00+01:00",
        "data": {"brand": "Renault", "auth_state": "invalid_credentials"},
    },
    "telemetry": {
        "type": "telemetry",
        "vehicle": "car-7",
        "occurred_at": "2026-11-21T06:40:00+01:00",
        "data": {"charge_state": "charging", "location": "home-7", "power_kw": 7.4, "soc": 42},
    },
    "a batch that makes a driver with a car": [
        {"type": "driver", "driver": "driver-7", "data": {"email": "anna@example.org", "language": "de"}},
        {"type": "vehicle", "vehicle": "car-7", "driver": "driver-7", "data": {"brand": "Audi", "privacy_mode": True}},
    ],
}


def _facts_openapi() -> dict[str, Any]:
    types: list[type[IncomingFact]] = list(FACT_TYPES.values())
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    items = [inline(schema, components) for schema in schemas]
    operation = batch_openapi(IncomingFact, EXAMPLES)
    media = operation["requestBody"]["content"]["application/json"]
    media["schema"] = {"oneOf": [*items, {"type": "array", "items": {"oneOf": items}, "maxItems": MAX_ITEMS}]}
    return operation


FACTS_OPENAPI = _facts_openapi()
