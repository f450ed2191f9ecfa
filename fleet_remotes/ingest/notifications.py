"""The vendor's notifications, read leniently: whatever comes is kept, and what can be understood is.

Four top levels are taken (reference B2, B3): `RemoteEvents` with its `events`, an array of those, the B2C `Message`
with one `remoteEvent`, an array of those; a bare event too. Each event is read on its own, so that one bad event never
loses its neighbours.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from core.device_clock import Clock, judge
from core.pieces import MALFORMED, decode_any, split_array, why_malformed
from core.text import as_utf8, clean_text
from fleet_remotes.catalogue import CAUSE_ALIASES, NOT_SPECIFIED, is_known_cause
from fleet_remotes.choices import Flag, State
from fleet_remotes.rules.status import VendorReport

MAX_TEXT = 128
# What precedes the array of messages, or the one of events within a message.
_ARRAY = re.compile(rb'\s*((?:\{.{0,2000}?"events"\s*:\s*)?)\[', re.DOTALL)
_CALLBACK_ID = re.compile(rb'"callbackId"\s*:\s*"([^"\\]{1,128})"')

_PENDING = {
    "accepted": State.ACCEPTED,
    "wakingupvehicle": State.WAKING,
    "checkingvehicle": State.CHECKING,
    "senttovehicle": State.SENT,
    "vehiclebatterychargetoolow": State.BLOCKED_BATTERY,
    "toomanywakeupsovermonth": State.BLOCKED_QUOTA,
    "toomanywakesupsovermonth": State.BLOCKED_QUOTA,
}
_DONE = {"success": State.SUCCEEDED, "alreadydone": State.ALREADY_DONE, "failed": State.FAILED}


@dataclass(slots=True)
class Event:
    """One notification as it was understood. `state` is None when its status or type is none that we know.

    `problem` says why a piece of a body is no notification at all.
    """

    raw: Any
    digest: str
    callback_id: str = ""
    remote_action_id: str = ""
    vin: str = ""
    remote_type: str = ""
    type: str = ""
    status: str = ""
    cause: str = ""
    feedback: str = ""
    event_date: datetime | None = None
    state: State | None = None
    flags: list[str] = field(default_factory=list)
    problem: str = ""

    def report(self, received_at: datetime) -> VendorReport | None:
        """What it says of its action, with a moment that can be believed."""
        if self.state is None:
            return None
        at, _flag = believed_date(self.event_date, received_at)
        return VendorReport(self.state, at, self.cause, self.feedback)


def believed_date(event_date: datetime | None, received_at: datetime) -> tuple[datetime, str]:
    """The event's own date, or the receipt with the flag that says why. Old ones are believed: 72 h are normal.

    Notifications of one vehicle overtake each other, so an older date shows no clock that fell back.
    """
    moment = judge(event_date, received_at)
    if moment.clock != Clock.WRONG:
        return moment.at, ""
    return received_at, Flag.FUTURE_DATE if (moment.error_s or 0) > 0 else Flag.OLD_DATE


def read_body(body: bytes) -> list[Event]:
    """Every event of one callback, in order. Never raises: what cannot be read has a `problem`."""
    try:
        parsed, _note = decode_any(as_utf8(body))
    except MALFORMED as error:
        problem = f"The body is not JSON: {why_malformed(error)}"
        return list(_pieces(as_utf8(body))) or [_no_json(body, problem)]
    return list(_top_level(parsed))


def _pieces(body: bytes) -> Iterator[Event]:
    """What can be read of a body that is no JSON as a whole: its messages or its events, each by itself."""
    array = _ARRAY.match(body)
    if array is None:
        return
    head, outer = array[1], _CALLBACK_ID.search(array[1])
    callback_id = outer[1].decode(errors="replace") if outer else ""
    for piece in split_array(body[array.end() - 1 :]).items:
        try:
            parsed, _note = decode_any(piece)
        except MALFORMED as error:
            yield _no_json(piece, f"It is not JSON: {why_malformed(error)}")
        else:
            yield from _message(parsed) if not head.strip() else [_event(parsed, callback_id, {})]


def _no_json(body: bytes, problem: str) -> Event:
    return Event(clean_text(body[:2_000].decode(errors="replace")), _digest(body), problem=problem)


def _top_level(parsed: Any) -> Iterator[Event]:
    if not isinstance(parsed, list):
        yield from _message(parsed)
        return
    if not parsed:
        yield _unreadable(parsed, "The body holds no event.")
    for message in parsed:
        yield from _message(message)


def _message(message: Any) -> Iterator[Event]:
    if not isinstance(message, dict):
        yield _unreadable(message, "Neither a notification nor a batch of them.")
        return
    callback_id = _text(message.get("callbackId"))
    if isinstance(message.get("events"), list):
        if not message["events"]:
            yield _unreadable(message, "The body holds no event.")
        for event in message["events"]:
            yield _event(event, callback_id, {})
    elif isinstance(message.get("remoteEvent"), dict):  # the B2C Message, whose date is outside
        yield _event(message["remoteEvent"], callback_id, {"eventDate": message.get("date")})
    elif "eventStatus" in message:
        yield _event(message, callback_id, {})
    else:
        yield _unreadable(message, "Not a notification of a remote action.")


def _event(raw: Any, callback_id: str, outside: dict[str, Any]) -> Event:
    if not isinstance(raw, dict):
        return _unreadable(raw, "An event must be an object.")
    status = raw.get("eventStatus")
    remote_action_id = _text(raw.get("remoteActionId"))
    if not remote_action_id:
        return _unreadable(raw, "remoteActionId is missing.")
    if not isinstance(status, dict):
        return _unreadable(raw, "eventStatus is missing.")
    event = Event(
        raw=raw,
        digest="",
        callback_id=callback_id,
        remote_action_id=remote_action_id,
        vin=_text(raw.get("vin")).upper(),
        remote_type=_text(raw.get("remoteType")),
        type=_text(status.get("type")),
        feedback=_text(status.get("feedbackDetail")),
        cause=_text(status.get("failureCause")),
    )
    _read_date(event, raw.get("eventDate", outside.get("eventDate")))
    event.status = _status_text(event, status.get("status"))
    event.digest = _digest_of(event, raw.get("eventDate", outside.get("eventDate")))
    understand(event)
    return event


def _read_date(event: Event, date: Any) -> None:
    if date in (None, ""):
        event.flags.append(Flag.NO_DATE)
        return
    try:
        moment = datetime.fromisoformat(date)
        event.event_date = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        event.flags.append(Flag.BAD_DATE)


def _status_text(event: Event, status: Any) -> str:
    """The status, which the seed shows as an object of two fields and the specification as one text."""
    if isinstance(status, dict):
        key = "RemotePendingEventStatus" if event.type == "Pending" else "RemoteDoneEventStatus"
        event.flags.append(Flag.NORMALISED)
        text = status.get(key) or next((value for value in status.values() if value), "")
        return _text(text)
    return _text(status)


def understand(event: Event) -> None:
    """Decides what the event means, correcting the spellings of reference B5."""
    kind, status = event.type.lower(), event.status.lower()
    if kind == "failed":  # the flow chart's `type: Failed`, with the cause in the status' place
        event.flags.append(Flag.NORMALISED)
        if not event.cause and status != "failed":
            event.cause = event.status
        event.state = State.FAILED
    elif kind == "done":
        event.state = _DONE.get(status)
        if event.state is None and is_known_cause(event.status):
            event.flags.append(Flag.NORMALISED)
            event.cause, event.state = event.cause or event.status, State.FAILED
    elif kind == "pending":
        event.state = _PENDING.get(status)
    if event.state == State.FAILED:
        _name_cause(event)
    elif event.cause:
        event.flags.append(Flag.CAUSE_IGNORED)
        event.cause = ""
    event.flags = list(dict.fromkeys(event.flags))


def _name_cause(event: Event) -> None:
    if event.cause in CAUSE_ALIASES:
        event.flags.append(Flag.NORMALISED)
    event.cause = CAUSE_ALIASES.get(event.cause, event.cause) or NOT_SPECIFIED
    if not is_known_cause(event.cause):
        event.flags.append(Flag.UNKNOWN_CAUSE)


def read_record(record: Any, at: datetime) -> VendorReport | None:
    """What the vendor's own record of an action says: a flat `status` (reference B1). None when we do not know it."""
    if not isinstance(record, dict):
        return None
    status = record.get("status")
    inner = status if isinstance(status, dict) else {"status": status}
    text = _text(inner.get("status")).lower()
    state = _DONE.get(text) or _PENDING.get(text)
    if state is None:
        return None
    cause = _text(record.get("failureCause") or inner.get("failureCause"))
    feedback = _text(record.get("feedbackDetail") or inner.get("feedbackDetail"))
    cause = (CAUSE_ALIASES.get(cause, cause) or NOT_SPECIFIED) if state == State.FAILED else ""
    return VendorReport(state, at, cause, feedback, from_record=True)


def _text(value: Any) -> str:
    if value is None or isinstance(value, dict | list | bool):
        return ""
    return str(value).strip()[:MAX_TEXT]


def _unreadable(raw: Any, problem: str) -> Event:
    return Event(raw, _digest(msgspec.json.encode(raw)), problem=problem)


def _digest_of(event: Event, date: Any) -> str:
    """The vendor gives no delivery id: what says the same of the same action at the same time is a duplicate."""
    parts = (
        event.callback_id,
        event.remote_action_id,
        event.type,
        event.status,
        event.cause,
        event.feedback,
        str(date),
    )
    return _digest("|".join(parts).encode(errors="replace"))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
