"""Which part of a message is about which EVSE. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from infra_notifications.rules.vocabulary import object_of, place_names, place_number, text, whole

# Requests of OCPP 2.x that speak of several EVSEs, and the field with what they say of each.
_PARTS = {"NotifyEvent": "eventData", "NotifyReport": "reportData"}


class Place(NamedTuple):
    """An EVSE (1.6: a connector) and a connector of it by their numbers; `names` of those that have none."""

    evse: int | None
    connector: int | None = None
    names: tuple[str, ...] = ()


def placed(evse: Any, connector: Any = None) -> Place:
    """What a message names as its EVSE and connector; what has no number is read as 0, the whole station."""
    return Place(place_number(evse), whole(connector), place_names(evse, connector))


def part_about(evse: int | None, action: str, payload: Any) -> Any:
    """A payload with what it says of an EVSE alone; without one, of the station as a whole."""
    field = _PARTS.get(action, "")
    parts = object_of(payload).get(field)
    if not isinstance(parts, list):
        return payload
    return payload | {field: [part for part in parts if (place_of(part).evse or None) == (evse or None)]}


def place_of(part: Any) -> Place:
    """The EVSE and the connector of what a part says of a component (2.x): those of the component, else what stands
    beside it, or the number by which an EVSE or a connector is called."""
    component = object_of(object_of(part).get("component"))
    found = (holder.get("evse") for holder in (component, object_of(part)))
    evse = next((each for each in found if each is not None), None)
    given = object_of(evse)
    where = placed(given.get("id") if given else evse, given.get("connectorId"))
    called, name = whole(component.get("instance")), text(component.get("name")).lower()
    if called is not None and name == "evse" and where.evse is None:
        where = where._replace(evse=called)
    if called is not None and name == "connector" and where.connector is None:
        where = where._replace(connector=called)
    return where
