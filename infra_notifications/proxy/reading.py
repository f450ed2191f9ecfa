"""What the listener reads of a frame: its head by a pattern, an item of it where a rule reads that, and how much it
weighs. What the pattern does not know is read again with the reader of `/charging/frames`, which takes more.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from core.pieces import MALFORMED
from infra_notifications.proxy.records import Rank
from infra_notifications.rules.frame_text import NUL, decoded
from infra_notifications.rules.frames import Frame, canonical_action, unwrap
from infra_notifications.rules.vocabulary import object_of
from infra_notifications.services.frames import frames_of

_HEAD = re.compile(
    rb'\s*\[\s*(?:([26])\s*,\s*"((?:[^"\\]|\\.){1,600})"\s*,\s*"([\w .:/-]{1,60})"\s*[,\]]'
    rb'|([345])\s*,\s*"((?:[^"\\]|\\.){1,600})"\s*,)'
)
# One frame behind another in the same message.
_MORE = re.compile(rb'\]\s*+(?:,\s*+)?\[\s*+"?[2-6]"?\s*+,')
# What is longer takes more than a few milliseconds, and is not read on the loop that all frames pass through.
LONGEST_HEAD, LONGEST_READ, LONGEST_ODD = 1_000, 64 * 1024, 16 * 1024
_STATES = frozenset(("BootNotification", "FirmwareStatusNotification", "NotifyReport"))
_OTHER = frozenset(("StartTransaction", "StopTransaction", "TransactionEvent", "DataTransfer"))
_CALM = frozenset(("noerror", ""))
# What is longer names no place and no transaction.
LONGEST_PLACE = 500
_outline = msgspec.json.Decoder(tuple[int, str, str, dict[str, msgspec.Raw]])
_NUMBERS = {"call": 2, "result": 3, "error": 4}


def head_of(data: bytes) -> re.Match[bytes] | None:
    """Kind, id and action of a call, or kind and id of an answer, where the frame is spelt as OCPP-J spells it and
    alone."""
    head = _HEAD.match(data[:LONGEST_HEAD])
    return None if head is None or _MORE.search(data) else head


def takes_long(data: bytes, *, is_odd: bool) -> bool:
    """Whether to read a frame takes more than a few milliseconds."""
    return len(data) > (LONGEST_ODD if is_odd else LONGEST_READ)


def plain_frames(data: bytes) -> tuple[list[tuple[re.Match[bytes], bytes, str]], int]:
    """The frames of what `head_of` does not know, spelt as OCPP-J spells them, each behind its head and before what had
    to be done to read it; and how many of it are none."""
    frames, bad = frames_of(data)
    try:
        plain = [(_plain(frame), frame.note) for frame in frames]
    except (OverflowError, ValueError):
        return [], bad + len(frames)  # a number that only a reader takes
    known = [(head, each, note) for each, note in plain if (head := _HEAD.match(each[:LONGEST_HEAD]))]
    return known, bad + len(plain) - len(known)


def _plain(frame: Frame) -> bytes:
    items = [frame.id or "-", canonical_action(frame.action).strip(), frame.payload]
    if frame.is_answer:
        code = object_of(frame.payload).get("errorCode")
        items[1:] = [frame.payload] if _NUMBERS[frame.kind] == 3 else [code, "", {}]
    return msgspec.json.encode([_NUMBERS[frame.kind], *items])


def payload_in(data: bytes) -> tuple[Any, str]:
    """The payload of a call, and what had to be done to read it. Raises MALFORMED."""
    frame, note = decoded(data)
    payload, unwrapped = unwrap(frame[3] if isinstance(frame, list) and len(frame) > 3 else {})
    return payload, note or unwrapped


def outline_in(data: bytes) -> tuple[Any, str]:
    """As `payload_in`, of a call of which is kept only what is of any: its long parts stay unread. Raises MALFORMED."""
    try:
        payload = None if NUL in data else _outline.decode(data)[3]
    except msgspec.MsgspecError:
        payload = None
    if payload is None:
        found, note = payload_in(data)
        return found, note
    return {name: None if len(raw) > LONGEST_PLACE else msgspec.json.decode(raw) for name, raw in payload.items()}, ""


def result_in(data: bytes) -> dict[str, Any] | None:
    """The payload of a result, an empty one where it is no object; None where the frame is no JSON."""
    try:
        return object_of(unwrap(_third(data))[0])
    except MALFORMED:
        return None


def error_code(data: bytes) -> Any:
    """The code of an error, None where it cannot be read."""
    try:
        return _third(data)
    except MALFORMED:
        return None


def _third(data: bytes) -> Any:
    frame = decoded(data)[0]
    return frame[2] if isinstance(frame, list) and len(frame) > 2 else None


def ahead_s(answer: dict[str, Any], now: float, known: float | None) -> float | None:
    """By how much the CSMS, whose clock is that of its stations, is ahead of us; as `known` where it does not say."""
    try:
        told = datetime.fromisoformat(str(answer.get("currentTime")))
    except ValueError:
        return known
    told = told.replace(tzinfo=UTC) if told.tzinfo is None else told
    return round(told.timestamp() - now, 1)


def rank_of(action: str, payload: dict[str, Any]) -> Rank:
    """How much a call of a station weighs where not everything can be kept."""
    if action == "StatusNotification":
        status = str(payload.get("status") or payload.get("connectorStatus") or "").lower()
        code = str(payload.get("errorCode") or "").lower()
        return Rank.FAULT if status in ("faulted", "unavailable") or code not in _CALM else Rank.STATE
    if action in ("NotifyEvent", "NotifyDERAlarm", "SecurityEventNotification"):
        return Rank.FAULT
    if action in _STATES:
        return Rank.STATE
    return Rank.OTHER if action in _OTHER else Rank.LIFE
