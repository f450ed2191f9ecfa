"""What the annotations of a struct's fields say of the values that these may have, and how senders call them. Pure."""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

# Marks an int that is a percentage.
PERCENT = msgspec.Meta(ge=0, le=100)
_SCALARS = {str, int, float, bool, type(None), datetime, date, Decimal}


@dataclass(frozen=True)
class Envelope:
    """How the fields around a payload are also called.

    `aliases` are other names, folded, of fields; `marks` groups of fields of which each item should have one, for
    without them it may have them under another name; `complete` brings an item whose fields are named into form and
    returns sentences of what it did. Where an item has all marks, a field in `unsure` has no other names. `hints` are
    names, folded, that are not read, with the field that may be meant. With `warns` fields that nobody reads are named
    in a warning.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    marks: tuple[tuple[str, ...], ...] = ()
    complete: Callable[[dict[str, Any]], list[str]] | None = None
    unsure: frozenset[str] = frozenset()
    hints: Mapping[str, str] = field(default_factory=dict)
    warns: bool = False
    # Other names, folded, of which one counts before the field itself.
    surer: frozenset[str] = frozenset()
    # Which of the fields that were found under other names mean that beside the others of the item.
    weigh: Callable[[Collection[str], dict[str, str]], dict[str, str]] | None = None


def types_of(struct: type[msgspec.Struct]) -> dict[str, set[Any] | None]:
    return {field.encode_name: scalars_of(field.type) for field in msgspec.structs.fields(struct)}


def map_in(annotation: Any) -> set[Any] | None:
    """Of a field that maps names to scalars, or may, the types of these."""
    if get_origin(annotation) is dict:
        return scalars_of(get_args(annotation)[1])
    parts = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()
    return next((found for part in parts if (found := map_in(part))), None)


def metas_of(annotation: Any) -> list[Any]:
    """What is said of a type beside it, however deep in a union."""
    own = list(get_args(annotation)[1:]) if get_origin(annotation) is Annotated else []
    inner = [] if own else [meta for part in get_args(annotation) for meta in metas_of(part)]
    return own + inner


def scalars_of(annotation: Any) -> set[Any] | None:
    """The scalar types that a field may have; None for a field that may have others."""
    if get_origin(annotation) is Annotated:
        return scalars_of(get_args(annotation)[0])
    parts = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    scalars = {get_args(part)[0] if get_origin(part) is Annotated else part for part in parts} - {msgspec.UnsetType}
    return scalars if scalars <= _SCALARS else None
