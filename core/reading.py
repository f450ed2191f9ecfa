"""What a decoder says of an item that it refuses, for people."""

from __future__ import annotations

import re

import msgspec

_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_EXPECTED = re.compile(r"Expected `([^`]*)`(.*?)(?:, got `([^`]*)`)?", re.DOTALL)
_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "object": "an object",
    "array": "a list",
}


def readable(error: msgspec.ValidationError) -> str:
    """msgspec's message in words of people, behind the field that it is about: "inner.size: must be a whole number"."""
    message, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    if missing := _MISSING.fullmatch(message):
        return f"`{path}{'.' * bool(path)}{missing[1]}` is missing."
    if expected := _EXPECTED.fullmatch(message):
        wanted, got = (
            " or ".join(_KINDS.get(kind, kind) for kind in (kinds or "").split(" | "))
            for kinds in expected.groups()[::2]
        )
        message = f"must be {wanted}{expected[2]}" + (f", not {got}" if got else "")
        return f"{path}: {message}" if path else f"It {message}."
    return f"{path}: {message}" if path else message


def _kinds(said: str) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in said.split(" | "))
