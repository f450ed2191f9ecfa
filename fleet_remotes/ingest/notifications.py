"""The vendor's notifications, read leniently: whatever comes is kept, and what can be understood is.

Four top levels are taken (reference B2, B3): `RemoteEvents` with its `events`, an array of those, the B2C `Message`
with one `remoteEvent`, an array of those; a bare event too, and one object where a list is usual. Keys may be spelled
in any case and with "_". Each event is read on its own, so that one bad event never loses its neighbours.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from core.corrections import folded
from core.device_clock import Clock, judge
from core.moments import read_moment
from core.pieces import MALFORMED, decode_any, split_array, split_objects, why_malformed
from core.text import as_utf8, clean_text
from fleet_remotes.catalogue.advice import NOT_SPECIFIED, is_known_cause
from fleet_remotes.catalogue.words import DONE, PENDING, cause_of_word
from fleet_remotes.choices import Flag, State
from fleet_remotes.ingest.statuses import STATUSES, TYPES, by_key, fold, read_status, text_of
from fleet_remotes.rules.status import VendorReport

# What precedes the array of messages, or the one of events within a message.
_ARRAY = re.compile(rb'\s*((?:\{.{0,2000}?"events"\s*:\s*)?)\[', re.DOTALL)
_CALLBACK_ID = re.compile(rb'"callbackId"\s*:\s*"([^"\\]{1,128})"')

# In what some wrap a notification or a batch, so deep at most.
_WRAPPERS = (
    *("data", "payload", "message", "body", "notification", "attributes", "value", "embedded"),
    *("messages", "notifications", "items", "records"),
)
_DEEPEST = 3


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
        whole = as_utf8(body)
        return list(_pieces(whole)) or list(_lines(whole)) or list(_form(whole)) or [_no_json(body, problem)]
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
            yield from _message(parsed) if not head.strip() else _events(parsed, [parsed], callback_id, {})


def _lines(body: bytes) -> Iterator[Event]:
    """The messages of a body that are objects one behind the other."""
    for piece in split_objects(body):
        try:
            yield from _message(decode_any(piece)[0])
        except MALFORMED as error:
            yield _no_json(piece, f"It is not JSON: {why_malformed(error)}")


def _form(body: bytes) -> Iterator[Event]:
    """The messages of a form, in whichever of its fields they stand."""
    for _name, value in parse_qsl(body.decode(errors="replace")):
        if (opened := _opened(value)) is not value:
            yield from _top_level(opened)


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


def _message(message: Any, depth: int = 0) -> Iterator[Event]:
    opened = _opened(message)
    if not isinstance(opened, dict):
        yield _unreadable(message, "Neither a notification nor a batch of them.")
        return
    found = by_key(opened)
    callback_id = text_of(found.get("callbackid"))
    for name in ("events", "remoteevents", "remoteevent", "event"):
        if isinstance(events := _opened(found.get(name)), dict | list):
            # Of the B2C Message the date is outside.
            yield from _events(message, _listed(events), callback_id, {"eventDate": found.get("date")})
            return
    if found.keys() & {"eventstatus", "remoteactionid"}:
        yield from (_event(one, callback_id, {}) for one in _statuses(opened))
        return
    inner = next((held for name in _WRAPPERS if isinstance(held := _opened(found.get(name)), dict | list)), None)
    if not inner or depth == _DEEPEST:
        yield _unreadable(message, "Not a notification of a remote action.")
        return
    for one in _listed(inner):
        yield from _message(one, depth + 1)


def _opened(value: Any) -> Any:
    """What a text holds that is an object or a list written as JSON; everything else as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return decode_any(value.encode())[0]
    except MALFORMED:
        return value


def _statuses(raw: Any) -> list[Any]:
    """An event of several statuses as one for each of them."""
    if not isinstance(raw, dict) or isinstance(raw.get("eventStatus"), dict):
        return [raw]
    name = next((key for key in raw if fold(key) == "eventstatus"), "")
    several = _opened(raw[name]) if name else None
    if not isinstance(several, list) or not several[1:] or not all(isinstance(_opened(one), dict) for one in several):
        return [raw]
    return [raw | {name: one} for one in several]


def _events(message: Any, events: list[Any], callback_id: str, outside: dict[str, Any]) -> Iterator[Event]:
    each = [one for event in events for one in (event if isinstance(event, list) else [event])]
    if not each:
        yield _unreadable(message, "The body holds no event.")
    for one in each:
        yield from (_event(event, callback_id, outside) for event in _statuses(_opened(one)))


def _listed(value: Any) -> list[Any]:
    """A list, also as an object whose keys are its places, or the one thing that stands where a list is usual."""
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        return list(value.values())
    return value if isinstance(value, list) else [value]


def _event(raw: Any, callback_id: str, outside: dict[str, Any]) -> Event:
    if not isinstance(raw, dict):
        return _unreadable(raw, "An event must be an object.")
    found = by_key(raw)
    remote_action_id = text_of(found.get("remoteactionid"))
    if not remote_action_id:
        return _unreadable(raw, "remoteActionId is missing.")
    status = _opened(found.get("eventstatus")) or (found if found.keys() & STATUSES else None)
    if isinstance(status, list) and len(status) == 1:
        status = _opened(status[0])
    if isinstance(status, list | str) and status:
        is_type = isinstance(status, str) and folded(status) in TYPES
        status = {"type" if is_type else "status": status}
    if not isinstance(status, dict):
        return _unreadable(raw, "eventStatus is missing.")
    said = read_status(status, found)
    date = found.get("eventdate") or by_key(status).get("eventdate") or outside.get("eventDate")
    event = Event(
        raw=raw,
        digest="",
        callback_id=callback_id,
        remote_action_id=remote_action_id,
        vin=text_of(found.get("vin")).upper(),
        remote_type=text_of(found.get("remotetype")),
        type=said.type,
        status=said.status,
        feedback=said.feedback,
        cause=said.cause,
    )
    if said.is_object:  # the seed shows an object of two fields, the specification one text
        event.flags.append(Flag.NORMALISED)
    _read_date(event, date)
    understand(event)
    event.digest = _digest_of(event, date)
    return event


def _read_date(event: Event, date: Any) -> None:
    if date in (None, ""):
        event.flags.append(Flag.NO_DATE)
        return
    event.event_date = read_moment(date)
    if event.event_date is None:
        event.flags.append(Flag.BAD_DATE)


def understand(event: Event) -> None:
    """Decides what the event means, correcting the spellings of reference B5."""
    kind = fold(event.type)
    if not kind:
        kind = _kind_of_status(event)
    elif not _fits(kind, event) and _is_known(event.status):
        kind = _kind_of_status(event)
        event.flags.append(Flag.NORMALISED)
    if kind == "failed":  # the flow chart's `type: Failed`, with the cause in the status' place
        event.flags.append(Flag.NORMALISED)
        if not event.cause and DONE.read(event.status) != State.FAILED:
            event.cause = event.status
        event.state = State.FAILED
    elif kind == "done":
        event.state = _outcome(event)
    elif kind == "pending":
        event.state = _state(PENDING.read(event.status))
    if event.state == State.WAKING:
        event.status = "WakingUpVehicle"  # by which wake-ups are counted
    if event.state == State.FAILED:
        _name_cause(event)
    elif event.cause:
        event.flags.append(Flag.CAUSE_IGNORED)
        event.cause = ""
    event.flags = list(dict.fromkeys(event.flags))


def _state(word: str | None) -> State | None:
    return None if word is None else State(word)


def _is_known(status: str) -> bool:
    return bool(status and (PENDING.read(status) or DONE.read(status) or is_known_cause(status)))


def _fits(kind: str, event: Event) -> bool:
    """Whether a status that we know is one of its type's: what stands in the other list alone is said more clearly
    than the type."""
    if kind == "pending":
        return PENDING.read(event.status) is not None
    is_done = bool(event.cause or DONE.read(event.status) or is_known_cause(event.status))
    return kind == "failed" or (kind == "done" and is_done)


def _kind_of_status(event: Event) -> str:
    """The type where none is said that we know: a status stands in one of the two lists alone."""
    if event.status and PENDING.read(event.status):
        return "pending"
    return "done" if event.cause or (event.status and (DONE.read(event.status) or is_known_cause(event.status))) else ""


def _outcome(event: Event) -> State | None:
    """Of a Done: a cause makes it a failure, also where it stands in the status' place or the status is empty."""
    state = _state(DONE.read(event.status)) if event.status else None
    if state is None and (event.cause or is_known_cause(event.status)):
        event.flags.append(Flag.NORMALISED)
        event.cause, state = event.cause or event.status, State.FAILED
    return state


def _name_cause(event: Event) -> None:
    cause = cause_of_word(event.cause) or NOT_SPECIFIED
    if event.cause and cause != event.cause:
        event.flags.append(Flag.NORMALISED)
    event.cause = cause
    if not is_known_cause(cause):
        event.flags.append(Flag.UNKNOWN_CAUSE)


def read_record(record: Any, at: datetime) -> VendorReport | None:
    """What the vendor's own record of an action says: a flat `status` (reference B1). None when we do not know it."""
    if not isinstance(record, dict):
        return None
    said = read_status({key: value for key, value in record.items() if fold(key) != "type"})
    text, cause = said.status, said.cause
    state = _state((DONE.read(text) or PENDING.read(text)) if text else None)
    if state is None and (cause or is_known_cause(text)):
        cause, state = cause or text, State.FAILED
    if state is None:
        return None
    cause = (cause_of_word(cause) or NOT_SPECIFIED) if state == State.FAILED else ""
    return VendorReport(state, at, cause, said.feedback, from_record=True)


def _unreadable(raw: Any, problem: str) -> Event:
    return Event(raw, _digest(msgspec.json.encode(raw)), problem=problem)


def _digest_of(event: Event, date: Any) -> str:
    """The vendor gives no delivery id: what means the same of the same action at the same moment is a duplicate,
    however it is spelt."""
    meaning = (event.type, event.status) if event.state is None else (event.state.value,)
    moment = str(date) if event.event_date is None else event.event_date.isoformat()
    parts = (event.callback_id, event.remote_action_id, *meaning, event.cause, event.feedback, moment)
    return _digest("|".join(parts).encode(errors="replace"))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
