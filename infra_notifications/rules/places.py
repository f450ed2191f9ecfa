"""Which part of a message is about which EVSE. Pure."""

from __future__ import annotations

from typing import Any

from infra_notifications.rules.vocabulary import object_of, text, whole

# Requests of OCPP 2.x that speak of several EVSEs, and the field with what they say of each.
_PARTS = {"NotifyEvent": "eventData", "NotifyReport": "reportData"}


def part_about(evse: int | None, action: str, payload: Any) -> Any:
    """A payload with what it says of an EVSE alone; without one, of the station as a whole."""
    field = _PARTS.get(action, "")
    parts = object_of(payload).get(field)
    if not isinstance(parts, list):
        return payload
    return payload | {field: [part for part in parts if (place_of(part)[0] or None) == (evse or None)]}


def place_of(part: Any) -> tuple[int | None, int | None]:
    """The EVSE and the connector of what a part says of a component (2.x): those of the component, else what stands
    beside it, or the number by which an EVSE or a connector is called."""
    component = object_of(object_of(part).get("component"))
    found = (holder.get("evse") for holder in (component, object_of(part)))
    evse = next((each for each in found if each is not None), None)
    given = object_of(evse)
    number, connector = whole(given.get("id")) if given else whole(evse), whole(given.get("connectorId"))
    called, name = whole(component.get("instance")), text(component.get("name")).lower()
    if called is not None and name == "evse" and number is None:
        number = called
    if called is not None and name == "connector" and connector is None:
        connector = called
    return number, connector
