"""What a vendor's own message says of a fault: a DataTransfer that carries no message of OCPP's. Pure.

By the name of its `messageId` it is an alarm, a report of a state, or neither. Of what is neither only that name is
read, so that texts for displays, prices and settings alarm nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.vocabulary import BLANK_CODES, FOLDED_VALUES, MAX_TEXT, VALUES, text, whole

# "Default" holds no fault, "Terror" would be none of ours either.
_ALARM = re.compile(
    r"(?<!de)fault|alarm|(?<!t)error|failure|emergency|alert|warning|tripped|malfunction|problem|stoerung|fehler"
    r"|erreur|averia|guasto|dtc"
)
_REPORT = re.compile(r"status|state|event|notif|report|diagnos|health|condition")
# What is asked of a station or set, what is listed of the past, what is shown: none of it says what is so now.
_OTHER_WORDS = """
    get set config configuration configure setting settings list history log logs threshold limit simulate simulation
    test export upload download count counter counters statistics subscribe enable disable mask display screen price
    tariff acknowledge ack request translation language
"""
_END_WORDS = """
    clear cleared reset resolved end ended off gone recovered recovery closed over removed inactive deactivated false
    ok released disappeared
"""
_OTHER, _END = frozenset(_OTHER_WORDS.split()), frozenset(_END_WORDS.split())
# The fields of codes, of texts and of states, folded.
_CODE_NAMES = "errorcode faultcode alarmcode vendorerrorcode eventcode code errorid faultid"
_TEXT_NAMES = """
    info message description desc text reason detail details cause error fault alarm event name title type
    alarmname faultname errormessage errordescription faultdescription alarmtext errortext msg
"""
_CODES, _TEXTS = frozenset(_CODE_NAMES.split()), frozenset(_TEXT_NAMES.split())
_STATES = frozenset(("state", "status", "alarmstate", "faultstate", "action", "phase"))
_PLACES = ("evseid", "connectorid", "evse", "connector", "outlet")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_SEPARATOR = re.compile(r"[,;|]")
_DEEPEST, _MOST_ALARMS = 4, 1_000
# The fields that are read, folded; what else a vendor's message holds says nothing here.
FIELDS = _CODES | _TEXTS | _STATES | {*_PLACES, "timestamp", "active", "cleared", "resolved"}


class Alarm(NamedTuple):
    """One thing that a vendor's message says. `is_named`: it is called an alarm; `over` where it says so itself."""

    connector: int | None = None
    codes: tuple[str, ...] = ()
    words: str = ""
    over: bool | None = None
    is_named: bool = False
    occurred_at: Any = None


def words_of(name: str) -> list[str]:
    """A name in its words, in lower case: `FaultCleared` is "fault", "cleared"."""
    return [word.lower() for word in _WORD.findall(name[:200])]


def _kind_of(name: str) -> tuple[bool, bool]:
    """Whether a messageId names an alarm, and whether what it brings is about the state of the station at all. What
    has no name may be either."""
    if _OTHER.intersection(words_of(name)):
        return False, False
    folded = fold(name)
    is_alarm = bool(_ALARM.search(folded))
    return is_alarm, is_alarm or not folded or bool(_REPORT.search(folded))


def is_report(payload: Mapping[str, Any]) -> bool:
    """Whether the `data` of a DataTransfer is about the state of its station, by the name of its message."""
    return _kind_of(text(payload.get("messageId")))[1]


def data_of(payload: Mapping[str, Any]) -> Any:
    """The `data` of a DataTransfer, of JSON text what it says; a text that is none as it is."""
    data = payload.get("data")
    for _wrap in range(2):
        if not isinstance(data, str) or not data.lstrip().startswith(("{", "[", '"')):
            break
        try:
            data = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError):
            break
    return data


def status_in(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The StatusNotification that a vendor's data are: a code of OCPP's and a state, or Faulted alone; or a list of the
    connector, the state, the code, a text and the vendor's code, as EVBox writes it: "1,Faulted,OtherError,,17"."""
    data = data_of(payload)
    if isinstance(data, str):
        data = _SEPARATOR.split(data.strip(), 5)
    if isinstance(data, list) and len(data) > 1 and whole(data[0]) is not None:
        named = zip(("connectorId", "status", "errorCode", "info", "vendorErrorCode"), map(text, data), strict=False)
        data = {name: value for name, value in named if value} | {"vendorId": text(payload.get("vendorId"))}
    if not isinstance(data, dict):
        return None
    values = {fold(key): value for key, value in data.items()}
    status = FOLDED_VALUES["status"].get(fold(text(values.get("status"))))
    code = FOLDED_VALUES["errorCode"].get(fold(text(values.get("errorcode"))))
    return data if status == "Faulted" or (status in VALUES["status"] and code is not None) else None


def alarms_in(payload: dict[str, Any]) -> list[Alarm]:
    """What a DataTransfer says of faults, empty where it says nothing."""
    name = text(payload.get("messageId"))
    is_named, is_read = _kind_of(name)
    words = words_of(name)
    if _OTHER.intersection(words):
        return []
    over = True if is_named and _END.intersection(words) else None
    spoken = " ".join(words)
    found = list(_read(data_of(payload), 0))[:_MOST_ALARMS] if is_read else []
    if not found:
        return [Alarm(words=spoken, over=over, is_named=is_named)] if spoken else []
    return [
        alarm._replace(
            words=f"{alarm.words}. {spoken}".strip(". ")[:MAX_TEXT],
            over=alarm.over if alarm.over is not None else over,
            is_named=is_named,
        )
        for alarm in found
    ]


def _read(data: Any, depth: int) -> Iterator[Alarm]:
    if isinstance(data, str):
        if data.strip():
            yield Alarm(words=text(data))
    elif isinstance(data, list) and depth < _DEEPEST:
        for each in data[:_MOST_ALARMS]:
            yield from _read(each, depth + 1)
    elif isinstance(data, dict) and depth < _DEEPEST:
        yield from _read_object(data, depth)


def _read_object(data: dict[str, Any], depth: int) -> Iterator[Alarm]:
    values = {fold(key): value for key, value in data.items()}
    codes, words, over = list[str](), list[str](), None
    connector = next((number for key in _PLACES if (number := whole(values.get(key))) is not None), None)
    inner: list[Alarm] = []
    for key, value in data.items():
        folded = fold(key)
        if isinstance(value, bool):
            ended, is_said = _truth(folded, value=value)
            over = ended if ended is not None else over
            words += [" ".join(words_of(key))] if is_said else []
        elif isinstance(value, dict | list):
            inner += _read(value, depth + 1)
        elif folded in _CODES:
            codes.append(text(value))
        elif folded in _STATES:
            over = True if fold(text(value)) in _END else over
            words += filter(None, [text(value)])
        elif folded in _TEXTS and isinstance(value, str) and value.strip():
            words.append(value)
    real = tuple(code for code in codes if code and not is_fine(code))
    if codes and not real and not words:
        over = True
    if real or words or over is not None:
        said = ". ".join(words)[:MAX_TEXT]
        yield Alarm(connector, real, said, over, occurred_at=values.get("timestamp"))
    for alarm in inner:
        yield alarm if alarm.connector is not None else alarm._replace(connector=connector)


def _truth(name: str, *, value: bool) -> tuple[bool | None, bool]:
    """What a yes or no of this name says: whether the fault is over, and whether its name is what is so."""
    if name in ("active", "isactive"):
        return not value, False
    if name in _END:
        return (True, False) if value else (None, False)
    return None, value


def is_fine(code: str) -> bool:
    """Whether a code says that there is no error: none, 0, 0x00, OK, NoError."""
    folded = fold(code)
    if code.strip() in BLANK_CODES or FOLDED_VALUES["errorCode"].get(folded) == "NoError":
        return True
    return not folded.removeprefix("e").removeprefix("0x").strip("0")
