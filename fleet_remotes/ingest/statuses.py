"""What an `eventStatus`, or the vendor's record of an action, says: its words and causes, wherever they stand.

The vendor's pages, its API and its flow chart name the same things differently (reference B2 to B5): `status`,
`RemoteDoneEventStatus`, `RemoteDone`; as text, as a list, as an object within another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.corrections import folded
from core.text import composed
from fleet_remotes.catalogue.advice import is_known_cause
from fleet_remotes.catalogue.words import DONE, PENDING
from fleet_remotes.choices import State

MAX_TEXT = 128
TYPES = ("pending", "done", "failed")
# Where a cause, a feedback, a status may stand, folded; within `eventStatus`, within `status`, or beside both.
_CAUSES = (
    *("failurecause", "remotefailedeventstatus", "failedeventstatus", "cause", "failurereason", "errorcause"),
    *("failurecauses", "causes", "remotefailurecause", "remotefailurecauses", "failedreason"),
)
# Where anything may stand, so that only a cause that we know is one.
_REASONS = ("failure", "errorcode", "errormessage", "error", "reason")
_FEEDBACKS = ("feedbackdetail", "remoteeventfeedbackdetail")
_NAMED = {  # by the type that the name says
    "done": ("remotedoneeventstatus", "remotedonestatus", "remotedone", "done"),
    "failed": ("remotefailed", "failed"),
    "pending": ("remotependingeventstatus", "remotependingstatus", "remotepending", "pending"),
}
_TYPE_OF = {name: kind for kind, names in _NAMED.items() for name in names}
_PLAIN = ("remoteactionstatus", "status")
# What holds a status also where there is no `eventStatus` around it.
_REMOTE = tuple(name for name in _TYPE_OF if name.startswith("remote"))
STATUSES = frozenset(("status", *_REMOTE))
_BESIDE = STATUSES - {"status"}
_ELSEWHERE = frozenset((*_TYPE_OF, "remoteactionstatus"))
# What is written where there is no cause.
_NO_CAUSE = ("none", "noerror", "null", "no")
_DEEPEST = 3
fold = lru_cache(2_048)(folded)


@dataclass(frozen=True, slots=True)
class Said:
    """`is_object` where the status was one, as the vendor's page shows it."""

    type: str = ""
    status: str = ""
    cause: str = ""
    feedback: str = ""
    is_object: bool = False


def text_of(value: Any) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and value.isascii() and value.isprintable():
        return value.strip()[:MAX_TEXT]
    if value is None or isinstance(value, dict | list | bool):
        return ""
    return composed(str(value))[:MAX_TEXT]


def by_key(raw: dict[str, Any]) -> dict[str, Any]:
    """What an object holds, by keys without case and "_"."""
    return {fold(key): value for key, value in raw.items()}


def read_status(status: dict[str, Any], around: dict[str, Any] | None = None) -> Said:
    """What a status says, and what stands `around` it of the same."""
    said = by_key(status)
    word = said.get("status")
    if (
        isinstance(word, str)
        and word
        and "," not in word
        and said.keys().isdisjoint(_ELSEWHERE)
        and _BESIDE.isdisjoint(around or ())
    ):
        flat = (said, around) if around else (said,)
        return Said(text_of(said.get("type")), text_of(word), _cause_in(flat), _first(flat, _FEEDBACKS))
    within = list(_within(said))
    places = [*within, said, *([around] if around else [])]
    kind = text_of(said.get("type"))
    found = [one for place in within for one in _named_words(place, (*_TYPE_OF, *_PLAIN))]
    found += [(name, key) for place in within for name, key in _keyed_words(place)]
    found += _named_words(said, (*_TYPE_OF, *_PLAIN)) + _named_words(around or {}, _REMOTE)
    if not kind and not any(_is_status(word) for _name, word in found):
        kind = next((_TYPE_OF[name] for name, _word in found if name in _TYPE_OF), "")
    words = [word for _name, word in found]
    if not words and kind and fold(kind) not in TYPES:
        words = [kind]  # of `{"type": "Success"}` the type is all
    chosen = _chosen(words, fold(kind))
    cause = _cause_in([said, *within, *places[-1:]])
    return Said(kind, chosen, cause or _cause_among(words, chosen), _first(places, _FEEDBACKS), bool(within))


def _within(place: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """The objects that stand where a status does."""
    for name in (*_PLAIN, *_TYPE_OF):
        held = place.get(name)
        for one in held if isinstance(held, list) else [held]:
            if isinstance(one, dict) and depth < _DEEPEST:
                inner = by_key(one)
                yield from _within(inner, depth + 1)
                yield inner


def _words(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else [value]
    return [text for part in parts for one in text_of(part).split(",") if (text := one.strip())]


def _named_words(place: dict[str, Any], names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, word) for name in names for word in _words(place.get(name))]


def _keyed_words(place: dict[str, Any]) -> list[tuple[str, str]]:
    """Of `{"AlreadyDone": true}` the key, of `{"Failure": ["DoorsOpen"]}` the key and what it holds."""
    others = [key for key in place if key not in (*_TYPE_OF, *_PLAIN) and place[key] and _is_status(key)]
    return [(key, word) for key in others for word in (key, *_words(place[key]))]


def _is_status(word: str) -> bool:
    return bool(word) and bool(PENDING.read(word) or DONE.read(word))


def _chosen(words: Sequence[str], kind: str) -> str:
    """Of several words the one that fits the type; else one that means anything."""
    first, second = (PENDING, DONE) if kind == "pending" else (DONE, PENDING)
    for is_it in (first.read, second.read, is_known_cause):
        if found := next((word for word in words if is_it(word)), ""):
            return found
    return next(iter(words), "")


def _cause_in(places: Iterable[dict[str, Any]]) -> str:
    places = list(places)
    cause = _first(places, _CAUSES)
    if not cause and is_known_cause(reason := _first(places, _REASONS)):
        return reason
    return "" if fold(cause) in _NO_CAUSE else cause


def _cause_among(words: Sequence[str], chosen: str) -> str:
    """The cause that stands beside a failure in its own place."""
    if DONE.read(chosen) != State.FAILED:
        return ""
    rest = [word for word in words if is_known_cause(word)]
    return next(iter(rest or [word for word in words if not _is_status(word)]), "")


def _first(places: Iterable[dict[str, Any]], names: Iterable[str]) -> str:
    """The first of these fields that says something, wherever it stands."""
    for place in places:
        for name in names if any(map(place.get, names)) else ():
            value = place.get(name)
            if isinstance(value, dict | list):  # of several causes the first
                said = [one for one in (value.values() if isinstance(value, dict) else value) if one]
                known = (one for one in said if is_known_cause(text_of(one)))
                value = next(known, said[0] if said else None)
            if text := text_of(value):
                return text
    return ""
