"""How boxes spell their messages: other names of fields, types and words (`words`) → ours. What was done is said."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import Any

from msgspec import UNSET
from msgspec.structs import fields, replace

from bikeshare.choices import Lock, TelemetryType
from bikeshare.ingest.places import place_in
from bikeshare.ingest.telemetry import MAX_WORD, MOST_METRES, TYPES, DeviceMessage
from bikeshare.ingest.words import ALIASES, CHAINS, FIXES, INNER, LOCKS, SAYING, SURER, TYPE_NAMES, UNSURE
from core.corrections import TRUTHS, folded
from core.field_types import Envelope
from core.identities import identity
from core.samples import say_once
from core.text import composed
from core.words import word_key

# What a keypad or its reader puts around and between the digits; a PIN has at least so many of them.
_KEYPAD, _PIN = re.compile(r"^\s*(?:pin|code)\s*[:=]|[\s#*.-]+", re.IGNORECASE), 4
# Under which names an object holds a reading, and a list of pairs the name and the value of each.
_HELD, _PAIRED = ("value", "state", "status", "level", "percent", "percentage"), ("code", "key", "name")
# Of a charge, and in which units it is one.
_CHARGE = ("percent", "percentage", "soc", "stateofcharge", "level", "value", "charge")
_UNITS, _UNIT_NAMES = ("", "%", "percent", "percentage", "pct", "none"), ("unit", "units", "uom", "unitofmeasurement")


def _lift(item: dict[str, Any]) -> list[str]:
    """What stands one level down, beside the box: what is said outside counts."""
    notes = list[str]()
    for _level in range(_DEEPEST):
        held = item.pop(INNER, None)
        inner = _pairs(held) or (held[0] if isinstance(held, list) and len(held) == 1 else held)
        if isinstance(inner, dict):
            _put_beside(item, inner)
            say_once(notes, "What was within `data` was read as if it stood beside it.")
        elif held is not None:
            item["data"] = held
    if isinstance(item.get("fix"), dict):
        item.setdefault("position", item.pop("fix"))
    for name in sorted(_OBJECTS & item.keys()):
        if (pairs := _pairs(item[name])) is not None:
            del item[name]
            _put_beside(item, pairs)
            notes.append(f"`{name}` was a list of names and values and was read as these.")
        elif isinstance(held := item[name], dict):
            notes += _open(item, name, {folded(key): value for key, value in held.items()})
    return notes


def _open(item: dict[str, Any], name: str, held: dict[str, Any]) -> list[str]:
    """A reading that is an object, by folded names: its value, and beside it what else is known of it."""
    is_charge = name in ("battery", "battery_vae") or (name == "value" and not {"state", "status"} & held.keys())
    order = _CHARGE if is_charge else _HELD
    found = next((one for one in order if isinstance(held.get(one), str | int | float)), None)
    if found is None:
        return []
    unit = next((str(held[one]).strip().lower() for one in _UNIT_NAMES if held.get(one) is not None), "")
    if is_charge and found not in _CHARGE[:4] and unit not in _UNITS:
        del item[name]
        return [f"`{name}` was {str(held[found])[:40]} {unit[:20]}, which is no charge in per cent, and was left out."]
    item[name] = held[found]
    beside = {_OWN[key]: value for key, value in held.items() if key in _OWN and key not in (*_HELD, *_CHARGE)}
    for key, value in beside.items():
        item.setdefault(key, value)
    left = [f"`{name}.{key[:40]}`" for key in held if key not in (found, *_UNIT_NAMES) and _OWN.get(key) not in beside]
    said = [f"{', '.join(left)}: nobody reads this beside `{found}`."] if left else []
    return [f"`{name}` was an object and was read as {str(held[found])[:40]}.", *said]


def _put_beside(item: dict[str, Any], inner: dict[str, Any]) -> None:
    meant = {key: name for key in inner if (name := _OWN.get(folded(key))) is not None}
    meant = _in_company([*item, *inner], meant)
    for key, value in inner.items():
        item.setdefault(meant.get(key, key), value)


def _in_company(keys: Collection[str], found: dict[str, str]) -> dict[str, str]:
    """`code`, `valid` and `accepted` are a PIN's only where no other reading, and no answer with `data`, is around."""
    if not (unsure := {key for key in found if folded(key) in UNSURE}):
        return found
    sure = {found.get(key, key) for key in keys if key not in unsure}
    others, is_place = bool(sure & _OTHERS), bool(sure & _PLACE)
    meant = {key: name for key, name in found.items() if key not in unsure or not others}
    return meant | {key: "fix" for key in unsure if is_place and folded(key) == "valid" and "fix" not in sure}


def _pairs(held: Any) -> dict[str, Any] | None:
    """A list of names with their values as an object."""
    if not isinstance(held, list) or not all(isinstance(one, dict) and "value" in one for one in held):
        return None
    named = [(next((one[key] for key in _PAIRED if isinstance(one.get(key), str)), None), one["value"]) for one in held]
    return {name: value for name, value in named if name} or None


BOX = Envelope(ALIASES, (("boitier",),), _lift, warns=True, surer=SURER, weigh=_in_company)
_DEEPEST = 3
_OWN: dict[str, str] = ALIASES | {folded(name): name for name in DeviceMessage.__struct_fields__}
# Readings that some write as an object.
_OBJECTS = frozenset(("state", "locked", "unlocked", "chain_type", "value", "battery", "battery_vae"))
# By which field a message without a type is known; the first of them that it has.
_BY_FIELD = {"uid": "pass", "pin": "pin", "correct": "pin", "state": "lock", "locked": "lock", "unlocked": "lock"}
_BY_FIELD |= {"latitude": "position", "chain_type": "chain_type", "battery": "battery", "battery_vae": "battery_vae"}
_BY_FIELD |= {"rfid": "lock"}
_PLACE = frozenset(("latitude", "longitude", "position"))
_OTHERS = _PLACE | {*_BY_FIELD, "value", INNER} - {"pin", "correct"}
# What is a reading whatever the message calls itself.
_STATES = ("state", "locked", "unlocked", "latitude", "chain_type", "battery", "battery_vae")
_EMPTY = (None, UNSET)
# What belongs to each type; what a message has of others is beside it.
_FIELDS = {
    "lock": "state rfid",
    TelemetryType.PASS.value: "uid",
    "pin": "pin correct",
    "chain_type": "chain_type",
    "battery": "value",
    "battery_vae": "value remaining_distance",
    "position": "latitude longitude accuracy",
}
_READINGS = {name for names in _FIELDS.values() for name in names.split()} | {"battery", "battery_vae"}
_BESIDE = {
    kind: (
        names := sorted(_READINGS - set(own.split())),
        attrgetter(*names),
        tuple(next(field.default for field in fields(DeviceMessage) if field.name == name) for name in names),
    )
    for kind, own in _FIELDS.items()
}


def read_message(message: DeviceMessage) -> tuple[DeviceMessage, list[str]]:
    """The message in our words, and what had to be done for it; most are in them and cost a look."""
    changes: dict[str, Any] = {}
    notes: list[str] = []
    if not message.boitier.isascii():
        changes |= {"boitier": composed(message.boitier)}  # what nobody sees is no part of a number
    if message.position is not None:
        changes |= _place(message, notes)
    if message.fix is not None or message.outdated is not None or changes:
        changes |= _without_fix(message, changes, notes)
    if message.locked is not UNSET or message.unlocked is not UNSET:
        changes |= _by_truth(message, notes)
    if message.type not in TYPES:
        changes |= _typed(message, changes, notes)
    kind = changes.get("type", message.type)
    if kind == "position" and changes.get("fix") is False:
        kind = _held(message, changes, _STATES) or kind
        changes |= {"type": kind}
    elif kind == "pass" and message.uid is None and message.rfid:
        kind = "lock"
        changes |= {"type": kind}
    if kind == "lock":
        changes |= _lock(changes.get("state", message.state), notes)
    elif kind == "chain_type":
        # The source's own word for no reading.
        reading = "null" if message.chain_type is None else message.chain_type
        changes |= {"chain_type": _chain(reading, notes)}
    elif kind in ("battery", "battery_vae"):
        changes |= _charge(message, kind, notes)
    if message.uid is not None:
        changes |= {"uid": composed(str(message.uid))}
    if isinstance(message.pin, str):
        changes |= _typed_pin(message.pin, notes)
    changes |= dict(_side_values(message, notes))
    return (replace(message, **changes) if changes else message), notes


def _place(message: DeviceMessage, notes: list[str]) -> dict[str, Any]:
    """Latitude and longitude out of an object, a GeoJSON point's [longitude, latitude], or a text."""
    held = {
        "fix" if key == "valid" else ALIASES.get(key, key): value for key, value in place_in(message.position).items()
    }
    names = ("latitude", "longitude", "accuracy", "fix", "outdated")
    place = {name: held[name] for name in names if name in held and getattr(message, name) is None}
    is_read = {"latitude", "longitude"} & place.keys()
    was = "was read as latitude and longitude." if is_read else "holds no place and was left out."
    notes.append(f"`position` {was}")
    return {"position": None, **place}


def _without_fix(message: DeviceMessage, found: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """What a receiver says beside coordinates is of these: without a fix, or when they are old ones, they are no
    place."""
    fix, outdated = (found.get(name, getattr(message, name)) for name in ("fix", "outdated"))
    said = None if fix is None else FIXES.read(str(fix))
    if fix is not None and said is None:
        notes.append(f"`fix` was {str(fix)[:40]}, which means nothing here, and was left out.")
    if said != "none" and TRUTHS.get(str(outdated).lower()) is not True:
        return {"fix": None, "outdated": None} if fix is not None or outdated is not None else {}
    if any(found.get(name, getattr(message, name)) is not None for name in ("latitude", "longitude")):
        why = "the receiver had no fix" if said == "none" else "they are outdated"
        notes.append(f"`latitude` and `longitude` were left out: {why}.")
    return {"fix": False, "outdated": None, "latitude": None, "longitude": None, "accuracy": None}


def _typed(message: DeviceMessage, found: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """The type that a word means; without one, that of the only reading that the message holds."""
    word = folded(message.type)
    kind = TYPE_NAMES.get(word, "")
    if not kind and (said := LOCKS.read(SAYING.sub(r"\1", word))) in (Lock.LOCKED, Lock.UNLOCKED):
        notes.append(f"`type` was {message.type[:40]} and was read as lock.")
        state = found.get("state", message.state)
        return {"type": "lock"} | ({"state": str(said)} if state in _EMPTY else {})
    if kind == "pin" and word.endswith("incorrect") and message.pin is None and message.correct is None:
        notes.append(f"`type` was {message.type[:40]} and was read as pin.")
        return {"type": kind, "correct": False}
    if not word:
        kind = _held(message, found, _BY_FIELD) if message.value is None else ""
    elif not kind and (kind := _held(message, found, _STATES)):
        notes.append(f"`type` was {message.type[:40]}, which is none of ours, and was read as {kind}, which it holds.")
        return {"type": kind}
    if kind:
        notes.append(f"`type` was {message.type[:40] or 'not given'} and was read as {kind}.")
    return {"type": kind} if kind else {}


def _held(message: DeviceMessage, found: dict[str, Any], names: Iterable[str]) -> str:
    """The type of the first of these readings that the message holds; a word that says nothing of a lock is none."""
    for name in names:
        value = found.get(name, getattr(message, name))
        is_lock = names is _BY_FIELD or _BY_FIELD[name] != "lock" or LOCKS.read(str(value)) is not None
        if value not in _EMPTY and is_lock:
            return _BY_FIELD[name]
    return ""


def _by_truth(message: DeviceMessage, notes: list[str]) -> dict[str, Any]:
    """`locked` or `unlocked` in any spelling of true and false, as the state; a word in their place is one of that."""
    names = {"locked": (Lock.LOCKED, Lock.UNLOCKED), "unlocked": (Lock.UNLOCKED, Lock.LOCKED)}
    said: dict[str, Any] = {}
    for name, (true, false) in names.items():
        if (value := getattr(message, name)) is UNSET:
            continue
        truth = TRUTHS.get(str(value).strip().lower())
        said[name] = value if truth is None else str(true if truth else false)
        notes += [] if truth is None else [f"`{name}` was {str(value)[:40]} and was read as {said[name]}."]
    cleared = {"locked": UNSET, "unlocked": UNSET}
    if message.state not in _EMPTY:
        return cleared
    said = {name: value for name, value in said.items() if value is not None} or said
    if len({LOCKS.read(str(value)) for value in said.values()}) > 1:
        notes.append("`locked` and `unlocked` contradict each other.")
        return cleared | {"state": Lock.UNDEFINED.value}
    return cleared | {"state": next(iter(said.values()))}


def _charge(message: DeviceMessage, kind: str, notes: list[str]) -> dict[str, Any]:
    """The charge in per cent, by whichever name it goes."""
    named = kind if getattr(message, kind) is not None else "battery" if kind == "battery_vae" else "battery_vae"
    value, other = message.value, getattr(message, named)
    if value is None or value == other:
        return {"value": _percent(other, named, notes), named: None}
    return {"value": _percent(value, "value", notes)}


def _percent(value: float | None, name: str, notes: list[str]) -> float | None:
    """GBFS and others say a charge as a share of one; nothing has less than 1 % and says so."""
    if value is None or not 0 < value < 1:
        return value
    percent = round(100 * value, 1)
    notes.append(f"`{name}` was {value:g} and was read as a share of one: {percent:g} %.")
    return percent


def _typed_pin(pin: str, notes: list[str]) -> dict[str, Any]:
    """The digits that were typed, without what a keypad ends them with; fewer than a PIN has have lost their zeros."""
    digits = _KEYPAD.sub("", pin)
    if digits != pin and digits.isdecimal():
        notes.append("`pin` held signs beside its digits; they were left out.")
    return {"pin": int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < _PIN else digits or pin}


def beside(message: DeviceMessage) -> tuple[list[DeviceMessage], list[str]]:
    """The other readings of a message that was read, each as a message, and what is said of what nobody reads."""
    names, values, blank = _BESIDE.get(message.type, _BESIDE["lock"])
    if message.type not in _BESIDE or values(message) == blank:
        return [], []
    held = [name for name in names if getattr(message, name) not in _EMPTY]
    more, notes = dict[str, dict[str, Any]](), list[str]()
    if message.type != "lock" and "state" in held and (word := LOCKS.read(str(message.state))) is not None:
        more["lock"] = {"state": str(word)} | ({"rfid": message.rfid} if message.rfid else {})
    if message.type != "lock" and "lock" not in more and message.rfid:
        more["lock"] = {"rfid": message.rfid}
    if message.type != "chain_type" and "chain_type" in held:
        more["chain_type"] = {"chain_type": _chain(message.chain_type, notes)}
    for kind in ("battery", "battery_vae"):
        if kind in held and message.type != kind:
            more[kind] = {"value": _percent(getattr(message, kind), kind, notes)}
    if "battery_vae" in more and message.remaining_distance is not None:
        more["battery_vae"]["remaining_distance"] = message.remaining_distance
    if message.type != "position" and {"latitude", "longitude"} <= {*held}:
        more["position"] = {name: getattr(message, name) for name in ("latitude", "longitude", "accuracy")}
    read = {name for kind, said in more.items() for name in (kind, *said)} - {"value"}
    if left := [name for name in held if name not in read]:
        named = ", ".join(f"`{name}`" for name in left)
        notes.append(f"{named}: a message of type {message.type} is not read for this.")
    return [
        DeviceMessage(boitier=message.boitier, type=kind, at=message.at, **said) for kind, said in more.items()
    ], notes


def _lock(state: Any, notes: list[str]) -> dict[str, Any]:
    if state is UNSET:
        return {}
    if state is None:
        return {"state": Lock.UNDEFINED.value}
    text = str(state).strip()
    word = LOCKS.read(text)
    if word is None:
        notes.append(f"`state` was {text[:40]}, which means nothing here: it is kept and brings nothing about.")
        return {"state": _cut(text, "state", notes)}
    if word != state:
        notes.append(f"`state` was {text[:40]} and was read as {word}.")
    return {"state": str(word)}


def _chain(reading: Any, notes: list[str]) -> Any:
    word = CHAINS.read(reading) if isinstance(reading, str) else reading
    if word is None:
        notes.append(f"`chain_type` was {reading[:40]}, which means nothing here: it is kept and brings nothing about.")
        return _cut(reading, "chain_type", notes)
    if isinstance(reading, str) and word_key(word) != word_key(reading):
        notes.append(f"`chain_type` was {reading[:40]} and was read as {word}.")
    return word


def _cut(word: Any, name: str, notes: list[str]) -> Any:
    """A word of the device that is longer than ours may be; it is kept as far as it fits."""
    if not isinstance(word, str) or len(word) <= MAX_WORD:
        return word
    notes.append(f"`{name}` was longer than {MAX_WORD} characters and was cut.")
    return word[:MAX_WORD]


def _side_values(message: DeviceMessage, notes: list[str]) -> Iterable[tuple[str, None]]:
    """What is wrong beside the reading is left out, and said."""
    for name in ("accuracy", "remaining_distance"):
        metres = getattr(message, name)
        if metres is not None and not 0 <= metres <= MOST_METRES:
            notes.append(f"`{name}` was {metres:g}, which must be metres, and was left out.")
            yield name, None
    if message.rfid is not None and len(identity(message.rfid)) > 40:
        notes.append("`rfid` was longer than 40 characters and was left out.")
        yield "rfid", None
