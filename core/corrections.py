"""The fields around a payload, where they are not of the type that they should be but have one meaning all the same.

`"1"` is 1, 1.0 is 1, 7 is `"7"`, `[7]` is 7, a number of seconds or milliseconds since 1970 is a moment. Only items
that a strict reader refused come here.
"""

from __future__ import annotations

import re
import types
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

_SCALARS = {str, int, float, bool, type(None), datetime}
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?")
_TRUTHS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
# From 2001 on, in seconds or in milliseconds.
_SECONDS, _MILLISECONDS = (10**9, 10**10), (10**12, 10**13)
_UNREADABLE = object()


class Corrections:
    """Corrects the items of one msgspec struct, or of a tagged union of them.

    What cannot be read of the fields in `spare` is left out. With `blanks` more can be left out of an item that is
    rejected, so that its sender is known (`rest`): these fill required fields.
    """

    def __init__(
        self, item_type: Any, blanks: Mapping[str, Any] | None = None, spare: Collection[str] = frozenset()
    ) -> None:
        structs = get_args(item_type) or (item_type,)
        every = [{field.encode_name: field for field in msgspec.structs.fields(struct)} for struct in structs]
        tags = {struct.__struct_config__.tag_field for struct in structs} - {None}
        self.names = frozenset().union(tags, *every)
        self.required = frozenset(
            name for name in every[0] if all(name in fields and fields[name].required for fields in every)
        ).union(tags)
        # Of a union of types only what they have in common is corrected.
        self._types = dict.fromkeys(self.names) | {
            name: _scalars_of(field.type)
            for name, field in every[0].items()
            if all(name in fields and fields[name].type == field.type for fields in every)
        }
        self._blanks, self._spare = blanks, spare

    def correct(self, item: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The item as it was meant, and what was done for it in sentences."""
        corrected, notes = dict(item), list[str]()
        for name in item.keys() & self.names:
            wanted = self._types[name]
            if wanted is None or type(item[name]) in wanted:
                continue
            value = _read(item[name], wanted, is_moment=name == "at" or name.endswith("_at"))
            if value is not _UNREADABLE:
                corrected[name] = value
                notes.append(f"`{name}` was {_short(item[name])} and was read as {_short(value)}.")
            elif name in self._spare or (item[name] is None and name not in self.required):
                del corrected[name]
                notes.append(f"`{name}` was {_short(item[name])}, which cannot be read, and was left out.")
        return corrected, sorted(notes)

    def rest(self, corrected: dict[str, Any]) -> dict[str, Any] | None:
        """What can be read of an item that cannot be taken; None where nothing is made of that."""
        if self._blanks is None:
            return None
        readable = {
            name: value
            for name, value in corrected.items()
            if name in self.names and ((wanted := self._types[name]) is None or type(value) in wanted)
        }
        return {**self._blanks, **readable} if readable else None


def _short(value: Any) -> str:
    return msgspec.json.encode(value).decode()[:60]


def _scalars_of(annotation: Any) -> set[Any] | None:
    """The scalar types that a field may have; None for a field that may have others."""
    if get_origin(annotation) is Annotated:
        return _scalars_of(get_args(annotation)[0])
    parts = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    scalars = {get_args(part)[0] if get_origin(part) is Annotated else part for part in parts}
    return scalars if scalars <= _SCALARS else None


def _read(value: Any, wanted: set[Any], *, is_moment: bool) -> Any:
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list | dict):
        value = value[0]
        if type(value) in wanted:
            return value
    if isinstance(value, bool | dict | list) or value is None:
        return _UNREADABLE
    if isinstance(value, str):
        return _of_text(value.strip(), wanted)
    if (is_moment and str in wanted) or datetime in wanted:
        return _moment(value)
    if isinstance(value, float) and value.is_integer() and int in wanted:
        return int(value)
    if bool in wanted and value in (0, 1):
        return bool(value)
    return str(value) if str in wanted else _UNREADABLE


def _of_text(text: str, wanted: set[Any]) -> Any:
    if bool in wanted and text.lower() in _TRUTHS:
        return _TRUTHS[text.lower()]
    if not _NUMBER.fullmatch(text):
        return _UNREADABLE
    number = float(text)
    if int in wanted and number.is_integer():
        return int(number)
    return number if float in wanted else _UNREADABLE


def _moment(number: float) -> Any:
    for (first, last), unit in ((_SECONDS, 1), (_MILLISECONDS, 1_000)):
        if first <= number < last:
            return datetime.fromtimestamp(number / unit, UTC).isoformat().replace("+00:00", "Z")
    return _UNREADABLE
