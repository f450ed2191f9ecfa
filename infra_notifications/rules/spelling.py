"""What senders make of OCPP on the way, and how it is read: other spellings, payloads wrapped once more, frames.

Libraries hand their users snake_case, schemas name their files `StatusNotificationRequest`, OCPP 1.6 writes
`StatusNotification.req`, forwarders put a whole frame or JSON text where the payload belongs. A message that is spelt
as it should be costs a look at its action and its keys and no more.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from infra_notifications.rules.action_names import CALL, ERROR, RESULT, fold, known_action, with_message_id
from infra_notifications.rules.actions import ACTIONS, KNOWN_VERSIONS, nearest_action, version_of
from infra_notifications.rules.frame_text import SIGNED, signed_content
from infra_notifications.rules.keys import KEYS, KNOWN_KEYS, camel_keys, renamed_keys
from infra_notifications.rules.spelt_values import STATE_OF, WireMessage, read_fields, read_values
from infra_notifications.rules.transfer_data import data_of
from infra_notifications.rules.transfers import is_report
from infra_notifications.rules.vendor_states import states_in
from infra_notifications.rules.vocabulary import MOST_CONNECTORS, VALUES

PROTOCOLS = {"ocpp1.5": "1.6", "ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1", "ocpp2.1": "2.1"}
_DIGITS = {"15": "ocpp1.5", "16": "ocpp1.6", "2": "ocpp2.0.1", "20": "ocpp2.0.1", "201": "ocpp2.0.1", "21": "ocpp2.1"}
# What may stand around the digits of a version.
_ALL_VERSIONS = f"{', '.join(KNOWN_VERSIONS[:-1])} or {KNOWN_VERSIONS[-1]}"
_AROUND = {"", "ocpp", "v", "j", "s", "json", "soap", "ocppj", "ocpps", "ocppv", "ocppjson", "ocppsoap", "version"}
_WRAPPERS = {
    *("payload", "body", "request", "response", "message", "params", "arguments", "content"),
    *("data", "frame", "raw", "msg", "event", "ocpp", "ocppmessage", "value"),
}
# What a DataTransfer may carry of ours, and a field of each without which it is none.
_CARRIED = {
    "StatusNotification": {"status", "errorCode", "connectorStatus"},
    "NotifyEvent": {"eventData"},
    "SecurityEventNotification": {"type"},
    "BootNotification": {"chargePointVendor", "chargePointModel", "chargingStation"},
    "NotifyReport": {"reportData"},
    "StopTransaction": {"reason"},
    "TransactionEvent": {"transactionInfo"},
}
# What an action brings several of, in a list under this name; and what each of them has.
_LISTED = {
    "NotifyEvent": ("eventData", {"component", "variable"}),
    "NotifyReport": ("reportData", {"component", "variable"}),
}
_LABELS = {version: label for label, version in PROTOCOLS.items() if label != "ocpp1.5"}
_FRAME_KINDS = {2: CALL, 3: RESULT, 4: ERROR, 5: ERROR, 6: CALL}
_MOST_WRAPS = 5


def is_exact(protocol: str, action: str, payload: Any) -> bool:
    """Whether a message is spelt as it should be and has what it must have."""
    versions = ACTIONS.get(action)
    version = PROTOCOLS.get(protocol)
    if versions is None or version is None or type(payload) is not dict:
        return False
    required = versions.get(version)
    if required is None or not payload.keys() >= required or not KNOWN_KEYS.issuperset(payload):
        return False
    if not (_has_place(payload) and type(payload.get("timestamp", "")) is str):
        return False
    if action == "StatusNotification":
        return (
            _is_value(payload, "status")
            and _is_value(payload, "connectorStatus")
            and _is_value(payload, "errorCode")
            and not {type(payload.get("info")), type(payload.get("vendorErrorCode"))} & _NESTED
        )
    if action == "NotifyEvent":
        events = payload["eventData"]
        return type(events) is list and all(_is_exact_event(event) for event in events)
    return not (
        (action == "BootNotification" and "currentTime" in payload)
        or (action == "DataTransfer" and not payload.keys() <= _NAMES)
    )


_NESTED = {dict, list}
# What a DataTransfer holds that says no more than its name.
_NAMES = {"vendorId", "messageId", "customData"}


def _has_place(payload: dict[str, Any]) -> bool:
    """Whether the connector or EVSE that an object names, if it names one, is a number that one may have."""
    for key in ("connectorId", "evseId"):
        number = payload.get(key, 0)
        if type(number) is not int or not 0 <= number < MOST_CONNECTORS:
            return False
    evse = payload.get("evse")
    return evse is None or (type(evse) is dict and type(evse.get("id")) is int and evse["id"] >= 0)


def _is_value(payload: dict[str, Any], key: str) -> bool:
    if key not in payload:
        return True
    value = payload[key]
    return isinstance(value, str) and value in VALUES[key]


def _is_exact_event(event: Any) -> bool:
    if type(event) is not dict or not KNOWN_KEYS.issuperset(event):
        return False
    parts = (event.get("component"), event.get("variable"))
    if not (_is_value(event, "trigger") and all(map(_is_exact_part, parts)) and _has_place(event["component"])):
        return False
    if type(event.get("timestamp", "")) is not str:
        return False
    if {type(event.get("techInfo")), type(event.get("techCode"))} & _NESTED:
        return False
    name = event["variable"].get("name")
    if name == "AvailabilityState":
        value = event.get("actualValue")
        return isinstance(value, str) and value in VALUES["status"]
    return not isinstance(name, str) or fold(name) not in STATE_OF


def _is_exact_part(part: Any) -> bool:
    return type(part) is dict and KNOWN_KEYS.issuperset(part) and "_" not in str(part.get("name"))


def read_wire(protocol: str, action: str, payload: Any) -> WireMessage:
    """Brings a message into its own spelling. Never raises."""
    wire = WireMessage(protocol, action, payload)
    _read_protocol(wire)
    try:
        _unwrap(wire)
        _read_action(wire)
        if wire.problem:
            return wire
        _read_listed(wire)
        if isinstance(wire.payload, dict):
            _read_keys(wire)
            read_values(wire)
            read_fields(wire)
            _read_transfer(wire)
            _read_version(wire)
    except RecursionError:
        wire.note("It is nested too deeply to be corrected.")
    if wire.payload is None:
        wire.payload = {}
    if not isinstance(wire.payload, dict):
        wire.problem = "`payload` must be the OCPP payload, an object."
    elif wire.kind == RESULT and _is_request(wire.action, wire.payload):
        wire.kind = CALL
        wire.note("It has the fields of a request and was read as one.")
    elif wire.action == "BootNotification" and wire.kind == CALL and {"currentTime", "interval"} <= wire.payload.keys():
        wire.kind = RESULT
        wire.note("It is the answer to a BootNotification and was read as such.")
    return wire


def _is_request(action: str, payload: dict[str, Any]) -> bool:
    return any(fields and payload.keys() >= fields for fields in ACTIONS[action].values())


def _read_protocol(wire: WireMessage) -> None:
    if wire.protocol in PROTOCOLS:
        return
    folded = fold(wire.protocol)
    digits = "".join(re.findall(r"\d+", folded))
    known = _DIGITS.get(digits) if re.sub(r"\d", "", folded) in _AROUND else None
    if known is not None:
        wire.note(f"`protocol` {wire.protocol[:20]!r} was read as {known}.")
        wire.protocol = known
    else:
        wire.note(
            f"`protocol` {wire.protocol[:20]!r} is no version of OCPP that we know; the message was read by its fields."
        )


def _read_version(wire: WireMessage) -> None:
    """Which version's message it is: what it holds decides, not its label."""
    labelled = PROTOCOLS.get(wire.protocol)
    if wire.kind != CALL or labelled is None:
        return
    version = version_of(wire.action, labelled, wire.payload.keys())
    if version != labelled:
        label = _LABELS[version]
        wire.note(f"It has the fields of {label}, not of {wire.protocol}, and was read as such.")
        wire.protocol = label


def _read_transfer(wire: WireMessage) -> None:
    """A DataTransfer that carries a message of OCPP's own, by its `messageId` or `vendorId`, or by its fields."""
    if wire.action != "DataTransfer" or wire.kind != CALL:
        return
    names = (wire.payload.get("messageId"), wire.payload.get("vendorId"))
    named = [found[0] for name in names if isinstance(name, str) and (found := known_action(name))]
    action, data = next((name for name in named if name in _CARRIED), None), wire.payload.get("data")
    if data in (None, "") and action is not None:  # its fields may stand beside its name
        data = {name: value for name, value in wire.payload.items() if name not in ("messageId", "data")}
    if action in (None, "StatusNotification") and is_report(wire.payload):
        # Also under a vendor's own name for an alarm or a state, and as a list; several are told apart later.
        states = states_in(wire.payload, data_of(wire.payload))
        action, data = ("StatusNotification", states[0].body) if len(states) == 1 else (action, data)
    if action is None:
        return
    inner = read_wire(wire.protocol, action, data)
    if inner.problem or inner.kind != CALL or inner.action != action or not inner.payload.keys() & _CARRIED[action]:
        return
    wire.note(f"A DataTransfer carried {action} and was read as such.")
    for sentence in inner.notes:
        wire.note(sentence)
    wire.protocol, wire.action, wire.payload = inner.protocol, action, inner.payload


# ---- wrapping -------------------------------------------------------------------------------------------------------


def _unwrap(wire: WireMessage) -> None:
    for _wrap in range(_MOST_WRAPS):
        if isinstance(wire.payload, str):
            if not _read_text(wire):
                return
        elif isinstance(wire.payload, list):
            if not _read_frame(wire, wire.payload):
                return
        elif isinstance(wire.payload, dict):
            if not _read_wrapper(wire, wire.payload):
                return
        else:
            return


def _read_text(wire: WireMessage) -> bool:
    """JSON text where an object belongs; a blank one is empty."""
    text = wire.payload.strip("\ufeff\u200b \t\r\n")
    if not text:
        wire.payload = {}
        return False
    try:
        inner = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    if not isinstance(inner, dict | list | str):
        return False
    wire.payload = inner
    wire.note("`payload` was JSON text and was read as what it says.")
    return True


def _read_frame(wire: WireMessage, frame: list[Any]) -> bool:
    """A frame of OCPP-J (part 4 of its specification): [2, id, action, payload], [3, id, payload], [4, id, code, …]."""
    if len(frame) == 1:
        wire.payload = frame[0]
        wire.note("`payload` was a list of one and was read as that one.")
        return isinstance(frame[0], dict | list | str)
    frame = with_message_id(frame)
    number = frame[0] if frame else None
    if isinstance(number, str) and number.strip().removesuffix(".0").isdecimal() and len(number) < 6:
        number = float(number)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    kind = _FRAME_KINDS.get(number) if isinstance(number, int) and not isinstance(number, bool) else None
    if kind is None:
        return False
    wire.note("`payload` was a whole OCPP-J frame; its own payload was read.")
    wire.kind = kind
    if kind == CALL:
        _take_action(wire, frame[2] if len(frame) > 2 else None)
        wire.payload = frame[3] if len(frame) > 3 else {}
    elif kind == RESULT:
        wire.payload = frame[2] if len(frame) > 2 else {}
    else:
        code, description, details = (*frame[2:5], *[None] * 3)[:3]
        wire.payload = {"errorCode": code, "errorDescription": description, "errorDetails": details}
        return False
    return True


def _take_action(wire: WireMessage, action: Any) -> None:
    """The action that stands nearer to the payload, where it is one."""
    known = known_action(action) if isinstance(action, str) and action != wire.action else None
    if known:
        if known[0] != (known_action(wire.action) or ("", ""))[0]:
            wire.note(f"`action` {wire.action[:60]!r} gave way to {action[:60]}, which stands beside the payload.")
        wire.action = action


def _read_wrapper(wire: WireMessage, outer: dict[str, Any]) -> bool:
    """An object that holds the payload signed, or under its action's name or a general one, and no field of its own."""
    if (content := signed_content(outer)) is not None:
        wire.payload = content
        wire.note(SIGNED)
        return True
    versions = ACTIONS.get((known_action(wire.action) or ("", ""))[0], {})
    fields = frozenset().union(*versions.values())
    if not outer or any(KEYS.get(fold(key), key) in fields for key in outer):
        return False
    for key, inner in outer.items():
        folded = fold(key)
        if isinstance(inner, dict | list | str) and (folded in _WRAPPERS or known_action(key)):
            if isinstance(inner, str) and not inner.lstrip().startswith(("{", "[", '"')):
                continue
            if folded not in _WRAPPERS:
                _take_action(wire, key)
            _take_action(wire, next((value for name, value in outer.items() if fold(name) == "action"), None))
            wire.payload = inner
            wire.note(f"`payload` was wrapped once more, in `{key[:40]}`; what is in it was read.")
            return True
    return False


def _read_listed(wire: WireMessage) -> None:
    """Events or reports that stand alone, or in JSON text, or by their numbers, where a list of them belongs."""
    name, fields = _LISTED.get(wire.action, ("", set[str]()))
    if not name or wire.kind != CALL:
        return
    if isinstance(wire.payload, dict):
        keys = {KEYS.get(fold(key), key): key for key in wire.payload}
        if name not in keys and fields <= keys.keys():
            wire.payload = {name: [wire.payload]}
        elif name in keys and not isinstance(told := wire.payload[keys[name]], list):
            read = _list_in(told)
            if read is told:
                return
            wire.payload = wire.payload | {keys[name]: read}
        else:
            return
    elif isinstance(wire.payload, list) and all(isinstance(each, dict) for each in wire.payload):
        wire.payload = {name: wire.payload}
    else:
        return
    wire.note(f"What it tells was no list in `{name}` and was read as one.")


def _list_in(told: Any) -> Any:
    """What JSON text says, and what stands by its numbers, as a list; anything else as it is."""
    if isinstance(told, str):
        try:
            return _list_in(msgspec.json.decode(told))
        except (msgspec.DecodeError, RecursionError):
            return told
    if isinstance(told, dict) and told and all(key.isdecimal() for key in told):
        return list(told.values())
    return told


# ---- names ----------------------------------------------------------------------------------------------------------


def _read_action(wire: WireMessage) -> None:
    if wire.action in ACTIONS:
        return
    found = known_action(wire.action)
    if found is None:
        nearest, named = nearest_action(wire.action[:60]), wire.action.strip()[:60]
        wire.problem = f"`action` {named} is no action of OCPP {_ALL_VERSIONS}; the nearest is {nearest}."
        return
    action, kind = found
    wire.note(f"`action` {wire.action[:60]!r} was read as {action}{'' if kind == CALL else f', its {kind}'}.")
    wire.action = action
    wire.kind = kind if kind != CALL else wire.kind


def _read_keys(wire: WireMessage) -> None:
    renamed: dict[str, str] = {}
    # A copy, because what was sent is read again when a race was lost.
    wire.payload = renamed_keys(wire.payload, renamed, 0)
    if renamed:
        # One in another spelling means that all are: those that we do not know as well.
        wire.payload = camel_keys(wire.payload, 0)
        names = ", ".join(f"`{old[:40]}` as `{new}`" for old, new in list(renamed.items())[:3])
        wire.note(f"Fields were read in another spelling: {names}{', …' if len(renamed) > 3 else ''}.")
