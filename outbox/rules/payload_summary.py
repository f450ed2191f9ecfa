"""The key facts of an event's payload, for a table that people read. Pure; takes any JSON and never raises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

Scalar = str | int | float | bool

# A table with more rows than this is not read any more.
MOST_FACTS = 14
MOST_TEXT = 200
MOST_MEMBERS = 10
# What a payload says for programs, not for people; database ids and addresses of pages are left out by their form.
_FOR_PROGRAMS = {"object", "version", "sequence", "url", "previous_attributes"}
# Names that only wrap what they hold.
_WRAPPERS = ("object", "data")
DEEPEST = 6
NOTHING = "–"
# What a thing is called, and where it is, by the names that payloads use for it; the first that is there counts.
_NAMES = ("evse_id", "vin", "number", "name", "id")
_PLACES = ("city", "program", "fleet")


class PayloadFact(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value: the part of the payload that it belongs to (empty: the payload itself), its name, what it was before."""

    part: str
    name: str
    value: Scalar
    was: Scalar | None = None


def key_facts(payload: Any, most: int = MOST_FACTS) -> list[PayloadFact]:
    """The facts to show, in the payload's order; each part gets its share of them, what changed comes before all else.

    `previous_attributes`, as events of changes carry them, become what each value was.
    """
    if not isinstance(payload, dict):
        return []
    before = _before(payload.get("previous_attributes"))
    facts = [
        PayloadFact(part, name, value, before.get(name) if part in ("", _object_name(payload)) else None)
        for part, name, value in _once(_values(payload))
    ]
    chosen = set([place for place, fact in enumerate(facts) if fact.was is not None][:most])
    for place in _in_turn(facts):
        if len(chosen) >= most:
            break
        chosen.add(place)
    return [facts[place] for place in sorted(chosen)]


# What a payload says in whole sentences: shown as such, and not among the facts.
_SENTENCES = ("explanation", "suggestion")


def sentences(payload: Any) -> list[str]:
    """What happened and what to do, where a payload says it in words."""
    found = [payload.get(name) for name in _SENTENCES] if isinstance(payload, dict) else []
    return [text for text in found if isinstance(text, str) and text]


def without_sentences(payload: Any) -> Any:
    """The payload without what is shown in words above its facts."""
    shown = ("headline", *_SENTENCES)
    return {key: value for key, value in payload.items() if key not in shown} if isinstance(payload, dict) else payload


def in_order(payload: Any, schema: dict[str, Any]) -> Any:
    """The payload with its values in the order in which its JSON schema names them: the database forgets theirs."""
    return _ordered(payload, schema, schema.get("$defs", {}), 0)


def _ordered(value: Any, schema: dict[str, Any], defs: dict[str, Any], depth: int) -> Any:
    schema = defs.get(schema.get("$ref", "").rpartition("/")[2], schema)
    if not isinstance(value, dict) or depth > DEEPEST:
        return value
    options = [defs.get(option.get("$ref", "").rpartition("/")[2], option) for option in schema.get("anyOf", ())]
    properties: dict[str, Any] = next(
        (option["properties"] for option in (schema, *options) if "properties" in option), {}
    )
    names = [name for name in properties if name in value] + [name for name in value if name not in properties]
    return {name: _ordered(value[name], properties.get(name, {}), defs, depth + 1) for name in names}


def headline(payload: Any) -> str:
    """What the event is about in a few words, e.g. `DE*ABC*E0001*1, Köln`: the payload's own headline, else what it
    names; empty when it names nothing."""
    own = payload.get("headline") if isinstance(payload, dict) else None
    if isinstance(own, str) and own.strip():
        return own
    values: dict[str, str] = {}
    for _part, name, value in _values(payload) if isinstance(payload, dict) else ():
        if isinstance(value, str | int) and not isinstance(value, bool):
            values.setdefault(name, str(value))
    words = (next((values[name] for name in names if name in values), "") for names in (_NAMES, _PLACES))
    return ", ".join(word for word in words if word)


def link_of(payload: Any) -> str:
    """The page that the payload names, or nothing."""
    url = payload.get("url") if isinstance(payload, dict) else None
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""


def _object_name(payload: dict[str, Any]) -> str:
    """The part under which the values of a wrapped object stand: what it says it is."""
    wrapped: dict[str, Any] = next((payload[name] for name in _WRAPPERS if isinstance(payload.get(name), dict)), {})
    name = wrapped.get("object")
    return name if isinstance(name, str) else ""


def _before(previous: Any) -> dict[str, Scalar]:
    """What values were, by name; what was empty is shown as such."""
    if not isinstance(previous, dict):
        return {}
    empty = {str(name): NOTHING for name, value in previous.items() if _is_nothing(value)}
    return empty | {name: value for _part, name, value in _flat("", "", previous)}


def _is_nothing(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _once(values: Iterable[tuple[str, str, Scalar]]) -> Iterator[tuple[str, str, Scalar]]:
    """Without what an earlier part has said, e.g. the city of the event and of what it is about."""
    seen: set[tuple[str, str]] = set()
    for part, name, value in values:
        if (name, repr(value)) not in seen:
            seen.add((name, repr(value)))
            yield part, name, value


def _values(payload: dict[str, Any]) -> Iterator[tuple[str, str, Scalar]]:
    """(part, name, value) of everything that people may want to read."""
    for name, value in payload.items():
        if isinstance(value, dict) and name != "previous_attributes":
            part = _object_name(payload) if name in _WRAPPERS else str(name)
            yield from _flat(part, "", value)
        else:
            yield from _flat("", "", {name: value})


def _flat(part: str, path: str, value: dict[Any, Any]) -> Iterator[tuple[str, str, Scalar]]:
    for key, inner in value.items():
        name = f"{path}{key}"
        if key in _FOR_PROGRAMS or _is_database_id(str(key), inner):
            continue
        if isinstance(inner, dict):
            if path.count(".") < DEEPEST:
                yield from _flat(part, f"{name}.", inner)
        elif (shown := _shown(inner)) is not None:
            yield part, name, shown


def _is_database_id(name: str, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and (name == "id" or name.endswith("_id"))


def _shown(value: Any) -> Scalar | None:
    """A value as it is shown; None for what says nothing."""
    if isinstance(value, list):
        if any(isinstance(member, dict | list) for member in value):
            return len(value)
        members = [str(member) for member in value if member not in (None, "")]
        more = ["…"] if len(members) > MOST_MEMBERS else []
        value = ", ".join(members[:MOST_MEMBERS] + more)
    if isinstance(value, str):
        value = " ".join(value.split())
        if not value or value.startswith(("https://", "http://")):
            return None
        return value if len(value) <= MOST_TEXT else f"{value[: MOST_TEXT - 1]}…"
    return value if isinstance(value, bool | int | float) else None


def _in_turn(facts: list[PayloadFact]) -> Iterator[int]:
    """The places of the facts, one of each part in turn, so that a long part does not hide a short one."""
    parts: dict[str, list[int]] = {}
    for place, fact in enumerate(facts):
        parts.setdefault(fact.part, []).append(place)
    for turn in range(max(map(len, parts.values()), default=0)):
        yield from (places[turn] for places in parts.values() if turn < len(places))
