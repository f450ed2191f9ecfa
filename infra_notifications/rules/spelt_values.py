"""What stands in the fields of a message that was read: statuses and codes in other words, places and moments that are
none, texts in several parts. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from core.corrections import moment_of
from core.samples import say_once
from infra_notifications.rules.action_names import CALL, fold
from infra_notifications.rules.lettering import is_nearly
from infra_notifications.rules.placeholders import tells_more
from infra_notifications.rules.transfer_words import is_fine, names_fault
from infra_notifications.rules.vocabulary import (
    FOLDED_VALUES,
    TEXT_FIELDS,
    VALUES,
    alone,
    numbered,
    object_of,
    pascal,
    place_names,
    spoken,
    text,
    whole,
)

_DETAILED = ("StatusNotification", "NotifyEvent")
# An EVSE is as usable as OCPP 2.x says; what the words of a status are for connectors, they are for it.
STATE_OF = {"availabilitystate": "status"}


@dataclass(slots=True)
class WireMessage:
    """A message as it is read: `kind` is call, result or error; `notes` say how it had to be read.

    `problem` says in a sentence why it is none.
    """

    protocol: str
    action: str
    payload: Any
    kind: str = CALL
    notes: list[str] = field(default_factory=list)
    problem: str = ""

    def note(self, sentence: str) -> None:
        say_once(self.notes, sentence)


def read_values(wire: WireMessage) -> None:
    if wire.action not in _DETAILED or wire.kind != CALL:
        return
    for holder in (wire.payload, *_events(wire.payload)):
        for key, values in FOLDED_VALUES.items():
            _read_value(wire, holder, key, values)
        for part in ("component", "variable"):
            _read_part(wire, holder, part)
        variable = holder.get("variable")
        if isinstance(variable, dict) and fold(str(variable.get("name"))) in STATE_OF:
            variable["name"] = "AvailabilityState"
            _read_value(wire, holder, "actualValue", FOLDED_VALUES["status"])
            _note_unknown_status(wire, holder, "actualValue")
    for key in ("status", "connectorStatus"):
        _note_unknown_status(wire, wire.payload, key)


def _read_value(wire: WireMessage, holder: dict[str, Any], key: str, values: dict[str, str]) -> None:
    value = sent = holder.get(key)
    if isinstance(value, list | dict) and isinstance(value := alone(value), str):
        holder[key] = value
        wire.note(f"`{key}` {str(sent)[:40]} was read as {value[:40]}.")
    if not isinstance(value, str):
        if key == "errorCode" and isinstance(value, int) and value == 0:
            holder[key] = "NoError"
            wire.note(f"`errorCode` {value} was read as NoError.")
        return
    name = values.get(fold(value)) or values.get(fold(_member_of(value)), value)
    if key == "errorCode" and value.strip() and is_fine(value):
        name = "NoError"
    if values is FOLDED_VALUES["status"] or key == "connectorStatus":
        name = name if name in values.values() else _status_of(holder, key, value)
    if name != value:
        holder[key] = name
        wire.note(f"`{key}` {value[:40]!r} was read as {name}.")


# "CHARGE_POINT_STATUS_AVAILABLE", "ErrorCode_NoError", "Status::Available", "<Status.available: 'Available'>".
_MEMBER = re.compile(
    r"(?:<[\w.]{1,60}: ?['\"]?|[\w.]{1,60}(?:\.|::)|[a-z_]{0,40}(?:status|error_?code|state)_)(\w{1,40})['\"]?>?",
    re.IGNORECASE,
)


def _member_of(value: str) -> str:
    """The member of an enumeration whose name a library prints before it."""
    found = _MEMBER.fullmatch(value.strip()[:200])
    return found[1] if found else value


def _status_of(holder: dict[str, Any], key: str, value: str) -> str:
    """The status that one of OCPP's words is meant by; what else a station says of its fault goes beside it."""
    is_fault = names_fault(value)
    if is_nearly(fold(_member_of(value)), "faulted") and not (is_fault and tells_more(value)):
        return "Faulted"
    if not is_fault:
        return value
    beside = "techInfo" if key == "actualValue" else "info"
    said = text(holder.get(beside))
    holder[beside] = f"{said}. {value}".removeprefix(". ") if tells_more(value) else said
    return "Faulted"


def read_fields(wire: WireMessage) -> None:
    """Where a message speaks of, when, and what it says in words."""
    if wire.kind != CALL:
        return
    events = list(_events(wire.payload))
    for holder in (wire.payload, *events, *(object_of(event.get("component")) for event in events)):
        _read_place(wire, holder, "connectorId")
        _read_place(wire, holder, "evseId")
        evse = alone(holder.get("evse"))
        if isinstance(holder.get("evse"), list) and isinstance(evse, dict):
            holder["evse"] = evse
            wire.note("`evse` stood in a list and was read as what is in it.")
        if isinstance(evse, str | int):
            holder["evse"] = evse = {"id": evse}
            wire.note(f"`evse` was read as its `id`, {str(evse['id'])[:20]}.")
        if isinstance(evse, dict):
            _read_place(wire, evse, "id")
        for key in ("timestamp", "generatedAt"):
            moment = holder.get(key)
            if isinstance(moment, int | float) and isinstance(read := moment_of(moment), str):
                holder[key] = read
                wire.note(f"`{key}` {moment} was read as {read}.")
        for key in TEXT_FIELDS:
            value = holder.get(key)
            if isinstance(value, dict | list) and wire.action in _DETAILED and (words := spoken(value)):
                holder[key] = words
                wire.note(f"`{key}` was no text and was read as {words[:60]!r}.")


def _read_place(wire: WireMessage, holder: dict[str, Any], key: str) -> None:
    """What is no number of a connector or EVSE, is none of those that we know: what is said there is of all, and
    only what is called the same ends it."""
    value = holder.get(key)
    if value is None or whole(value) is not None:
        return
    named = f"`{key}`" if key != "id" else "The `id` of `evse`"
    if (number := numbered(value)) is not None:
        holder[key] = number
        wire.note(f"{named} {str(value)[:40]!r} was read as {number}.")
        return
    if not place_names(value):
        holder[key] = 0
    wire.note(f"{named} {str(value)[:40]!r} is no number that it can have; it was read as 0, the whole station.")


def _read_part(wire: WireMessage, holder: dict[str, Any], key: str) -> None:
    """A component or variable of OCPP 2.x, also as the text of its name alone and in snake_case."""
    part = sent = holder.get(key)
    if isinstance(part, list) and (part := alone(part)) is not sent:
        holder[key] = part
        wire.note(f"`{key}` stood in a list and was read as what is in it.")
    if isinstance(part, str) and part.strip():
        holder[key] = part = {"name": part.strip()}
        wire.note(f"`{key}` was text and was read as its name.")
    name = part.get("name") if isinstance(part, dict) else None
    if isinstance(part, dict) and isinstance(name, str) and "_" in name:
        part["name"] = pascal(name)
        wire.note(f"`{key}` {name[:40]!r} was read as {part['name'][:40]}.")


def _note_unknown_status(wire: WireMessage, holder: dict[str, Any], key: str) -> None:
    value = holder.get(key)
    if key in holder and not (isinstance(value, str) and value in VALUES["status"]):
        wire.note(f"`{key}` {str(value)[:40]!r} is no status of OCPP; it is read as words, and ends nothing.")


def _events(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    events = payload.get("eventData")
    yield from (event for event in (events if isinstance(events, list) else [events]) if isinstance(event, dict))
