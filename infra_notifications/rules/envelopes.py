"""How senders name what stands around an OCPP message or a signal, and what they mean by it. Pure.

| sent                                                  | read as      |
|-------------------------------------------------------|--------------|
| chargePoint, evseId                                   | charge_point |
| stationId, chargeBoxId, chargePointId, cpId, identity | station      |
| messageType, method, type                             | action       |
| data, message, body, frame                            | payload      |
| event, state, status of a connection                  | connected    |
| fields of the payload beside its action               | payload      |
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

from core.field_types import Envelope
from infra_notifications.ingest import OcppMessage
from infra_notifications.rules.action_names import fold, known_action
from infra_notifications.rules.actions import ACTIONS
from infra_notifications.rules.vocabulary import spoken

_STATION = """
    stationid stationidentity chargeboxid chargeboxidentity chargeboxserial chargingstation chargingstationid
    chargepointid chargepointidentity chargerid cpid cp charger identity clientid
"""
_WHO = dict.fromkeys(_STATION.split(), "station") | dict.fromkeys(("received", "timestampreceived"), "received_at")
_WHO |= dict.fromkeys(("connectorid", "connectornumber"), "connector") | dict.fromkeys(("uniqueid", "uid"), "id")
_ACTIONS = ("messagetype", "messagename", "method", "type", "actionname", "ocppaction", "command")
_VERSIONS = ("ocppversion", "version", "ocppprotocol", "subprotocol")
MESSAGE_ALIASES = _WHO | dict.fromkeys(_ACTIONS, "action") | dict.fromkeys(_VERSIONS, "protocol")
_PAYLOADS = frozenset(
    ("data", "message", "body", "frame", "request", "params", "content", "msg", "raw", "ocpp", "ocppmessage")
)
_OURS = frozenset(OcppMessage.__struct_fields__)
_MOMENTS = dict.fromkeys(("occurred", "at", "time", "timestamp", "date"), "occurred_at")
SIGNAL_ALIASES = _WHO | _MOMENTS | dict.fromkeys(("details", "description", "info", "text", "reason"), "detail")
CONNECTION_ALIASES = dict.fromkeys((*_STATION.split(), "chargepoint", "evseid"), "station")
CONNECTION_ALIASES |= dict.fromkeys((*_MOMENTS, "occurredat", "receivedat"), "at")
CONNECTION_ALIASES |= dict.fromkeys(
    ("event", "state", "status", "type", "action", "isconnected", "online"), "connected"
)
CONNECTION_ALIASES |= dict.fromkeys(("details", "detail", "description", "closereason", "error"), "reason")
CONNECTION_ALIASES |= dict.fromkeys(("connectionid", "socket", "session"), "connection")
_LONGEST_REASON = 200
# An EVSE id is longer than any number of an EVSE.
_SHORTEST_ID = 7


def complete_message(item: dict[str, Any]) -> list[str]:
    """Finds the payload of a message, under another name or beside its action, and the action of a frame; in place."""
    notes = _find_charge_point(item)
    if "payload" not in item:
        notes += _find_payload(item)
    payload = item.get("payload")
    if "action" not in item and isinstance(payload, dict) and isinstance(payload.get("action"), str):
        del item["payload"]
        item |= payload
        notes.append("It was wrapped once more and was read as what it holds.")
    elif "action" not in item and isinstance(payload, list) and len(payload) > 2 and isinstance(payload[2], str):
        item["action"] = payload[2]
        notes.append("`action` was read from the frame.")
    return notes


def _find_payload(item: dict[str, Any]) -> list[str]:
    action = item.get("action")
    known = known_action(action) if isinstance(action, str) else None
    beside = {key: value for key, value in item.items() if key not in _OURS}
    holder = next((key for key, value in beside.items() if fold(key) in _PAYLOADS and _may_hold(value)), None)
    fields = {fold(name) for required in ACTIONS[known[0]].values() for name in required} if known else set()
    if known and beside and (holder is None or any(fold(key) in fields for key in beside)):
        # What stands beside the action is as likely to be the payload's as the envelope's.
        if item.get("connector") is not None:
            beside.setdefault("connectorId", item["connector"])
        for key in beside:
            item.pop(key, None)
        item["payload"] = beside
        return ["The fields of `payload` stood beside it and were read as its own."]
    if holder is None:
        return []
    item["payload"] = item.pop(holder)
    return [f"`{holder[:40]}` was read as `payload`."]


def _may_hold(value: Any) -> bool:
    return isinstance(value, dict | list) or (isinstance(value, str) and value.lstrip().startswith(("{", "[")))


def _find_charge_point(item: dict[str, Any]) -> list[str]:
    """An `evseId` is an EVSE id, where nobody else is named and it is no number."""
    if any(item.get(name) for name in _SENDER):
        return []
    for key, value in [*item.items()]:
        if fold(key) in ("evseid", "evse") and isinstance(value, str) and len(value.strip()) >= _SHORTEST_ID:
            item["charge_point"] = item.pop(key)
            return [f"`{key[:40]}` was read as `charge_point`."]
    return []


# The words for the two states of a signal, folded.
_STATES = {
    **dict.fromkeys(("raise", "raising", "open", "opened", "active", "activated", "on", "start", "started"), "raised"),
    **dict.fromkeys(("set", "alarm", "triggered", "new", "firing", "true", "1", "fault", "faulted"), "raised"),
    **dict.fromkeys(("problem", "critical", "warning", "disaster", "down", "alert", "alerting", "trigger"), "raised"),
    **dict.fromkeys(("error", "failed", "failure", "failing", "inalarm", "bad", "unhealthy", "red"), "raised"),
    **dict.fromkeys(("recovery", "up", "resolve", "good", "healthy", "passing", "green", "deactivated"), "cleared"),
    **dict.fromkeys(("clear", "closed", "close", "inactive", "off", "end", "ended", "stop", "stopped"), "cleared"),
    **dict.fromkeys(("reset", "ok", "resolved", "over", "normal", "recovered", "false", "0", "gone"), "cleared"),
}
_STATES |= {"raised": "raised", "cleared": "cleared"}


def state_of(text: str) -> str:
    """The state that a word means, `raised` or `cleared`; the word itself where it means neither."""
    return _STATES.get(fold(text), text)


# What each case is about, where its name is not said: parts of words, folded.
_ABOUT_CASES = {
    "UNAVAILABLE": ("offline", "disconnect", "connection", "unreachable", "down", "silen", "outoforder"),
    "SENSORS": ("sensor", "door", "tilt", "tamper", "temp", "smoke", "vandal"),
    "FUSE_TRIPPED": ("fuse", "breaker", "trip", "rcd", "ground", "emergency", "safety"),
}


def nearest_case(text: str) -> str:
    """The case that a word is most like; what is like none is another fault."""
    said = fold(text)
    about = (case for case, parts in _ABOUT_CASES.items() if any(part in said for part in parts))
    return next(about, "") or (get_close_matches(text.upper(), _ABOUT_CASES, n=1) or ["OTHER_FAULT"])[0]


def complete_signal(item: dict[str, Any]) -> list[str]:
    """Finds the charge point of a signal, and reads a state that is yes or no; in place."""
    notes, state = _find_charge_point(item), item.get("state")
    if isinstance(state, bool):
        item["state"] = state_of(str(state))
        notes.append(f"`state` was {str(state).lower()} and was read as {item['state']}.")
    return notes


# What is said of a connection, folded.
_CONNECTED = {
    **dict.fromkeys(("connected", "connect", "online", "open", "opened", "up", "accepted", "reconnected"), True),
    **dict.fromkeys(("disconnected", "disconnect", "offline", "close", "closed", "down", "lost"), False),
    **dict.fromkeys(("timeout", "timedout", "pingtimeout", "keepalivetimeout", "dropped", "terminated"), False),
}
# What a sender puts before them: "client.disconnected" (EMQX), "onClose", "websocket closed".
_WHOSE = re.compile(r"(?:on|ws|websocket|mqtt|client|connection|session|station|chargepoint|charger|device)(?=.)")


def _is_connected(said: str) -> bool | None:
    word = fold(said)
    while word not in _CONNECTED and (found := _WHOSE.match(word)):
        word = word[found.end() :]
    return _CONNECTED.get(word)


def complete_connection(item: dict[str, Any]) -> list[str]:
    """Reads whether a station is connected, where that is a word, and a reason that is an object; in place."""
    notes, said, reason = list[str](), item.get("connected"), item.get("reason")
    if isinstance(said, str) and (meant := _is_connected(said)) is not None:
        item["connected"] = meant
        notes.append(f"`connected` was {said[:40]!r} and was read as {str(meant).lower()}.")
    if isinstance(reason, dict | list):
        item["reason"] = spoken(reason)[:_LONGEST_REASON]
        notes.append(f"`reason` was no text and was read as {item['reason'][:60]!r}.")
    return notes


_SENDER = ("station", "charge_point")
# A `version` or `uid` beside a whole message may be the sender's own.
_UNSURE = frozenset(("protocol", "id"))
MESSAGE = Envelope(MESSAGE_ALIASES, (_SENDER, ("payload",)), complete_message, _UNSURE, warns=True)
SIGNAL = Envelope(SIGNAL_ALIASES, (_SENDER,), complete_signal, _UNSURE, warns=True)
CONNECTION = Envelope(CONNECTION_ALIASES, (("station",), ("connected",)), complete_connection, warns=True)
# What has no other names than spellings of its own.
PLAIN = Envelope(warns=True)
