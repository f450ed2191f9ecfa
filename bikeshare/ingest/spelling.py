"""How boxes spell their messages: other names of fields, types and words → ours. What was done is said.

The names are those of public APIs and guides of locks and trackers for shared bikes, and the customer's own topics
(`boitier.locked`): a message under the name of what it brings about is one of the type that does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from bikeshare.choices import Lock, TelemetryType
from bikeshare.ingest.telemetry import MAX_WORD, MOST_METRES, TYPES, DeviceMessage
from core.corrections import Envelope, folded
from core.text import composed
from core.words import Vocabulary


def _names(table: dict[str, str]) -> dict[str, str]:
    return {name: ours for ours, names in table.items() for name in names.split()}


# Folded: without case and signs between words.
ALIASES = _names(
    {
        "boitier": "box boxid boitierid boitiernumber lockid deviceid device serial serialnumber ident number",
        "type": "kind event eventtype messagetype topic reading",
        "at": "time timestamp ts date datetime occurredat reportedat recordedat measuredat createdat devicetime"
        " lastreported eventtime gpstime gpstimeutc",
        "state": "lock lockstate lockstatus status locked islocked",
        "rfid": "tag docktag dockrfid",
        "uid": "card cardid carduid cardnumber nfc nfcuid nfcid passuid passid badge",
        "pin": "code pincode typedpin",
        "correct": "iscorrect valid accepted",
        "chain_type": "chain",
        "value": "level percent percentage charge soc battery batterylevel batterypercent batterypercentage"
        " batteryvalue fuelpercent",
        "remaining_distance": "range rangem rangemeters remainingrange currentrangemeters autonomy autonomie",
        "latitude": "lat latdeg positionlatitude",
        "longitude": "lon lng long londeg positionlongitude",
        "accuracy": "precision accuracym horizontalaccuracy hacc positionaccuracy",
        "position": "location gps coordinates coords geo point",
    }
)
BOX = Envelope(ALIASES, (("boitier",),), warns=True)
_TYPE_NAMES = _names(
    {
        "lock": "lock lockstate lockstatus lockchanged boitierlock",
        "position": "position gps location geo gnss fix track vehiculeposition vehiculepositionforbidden",
        "battery": "battery internalbattery batterylevel batterylow vehiculebattery vehiculebatterylow",
        "battery_vae": "batteryvae vae assistance assistancebattery assistbattery ebikebattery motorbattery"
        " drivebattery vehiculebatteryvae vehiculebatteryvaelow",
        TelemetryType.PASS.value: "pass nfc card rfid badge boitierpass boitierpassunrecognized",
        "pin": "pin keypad code pincode boitierpin boitierpinincorrect",
        "chain_type": "chaintype chain boitierchaintype boitierchaintypeupdated",
    }
)
# Types that say their value themselves.
_SAYING: dict[str, tuple[str, dict[str, Any]]] = {
    "locked": ("lock", {"state": "locked"}),
    "boitierlocked": ("lock", {"state": "locked"}),
    "unlocked": ("lock", {"state": "unlocked"}),
    "boitierunlocked": ("lock", {"state": "unlocked"}),
}
# STRONG_CLOSED is a word of Axa's eRL.
_LOCKS = Vocabulary(
    {
        Lock.LOCKED: "lock closed close secured engaged true 1 strong_closed verrouille verrouillee ferme fermee"
        " gesperrt abgeschlossen verriegelt geschlossen",
        Lock.UNLOCKED: "unlock open opened released false 0 not_locked deverrouille deverrouillee ouvert ouverte"
        " entsperrt aufgeschlossen entriegelt offen geöffnet",
        Lock.UNDEFINED: "unknown unavailable none null nan inconnu unbekannt",
    },
    prefixes=("lock",),
)
# By which field a message without a type is known.
_BY_FIELD = {"latitude": "position", "uid": "pass", "pin": "pin", "correct": "pin", "state": "lock"}
_BY_FIELD |= {"chain_type": "chain_type"}


def read_message(message: DeviceMessage) -> tuple[DeviceMessage, list[str]]:
    """The message in our words, and what had to be done for it; most are in them and cost a look."""
    changes: dict[str, Any] = {}
    notes: list[str] = []
    if not message.boitier.isascii():
        changes |= {"boitier": composed(message.boitier)}  # what nobody sees is no part of a number
    if message.position is not None:
        changes |= _place(message, notes)
    if message.type not in TYPES:
        changes |= _typed(message, changes, notes)
    kind = changes.get("type", message.type)
    if kind == "lock":
        changes |= _lock(changes.get("state", message.state), notes)
    elif kind == "chain_type":
        # The source's own word for no reading.
        reading = "null" if message.chain_type is None else message.chain_type
        changes |= {"chain_type": _cut(reading, "chain_type", notes)}
    if isinstance(message.uid, int):
        changes |= {"uid": str(message.uid)}
    if isinstance(message.pin, int):
        changes |= {"pin": f"{message.pin:04d}"}  # a number has lost its leading zeros
    changes |= dict(_side_values(message, notes))
    return (replace(message, **changes) if changes else message), notes


def _place(message: DeviceMessage, notes: list[str]) -> dict[str, Any]:
    """Latitude and longitude out of an object, or of a GeoJSON point's [longitude, latitude]."""
    held: Any = message.position
    if isinstance(held, list) and len(held) == 1 and isinstance(held[0], dict):
        held = held[0]
    if isinstance(held, dict) and isinstance(held.get("coordinates"), list):
        held = held["coordinates"]
    if isinstance(held, list):
        held = dict(zip(("longitude", "latitude"), held, strict=False))
    named = {ALIASES.get(folded(name), folded(name)): value for name, value in held.items()}
    place: dict[str, Any] = {"position": None}
    for name in ("latitude", "longitude", "accuracy"):
        number = _number(named.get(name))
        if getattr(message, name) is None and number is not None:
            place[name] = number
    if len(place) > 1:
        notes.append("`position` was read as latitude and longitude.")
    return place


def _number(value: Any) -> float | None:
    try:
        number = float(value.strip().replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and not isinstance(value, bool) else None


def _typed(message: DeviceMessage, found: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """The type that a word means; without one, that of the only reading that the message holds."""
    word = folded(message.type)
    if word in _SAYING:
        kind, said = _SAYING[word]
        notes.append(f"`type` was {message.type[:40]} and was read as {kind}.")
        return {"type": kind} | {name: v for name, v in said.items() if getattr(message, name) in (None, UNSET)}
    kind = _TYPE_NAMES.get(word, "")
    if kind == "pin" and word.endswith("incorrect") and message.pin is None and message.correct is None:
        notes.append(f"`type` was {message.type[:40]} and was read as pin.")
        return {"type": kind, "correct": False}
    if not word:
        held = (name for name in _BY_FIELD if found.get(name, getattr(message, name)) not in (None, UNSET))
        kinds = {_BY_FIELD[name] for name in held}
        kind = kinds.pop() if len(kinds) == 1 and message.value is None else ""
    if kind:
        notes.append(f"`type` was {message.type[:40] or 'not given'} and was read as {kind}.")
    return {"type": kind} if kind else {}


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
    if message.rfid is not None and len(message.rfid) > 40:
        notes.append("`rfid` was longer than 40 characters and was left out.")
        yield "rfid", None
