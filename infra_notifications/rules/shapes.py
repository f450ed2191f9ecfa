"""Messages that differ from others in their moments and counters alone: what is read of one is known of all. Pure.

Most of what stations send is a handful of shapes, a million times a day: heartbeats, and statuses that say that all is
well. A message of another action, or one that is odd in any way, has no shape and is read by itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from core.cache import Cache
from core.device_clock import parse_time
from infra_notifications.ingest import OPERATIVE, Observation, observe
from infra_notifications.rules.fault_names import WHOLE_STATION
from infra_notifications.rules.kept_messages import kept_payload
from infra_notifications.rules.oddities import unreadable_moment
from infra_notifications.rules.spelling import is_exact
from infra_notifications.rules.vocabulary import evse_of

# Longer messages are seldom told twice.
_LONGEST = 600
# What may stand around the one event of a NotifyEvent.
_AROUND_EVENT = frozenset(("generatedAt", "seqNo", "eventData"))


class Shape(msgspec.Struct, frozen=True, eq=False):
    """What is read of a message of this shape, but for its moments.

    `is_kept`: its payload is kept as it is. `calm` is the status that it tells where it tells of one charge point that
    nothing is broken there, else empty.
    """

    observations: list[Observation]
    evse: int | None
    is_kept: bool
    calm: str = ""


class Seen(NamedTuple):
    """A message's shape; when what it says occurred and when the device wrote it, where it says so."""

    shape: Shape
    occurred_at: datetime | None
    sent_at: datetime | None

    @property
    def observations(self) -> list[Observation]:
        """What it says, with its moments."""
        if self.occurred_at is None:
            return self.shape.observations
        moments = {"occurred_at": self.occurred_at, "sent_at": self.sent_at}
        return [msgspec.structs.replace(each, **moments) for each in self.shape.observations]


# Protocol, action, whether it says when, and the rest of it.
_Key = tuple[str, str, bool, bytes]
_shapes: Cache[_Key, Shape | None] = Cache(most=5_000)
_encode = msgspec.json.Encoder().encode


def seen_as(protocol: str, action: str, payload: Any) -> Seen | None:
    """The shape of a message and its moments; None for one that has to be read by itself."""
    if type(payload) is not dict:
        return None
    if action == "StatusNotification":
        said = payload.copy()
        told = said.pop("timestamp", None)
        occurred = parse_time(told)
        if occurred is None and told is not None:
            return None
        shape = _shape_of((protocol, action, occurred is None, _encode(said)), payload, said)
        return Seen(shape, occurred, None) if shape is not None else None
    if action == "Heartbeat" and not payload:
        shape = _shape_of((protocol, action, True, b""), payload, payload)
        return Seen(shape, None, None) if shape is not None else None
    return _seen_event(protocol, payload) if action == "NotifyEvent" else None


def _seen_event(protocol: str, payload: dict[str, Any]) -> Seen | None:
    events, generated = payload.get("eventData"), parse_time(payload.get("generatedAt"))
    if type(events) is not list or len(events) != 1 or type(events[0]) is not dict or generated is None:
        return None
    said = events[0].copy()
    occurred, number = parse_time(said.pop("timestamp", None)), said.pop("eventId", None)
    counters = (type(number), type(payload.get("seqNo")))
    if occurred is None or counters != (int, int) or not payload.keys() <= _AROUND_EVENT:
        return None
    shape = _shape_of((protocol, "NotifyEvent", True, _encode(said)), payload, {"eventData": [said]})
    return Seen(shape, occurred, generated) if shape is not None else None


def _shape_of(key: _Key, payload: dict[str, Any], said: dict[str, Any]) -> Shape | None:
    """The shape of this key; `said` is the payload without what changes from one message to the next."""
    if len(key[-1]) > _LONGEST:
        return _read(key[0], key[1], payload, said)
    return _shapes.get(key, lambda: _read(key[0], key[1], payload, said))


def _read(protocol: str, action: str, payload: dict[str, Any], said: dict[str, Any]) -> Shape | None:
    if not is_exact(protocol, action, payload) or unreadable_moment(payload):
        return None
    observations, is_kept = observe(protocol.lower(), action, said), kept_payload(action, payload) == payload
    calm = next(iter(observations), None) if len(observations) == 1 else None
    is_calm = calm is not None and bool(calm.evse) and calm.status.lower() in OPERATIVE
    if calm is None or not is_calm or calm.alarming or calm.transient or calm.fault.startswith(WHOLE_STATION):
        return Shape(observations, evse_of(said), is_kept)
    return Shape(observations, evse_of(said), is_kept, calm.status)
