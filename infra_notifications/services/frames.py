"""Frames of OCPP-J as messages: each call one, each answer one with the action and connector of its call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from core.api import Problem
from core.batches import MAX_ITEMS
from core.cache import Cache
from core.ingest import Submission
from core.pieces import MALFORMED, OUTER, REPLACED, repeats_keys, split_array, split_values, why_malformed
from core.text import as_utf8, clean_json, identity_key
from infra_notifications.ingest import OcppMessage
from infra_notifications.rules.action_names import CALL
from infra_notifications.rules.frame_text import NUL, decoded, repeats
from infra_notifications.rules.frames import (
    FROM_CSMS,
    TEXT,
    UNPAIRED,
    Call,
    Frame,
    HeardMessage,
    MalformedFrame,
    action_of_answer,
    canonical_action,
    frames_in,
    parse_frame,
)
from infra_notifications.rules.heard import as_it_is, heard_call
from infra_notifications.rules.retained import retained
from infra_notifications.rules.stations import interval_of

# In what a frame may be wrapped, and what may say beside it when it was received.
_WRAPPERS, _MOMENTS = ("frame", "message", "raw", "data"), ("received_at", "timestamp", "at", "time")
# Calls whose answer may come with a later request, as far as this process sees both.
_open_calls: Cache[tuple[int, str, str], Call] = Cache(age_s=120.0, most=20_000)


@dataclass
class _Frames:
    """What a body holds: items with their places, what is wrong with others, what was read with pains."""

    items: list[tuple[int, Any]] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)


def frames_submission(body: bytes, *, key_id: int, station: str, protocol: str) -> Submission[OcppMessage]:
    """What a station's frames say, one frame or an array of them.

    Raises Problem 400 for a body that is no JSON, 413 above 1,000 frames, 422 for what can hold none.
    """
    found, messages = _read(body), list[tuple[int, OcppMessage]]()
    for place, item in found.items:
        try:
            frame, received_at = _frame_of(place, item, found)
        except (MalformedFrame, *MALFORMED) as error:
            why = why_malformed(error)
            sentence = why if isinstance(error, MalformedFrame) else f"It is not valid JSON: {why}."
            found.rejected.append((place, sentence))
            continue
        call = _pair(frame, (key_id, identity_key(station), frame.id))
        messages.append((place, message_of(frame, call, station, protocol, received_at)))
    return Submission(key_id, messages, found.rejected, found.warnings)


def frames_of(body: bytes) -> tuple[list[Frame], int]:
    """The frames of what was sent as one, and how many of it are none. Never raises for what it holds."""
    frames = list[Frame]()
    try:
        found = _read(body)
    except Problem:
        return frames, 1
    bad = len(found.rejected)
    for place, item in found.items:
        try:
            frame = _frame_of(place, item, found)[0]
        except (MalformedFrame, *MALFORMED):
            bad += 1
            continue
        said = next((sentence for where, sentence in found.warnings if where == place), "")
        frames.append(replace(frame, note=frame.note or said))
    return frames, bad


def message_of(
    frame: Frame,
    call: Call | None,
    station: str,
    protocol: str,
    received_at: str | None = None,
    *,
    from_station: bool = True,
) -> HeardMessage:
    """A frame as it is taken in, with the part of its payload that is kept; `call` is what it answers."""
    if not frame.is_answer:
        from_station = from_station and canonical_action(frame.action) not in FROM_CSMS
        heard = (heard_call if from_station else as_it_is)(protocol, frame.action, frame.payload)
        return HeardMessage(
            id=frame.id,
            station=station,
            **heard._asdict(),
            received_at=received_at,
            from_station=from_station,
            note=frame.note,
            interval_s=interval_of(heard.action, frame.payload) if from_station else None,
        )
    action = call.action if call else action_of_answer(frame.payload) or UNPAIRED[frame.kind]
    return HeardMessage(
        # Ids are of calls; an answer has that of its call.
        id=f"{frame.id}=",
        station=station,
        protocol=protocol,
        action=action,
        payload=retained(action, frame.payload, frame.kind),
        connector=call.connector if call else None,
        received_at=received_at,
        kind=frame.kind,
        from_station=from_station,
        note=frame.note,
        interval_s=interval_of(action, frame.payload, call.interval_s if call else None),
    )


def _pair(frame: Frame, key: tuple[int, str, str]) -> Call | None:
    """Remembers a call, or finds that of an answer."""
    if frame.kind == CALL:
        _open_calls.put(key, Call.of(frame.action, frame.payload))
        return None
    found = _open_calls.get(key, lambda: Call("", None))
    return found if found.action else None


def _frame_of(place: int, item: Any, found: _Frames) -> tuple[Frame, str | None]:
    """A frame, and when it was received where that is said beside it. Raises MalformedFrame, MALFORMED."""
    received_at = None
    for _wrap in range(3):
        if isinstance(item, str):
            item, note = decoded(item.encode(errors="replace"))
            found.warnings.append((place, note or TEXT))
        elif isinstance(item, dict):
            received_at = next((item[name] for name in _MOMENTS if isinstance(item.get(name), str)), received_at)
            item = next((item[name] for name in _WRAPPERS if name in item), None)
    return parse_frame(item), received_at


def _read(body: bytes) -> _Frames:
    body = as_utf8(body).strip(OUTER)
    try:
        value = msgspec.json.decode(body)
    except MALFORMED as error:
        return _checked(_read_pieces(body, error))
    values = _values_of(value)
    warnings = _repeats(body, values)
    if NUL in body and (cleaned := clean_json(body)) != body:
        sent, values = values, _values_of(msgspec.json.decode(cleaned))
        warnings += [(place, REPLACED) for place, each in enumerate(values) if each != sent[place]]
    return _checked(_Frames(list(enumerate(values)), warnings=warnings))


def _values_of(value: Any) -> list[Any]:
    """The frames of a body that is JSON, in whatever they are wrapped. Raises Problem 422."""
    if isinstance(value, dict) and isinstance(inner := next(iter(value.values()), None), list) and len(value) == 1:
        value = inner
    if isinstance(value, str | dict) or (isinstance(value, list) and frames_in(value)):
        value = [value]
    if not isinstance(value, list):
        raise Problem(422, 'The body must be a frame, such as [2,"7","Heartbeat",{}], or an array of frames.')
    return value


def _repeats(body: bytes, values: Sequence[Any]) -> list[tuple[int, str]]:
    """Which of these hold a key twice in one object."""
    if len(values) == 1:
        return [(0, note)] if (note := repeats(body, values[0])) else []
    if not repeats_keys(body):
        return []
    pieces = split_array(body).items
    return [(place, note) for place, piece in enumerate(pieces) if (note := repeats(piece, msgspec.json.decode(piece)))]


def _checked(found: _Frames) -> _Frames:
    count = len(found.items) + len(found.rejected)
    if count > MAX_ITEMS:
        raise Problem(413, f"A batch holds at most {MAX_ITEMS} frames; this one has {count}.")
    return found


def _frames_in(piece: bytes) -> Sequence[bytes]:
    """The frames of an array, or a frame alone."""
    inner = split_array(piece).items if piece[:1] == b"[" else ()
    return inner if inner and inner[0].strip(OUTER)[:1] in (b"[", b"{") else [piece]


def _read_pieces(body: bytes, error: Exception) -> _Frames:
    """The frames of a body that is no JSON as a whole, as far as they can be told apart."""
    # Frames, or arrays of them, that follow one another; what follows them is none.
    pieces = [inner for piece in split_values(body) for inner in _frames_in(piece)] if body[:1] == b"[" else []
    found = _Frames()
    for place, piece in enumerate(pieces):
        try:
            value, note = decoded(piece.strip(OUTER))
        except MALFORMED as malformed:
            found.rejected.append((place, f"It is not valid JSON: {why_malformed(malformed)}."))
            continue
        found.items.append((place, value))
        if note:
            found.warnings.append((place, note))
    if not found.items:
        raise Problem(400, f"The body is not valid JSON: {why_malformed(error)}.")
    return found
