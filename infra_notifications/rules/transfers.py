"""What a vendor's own message says of a fault: a DataTransfer that carries no message of OCPP's. Pure.

By the name of its `messageId` it is an alarm, a report of a state, or neither. Of what is neither, only that name is
read and what says by itself that something is broken, so that texts for displays, prices and settings alarm nobody.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.owners import PLACED, Which, number_in, place_of
from infra_notifications.rules.transfer_data import (
    as_self_test,
    data_of,
    is_emptied,
    is_flag,
    is_of_attempts,
    is_of_the_past,
    listed,
    lists_faults,
    logs,
    only_measures,
    strictly,
)
from infra_notifications.rules.transfer_words import (
    BEGIN,
    BITS,
    BROKEN_PARTS,
    CALM,
    CALM_WORDS,
    CODES,
    ENDED_AT,
    FAULT_SWITCHES,
    FAULT_TEXT_NAMES,
    GRAVE,
    GRAVE_WORDS,
    HAPPENED,
    HAPPENS,
    HARMLESS,
    LEVELS,
    MEASURED,
    MOST_NAME,
    NO_MOMENT,
    NO_PARTS,
    OTHER,
    PART_STATES,
    PILOT_FAULTS,
    REPORT,
    RESULTS,
    SELF_TESTS,
    SORTS,
    STATES,
    STEPS,
    SWITCHES,
    TEXTS,
    WARNING,
    asserts,
    is_fine,
    is_of_end,
    is_on,
    is_sensed,
    name_of,
    names_end,
    says_broken,
    without_course,
    words_of,
)
from infra_notifications.rules.vocabulary import MAX_TEXT, TRAITS, text, truth

_DEEPEST, _MOST_ALARMS = 6, 1_000
# What else is about what is so now by its name: a line of a log, a test of oneself.
_NOW = frozenset(("log", "logs", "test"))
_NUMBERED_FAULTS = re.compile(r"(?<!de)(?:fault|alarm|error)(?:code|id|number|no)?s?(?:list)?$")


class Alarm(NamedTuple):
    """One thing that a vendor's message says. `is_named`: it is called an alarm; `over` where it says so itself.

    `name` is what it is about in any of its states, "" where it does not say; one end without a name ends all of its
    `topic`. `is_told`: it says in words or by a switch that something is so, and no level says that it is harmless.
    `is_clear`: its data says that something is broken, whatever the message is called; `is_text`: in a text alone.
    `is_emptied`: of a list of faults nothing is left.
    """

    connector: Which = None
    codes: tuple[str, ...] = ()
    words: str = ""
    over: bool | None = None
    is_named: bool = False
    occurred_at: Any = None
    name: str = ""
    topic: str = ""
    is_told: bool = False
    is_clear: bool = False
    is_text: bool = False
    is_emptied: bool = False

    @property
    def is_said(self) -> bool:
        return self.is_told or (self.is_text and is_of_end(words_of(self.words)))


def _name_of(payload: Mapping[str, Any]) -> str:
    """How a message is called, but for "Request"."""
    return re.sub(r"(?i)(?<=\w)[._ -]?req(?:uest)?$", "", text(payload.get("messageId"))[:MAX_TEXT])


def _kind_of(name: str) -> tuple[bool, bool]:
    """Whether a messageId names an alarm, and whether what it brings is about the state of the station at all. What
    has no name may be either."""
    if OTHER.intersection(words_of(name)):
        return False, False
    folded = fold(name)
    is_alarm = bool(GRAVE.search(folded) or WARNING.search(folded))
    return is_alarm, is_alarm or not folded or bool(REPORT.search(folded))


def is_report(payload: Mapping[str, Any]) -> bool:
    """Whether the `data` of a DataTransfer is about the state of its station, by the name of its message."""
    name = _name_of(payload)
    return _kind_of(name)[1] or _is_asked(name)


def _is_asked(name: str) -> bool:
    """Whether a messageId asks for a state, so that what it brings of connectors is the answer: "GetStatus"."""
    return OTHER.intersection(words_of(name)) == {"get"} and bool(REPORT.search(fold(name)))


def said_in(payload: Mapping[str, Any]) -> Any:
    """The part of the `data` of a DataTransfer that is read: all of an alarm or a report of a state, of what is called
    otherwise what says by itself that something is broken, or no longer. None where nothing is."""
    name = _name_of(payload)
    data = data_of(payload, is_named=_kind_of(name)[0])
    if _kind_of(name)[1]:
        return data
    if fold(name) in SELF_TESTS:
        return strictly(as_self_test(data))
    if _is_asked(name):
        held = data.items() if isinstance(data, dict) else ()
        return {key: value for key, value in held if PLACED.fullmatch(fold(key))} or None
    words = OTHER.intersection(words_of(name))
    if not words <= _NOW or is_of_attempts(name):
        return None
    if words and isinstance(data, str):
        return data if logs(data) else None
    return strictly(data)


def alarms_in(payload: dict[str, Any], stated: Container[int] = (), data: Any = None) -> list[Alarm]:
    """What a DataTransfer, of which `said_in` made `data`, says of faults, empty where it says nothing. `stated`: the
    ids of those objects in it that are states of connectors, which are read as such."""
    name = _name_of(payload)
    is_named, is_read = _kind_of(name)
    words = words_of(name)
    is_other = bool(OTHER.intersection(words))
    called = name_of(name) if is_named or not is_read else ""
    is_end = (is_named or bool(called)) and is_of_end(words)
    is_grave = bool(GRAVE.search(fold(name)))
    # A warning, or a report of a state, says nothing of what else its vendor called an alarm.
    topic = "" if is_grave else "warning" if is_named else (called if not is_read else "") or "".join(words) or "-"
    if isinstance(data, dict) and MEASURED.search(fold(name)):  # its value may well be 0
        data = {key: value for key, value in data.items() if fold(key) != "value" or isinstance(value, bool)}
    found = list(_read(data, 0, stated))[:_MOST_ALARMS] if is_read or data is not None else []
    if not is_read:
        found = [alarm for alarm in found if alarm.is_clear or alarm.over or (not is_other and alarm.is_said)]
    told = {alarm.connector for alarm in found if not alarm.over and (alarm.is_clear or (is_named and alarm.is_told))}
    found = [alarm for alarm in found if not (alarm.is_emptied and alarm.connector in told)]
    spoken = "" if is_other else " ".join(without_course(words))
    if not found and not stated and spoken and (is_named or not only_measures(words, data)):
        place = place_of({fold(key): value for key, value in data.items()}) if isinstance(data, dict) else None
        found = [Alarm(connector=place, is_told=words[-1] in HAPPENED)]
    made = list[Alarm]()
    for alarm in found:
        over = alarm.over if alarm.over is not None else True if is_end else None
        if is_end and alarm.over and not alarm.name and not is_grave:
            continue  # "DoorClosed": false
        is_clear = alarm.is_clear and (is_named or fold(name) in SELF_TESTS or not is_of_attempts(name))
        made.append(
            alarm._replace(
                words=f"{alarm.words}. {spoken}".strip(". ")[:MAX_TEXT],
                over=over,
                is_named=is_named or is_clear,
                name=alarm.name or (called if is_named else ""),
                topic=topic,
                # What is no alarm by its name says it of the station, not of what somebody tried.
                is_told=alarm.is_told and (is_grave if is_named else alarm.is_clear and not alarm.is_text),
                is_clear=is_clear,
            )
        )
    if called and (is_end or is_named or not HAPPENED.isdisjoint(words)):
        ends = (alarm for alarm in made if alarm.over and not alarm.codes and alarm.name in ("", called))
        topic, name = (called, "") if is_named else ("", called)
        made += [alarm._replace(topic=topic, name=name) for alarm in ends]
    return made[:_MOST_ALARMS]


def _read(
    data: Any, depth: int, stated: Container[int], *, is_grave: bool = False, is_owned: bool = False
) -> Iterator[Alarm]:
    """`is_grave`: it stands under a name for faults; `is_owned`: under one of connectors or EVSEs."""
    if isinstance(data, str) and any(map(str.isalnum, data)):
        yield from _read_text(data, stated, is_grave=is_grave)
    elif data == [] and not depth:
        yield Alarm(over=True, is_emptied=True)  # of those that there are, none
    elif isinstance(data, list) and depth < _DEEPEST:
        for each in data[:_MOST_ALARMS]:
            yield from _read(each, depth + 1, stated, is_grave=is_grave, is_owned=is_owned)
    elif isinstance(data, dict) and depth < _DEEPEST:
        told, inner = _Told(), list[Alarm]()
        for key, value in ((key, value) for key, value in data.items() if not is_of_the_past(key)):
            if is_emptied(key, value):
                inner.append(Alarm(over=True, is_emptied=True))
            elif isinstance(value, dict | list):
                inner += _held(key, value, depth, stated, is_owned=is_owned)
            elif id(data) not in stated and id(value) not in stated:
                told.hear(key, value)
        connector = place_of({fold(key): value for key, value in data.items()}, is_owned=is_owned)
        for alarm in (*told.alarms(is_grave=is_grave), *inner):
            yield alarm if alarm.connector is not None else alarm._replace(connector=connector)


def _held(
    key: str, value: dict[str, Any] | list[Any], depth: int, stated: Container[int], *, is_owned: bool
) -> Iterator[Alarm]:
    """What stands under a name; connectors within an EVSE are counted there."""
    is_of_faults = bool(GRAVE.search(fold(key))) and (OTHER.isdisjoint(words_of(key)) or lists_faults(key))
    is_empty, is_placed = fold(key) in FAULT_TEXT_NAMES and not value, bool(PLACED.fullmatch(fold(key)))
    number = number_in(fold(key), is_owned=is_owned) if is_owned or is_placed else None
    is_within = is_owned and is_placed
    if isinstance(value, list) and lists_faults(key) and _NUMBERED_FAULTS.search(fold(key)):
        value = [{"code": each} if type(each) is int else each for each in value if each != 0]
        is_empty = not value
    for alarm in _read(value, 0 if is_empty else depth + 1, stated, is_grave=is_of_faults, is_owned=is_placed):
        connector = None if is_within else number if alarm.connector is None else alarm.connector
        yield alarm._replace(connector=connector, over=True if names_end(key) else alarm.over)


def _read_text(said: str, stated: Container[int], *, is_grave: bool) -> Iterator[Alarm]:
    if is_fine(said) or names_end(said) or is_on(said) is False:
        yield Alarm(over=True)
    elif is_on(said):
        yield Alarm(is_told=True)
    elif row := listed(said):
        yield from _read(row, _DEEPEST - 1, stated, is_grave=is_grave)
    else:
        alarm = Alarm(words=text(said), name=name_of(said), is_told=asserts(said), is_text=not says_broken(said))
        yield alarm._replace(is_clear=alarm.is_told and (is_grave or logs(said)))


class _Told:
    """What the fields of one object say together."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.texts: dict[str, str] = {}
        self.states: list[str] = []
        self.flags: dict[str, bool] = {}
        self.parts: dict[str, str] = {}
        self.over: bool | None = None
        self.is_on = self.is_harmless = self.is_fine = self.has_ended = self.is_clear = False
        # It is sorted among faults; it holds an error without a text; its value is 0.
        self.is_sorted = self.is_blank = self.is_zero = self.has_pilot_fault = False
        self.at: Any = None

    def hear(self, key: str, value: Any) -> None:
        folded = fold(key)
        if folded in SWITCHES and (on := is_on(value)) is not None:
            self._hear_switch(key, folded, value, on=on)
        elif folded in ENDED_AT:
            self.has_ended = self.has_ended or not NO_MOMENT.fullmatch(text(value))
        elif folded not in STATES and (is_end := truth(value)) is not None and names_end(key):
            self.over = True if is_end else self.over
        elif isinstance(value, bool) or is_flag(key, value):
            self.flags[key] = bool(is_on(value))
        elif value in ("", None):
            self.is_blank = self.is_blank or folded in FAULT_SWITCHES
        elif folded in CODES or BITS.fullmatch(folded) or (folded in FAULT_SWITCHES and isinstance(value, int)):
            self.codes.append(text(value))
            self.is_clear = self.is_clear or (folded not in ("code", "eventcode") and not is_fine(text(value)))
        elif folded in STATES or folded in STEPS:
            self._hear_state(folded, text(value))
        elif folded in LEVELS:
            self.is_harmless = fold(text(value)) in HARMLESS
            self.is_sorted = self.is_sorted or fold(text(value)) in GRAVE_WORDS
        elif folded == "timestamp":
            self.at = value
        elif isinstance(value, str) and any(map(str.isalnum, value)):
            self._hear_text(key, folded, value)

    def _hear_switch(self, key: str, folded: str, value: Any, *, on: bool) -> None:
        if folded == "value" and not on and text(value) == "0":
            self.is_zero = True
            return
        self.is_on = self.is_on or on
        self.over = not self.is_on
        self.is_clear = self.is_clear or (on and folded in FAULT_SWITCHES)
        if on and folded in HAPPENS:
            self.states.append(key)

    def _hear_text(self, key: str, folded: str, value: str) -> None:
        if folded in RESULTS:
            self.is_fine = self.is_fine or is_fine(value) or not asserts(value)
            if fold(value) in PART_STATES:
                self.states.append(f"self test {value}")
                self.is_clear, self.is_on = True, self.is_on or folded in SELF_TESTS
        elif folded in TEXTS:
            self.is_fine = self.is_fine or is_fine(value)
            if folded in SORTS and fold(value) in GRAVE_WORDS:
                self.is_sorted = True
            if names_end(value):
                self._hear_state(folded, value)
            elif not is_fine(value):
                self.texts[folded] = value
                self.is_clear = self.is_clear or (folded in FAULT_TEXT_NAMES and asserts(value))
        elif folded not in NO_PARTS and not is_of_attempts(key) and OTHER.isdisjoint(words_of(key)):
            self.parts[key] = value.strip().lower()

    def _hear_state(self, folded: str, said: str) -> None:
        state = fold(said)
        self.has_pilot_fault = self.has_pilot_fault or (folded == "state" and said in PILOT_FAULTS)
        if names_end(said) or (state in CALM and folded in STATES):
            self.over = True
        is_sort = folded in STEPS and state in GRAVE_WORDS
        self.is_on, self.is_sorted = self.is_on or (state in BEGIN and not is_sort), self.is_sorted or is_sort
        self.is_clear = self.is_clear or state in BROKEN_PARTS or (folded in STATES and state in GRAVE_WORDS)
        if any(map(str.isalpha, said)):
            self.states.append(said)

    def _is_over(self, real: tuple[str, ...]) -> bool | None:
        if self.has_ended and not self.is_on:
            return True
        said = " ".join(self.texts.values())
        if (self.codes or self.is_fine) and not (real or said or self.is_on):
            return True
        if self.is_on:
            return self.over
        if self.is_zero and not MEASURED.search(fold(said)):
            return True
        # An error without a text is none, beside the bare name of a part.
        is_name = set(self.texts) <= {"name", "title"} and HAPPENS.isdisjoint(words_of(said))
        return True if self.is_blank and is_name and not real else self.over

    def alarms(self, *, is_grave: bool = False) -> Iterator[Alarm]:
        yield from self._of_parts()
        real = tuple(code for code in self.codes if not is_fine(code))
        if not (real or self.texts or self.is_on or self.over is not None) and self.flags:
            yield from self._flagged(is_grave=is_grave)
            return
        words = [*self.texts.values(), *self.states]
        words += [" ".join(words_of(key)) for key, value in self.flags.items() if value]
        over = self._is_over(real)
        if not (real or words or over is not None or self.is_on):
            return
        named = next((self.texts[field] for field in TEXTS if field in self.texts), "")
        asserted = ". ".join(self.texts.values())
        is_about = is_grave or (self.is_sorted and bool(real or self.texts.keys() - SORTS))
        is_clear = self.is_clear or (is_about and bool(real or words))
        yield Alarm(
            codes=real,
            words=". ".join(words)[:MAX_TEXT],
            over=over,
            occurred_at=self.at,
            name=real[0][:MOST_NAME].lower() if real else name_of(named),
            is_told=not self.is_harmless and (self.is_on or bool(real) or bool(asserted and asserts(asserted))),
            is_clear=is_clear and over is not True and not self.is_harmless,
            is_text=not (real or self.is_on or self.has_pilot_fault) and not says_broken(asserted),
        )

    def _of_parts(self) -> Iterator[Alarm]:
        """The states of parts: "rcd": "tripped", "door": "closed"."""
        for key, state in self.parts.items():
            words, name = words_of(key), name_of(key)
            if state in CALM or names_end(state):
                yield Alarm(over=True, occurred_at=self.at, name=name)
            elif state in PART_STATES:
                is_broken = state in BROKEN_PARTS or state not in HAPPENS
                is_told = not is_broken or (state in BROKEN_PARTS and not self.is_harmless)
                said = Alarm(words=" ".join((*words, state)), occurred_at=self.at, name=name)
                yield said._replace(is_told=is_told, is_clear=is_broken)

    def _flagged(self, *, is_grave: bool) -> Iterator[Alarm]:
        """What is yes or no by its name: what is so, or no longer is."""
        for key, value in self.flags.items():
            words, name = words_of(key), name_of(key)
            is_calm = not (name and CALM_WORDS.isdisjoint(words[words[0] == "over" :])) or is_of_attempts(key)
            is_calm = is_calm or not OTHER.isdisjoint(words) or fold(key).endswith(TRAITS)
            has_happened = not is_calm and not HAPPENED.isdisjoint(words)
            if value:
                is_told = bool(GRAVE.search(fold(key))) or says_broken(" ".join(words)) or is_sensed(key, value)
                is_told = (is_told or is_grave) and not (is_calm or self.is_harmless)
                is_clear = is_told or (is_grave and not is_calm)
                words += ["alarm"] * (is_grave and not has_happened)
                said = Alarm(words=" ".join(words), over=self.over, occurred_at=self.at, name=name)
                yield said._replace(is_told=is_told or has_happened, is_clear=is_clear)
            elif not is_calm:
                yield Alarm(over=True, occurred_at=self.at, name=name)
