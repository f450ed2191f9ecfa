"""What msgspec and pydantic refuse, in words of people: the field and what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

# What msgspec says: "Expected `int` <= 100, got `str` - at `$.data.soc`".
_PLACE = re.compile(r"(?P<message>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_EXPECTED = re.compile(r"Expected `([^`]*)`(.*?)(?:, got `?([^`]*)`?)?", re.DOTALL)
_INVALID = re.compile(r"Invalid (?:enum )?value (.*)", re.DOTALL)
_WRITTEN = re.compile(r"Invalid (?:RFC3339 encoded |base64 encoded )?(datetime|date|time|UUID|string|number|decimal).*")
_LIMIT = re.compile(r" (of length )?(>=|<=|>|<|==)? ?(-?[\d.e+]+)")
_LIMITS = {">=": "at least ", "<=": "at most ", ">": "more than ", "<": "less than "}
_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "null": "null",
    "object": "an object",
    "array": "a list",
    "datetime": "a time (2026-11-21T05:40:00Z)",
    "date": "a day (2026-11-21)",
    "time": "a time of day (05:40:00Z)",
    **dict.fromkeys(("UUID", "uuid"), "a UUID"),
    **dict.fromkeys(("string", "bytes"), "text in Base64"),
    "number": "a number",
}


def said_of(error: msgspec.ValidationError) -> tuple[str, str]:
    """The path to the field that msgspec's message is about, and in words of people what is wrong with it, e.g.
    "inner.size" and "must be a whole number"."""
    found = _PLACE.fullmatch(str(error))
    message, path = (found["message"], found["path"] or "") if found else (str(error), "")
    path = path.replace("[...]", "")  # any of the values of a map
    if missing := _MISSING.fullmatch(message):
        return f"{path}{'.' * bool(path)}{missing[1]}", _IS_MISSING
    if unknown := _UNKNOWN.fullmatch(message):
        return path, f"there is no field `{unknown[1]}`"
    if expected := _EXPECTED.fullmatch(message):
        instead = f", not {_kinds(expected[3])}" if expected[3] else ""
        return path, f"must be {_kinds(expected[1])}{_limited(expected[1], expected[2])}{instead}"
    if invalid := _INVALID.fullmatch(message):
        return path, f"{invalid[1]} is not one of the values that it may have"
    if written := _WRITTEN.fullmatch(message):
        return path, f"must be {_KINDS[written[1]]}"
    return path, message[:1].lower() + message[1:] if message.endswith("out of range") else message


_IS_MISSING = "is missing"


def readable(error: msgspec.ValidationError) -> str:
    """msgspec's message in words of people, behind the field that it is about: "inner.size: must be a whole number"."""
    path, message = said_of(error)
    if message == _IS_MISSING:
        return f"`{path}` is missing."
    if not path:
        return f"It {message}." if message.startswith("must be ") else message
    return f"{path}: {message}"


def pointer_of(error: msgspec.ValidationError) -> str:
    """The JSON pointer to the field that msgspec's message is about."""
    path, _message = said_of(error)
    return "".join(f"/{part}" for part in re.split(r"[.\[\]]+", path) if part)


def _limited(kinds: str, limit: str) -> str:
    """What a limit of msgspec's means, e.g. " of length <= 20"."""
    found = _LIMIT.fullmatch(limit)
    if found is None:
        return " in the form that is asked for" if "matching regex" in limit else limit
    how_many = f"{_LIMITS.get(found[2] or '', '')}{found[3].removesuffix('.0')}"
    if not found[1]:
        return f" of {how_many}"
    if how_many == "at least 1":
        return " that is not empty"
    return f" of {how_many} {'characters' if 'str' in kinds else 'entries'}"


def _kinds(said: str) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in said.split(" | "))


def first_field(path: str) -> str:
    """The first field of a path: `tags[0]`, `data.soc`."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def field_within(path: str, why: str, within: str) -> tuple[str, str]:
    """The field within another that an error is about, and why; "" where it is about something else. A struct's own
    check names it itself: "`time_zone`: …" of `data`."""
    outer, _dot, inner = path.partition(".")
    if outer != within:
        return "", why
    if inner:
        what = f"`{inner.rpartition('.')[2]}` {why}" if why == _IS_MISSING and "." in inner else why
        return first_field(inner), what
    name, _colon, rest = why.partition(": ")
    return name.strip("`"), rest


# What pydantic's names of errors begin with, and what had to stand there.
_ASKED = {
    "string": "text",
    "int": "a whole number",
    **dict.fromkeys(("float", "decimal", "finite", "fraction"), "a number"),
    "bool": "true or false",
    "none": "null",
    **dict.fromkeys(("dict", "mapping", "model"), "an object"),
    **dict.fromkeys(("list", "tuple", "set", "iterable"), "a list"),
    **dict.fromkeys(("datetime", "timezone"), "a time (2026-11-21T05:40:00Z)"),
    "date": "a day (2026-11-21)",
    "time": "a time of day (05:40:00)",
    "uuid": "a UUID",
    "url": "an address such as https://example.org",
}
_BOUNDS = {"greater_than": ("gt", ">"), "greater_than_equal": ("ge", ">="), "less_than": ("lt", "<")}
_BOUNDS |= {"less_than_equal": ("le", "<=")}


def sentence_of(error: Mapping[str, Any]) -> str:
    """What one of pydantic's errors says, in a sentence of people; our own checks' are in one already."""
    kind, facts = str(error["type"]), error.get("ctx") or {}
    if kind in ("value_error", "assertion_error"):
        return str(facts.get("error", "")) or "It cannot be this."
    if kind == "missing":
        return "It is missing."
    if kind in ("enum", "literal_error"):
        return f"It must be {facts['expected']}."
    if kind in _BOUNDS:
        name, sign = _BOUNDS[kind]
        return f"It must be {_LIMITS[sign]}{facts[name]}."
    if kind.endswith(("too_short", "too_long")):
        least, most = (facts.get(name) for name in ("min_length", "max_length"))
        what = "characters" if kind.startswith("string") else "entries"
        return f"It must have {f'at most {most}' if least is None else f'at least {least}'} {what}."
    if kind == "string_pattern_mismatch":
        return "It must be text in the form that is asked for."
    asked = _ASKED.get(kind.partition("_")[0])
    return f"It must be {asked}." if asked else "It is not in the form that is asked for."
