"""What is kept of what passes between stations and their CSMS: what a rule or a page reads, and nothing else. Pure.

A list of what is kept, not of what is hidden: fields that nobody has thought of (tokens, customers, certificates,
passwords in configurations, whatever a vendor adds) stay out. A required field that is not kept is replaced by
`HIDDEN`, so that a message that was whole still is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra_notifications.rules.action_names import CALL, ERROR, fold
from infra_notifications.rules.actions import REQUIRED_ANYWHERE
from infra_notifications.rules.reported_values import TOLD_BY_REPORTS, is_word_of_state, tells_of_faults
from infra_notifications.rules.status_details import custom_of
from infra_notifications.rules.transfer_data import tells_by_itself
from infra_notifications.rules.transfer_words import FIELDS as REPORTED
from infra_notifications.rules.transfer_words import words_of
from infra_notifications.rules.transfers import is_report, said_in
from infra_notifications.rules.vendor_states import tells_state
from infra_notifications.rules.vocabulary import TEXT_FIELDS, alone, object_of, spoken, text

HIDDEN = "***"
MOST_TEXT, MOST_VALUE = 1_000, 64
_DEEPEST = 8

Fields = Mapping[str, "Fields | None"]


def _fields(names: str, **nested: Fields) -> Fields:
    """Names of values that are kept as they are, and of objects of which some are."""
    return {fold(name): None for name in names.split()} | {fold(name): inner for name, inner in nested.items()}


_EVSE = _fields("id connectorId")
_PART = {"component": _fields("name instance", evse=_EVSE), "variable": _fields("name instance")}
_EVERYWHERE = _fields("connectorId evseId timestamp generatedAt transactionId status offline requestId", evse=_EVSE)
_KEPT: dict[str, Fields] = {
    "BootNotification": _fields(
        "chargePointVendor chargePointModel firmwareVersion reason",
        chargingStation=_fields("vendorName model firmwareVersion"),
    ),
    "StatusNotification": _fields("errorCode info vendorId vendorErrorCode connectorStatus"),
    "NotifyEvent": _fields(
        "seqNo tbc",
        eventData=_fields(
            "eventId timestamp trigger cause actualValue techCode techInfo cleared transactionId severity"
            " variableMonitoringId eventNotificationType",
            **_PART,
        ),
    ),
    "NotifyReport": _fields(
        "seqNo tbc",
        reportData=_fields("", **_PART, variableAttribute=_fields("type value")),
    ),
    "SecurityEventNotification": _fields("type techInfo"),
    "NotifyDERAlarm": _fields("controlType gridEventFault alarmEnded extraInfo"),
    "StartTransaction": _fields("meterStart reservationId"),
    "StopTransaction": _fields("meterStop reason"),
    "TransactionEvent": _fields(
        "eventType triggerReason seqNo", transactionInfo=_fields("transactionId chargingState stoppedReason")
    ),
    "DataTransfer": _fields("vendorId messageId"),
}
_KEPT = {action: {**_EVERYWHERE, **fields} for action, fields in _KEPT.items()}
_REQUIRED = frozenset(map(fold, REQUIRED_ANYWHERE))
# Objects of which some write the name or number alone.
_NAMED = ("evse", "component", "variable")
_TEXTS = frozenset(map(fold, TEXT_FIELDS))
_STATUS = _fields("status")
_KEPT_OF_ANSWERS = _fields(
    "status currentTime interval transactionId",
    idTagInfo=_STATUS,
    idTokenInfo=_STATUS,
    statusInfo=_fields("reasonCode"),
    getVariableResult=_fields("attributeStatus attributeType attributeValue", **_PART),
)
# Words in the name of a variable of which the value is nobody's business: anywhere in it, and those that others hold
# ("stopping", "mapping") at an end of one of its own.
_SECRET = re.compile("password|secret|certificate|credential|idtag|emaid|imsi|iccid|vehicleid|signature|serialnumber")
_SECRET_WORD = re.compile(r"(?:token|key|pin|identity|contract|user|customer|apn|serial|account|login|csr)")
_SECRET_END = re.compile(rf"{_SECRET_WORD.pattern}s?$")
# Where a free text names a secret.
# "Token: RCD tripped" names a reader and goes on in words.
_NAMED_SECRET = re.compile(
    r"\b(pass(?:word|wd|phrase)?|pwd?|secret|token(?!\s*:\s+[^\W\d_]+\s+[^\W\d_])|api_?key)(\s*[=:]\s*)[^\s,;&]+",
    re.IGNORECASE,
)
# What stands in a text that nobody named, and may be a number of a card or of a customer.
_NUMBERED = re.compile(r"(?<!\S)(?=[^\s\d]*+\d)\S{6,}+")


def without_secrets(said: str) -> str:
    """A text without what it names as a password or a key (`pw=…`)."""
    return _NAMED_SECRET.sub(rf"\1\2{HIDDEN}", said) if "=" in said or ":" in said else said


def retained(action: str, payload: Any, kind: str = CALL) -> dict[str, Any]:
    """The part of a payload that is kept; `action` is a name of OCPP, `kind` that of the message. Never raises."""
    body = object_of(payload)
    if kind == ERROR:
        return {"errorCode": text(body.get("errorCode"))[:MOST_VALUE]}
    if kind != CALL:
        kept = _part(body, _KEPT_OF_ANSWERS)
        results = _elements(kept, "getvariableresult")
        told = [each for each in results if _is_told(each)]
        return {name: value for name, value in kept.items() if fold(name) != "getvariableresult"} | (
            {"getVariableResult": told} if told else {}
        )
    kept = _part(body, _KEPT.get(action, _EVERYWHERE))
    if action == "DataTransfer":
        _keep_carried(body, kept)
    if action == "StatusNotification" and (custom := custom_of(body)):
        kept["customData"] = {name: _masked(value) for name, value in custom.items() if len(name) <= MOST_VALUE}
    for event in _elements(kept, "eventdata"):
        _hide_value(event)
    for report in _elements(kept, "reportdata"):
        _hide_configuration(report)
    return kept


def _part(body: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """These fields of an object, however they are spelt."""
    part: dict[str, Any] = {}
    for name, value in body.items():
        folded = fold(name) if isinstance(name, str) and len(name) <= MOST_VALUE else ""
        if folded not in fields:
            if folded in _REQUIRED:
                part[name] = HIDDEN
        elif (inner := fields[folded]) is not None:
            part[name] = value if folded in _NAMED and _is_name(value) else _inner(value, inner)
        elif isinstance(value := _plain(folded, value), str):
            part[name] = (without_secrets(value) if folded in _TEXTS else value)[:MOST_TEXT]
        elif isinstance(value, int | float) or value is None:
            part[name] = value
    return part


def _is_name(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and len(value) <= MOST_VALUE)


def _plain(folded: str, value: Any) -> Any:
    """The value of a field where it stands alone in a list or an object, or is a text in several parts."""
    if not isinstance(value, dict | list) or not isinstance(value := alone(value), dict | list):
        return value
    return spoken(value) if folded in _TEXTS else value


def _inner(value: Any, fields: Fields) -> Any:
    if isinstance(value, list):
        return [_part(object_of(each), fields) for each in value]
    return _part(object_of(value), fields)


def _elements(kept: dict[str, Any], field: str) -> list[dict[str, Any]]:
    found = next((value for name, value in kept.items() if fold(name) == field), None)
    return found if isinstance(found, list) else [found] if isinstance(found, dict) else []


def _hide_configuration(report: dict[str, Any]) -> None:
    """The values of a report, but for those of variables that say whether something is broken."""
    told = _is_told(report)
    attributes = report.get("variableAttribute")
    for attribute in map(object_of, attributes if isinstance(attributes, list) else [attributes]):
        for name, value in attribute.items():
            if fold(name) == "value":
                attribute[name] = without_secrets(text(value)) if told else HIDDEN


def _is_told(report: Mapping[str, Any]) -> bool:
    """Whether its variable says whether something is broken."""
    return fold(text(object_of(report.get("variable")).get("name"))) in TOLD_BY_REPORTS


def _hide_value(event: dict[str, Any]) -> None:
    """The value of a variable, where it says who somebody is; what says how a part is, does not."""
    component, variable = (_names(event, part) for part in ("component", "variable"))
    is_told = any(map(tells_of_faults, variable))
    is_secret = any(map(_is_secret, variable if is_told else (*component, *variable)))
    for name, value in event.items():
        if fold(name) != "actualvalue" or is_word_of_state(value):
            continue
        if is_secret or not (is_told or len(text(value)) <= MOST_VALUE):
            event[name] = HIDDEN
        elif isinstance(value, str):
            event[name] = without_secrets(value)


def _names(event: Mapping[str, Any], part: str) -> list[str]:
    found = next((value for name, value in event.items() if fold(name) == part), None)
    return [text(value) for value in (found.values() if isinstance(found, dict) else [found])]


def _is_secret(name: str) -> bool:
    words = words_of(name)
    return bool(_SECRET.search(fold(name))) or any(
        _SECRET_WORD.match(word) or _SECRET_END.search(word) for word in words
    )


def _keep_carried(body: Mapping[str, Any], kept: dict[str, Any]) -> None:
    """What a vendor's own message says of the state of its station; what carries a message of OCPP's was read as
    that."""
    said = _said(said_in(body), 0)
    if isinstance(said, str) and not (text(kept.get("messageId")) and is_report(kept)):
        said = _NUMBERED.sub(HIDDEN, said)
    kept |= {"data": said} if said or said == [] else {}


def _masked(value: Any) -> Any:
    return without_secrets(value[:MOST_TEXT]) if isinstance(value, str) else value


def _said(data: Any, depth: int) -> Any:
    """What a vendor's own message says of a fault: its texts under the names that are read, and what is yes or no."""
    if isinstance(data, str):
        return without_secrets(data[:MOST_TEXT])
    if isinstance(data, list) and depth < _DEEPEST:
        return [said for each in data if (said := _said(each, depth + 1))]
    if not isinstance(data, dict) or depth == _DEEPEST:
        return None
    kept: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict | list):
            said = _said(value, depth + 1)
            is_read = said is not None
        else:
            is_read = isinstance(value, bool) or fold(name) in REPORTED or tells_state(fold(name), value)
            is_read = is_read or tells_by_itself(name, value)
            said = _masked(value)
        if is_read and len(name) <= MOST_VALUE:
            kept[name] = said
    return kept
