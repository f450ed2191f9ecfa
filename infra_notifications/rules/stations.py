"""What a message says of its station: what it is made of, how often it will speak, whether it was offline. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.vocabulary import object_of, text, truth

LONGEST_INTERVAL_S = 7 * 86_400


def firmware_of(action: str, payload: Any) -> dict[str, str]:
    """Vendor, model and firmware from a BootNotification (both generations); empty for other messages."""
    if action.lower() != "bootnotification":
        return {}
    body = object_of(payload)
    station = object_of(body.get("chargingStation"))
    found = {
        "vendor": text(station.get("vendorName") or body.get("chargePointVendor"))[:60],
        "model": text(station.get("model") or body.get("chargePointModel"))[:60],
        "firmware": text(station.get("firmwareVersion") or body.get("firmwareVersion"))[:60],
    }
    return {key: value for key, value in found.items() if value}


def interval_of(action: str, payload: Any, asked: int | None = None) -> int | None:
    """The seconds between heartbeats that a station is to keep from now on, by what it and its CSMS say to one another;
    None for messages that do not tell. 0 is that it sends none, or chooses them itself.

    They are in the answer to BootNotification, in reports of the configuration, and in an order (`asked`, by
    `asked_interval`) that the station accepts.
    """
    if action[:16].lower() == "bootnotification":
        return _boot_interval(object_of(payload))
    if action not in _TELLING:
        return None
    entries = _entries(payload, is_accepted=True)
    if asked is None:
        return next((told for entry in entries if (told := _value_of(entry)) is not None), None)
    return asked if entries or text(object_of(payload).get("status")).lower() == ACCEPTED else None


def asked_interval(action: str, payload: Any) -> int | None:
    """The seconds between heartbeats that a CSMS orders; it counts once its station accepts."""
    if action not in INTERVAL_ORDERS:
        return None
    return next((told for entry in _entries(payload) if (told := _value_of(entry)) is not None), None)


ACCEPTED = "accepted"
INTERVAL_ORDERS = frozenset(("ChangeConfiguration", "SetVariables"))
# Their answers, and what a station reports.
_TELLING = INTERVAL_ORDERS | {"GetConfiguration", "GetVariables", "NotifyReport"}
# Actions whose answers tell it, or that it is kept.
INTERVAL_ANSWERS = _TELLING - {"NotifyReport"}


def _boot_interval(body: Mapping[str, Any]) -> int | None:
    """Only the answer has an `interval`, whatever its action is called; of a station that is not accepted it says when
    to ask again."""
    return _seconds(body.get("interval")) if text(body.get("status")).lower() in ("", ACCEPTED) else None


def _entries(payload: Any, *, is_accepted: bool = False) -> list[Mapping[str, Any]]:
    """What a payload, or a list in it, says of HeartbeatInterval: by its key (1.6), or by component and variable."""
    body = object_of(payload)
    listed = (object_of(each) for value in body.values() if isinstance(value, list) for each in value)
    return [
        entry
        for entry in (body, *listed)
        if _is_interval(entry)
        and (not is_accepted or text(entry.get("attributeStatus") or ACCEPTED).lower() == ACCEPTED)
    ]


def _is_interval(entry: Mapping[str, Any]) -> bool:
    component, variable = object_of(entry.get("component")), object_of(entry.get("variable"))
    names = fold(text(component.get("name"))), fold(text(variable.get("name")))
    return fold(text(entry.get("key"))) == "heartbeatinterval" or names == ("ocppcommctrlr", "heartbeatinterval")


def _value_of(entry: Mapping[str, Any]) -> int | None:
    """The present value: its target, least and most are other attributes."""
    inner = entry.get("variableAttribute")
    attributes = [entry, *map(object_of, inner if isinstance(inner, list) else [inner])]
    for attribute in attributes:
        kind = text(attribute.get("type") or attribute.get("attributeType")).lower()
        said = attribute.get("value", attribute.get("attributeValue"))
        if kind in ("", "actual") and (told := _seconds(said)) is not None:
            return told
    return None


def _seconds(said: Any) -> int | None:
    if isinstance(said, str) and said.strip().isascii() and said.strip().isdigit():
        said = int(said.strip()[:9])
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return int(said) if 0 <= said <= LONGEST_INTERVAL_S else None


def is_offline(payload: Any) -> bool:
    """Whether a message says that its station was offline when it wrote it (OCPP 2.x: `offline`)."""
    return truth(object_of(payload).get("offline")) is True
