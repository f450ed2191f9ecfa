"""What is published on MQTT about charge points, as frames and reports of connections. Pure.

| who     | topic                                                | what it is                                          |
|---------|------------------------------------------------------|-----------------------------------------------------|
| MaEVe   | …/in/ocpp1.6/{station}, …/in/ocpp2.0.1/{station}     | a station's call or answer, with its action         |
| EVerest | {station}/everest_api/1/{api}/{module}/e2m/{message} | errors, events, OCPP frames, whether it has a CSMS  |

Sources: MaEVe's `manager/transport`, EVerest's AsyncAPI documents `error_history_consumer_API` and `ocpp_consumer_API`.
EVerest's topics do not name the station: it stands before them, as a bridge puts it there, or is set for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.pieces import MALFORMED, why_malformed
from core.text import as_utf8
from infra_notifications.rules.action_names import CALL, ERROR, RESULT
from infra_notifications.rules.connections import ConnectionReport
from infra_notifications.rules.frame_text import decoded
from infra_notifications.rules.frames import Frame, MalformedFrame, frame_in, unwrap
from infra_notifications.rules.placeholders import CONSEQUENCE
from infra_notifications.rules.vocabulary import object_of, text, truth, whole

EVEREST, FROM_EVEREST, FROM_STATION = "everest_api", "e2m", "in"
_NAMED_KINDS = {"call": CALL, "call_result": RESULT, "call_error": ERROR}
_KINDS = {2: CALL, 3: RESULT, 4: ERROR}
# EVerest's severities as those of OCPP 2.1. Its modules leave most of them at the default, the lowest, and its
# EvseManager stops charging for every error but a warning, so that only a warning is one (`errors_prevent_charging`).
_SEVERITIES = {"high": 3, "medium": 4}
_WARNING, _ERROR = 6, 4
_SNAKE = {
    "tech_code": "techCode",
    "tech_info": "techInfo",
    "actual_value": "actualValue",
    "event_id": "eventId",
    "event_notification_type": "eventNotificationType",
}


class NotUnderstood(ValueError):
    """What was published is nothing that is known; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Published:
    """What one publication says: a frame of a station (with the action of the call that an answer is of), or whether
    it is connected; neither where it concerns nobody."""

    station: str = ""
    protocol: str = ""
    frame: Frame | None = None
    action: str = ""
    connection: ConnectionReport | None = None
    # A sign of life of the station's software alone.
    is_heartbeat: bool = False
    # What passed between the station and its CSMS; an order is the CSMS's call, of which the answer alone is taken in.
    is_exchanged: bool = False
    is_order: bool = False
    # The payload of the call that an answer is of.
    request: Any = None


NOTHING = Published()


def read_publication(topic: str, body: bytes, station: str = "") -> Published:
    """What was published under a topic; `station` is whose EVerest speaks where the topic does not say. Raises
    NotUnderstood."""
    parts = topic.split("/")
    if EVEREST in parts:
        at = parts.index(EVEREST)
        value, note = _decoded(body)
        published = _everest(parts[at - 1] if at else station, parts[at + 1 :], value)
    elif len(parts) >= 3 and parts[-3] == FROM_STATION:
        value, note = _decoded(body)
        published = _maeve(parts[-1], parts[-2], object_of(value))
    else:
        raise NotUnderstood(f"The topic {topic[:100]!r} is none of MaEVe's or EVerest's.")
    if note and published.frame is not None:
        return replace(published, frame=replace(published.frame, note=note))
    return published


def _decoded(body: bytes) -> tuple[Any, str]:
    try:
        return decoded(as_utf8(body))
    except MALFORMED as error:
        raise NotUnderstood(f"It is not valid JSON: {why_malformed(error)}.") from error


def _maeve(station: str, protocol: str, message: Mapping[str, Any]) -> Published:
    said = message.get("type")
    kind = _NAMED_KINDS.get(text(said).lower()) or _KINDS.get(whole(said) or 0)
    if kind is None or not text(message.get("action")):
        raise NotUnderstood("It has no `type` (call, call_result, call_error) or no `action`.")
    pk, action = text(message.get("id")), text(message["action"])
    if kind == CALL:
        frame = Frame(kind, pk, action, *unwrap(message.get("request", {})))
    elif kind == RESULT:
        frame = Frame(kind, pk, "", *unwrap(message.get("response", {})))
    else:
        detail = {"errorCode": message.get("error_code"), "errorDescription": message.get("error_description")}
        frame = Frame(kind, pk, "", detail)
    request = message.get("request") if kind == RESULT else None
    return Published(station, protocol, frame, action, is_exchanged=True, request=unwrap(request)[0])


def _everest(station: str, rest: list[str], value: Any) -> Published:
    if FROM_EVEREST not in rest:
        return NOTHING
    what = rest[rest.index(FROM_EVEREST) + 1 :][:1]
    step = MESSAGES.get(what[0] if what else "")
    if step is None:  # what other modules say of power, tokens, sessions
        return NOTHING
    if not station:
        raise NotUnderstood("Nothing says which station's EVerest this is: bridge it with its name as prefix.")
    return step(station, value)


def _error(station: str, value: Any, *, over: bool) -> Published:
    """An error as the event that OCPP 2.1 would report: its type is component and code, its module the instance."""
    error, origin = object_of(value), object_of(object_of(value).get("origin"))
    kind = text(error.get("type"))
    if not kind:
        raise NotUnderstood("An error without a `type`.")
    # Its message is the type of the error beside which it was raised.
    if kind == CONSEQUENCE and "/" in text(error.get("message")):
        return NOTHING
    place = object_of(origin.get("mapping"))
    evse = whole(place.get("evse")) or whole(place.get("evse_id"))
    severity = _SEVERITIES.get(text(error.get("severity")).lower(), _WARNING if kind.endswith("Warning") else _ERROR)
    named = (origin.get("module_id"), origin.get("implementation_id"), error.get("sub_type"))
    component = {"name": kind.rpartition("/")[0] or "EVerest", "instance": " ".join(filter(None, map(text, named)))}
    words = [part for part in (text(error.get("message")), text(error.get("description"))) if part]
    event = {
        "eventId": 0,
        "timestamp": error.get("timestamp"),
        "trigger": "Alerting",
        "actualValue": "false" if over else "true",
        "cleared": over,
        "techCode": kind.rpartition("/")[2],
        "techInfo": " ".join(words),
        "severity": severity,
        "component": component | ({"evse": {"id": evse}} if evse else {}),
        "variable": {"name": "Problem" if severity <= _ERROR else "Warning"},
    }
    return _events(station, [event], text(error.get("uuid")) + ("=" if over else ""), error.get("timestamp"))


def _events(station: str, events: list[dict[str, Any]], pk: str, at: Any) -> Published:
    payload = {"generatedAt": at, "seqNo": 0, "eventData": events}
    return Published(station, "ocpp2.1", Frame(CALL, pk, "NotifyEvent", payload), "NotifyEvent")


def _event(station: str, value: Any) -> Published:
    """EVerest's own spelling of an event of OCPP."""
    data = object_of(value)
    where = object_of(data.get("component_variable"))
    if not where:
        raise NotUnderstood("An event without its `component_variable`.")
    event = {_SNAKE.get(name, name): inner for name, inner in data.items() if name != "component_variable"}
    pk = f"event-{text(data.get('event_id'))}-{text(data.get('timestamp'))}" if data.get("event_id") is not None else ""
    return _events(station, [event | dict(where)], pk, data.get("timestamp"))


def _security_event(station: str, value: Any) -> Published:
    event = object_of(value)
    payload = {"type": event.get("type"), "timestamp": event.get("timestamp"), "techInfo": event.get("info")}
    return Published(station, "ocpp2.0.1", Frame(CALL, "", "SecurityEventNotification", payload))


def _connected(station: str, value: Any) -> Published:
    """`true` of `is_connected`, or the `connected` of a `connection_status`."""
    connected = truth(object_of(value).get("connected", value))
    if connected is None:
        raise NotUnderstood("Whether it is connected is true or false.")
    reason = None if connected else "EVerest says that it has lost its CSMS"
    report = ConnectionReport(station=station, connected=connected, reason=reason)
    return Published(station, connection=report)


def _message(station: str, value: Any) -> Published:
    """A frame as the station and its CSMS exchanged it."""
    outer = object_of(value)
    inner = outer.get("message", value)
    try:
        frame = frame_in(inner)
    except (MalformedFrame, *MALFORMED) as error:
        raise NotUnderstood(f"It is no frame of OCPP: {why_malformed(error)}") from error
    version = text(outer.get("version")).lower().removeprefix("ocpp").removeprefix("v")
    is_order = frame.kind == CALL and text(outer.get("direction")).startswith("CSMSTo")
    return Published(station, _protocol(version), frame, is_exchanged=True, is_order=is_order)


def _protocol(version: str) -> str:
    """The subprotocol of a version as EVerest spells it: 1.6, v16, 2.0.1, v201, 2.1."""
    for known in ("2.0.1", "2.1", "1.6"):
        if version in (known, known.replace(".", "")):
            return f"ocpp{known}"
    return "ocpp1.6"


def _heartbeat(station: str, _value: Any) -> Published:
    return Published(station, "ocpp2.0.1", Frame(CALL, "", "Heartbeat", {}), is_heartbeat=True)


MESSAGES = {
    "error_raised": lambda station, value: _error(station, value, over=False),
    "error_cleared": lambda station, value: _error(station, value, over=True),
    "event_data": _event,
    "security_event": _security_event,
    "is_connected": _connected,
    "connection_status": _connected,
    "ocpp_message": _message,
    "heartbeat": _heartbeat,
}
