"""What a vendor's own message says of a fault: a DataTransfer that carries no message of OCPP's. Pure.

By the name of its `messageId` it is an alarm, a report of a state, or neither. Of what is neither only that name is
read, so that texts for displays, prices and settings alarm nobody.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.lettering import plain
from infra_notifications.rules.phrases import ENDS, FINE, GONE
from infra_notifications.rules.vocabulary import (
    BLANK_CODES,
    FALSE_WORDS,
    FAULT_CODES,
    FAULTY_WORDS,
    FOLDED_VALUES,
    MAX_TEXT,
    TRAITS,
    text,
    truth,
    whole,
)
from infra_notifications.rules.wording import denies, readings

# "Default" holds no fault, "Terror" would be none of ours either.
_GRAVE = re.compile(
    r"(?<!de)fault|alarm|(?<!t)error|failure|emergency|tripped|malfunction|problem|stoerung|fehler|erreur|averia|guasto"
    r"|dtc"
)
# What some attempt did, "failed", is none of a station's.
_BROKEN = {word.lower() for word in FAULTY_WORDS} - {"failed", "blocked", "blockiert", "bloqué", "bloqueado"}
_WARNING = re.compile(r"alert|warning")
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
_BEGIN_WORDS = "active activated raised triggered begin began started occurred fault faulted error"
# What a name is called by in any of its states, and what every alarm is called by.
_UNSAID_WORDS = """
    on set open opened close tripped pressed detected present latched failed failure alarm alarms warning warnings alert
    event events notification notify report message status state info new no not is has been a an the of and fehler
    ausgelöst offen geöffnet betätigt gedrückt störung gestört detail details data faults errors current
"""
_OTHER, _END, _BEGIN = (frozenset(words.split()) for words in (_OTHER_WORDS, _END_WORDS, _BEGIN_WORDS))
_UNSAID = {word.strip("*").lower() for word in (*ENDS, *GONE, *FINE) if " " not in word} | _END | _BEGIN
_UNSAID |= FALSE_WORDS | {*_UNSAID_WORDS.split()}
_ENDS = _END | {
    *(
        "recover",
        "remove",
        "restore",
        "restored",
        "resolve",
        "disappear",
        "finish",
        "finished",
        "stop",
        "stopped",
        "relieved",
    ),
    *("eliminated", "dismissed", "rearmed", "normal", "normalized", "normalised", "deasserted"),
}
_ENDS_IN_CHINESE = re.compile(r"(?<![无未不])(?<!无法)(?:恢复|消失|解除|清除|结束|消警)")
_CALM = {fold(word) for word in FALSE_WORDS} | {"healthy", "fine"}
# In the name of what is yes or no: "closed" or "online" is no fault that ends when it is not so.
_CALM_WORDS = (
    _END | FALSE_WORDS | {"online", "connected", "locked", "charging", "running", "working", "valid", "powered"}
)
# The fields of codes, of texts and of states, folded; what names a fault comes first.
_CODE_NAMES = "errorcode faultcode alarmcode vendorerrorcode eventcode code errorid faultid"
_TEXT_NAMES = """
    name alarmname faultname errorname alarm fault error err title event type errormessage errormsg errordescription
    errortext errorinfo faultdescription faultmessage faulttext alarmtext alarmmessage alarmdescription problem failure
    info message description desc text reason detail details cause msg
"""
_CODES, _TEXTS = frozenset(_CODE_NAMES.split()), tuple(_TEXT_NAMES.split())
_STATES = frozenset(a + b for a in ("", "alarm", "fault", "error", "event", "warning") for b in ("state", "status"))
_STEPS = frozenset(("action", "phase", "operation", "alarmtype", "faulttype", "eventtype"))
# When it ended, where that is a moment and not 0 or the last of all.
_ENDED_AT = frozenset(
    owner + verb + unit
    for owner in ("", "alarm", "fault", "error", "event")
    for verb in (*_ENDS, "close")
    for unit in ("time", "at", "date", "timestamp")
)
_NO_MOMENT = re.compile(r"[\s0:.,TZ-]*|null|none|(?:0001|19\d\d|9\d\d\d)-.*", re.IGNORECASE)
_SWITCHES = frozenset(("active", "isactive", "alarm", "fault", "error", "err", "problem", "failure"))
_HARMLESS = frozenset(("warning", "warn", "notice", "info", "informational", "information", "debug"))
_LEVELS = frozenset(("severity", "level"))
_PLACES = ("evseid", "connectorid", "evse", "connector", "outlet")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_FORM = re.compile(r"\w+=[^&=]*(?:&\w+=[^&=]*)*")
_CLAUSE = re.compile(r"[.,;!|]\s")
_DEEPEST, _MOST_ALARMS, _MOST_NAME = 6, 1_000, 50
# The fields that are read, folded; what else a vendor's message holds says nothing here.
FIELDS = {
    *_CODES,
    *_TEXTS,
    *_STATES,
    *_STEPS,
    *_SWITCHES,
    *_LEVELS,
    *_PLACES,
    *_ENDS,
    "timestamp",
    "endtime",
    "isrecover",
}


class Alarm(NamedTuple):
    """One thing that a vendor's message says. `is_named`: it is called an alarm; `over` where it says so itself.

    `name` is what it is about in any of its states, "" where it does not say; one end without a name ends all of its
    `topic`. `is_told`: it says in words or by a switch that something is so, and no level says that it is harmless.
    """

    connector: int | None = None
    codes: tuple[str, ...] = ()
    words: str = ""
    over: bool | None = None
    is_named: bool = False
    occurred_at: Any = None
    name: str = ""
    topic: str = ""
    is_told: bool = False


def words_of(name: str) -> list[str]:
    """A name in its words, in lower case: `FaultCleared` is "fault", "cleared"."""
    return [word.lower() for word in _WORD.findall(name[:200])]


def _name_of(said: str) -> str:
    """What a text is about, whether it begins or ends: "Door opened" and "doorClosed" are about a door."""
    return "".join(word for word in words_of(said) if word not in _UNSAID and not (word.isdecimal() and len(word) > 1))[
        :_MOST_NAME
    ]


def _names_end(said: str) -> bool:
    """Whether a text, or the name of a field, says that something is over and not what: "AlarmEnd", "isRecover"."""
    words = set(words_of(said))
    return bool(_ENDS & words and words <= _UNSAID | _ENDS) or bool(_ENDS_IN_CHINESE.search(said))


def _kind_of(name: str) -> tuple[bool, bool]:
    """Whether a messageId names an alarm, and whether what it brings is about the state of the station at all. What
    has no name may be either."""
    if _OTHER.intersection(words_of(name)):
        return False, False
    folded = fold(name)
    is_alarm = bool(_GRAVE.search(folded) or _WARNING.search(folded))
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
    if isinstance(data, str) and len(data) <= MAX_TEXT and _FORM.fullmatch(data.strip()):
        return dict(parse_qsl(data.strip(), keep_blank_values=True))
    return data


def alarms_in(payload: dict[str, Any], data: Any, stated: Container[int] = ()) -> list[Alarm]:
    """What a DataTransfer, of which `data_of` made `data`, says of faults, empty where it says nothing. `stated`: the
    ids of those objects in it that are states of connectors, which are read as such."""
    name = text(payload.get("messageId"))
    is_named, is_read = _kind_of(name)
    words = words_of(name)
    if _OTHER.intersection(words):
        return []
    over = True if is_named and _END.intersection(words) else None
    spoken, called = " ".join(words), _name_of(name) if is_named else ""
    is_grave = bool(_GRAVE.search(fold(name)))
    # A warning, or a report of a state, says nothing of what else its vendor called an alarm.
    topic = "" if is_grave else "warning" if is_named else "".join(words) or "-"
    found = list(_read(data, 0, stated))[:_MOST_ALARMS] if is_read else []
    if not found and not stated:
        return [Alarm(words=spoken, over=over, is_named=is_named, name=called, topic=topic)] if spoken else []
    return [
        alarm._replace(
            words=f"{alarm.words}. {spoken}".strip(". ")[:MAX_TEXT],
            over=alarm.over if alarm.over is not None else over,
            is_named=is_named,
            name=alarm.name or called,
            topic=topic,
            is_told=alarm.is_told and is_grave,
        )
        for alarm in found
    ]


def _read(data: Any, depth: int, stated: Container[int]) -> Iterator[Alarm]:
    if isinstance(data, str) and any(map(str.isalnum, data)):
        if is_fine(data):
            yield Alarm(over=True)
        else:
            yield Alarm(words=text(data), name=_name_of(data), is_told=asserts(data))
    elif data == [] and not depth:
        yield Alarm(over=True)  # of those that there are, none
    elif isinstance(data, list) and depth < _DEEPEST:
        for each in data[:_MOST_ALARMS]:
            yield from _read(each, depth + 1, stated)
    elif isinstance(data, dict) and depth < _DEEPEST:
        told, inner = _Told(), list[Alarm]()
        for key, value in data.items():
            if isinstance(value, dict | list):
                inner += _read(value, 0 if _GRAVE.search(fold(key)) and not value else depth + 1, stated)
            elif id(data) not in stated:
                told.hear(key, value)
        connector = place_of({fold(key): value for key, value in data.items()})
        for alarm in (*told.alarms(), *inner):
            yield alarm if alarm.connector is not None else alarm._replace(connector=connector)


def place_of(values: Mapping[str, Any]) -> int | None:
    """The connector or EVSE that an object names; its keys are folded."""
    return next((number for key in _PLACES if (number := whole(values.get(key))) is not None), None)


class _Told:
    """What the fields of one object say together."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.texts: dict[str, str] = {}
        self.states: list[str] = []
        self.flags: dict[str, bool] = {}
        self.over: bool | None = None
        self.is_on = self.is_harmless = self.is_fine = self.has_ended = False
        self.at: Any = None

    def hear(self, key: str, value: Any) -> None:
        folded = fold(key)
        if folded in _SWITCHES and (is_on := truth(value)) is not None:
            self.is_on = self.is_on or is_on
            self.over = not self.is_on
        elif folded in _ENDED_AT:
            self.has_ended = self.has_ended or not _NO_MOMENT.fullmatch(text(value))
        elif folded not in _STATES and (is_end := truth(value)) is not None and _names_end(key):
            self.over = True if is_end else self.over
        elif isinstance(value, bool):
            self.flags[key] = value
        elif folded in _CODES or (folded in _SWITCHES and isinstance(value, int)):
            self.codes.append(text(value))
        elif folded in _STATES or folded in _STEPS:
            self._hear_state(folded, text(value))
        elif folded in _LEVELS:
            self.is_harmless = fold(text(value)) in _HARMLESS
        elif folded == "timestamp":
            self.at = value
        elif folded in _TEXTS and isinstance(value, str) and any(map(str.isalnum, value)):
            self.is_fine = self.is_fine or is_fine(value)
            if _names_end(value):
                self._hear_state(folded, value)
            elif not is_fine(value):
                self.texts[folded] = value

    def _hear_state(self, folded: str, said: str) -> None:
        state = fold(said)
        if _names_end(said) or (state in _CALM and folded in _STATES):
            self.over = True
        self.is_on = self.is_on or state in _BEGIN
        if any(map(str.isalpha, said)):
            self.states.append(said)

    def alarms(self) -> Iterator[Alarm]:
        real = tuple(code for code in self.codes if not is_fine(code))
        if not (real or self.texts) and self.flags:
            yield from self._flagged()
            return
        words = [*self.texts.values(), *self.states]
        words += [" ".join(words_of(key)) for key, value in self.flags.items() if value]
        over = True if self.has_ended and not self.is_on else self.over
        if (self.codes or self.is_fine) and not (real or self.texts or self.is_on):
            over = True
        if not (real or words or over is not None or self.is_on):
            return
        named = next((self.texts[field] for field in _TEXTS if field in self.texts), "")
        asserted = ". ".join(self.texts.values())
        yield Alarm(
            codes=real,
            words=". ".join(words)[:MAX_TEXT],
            over=over,
            occurred_at=self.at,
            name=real[0][:_MOST_NAME].lower() if real else _name_of(named),
            is_told=not self.is_harmless and (self.is_on or bool(asserted and asserts(asserted))),
        )

    def _flagged(self) -> Iterator[Alarm]:
        """What is yes or no by its name: what is so, or no longer is."""
        for key, value in self.flags.items():
            words, name = words_of(key), _name_of(key)
            is_calm = not name or not _CALM_WORDS.isdisjoint(words) or fold(key).endswith(TRAITS)
            if value:
                is_told = bool(_GRAVE.search(fold(key))) and not (is_calm or self.is_harmless)
                yield Alarm(words=" ".join(words), over=self.over, occurred_at=self.at, name=name, is_told=is_told)
            elif not is_calm:
                yield Alarm(over=True, occurred_at=self.at, name=name)


def asserts(said: str) -> bool:
    """Whether a text says that something is so, and not that it is not, or no longer."""
    first = _CLAUSE.split(readings(said[:MAX_TEXT])[-1], maxsplit=1)[0]
    return not denies(first, first)


def names_fault(said: str) -> bool:
    """Whether a text names a fault, and does not say that there is none, or no longer."""
    folded = fold(plain(said.lower()).replace("ö", "oe"))
    is_named = bool(_GRAVE.search(folded)) or any(code in folded for code in FAULT_CODES)
    return (is_named or not _BROKEN.isdisjoint(words_of(said))) and asserts(said)


def is_fine(code: str) -> bool:
    """Whether a code says that there is no error: none, 0, 0x00, OK, NoError."""
    folded = fold(code)
    if code.strip() in BLANK_CODES or FOLDED_VALUES["errorCode"].get(folded) == "NoError":
        return True
    if not folded:  # in another alphabet
        return not any(map(str.isalnum, code))
    return not folded.removeprefix("e").removeprefix("0x").strip("0")
