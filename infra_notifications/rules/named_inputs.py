"""Objects in a vendor's own message that name a part in one field and say how it is in another, as the one field that
they mean: `{"sensor": "door", "state": "open"}` is `{"door": "open"}`. Pure."""

from __future__ import annotations

from typing import Any

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.transfer_words import (
    CODES,
    FAULT_CODE_NAMES,
    FAULT_TEXT_NAMES,
    FAULTY_PARTS,
    LEVELS,
    MEASURED,
    PART_STATES,
    PLACES,
    STATES,
    SWITCHES,
    TEXTS,
    is_on,
    name_of,
    names_end,
    says_broken,
    words_of,
)
from infra_notifications.rules.vocabulary import text

_NAMING = """
    name event type key sensor input signal component part source tag point item channel label alarmname id code di
    inputname sensorname signalname parameter param variable
"""
_NAMES, _SAYING = tuple(_NAMING.split()), STATES | SWITCHES | {"reading"}
_AROUND = {*PLACES, "timestamp", "time", "ts", "seq", "id"}
_ITSELF = FAULT_CODE_NAMES | FAULT_TEXT_NAMES | LEVELS
_MOST_NAME = 64
# What something was before a change, and what it is since.
_CHANGES = """
    old new oldvalue newvalue from to was is before after prev curr previous current previousvalue currentvalue
    oldstate newstate last now
"""
_SINCE = dict(zip(_CHANGES.split()[::2], _CHANGES.split()[1::2], strict=True))
_EDGES = dict.fromkeys(("falling", "fallingedge", "hightolow", "negative", "10", "truefalse"), False)
_EDGES |= dict.fromkeys(("rising", "risingedge", "lowtohigh", "positive", "01", "falsetrue"), True)


def _names_part(said: Any) -> bool:
    """Whether a text names a part that may be broken, or what may be so of it: "RCD", "DOOR_OPEN", "EmergencyStop"."""
    if not isinstance(said, str) or len(said) > _MOST_NAME or not name_of(said):
        return False
    return not FAULTY_PARTS.isdisjoint(words_of(said)) or says_broken(said)


def plainly(data: dict[str, Any]) -> dict[str, Any]:
    """An object that names a part, with how that is under a name that is read: `val`, `flag`, what it is since."""
    held = {fold(key): key for key in data}
    if "value" in held or not any(_names_part(data[key]) for name, key in held.items() if name in (*_NAMES, *CODES)):
        return data
    for before, since in _SINCE.items():
        if before in held and since in held and (said := data[held[since]]) not in ("", None):
            rest = {key: value for key, value in data.items() if key not in (held[before], held[since])}
            return rest | {"value" if is_on(said) is not None else "state": said}
    edge = next((held[name] for name in ("transition", "edge") if name in held), "")
    if (is_so := _EDGES.get(fold(text(data.get(edge))))) is not None:
        return {key: value for key, value in data.items() if key != edge} | {"value": is_so}
    # Beside what is measured, or other letters, a "v" is a voltage.
    is_short = all(name == "v" or (len(name) > 1 and not MEASURED.search(name)) for name in held)
    called = next((held[name] for name in ("val", "flag", "v")[: 2 + is_short] if name in held), "")
    if called and is_on(data[called]) is not None:
        return {key: value for key, value in data.items() if key != called} | {"value": data[called]}
    return data


def as_fields(data: dict[str, Any], *, is_whole: bool) -> dict[str, Any]:
    """An object that names a part and says how it is, and the part that one is named after, as its field; what tells a
    code, a fault or a severity is read as it is. `is_whole`: it is read whole, so that this is asked only of what says
    nothing else, and is not understood otherwise."""
    held = {fold(key): key for key in data}
    data = {key: _alone(key, value, is_whole=is_whole) for key, value in data.items()}
    saying = [key for name, key in held.items() if name in _SAYING and not isinstance(data[key], dict | list)]
    naming = [name for name in _NAMES if name in held and _names_part(data[held[name]])]
    if not (naming and saying) or held.keys() & _ITSELF:
        return data
    said, name = data[saying[0]], data[held[naming[0]]]
    if is_whole:
        is_other = not held.keys() <= {*_NAMES, *_SAYING, *_AROUND}
        is_read = naming[0] in TEXTS and not _is_of_part(said) and "variable" not in held
        if is_other or is_read or naming[0] in CODES:
            return data
    if naming[0] == "component" and "variable" in held:
        name = f"{name} {text(data[held['variable']])}"
    dropped = {*saying, *(held[each] for each in naming), held.get("variable", "")}
    return {key: value for key, value in data.items() if key not in dropped} | {name: said}


def _is_of_part(said: Any) -> bool:
    """Whether a word says how a part is, which no switch does."""
    return text(said).lower() in PART_STATES or (isinstance(said, str) and names_end(said))


def _alone(key: str, value: Any, *, is_whole: bool) -> Any:
    """How a part is, where an object under its name says nothing else: {"door": {"state": "open"}}."""
    if not isinstance(value, dict) or not _names_part(key) or not {*map(fold, value)} <= {*_SAYING, *_AROUND}:
        return value
    said = [each for name, each in value.items() if fold(name) in _SAYING and not isinstance(each, dict | list)]
    return said[0] if len(said) == 1 and (not is_whole or _is_of_part(said[0])) else value
