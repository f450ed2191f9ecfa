"""What the listener reads of a frame: its head by a pattern, an item of it where a rule reads that, and how much it
weighs. What the pattern does not know is read again with the reader of `/charging/frames`, which takes more.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from core.pieces import MALFORMED, OUTER, decode_any
from infra_notifications.proxy.records import Rank
from infra_notifications.rules.actions import ACTIONS
from infra_notifications.rules.frames import Frame
from infra_notifications.rules.retained import HIDDEN
from infra_notifications.rules.spelling import PROTOCOLS
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
_NUMBERS = {"call": 2, "result": 3, "error": 4}


def head_of(data: bytes) -> re.Match[bytes] | None:
    """Kind, id and action of a call, or kind and id of an answer, where the frame is spelt as OCPP-J spells it and
    alone."""
    head = _HEAD.match(data[:LONGEST_HEAD])
    return None if head is None or _MORE.search(data) else head


def takes_long(data: bytes, *, is_odd: bool) -> bool:
    """Whether to read a frame takes more than a few milliseconds."""
    return len(data) > (LONGEST_ODD if is_odd else LONGEST_READ)


def plain_frames(data: bytes) -> tuple[list[tuple[re.Match[bytes], bytes]], int]:
    """The frames of what `head_of` does not know, spelt as OCPP-J spells them, each behind its head; and how many of it
    are none."""
    frames, bad = frames_of(data)
    try:
        plain = [_plain(frame) for frame in frames]
    except (OverflowError, ValueError):
        return [], bad + len(frames)  # a number that only a reader takes
    known = [(head, each) for each in plain if (head := _HEAD.match(each[:LONGEST_HEAD]))]
    return known, bad + len(plain) - len(known)


def _plain(frame: Frame) -> bytes:
    items = [frame.id or "-", frame.action.strip(), frame.payload]
    if frame.is_answer:
        code = object_of(frame.payload).get("errorCode")
        items[1:] = [frame.payload] if _NUMBERS[frame.kind] == 3 else [code, "", {}]
    return msgspec.json.encode([_NUMBERS[frame.kind], *items])


def decoded(data: bytes, place: int) -> dict[str, Any] | None:
    """An item of a frame that is an object, an empty one where it is none; None where the frame is no JSON."""
    try:
        return object_of(item(data, place))
    except MALFORMED:
        return None


def item(data: bytes, place: int) -> Any:
    """An item of a frame, None where there is none. Raises MALFORMED."""
    try:
        frame = msgspec.json.decode(data)
    except MALFORMED:
        frame, _note = decode_any(data.strip(OUTER))
    return frame[place] if isinstance(frame, list) and len(frame) > place else None


def error_code(data: bytes) -> Any:
    """The code of an error, None where it cannot be read."""
    try:
        return item(data, 2)
    except MALFORMED:
        return None


def skeleton(action: str, protocol: str) -> dict[str, str]:
    """What stands for a payload that nobody reads."""
    versions = ACTIONS.get(action, {})
    return dict.fromkeys(sorted(versions.get(PROTOCOLS[protocol], ())), HIDDEN)


def rank_of(action: str, payload: dict[str, Any]) -> Rank:
    """How much a call of a station weighs where not everything can be kept."""
    if action == "StatusNotification":
        status = str(payload.get("status") or payload.get("connectorStatus") or "").lower()
        code = str(payload.get("errorCode") or "").lower()
        return Rank.FAULT if status in ("faulted", "unavailable") or code not in _CALM else Rank.STATE
    if action in ("NotifyEvent", "SecurityEventNotification"):
        return Rank.FAULT
    if action in _STATES:
        return Rank.STATE
    return Rank.OTHER if action in _OTHER else Rank.LIFE
