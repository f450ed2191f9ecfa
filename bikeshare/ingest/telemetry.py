"""Messages of the boxes: what they may hold, and what is wrong with those that cannot be taken."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from bikeshare.choices import TelemetryType
from bikeshare.ingest.resources import clean
from bikeshare.rules.telemetry import is_percentage, is_position, masked

MAX_WORD = 20


class DeviceMessage(msgspec.Struct, kw_only=True):
    """One message of a box: its number (or our id), a type, the device's time, and what belongs to the type.

    lock: `state` and, with a dock's tag read, `rfid`. pass: `uid`. pin: `pin`, or `correct` where the box checks it.
    chain_type: `chain_type`. battery and battery_vae: `value` in per cent, for the latter also `remaining_distance` in
    metres. position: `latitude`, `longitude` and, in metres, `accuracy`.
    """

    boitier: str
    type: str
    at: datetime
    id: str | int | None = None
    state: str | None = None
    rfid: str | None = None
    uid: str | None = None
    pin: str | None = None
    correct: bool | None = None
    chain_type: str | None = None
    value: float | None = None
    remaining_distance: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    accuracy: float | None = None


def moment_of(message: DeviceMessage) -> datetime:
    """The device time; without an offset it is UTC."""
    return message.at if message.at.tzinfo else message.at.replace(tzinfo=UTC)


def problem(message: DeviceMessage) -> str:
    """What is wrong with a message, as a sentence; empty when it can be taken."""
    if not message.boitier.strip() or len(message.boitier) > 40:
        return "`boitier` must be the number of a boitier."
    check = _CHECKS.get(message.type)
    return check(message) if check else f"`type` must be one of {', '.join(TelemetryType.values)}."


def _word(value: str | None, name: str) -> str:
    if not value or not value.strip() or len(value) > MAX_WORD:
        return f"`{name}` must be a word of at most {MAX_WORD} characters."
    return ""


def _lock(message: DeviceMessage) -> str:
    if message.rfid is not None and len(message.rfid) > 40:
        return "`rfid` must be at most 40 characters."
    return _word(message.state, "state")


def _pass(message: DeviceMessage) -> str:
    uid = message.uid
    return "" if uid and len(uid) <= 40 else "`uid` must be the number of a card."


def _pin(message: DeviceMessage) -> str:
    if message.correct is not None or (message.pin and len(message.pin) <= 20):
        return ""
    return "Give the `pin` that was typed, or `correct`: true or false."


def _chain(message: DeviceMessage) -> str:
    return _word(message.chain_type, "chain_type")


def _battery(message: DeviceMessage) -> str:
    if not is_percentage(message.value):
        return "`value` must be a charge from 0 to 100 per cent."
    distance = message.remaining_distance
    return "" if distance is None or 0 <= distance <= 1e6 else "`remaining_distance` must be metres."


def _position(message: DeviceMessage) -> str:
    if not is_position(message.latitude, message.longitude):
        return "`latitude` and `longitude` must be degrees on the earth; 0, 0 is no position."
    accuracy = message.accuracy
    return "" if accuracy is None or 0 <= accuracy <= 1e6 else "`accuracy` must be metres."


_CHECKS = {
    TelemetryType.LOCK.value: _lock,
    TelemetryType.PASS.value: _pass,
    TelemetryType.PIN.value: _pin,
    TelemetryType.CHAIN_TYPE.value: _chain,
    TelemetryType.BATTERY.value: _battery,
    TelemetryType.BATTERY_VAE.value: _battery,
    TelemetryType.POSITION.value: _position,
}


def stored_value(message: DeviceMessage) -> dict[str, Any]:
    """What is stored of a message: never a PIN, of a card its last characters."""
    match message.type:
        case TelemetryType.LOCK:
            return {"state": clean(message.state)} | ({"rfid": clean(message.rfid)} if message.rfid else {})
        case TelemetryType.PASS:
            return {"uid": masked(message.uid or "")}
        case TelemetryType.PIN:
            return {}
        case TelemetryType.CHAIN_TYPE:
            return {"chain_type": clean(message.chain_type)}
        case TelemetryType.POSITION:
            place = {"latitude": message.latitude, "longitude": message.longitude}
            return place | ({"accuracy": message.accuracy} if message.accuracy is not None else {})
    return {"value": message.value} | (
        {"remaining_distance": message.remaining_distance} if message.remaining_distance is not None else {}
    )
