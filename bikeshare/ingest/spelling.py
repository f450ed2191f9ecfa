"""How boxes spell their messages: other names of fields, types and words → ours. What was done is said.

The names are those of public APIs and guides of locks and trackers for shared bikes, and the customer's own topics
(`boitier.locked`): a message under the name of what it brings about is one of the type that does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from msgspec import UNSET
from msgspec.structs import fields, replace

from bikeshare.choices import Lock, TelemetryType
from bikeshare.ingest.telemetry import MAX_WORD, MOST_METRES, TYPES, DeviceMessage
from core.corrections import TRUTHS, folded
from core.field_types import Envelope
from core.identities import identity
from core.text import composed
from core.words import Vocabulary


def _names(table: dict[str, str]) -> dict[str, str]:
    return {name: ours for ours, names in table.items() for name in names.split()}


_DEGREES, _NO_PLACE = re.compile(r"-?\d+(?:\.\d+)?"), "holds no place and was left out."
# What a keypad or its reader puts around and between the digits; a PIN has at least so many of them.
_KEYPAD, _PIN = re.compile(r"[\s#*.-]+"), 4
# By no name of ours: an object in which the reading stands.
_INNER = "inner"
# Folded: without case and signs between words.
ALIASES = _names(
    {
        "boitier": "box boxid boitierid boitiernumber lockid deviceid device serial serialnumber ident number"
        " iddevice devicecode devicesn devid deveui imei iotcode iotid lockserial lockserialno lockmac lockuid mac"
        " macaddress nukiid trackerid unitid",
        "type": "kind event eventtype messagetype topic reading",
        "at": "time timestamp ts date datetime occurredat reportedat recordedat measuredat createdat devicetime"
        " lastreported eventtime fixtime triggeredat lastdatatime gpstime gpstimeutc",
        "state": "lockstate lockstatus status statename lockcurrentstate currentlockstate centrallock",
        "locked": "lock islocked closed isclosed",
        "unlocked": "isunlocked open opened isopen isopened",
        "rfid": "tag docktag dockrfid",
        "uid": "card cardid carduid cardnumber nfc nfcuid nfcid passuid passid badge",
        "pin": "code pincode typedpin typedcode enteredcode",
        "correct": "iscorrect valid accepted",
        "chain_type": "chain",
        "value": "level percent percentage",
        "battery": "batterylevel batterypercent batterypercentage batteryvalue batterysoc internalbattery charge soc"
        " powerpercent electricquantity residualelectricity batterychargestate bat batt",
        "battery_vae": "vaebattery assistancebattery assistbattery ebikebattery motorbattery drivebattery"
        " pedelecbattery fuelpercent currentfuelpercent",
        "remaining_distance": "range rangem rangemeters remainingrange currentrangemeters autonomy autonomie",
        "latitude": "lat latdeg positionlatitude",
        "longitude": "lon lng long londeg positionlongitude",
        "accuracy": "precision accuracym horizontalaccuracy hacc positionaccuracy",
        "position": "location gps coordinates coords geo point",
        _INNER: "data payload values attributes telemetry content params properties measurement measurements sensors"
        " message object",
    }
)


# Under which names an object holds a reading, and a list of pairs the name and the value of each.
_HELD, _PAIRED = ("value", "level", "percent", "percentage", "state", "status"), ("code", "key", "name")


def _lift(item: dict[str, Any]) -> list[str]:
    """What stands one level down, beside the box: what is said outside counts."""
    notes = []
    held = item.pop(_INNER, None)
    inner = _pairs(held) or (held[0] if isinstance(held, list) and len(held) == 1 else held)
    if isinstance(inner, dict):
        _put_beside(item, inner)
        notes.append("What was within `data` was read as if it stood beside it.")
    elif held is not None:
        item["data"] = held
    for name in sorted(_OBJECTS & item.keys()):
        if (pairs := _pairs(item[name])) is not None:
            del item[name]
            _put_beside(item, pairs)
            notes.append(f"`{name}` was a list of names and values and was read as these.")
        elif isinstance(held := item[name], dict):
            by_name = {folded(key): value for key, value in held.items()}
            found = next((by_name[one] for one in _HELD if isinstance(by_name.get(one), str | int | float)), None)
            if found is not None:
                item[name] = found
                notes.append(f"`{name}` was an object and was read as {str(found)[:40]}.")
    return notes


def _put_beside(item: dict[str, Any], inner: dict[str, Any]) -> None:
    for key, value in inner.items():
        item.setdefault(_OWN.get(folded(key)) or key, value)


def _pairs(held: Any) -> dict[str, Any] | None:
    """A list of names with their values as an object."""
    if not isinstance(held, list) or not all(isinstance(one, dict) and "value" in one for one in held):
        return None
    named = [(next((one[key] for key in _PAIRED if isinstance(one.get(key), str)), None), one["value"]) for one in held]
    return {name: value for name, value in named if name} or None


BOX = Envelope(ALIASES, (("boitier",),), _lift, warns=True)
_OWN: dict[str, str] = ALIASES | {folded(name): name for name in DeviceMessage.__struct_fields__}
# Readings that some write as an object.
_OBJECTS = frozenset(("state", "locked", "unlocked", "chain_type", "value", "battery", "battery_vae"))
_TYPE_NAMES = _names(
    {
        "lock": "lock lockstate lockstatus lockchanged boitierlock",
        "position": "position gps location geo gnss fix track vehiculeposition vehiculepositionforbidden",
        "battery": "battery internalbattery batterylevel batterylow vehiculebattery vehiculebatterylow"
        " lowbattery devicelowbattery batterystatus batterychanged batterylevelchanged",
        "battery_vae": "batteryvae vae assistance assistancebattery assistbattery ebikebattery motorbattery"
        " drivebattery vehiculebatteryvae vehiculebatteryvaelow",
        TelemetryType.PASS.value: "pass nfc card rfid badge boitierpass boitierpassunrecognized rfidscan"
        " nfcscan cardscan cardread tagread swipe",
        "pin": "pin keypad code pincode boitierpin boitierpinincorrect",
        "chain_type": "chaintype chain boitierchaintype boitierchaintypeupdated",
    }
)
# Types that say their value themselves (`boitier.locked`, `deviceUnlocked`, `lock.opened`).
_SAYING = re.compile(r"(?:boitier|device|lock|vehicle|vehicule|bike)?([a-z]{3,})")
# STRONG_CLOSED is a word of Axa's eRL.
_LOCKS = Vocabulary(
    {
        Lock.LOCKED: "lock closed close secured secure engaged bolted true 1 strong_closed"
        " verrouille verrouillee ferme fermee barre barree cadenasse gesperrt abgesperrt abgeschlossen verriegelt"
        " geschlossen zu gesloten opslot vergrendeld cerrado cerrada bloqueado chiuso chiusa bloccato",
        Lock.UNLOCKED: "unlock open opened released unsecured unsecure unlatched unlatch disengaged false 0 not_locked"
        " deverrouille deverrouillee ouvert ouverte"
        " entsperrt aufgeschlossen entriegelt offen geöffnet auf ontgrendeld abierto abierta desbloqueado aperto aperta"
        " sbloccato",
        Lock.UNDEFINED: "unknown unavailable none null nan inconnu unbekannt",
    },
    prefixes=("lock",),
)
# By which field a message without a type is known; the first of them that it has.
_BY_FIELD = {"uid": "pass", "pin": "pin", "correct": "pin", "state": "lock", "locked": "lock", "unlocked": "lock"}
_BY_FIELD |= {"latitude": "position", "chain_type": "chain_type", "battery": "battery", "battery_vae": "battery_vae"}
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
    if message.locked is not UNSET or message.unlocked is not UNSET:
        changes |= _by_truth(message, notes)
    if message.type not in TYPES:
        changes |= _typed(message, changes, notes)
    kind = changes.get("type", message.type)
    if kind == "lock":
        changes |= _lock(changes.get("state", message.state), notes)
    elif kind == "chain_type":
        # The source's own word for no reading.
        reading = "null" if message.chain_type is None else message.chain_type
        changes |= {"chain_type": _cut(reading, "chain_type", notes)}
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
    held: Any = message.position
    if isinstance(held, list) and len(held) == 1 and isinstance(held[0], dict):
        held = held[0]
    named = (
        {ALIASES.get(folded(key), folded(key)): value for key, value in held.items()} if isinstance(held, dict) else {}
    )
    if isinstance(named.get("position"), list | str):  # `coordinates`
        held = named["position"]
    if isinstance(held, list):
        named |= zip(("longitude", "latitude"), held, strict=False)
    if isinstance(held, str):
        named |= _place_in(held)
    place: dict[str, Any] = {"position": None}
    for name in ("latitude", "longitude", "accuracy"):
        number = _number(named.get(name))
        if getattr(message, name) is None and number is not None:
            place[name] = number
    is_read = len(place) > 1
    notes.append("`position` was read as latitude and longitude." if is_read else f"`position` {_NO_PLACE}")
    return place


def _place_in(text: str) -> dict[str, Any]:
    """ "50.70,7.10" begins with the latitude, "POINT(7.10 50.70)" and "geo:50.70,7.10" as their standards say."""
    numbers = _DEGREES.findall(text)
    if len(numbers) < 2 or _DEGREES.sub("", text).strip(" ,;()[]").lower() not in ("", "point", "point z", "geo:"):
        return {}
    is_wkt = text.strip().lower().startswith("point")
    return dict(zip(("longitude", "latitude") if is_wkt else ("latitude", "longitude"), numbers, strict=False))


def _number(value: Any) -> float | None:
    try:
        number = float(value.strip().replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and not isinstance(value, bool) else None


def _typed(message: DeviceMessage, found: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """The type that a word means; without one, that of the only reading that the message holds."""
    word = folded(message.type)
    kind = _TYPE_NAMES.get(word, "")
    if not kind and (said := _LOCKS.read(_SAYING.sub(r"\1", word))) in (Lock.LOCKED, Lock.UNLOCKED):
        notes.append(f"`type` was {message.type[:40]} and was read as lock.")
        state = found.get("state", message.state)
        return {"type": "lock"} | ({"state": str(said)} if state in _EMPTY else {})
    if kind == "pin" and word.endswith("incorrect") and message.pin is None and message.correct is None:
        notes.append(f"`type` was {message.type[:40]} and was read as pin.")
        return {"type": kind, "correct": False}
    if not word:
        held = (name for name in _BY_FIELD if found.get(name, getattr(message, name)) not in _EMPTY)
        kind = _BY_FIELD.get(next(held, ""), "") if message.value is None else ""
    if kind:
        notes.append(f"`type` was {message.type[:40] or 'not given'} and was read as {kind}.")
    return {"type": kind} if kind else {}


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
    if len({_LOCKS.read(str(value)) for value in said.values()}) > 1:
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
    if message.type != "lock" and "state" in held and (word := _LOCKS.read(str(message.state))) is not None:
        more["lock"] = {"state": str(word)} | ({"rfid": message.rfid} if message.rfid else {})
    if message.type != "chain_type" and "chain_type" in held:
        more["chain_type"] = {"chain_type": _cut(message.chain_type, "chain_type", notes)}
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
    word = _LOCKS.read(text)
    if word is None:
        notes.append(f"`state` was {text[:40]}, which means nothing here: it is kept and brings nothing about.")
        return {"state": _cut(text, "state", notes)}
    if word != state:
        notes.append(f"`state` was {text[:40]} and was read as {word}.")
    return {"state": str(word)}


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
