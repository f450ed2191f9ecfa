"""Messages of the boxes: what they may hold, and what is wrong with those that cannot be taken."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from bikeshare.choices import TelemetryType
from bikeshare.ingest.resources import clean
from bikeshare.rules.telemetry import is_percentage, is_position, masked
from core.identities import identity

MAX_WORD = 40
MOST_METRES = 1e6
TYPES = frozenset(map(str, TelemetryType.values))


class DeviceMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One message of a box: its number (or our id), a type, the device's time, and what belongs to the type.

    lock: `state` and, with a dock's tag read, `rfid`. pass: `uid`. pin: `pin`, or `correct` where the box checks it.
    chain_type: `chain_type`. battery and battery_vae: `value` in per cent, for the latter also `remaining_distance` in
    metres. position: `latitude`, `longitude` (or both in `position`) and, in metres, `accuracy`; they are no place
    where `fix` is false or `outdated` true.

    Whatever its type, a message may also hold what the box knows beside it: its lock (`state`, or `locked` or
    `unlocked`: true or false), a `chain_type`, `battery`, `battery_vae`, a position.
    """

    boitier: str
    type: str = ""
    at: datetime | None = None
    id: str | int | None = None
    state: str | bool | int | UnsetType | None = UNSET
    rfid: str | None = None
    uid: str | int | None = None
    pin: str | int | None = None
    correct: bool | None = None
    chain_type: str | UnsetType | None = UNSET
    value: float | None = None
    remaining_distance: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    accuracy: float | None = None
    # An object, a list or a text; what is none of a place is rejected with the reading.
    position: Any = None
    fix: str | bool | int | float | None = None
    outdated: bool | None = None
    locked: str | bool | int | UnsetType | None = UNSET
    unlocked: str | bool | int | UnsetType | None = UNSET
    battery: float | None = None
    battery_vae: float | None = None


# What cannot be read of these never costs the message.
SPARE = ("at", "rfid", "correct", "remaining_distance", "accuracy", "battery", "battery_vae", "fix", "outdated")


def moment_of(message: DeviceMessage) -> datetime | None:
    """The device time, without an offset in UTC; None where it was not said, and then the receipt counts."""
    at = message.at
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def problem(message: DeviceMessage) -> str:
    """What is wrong with a message, as a sentence; empty when it can be taken."""
    if not message.boitier.strip() or len(message.boitier) > 40:
        return "`boitier` must be the number of a boitier."
    check = _CHECKS.get(message.type)
    if check is None and message.fix is False:
        check = _position
    return check(message) if check else f"`type` must be one of {', '.join(TelemetryType.values)}."


def _word(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        return f"`{name}` must be a word of at most {MAX_WORD} characters."
    return ""


def _pass(message: DeviceMessage) -> str:
    is_number = message.uid not in (None, "") and len(identity(str(message.uid))) <= 40
    return "" if is_number else "`uid` must be the number of a card."


def _pin(message: DeviceMessage) -> str:
    if message.correct is not None or (message.pin not in (None, "") and len(str(message.pin)) <= 20):
        return ""
    return "Give the `pin` that was typed, or `correct`: true or false."


def _battery(message: DeviceMessage) -> str:
    return "" if is_percentage(message.value) else "`value` must be a charge from 0 to 100 per cent."


def _position(message: DeviceMessage) -> str:
    if message.fix is False:
        return "The receiver had no valid fix: its `latitude` and `longitude` are no place."
    if not is_position(message.latitude, message.longitude):
        return "`latitude` and `longitude` must be degrees on the earth; 0, 0 is no position."
    return ""


_CHECKS = {
    TelemetryType.LOCK.value: lambda message: (
        "" if message.rfid and message.state is UNSET else _word(message.state, "state")
    ),
    TelemetryType.PASS.value: _pass,
    TelemetryType.PIN.value: _pin,
    TelemetryType.CHAIN_TYPE.value: lambda message: _word(message.chain_type, "chain_type"),
    TelemetryType.BATTERY.value: _battery,
    TelemetryType.BATTERY_VAE.value: _battery,
    TelemetryType.POSITION.value: _position,
}


def stored_value(message: DeviceMessage) -> dict[str, Any]:
    """What is stored of a message: never a PIN, of a card its last characters."""
    match message.type:
        case TelemetryType.LOCK:
            said = {} if message.state is UNSET else {"state": clean(message.state)}
            return said | ({"rfid": clean(message.rfid)} if message.rfid else {})
        case TelemetryType.PASS:
            return {"uid": masked(str(message.uid or ""))}
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
