"""The `data` of a vendor's own message (DataTransfer): JSON, a form, a list with commas; and what of it says by itself
that something is broken. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.named_inputs import as_fields, plainly
from infra_notifications.rules.owners import NUMBERS, PLACED
from infra_notifications.rules.transfer_words import (
    BITS,
    CODES,
    ENDED_AT,
    ENDS,
    FAULT_CODE_NAMES,
    FAULT_TEXT_NAMES,
    FAULTY_PARTS,
    GRAVE,
    GRAVE_WORDS,
    HAPPENED,
    LEVELS,
    OFF,
    ON,
    OTHER,
    PART_STATES,
    PILOT_FAULTS,
    PLACES,
    RESULTS,
    SORTS,
    STATES,
    STEPS,
    SWITCHES,
    TEXTS,
    asserts,
    is_fine,
    is_on,
    is_sensed,
    names_end,
    says_broken,
    words_of,
)
from infra_notifications.rules.vocabulary import FALSE_WORDS, MAX_TEXT, TRAITS, text, truth

_NO_FLAGS = SWITCHES | FAULT_CODE_NAMES | FAULT_TEXT_NAMES | STATES | STEPS | LEVELS | CODES | {*TEXTS}
_PAIR = re.compile(r"\s*[^\W\d][\w .-]{0,40}=[^=]*")
_CALM = FALSE_WORDS | {"closed", "healthy", "fine", "armed"}
_STATES = {*map(fold, PART_STATES), *map(fold, _CALM), *GRAVE_WORDS, *ON, *OFF}
# What was, or what somebody tried.
_OF_THE_PAST = frozenset(
    ["last", "previous", "prev", "prior", "old", "history", "letzter", "letzte", "letztes", "count", "counter"]
)
_OF_ATTEMPTS = re.compile(
    r"vehicle|^ev(?!se|ent|cc)|^car|\bbms|auth|log-?in|passw|credential|certif|firmware|^f?ota(?!l)|upgrade|update|payment"
    r"|card|token|user|(?<!charge)(?<!charging)session(?!end|stop|finish|clos|complet|over)|csms|backend|server|network"
    r"|sms|mail|upload|download|request|respon|result|reply|command"
)
_LEVEL = "error|fatal|critical|crit|alarm|fault|emerg(?:ency)?|err"
_LOGGED = re.compile(rf"[\W\dTZ]*(?:(?:{_LEVEL.upper()})\b|(?i:{_LEVEL})\s?[:\]|>-])")
_DEEPEST, _MOST, _MOST_VALUE = 6, 1_000, 64


def data_of(payload: Mapping[str, Any], *, is_named: bool = False) -> Any:
    """The `data` of a DataTransfer, of JSON text what it says; a text that is none as it is. `is_named`: it is called
    an alarm."""
    data = payload.get("data")
    for _wrap in range(2):
        if not isinstance(data, str) or not data.lstrip().startswith(("{", "[", '"')):
            break
        try:
            data = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError):
            break
    data = _form(data) if isinstance(data, str) and len(data) <= MAX_TEXT else data
    return _spelt_out(data, 0, is_of_faults=is_named) if isinstance(data, dict | list) else data


def _spelt_out(data: Any, depth: int, *, is_of_faults: bool) -> Any:
    """Data in which lists of codes are lists of what has them, and the 1 and 0 of parts below a name for faults are yes
    and no."""
    if isinstance(data, list) and depth < _DEEPEST:
        if is_of_faults and all(type(each) is int for each in data):
            return [{"errorCode": each} for each in data[:_MOST] if each]
        return [_spelt_out(each, depth + 1, is_of_faults=is_of_faults) for each in data[:_MOST]]
    if not isinstance(data, dict) or depth == _DEEPEST:
        return data
    made: dict[str, Any] = {}
    for key, value in as_fields(plainly(data), is_whole=True).items():
        if isinstance(value, list) and fold(key) in FAULT_CODE_NAMES and not any(isinstance(e, dict) for e in value):
            made[f"{key}s"] = [{"errorCode": each} for each in value[:_MOST] if not is_fine(text(each))]
        elif isinstance(value, dict | list):
            is_below = is_of_faults or lists_faults(key) or fold(key) in ("flags", "bits")
            made[key] = _spelt_out(value, depth + 1, is_of_faults=is_below)
        elif is_of_faults and (is_so := truth(value)) is not None and _is_flag_below(key, depth):
            made[key] = is_so
        else:
            made[key] = value
    return made


def _form(data: str) -> Any:
    """What a text says that is a form ("code=7&state=off", also with another sign between), or the text."""
    if "=" not in data:
        return data
    for sign in "&;|\n,":
        parts = [part for part in data.split(sign) if part.strip()]
        if all(_PAIR.fullmatch(part) for part in parts):
            if sign == "&":
                return dict(parse_qsl(data.strip(), keep_blank_values=True))
            return {key.strip(): value.strip() for key, _is, value in (part.partition("=") for part in parts)}
    return data


def listed(data: str) -> dict[str, Any] | None:
    """An alarm as a list of its code, whether it is so, and its text: "1001,0,RCD tripped"; None for other texts."""
    for sign in ",;|\t":
        parts = [part.strip() for part in data.split(sign)]
        if not 1 < len(parts) < 7:
            continue
        said = [part for part in parts if sum(map(str.isalpha, part)) > 3]
        switches = [part for part in parts[1:] if is_on(part) is not None or names_end(part)]
        if not said or len(switches) != 1 or switches[0] in said[:1]:
            continue
        code = {"code": parts[0]} if parts[0] not in said else {}
        return {**code, "text": f"{sign} ".join(part for part in said if part != switches[0]), "state": switches[0]}
    return None


def is_flag(key: str, value: Any) -> bool:
    """Whether a field that is called after a fault says yes or no in another word or number: "rcdTripped": 1."""
    if isinstance(value, bool) or is_on(value) is None or fold(key) in _NO_FLAGS or BITS.fullmatch(fold(key)):
        return False
    words = words_of(key)
    return says_broken(" ".join(words)) or not HAPPENED.isdisjoint(words) or is_sensed(key, value)


def only_measures(words: list[str], data: Any) -> bool:
    """Whether a message of a part, not of what happened to it, holds its value or what it can do: "Tilt", "RCD"."""
    if not isinstance(data, dict) or not HAPPENED.isdisjoint(words):
        return False
    values = {fold(key): value for key, value in data.items()}
    return isinstance(values.get("value"), int | float) or any(key.endswith(TRAITS) for key in values)


def logs(said: str) -> bool:
    """Whether a text is a line of a log that says itself that it is an error."""
    return bool(_LOGGED.match(said))


def _is_flag_below(key: str, depth: int) -> bool:
    """Whether what stands behind a name is yes or no: any in a list of faults, in an alarm itself that of a part."""
    if not depth:
        return not FAULTY_PARTS.isdisjoint(words_of(key))
    return fold(key) not in _NO_FLAGS and fold(key) not in (*PLACES, *NUMBERS)


def as_self_test(data: Any) -> Any:
    """The data of a message that is called a self-test, with its result under that name."""
    if isinstance(data, str):
        return {"selfTest": data}
    is_own = isinstance(data, dict) and "result" in data
    return {"selfTest": data["result"], **{key: data[key] for key in data if key != "result"}} if is_own else data


def tells(said: str) -> bool:
    """Whether a short text of a message of any name says that something of the station is broken, happened to it, or is
    over."""
    if len(said) > _MOST_VALUE or is_of_attempts(said):
        return False
    words = words_of(said)
    return not ENDS.isdisjoint(words) or (asserts(said) and (says_broken(said) or not HAPPENED.isdisjoint(words)))


def is_of_the_past(name: str) -> bool:
    """Whether a name is of what was, or of how often it was: "lastError", "oldState", "alarmCount"."""
    return not _OF_THE_PAST.isdisjoint(words_of(name))


def is_of_attempts(name: str) -> bool:
    """Whether a name is of what somebody tried, or of what passes between the station and others."""
    return bool(_OF_ATTEMPTS.search(fold(name)))


def tells_by_itself(key: str, value: Any) -> bool:
    """Whether a field says by its own name or word how something is, whatever the message is called that holds it."""
    folded = fold(key)
    if folded in RESULTS or is_of_the_past(key) or is_of_attempts(key):
        return folded in RESULTS and (fold(text(value)) in _STATES or not asserts(text(value)))
    if is_flag(key, value):
        return True
    is_number = isinstance(value, int | float) and folded == "value"
    if isinstance(value, bool) or is_number or folded in PLACES or folded == "timestamp" or folded in ENDED_AT:
        return True
    said = text(value)
    if len(said) > (MAX_TEXT if folded in FAULT_TEXT_NAMES else _MOST_VALUE):
        return False
    if folded in FAULT_CODE_NAMES or folded in FAULT_TEXT_NAMES or BITS.fullmatch(folded):
        return True
    if folded in SWITCHES or folded in SORTS or folded in LEVELS or names_end(key):
        return is_on(value) is not None or fold(said) in _STATES or names_end(said)
    if folded in ("component", "part", "eventcode"):
        return True
    return isinstance(value, str) and fold(said) in _STATES


def lists_faults(key: str) -> bool:
    """Whether a name is that of the faults that there are now: "faults", "alarmList", not "errorStatus"."""
    words = words_of(key)
    is_list = words[-1:] == ["list"] or (fold(key).endswith("s") and words[-1:] != ["status"])
    is_now = OTHER.intersection(words) <= {"list"} and not (is_of_the_past(key) or is_of_attempts(key))
    return is_list and is_now and bool(GRAVE.search(fold(key)))


def is_emptied(key: str, value: Any) -> bool:
    """Whether a field says that of the faults that there may be, there are none."""
    is_none = not value or (isinstance(value, str) and (is_fine(value) or not any(map(str.isalnum, value))))
    return is_none and lists_faults(key)


def strictly(data: Any, depth: int = 0, *, is_grave: bool = False, is_owned: bool = False) -> Any:
    """What of the data of a message that is called neither an alarm nor a state says so by itself; None for nothing.
    `is_grave`: it stands under a name for faults, or is sorted among them; `is_owned`: under one of connectors."""
    if isinstance(data, str):
        return (
            data
            if is_grave or is_on(data) is not None or names_end(data) or logs(data) or (not depth and tells(data))
            else None
        )
    if isinstance(data, list) and depth < _DEEPEST:
        said = [
            found
            for each in data[:_MOST]
            if (found := strictly(each, depth + 1, is_grave=is_grave, is_owned=is_owned)) is not None
        ]
        return said or (None if data else [])
    if not isinstance(data, dict) or depth == _DEEPEST:
        return None
    data = as_fields(data, is_whole=False)
    is_grave = is_grave or any(
        fold(key) in LEVELS | SORTS and fold(text(value)) in GRAVE_WORDS for key, value in data.items()
    )
    kept: dict[str, Any] = {}
    for key, value in data.items():
        if is_emptied(key, value):
            kept[key] = value
        elif isinstance(value, dict | list):
            is_other = not (OTHER.isdisjoint(words_of(key)) or lists_faults(key) or PLACED.fullmatch(fold(key)))
            if not (is_other or is_of_the_past(key)):
                said = strictly(
                    value, depth + 1, is_grave=bool(GRAVE.search(fold(key))), is_owned=bool(PLACED.fullmatch(fold(key)))
                )
                kept |= {key: said} if said is not None else {}
        elif (
            tells_by_itself(key, value)
            or (is_owned and (fold(key) in NUMBERS or value in PILOT_FAULTS))
            or (is_grave and fold(key) in CODES.union(TEXTS))
        ):
            kept[key] = value
    return kept or None
