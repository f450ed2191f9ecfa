"""Which part of a message is about which EVSE. Pure."""

from __future__ import annotations

from typing import Any

from infra_notifications.rules.vocabulary import object_of, whole

# Requests of OCPP 2.x that speak of several EVSEs, and the field with what they say of each.
_PARTS = {"NotifyEvent": "eventData", "NotifyReport": "reportData"}


def part_about(evse: int | None, action: str, payload: Any) -> Any:
    """A payload with what it says of an EVSE alone; without one, of the station as a whole."""
    field = _PARTS.get(action, "")
    parts = object_of(payload).get(field)
    if not isinstance(parts, list):
        return payload
    return payload | {field: [part for part in parts if (_evse_of(part) or None) == (evse or None)]}


def _evse_of(part: Any) -> int | None:
    return whole(object_of(object_of(object_of(part).get("component")).get("evse")).get("id"))
