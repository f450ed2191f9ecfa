"""Suggestions while typing: the names of fields, then their values with counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from core.search.base import Facet
from core.search.caret import Typing, replaced, typing_at
from core.search.counts import Value, fold
from core.search.grammar import MAX_LENGTH, Word, value_text
from core.search.schema import SearchSchema

MOST_FIELDS, MOST_VALUES = 30, 12
# A plain word also offers the values that begin with it, from two letters on.
LEAST_LETTERS, MOST_OF_A_FIELD = 2, 3

# The values of a facet that contain a text, or all for an empty one; for None as facet, of all facets those that
# begin with it, by facet name.
ValuesOf = Callable[[Facet, str], Iterable[Value]]
ValuesBeginning = Callable[[str], Iterable[tuple[str, Value]]]


@dataclass(frozen=True)
class Suggestion:
    """One option: what is shown, and the search with it in place."""

    shown: str
    label: str
    count: int | None
    text: str
    caret: int
    is_field: bool = False


def suggest(
    schema: SearchSchema, text: str, caret: int, *, values_of: ValuesOf, values_beginning: ValuesBeginning
) -> list[Suggestion]:
    """What could be meant by the piece before the caret; nothing behind a field that is not there."""
    if len(text) > MAX_LENGTH:
        return []
    typing = typing_at(text, caret)
    if typing.field is None:
        return [*_fields(schema, text, typing), *_values_anywhere(schema, text, typing, values_beginning)]
    facet = schema.facet(typing.field)
    return list(_values(facet, text, typing, values_of))[:MOST_VALUES] if facet else []


def _fields(schema: SearchSchema, text: str, typing: Typing) -> list[Suggestion]:
    prefix = fold(typing.prefix)
    suggestions = []
    for facet in schema.facets:
        names = (facet.name, *facet.aliases)
        words = fold(str(facet.label)).split()
        if any(name.startswith(prefix) for name in names) or any(word.startswith(prefix) for word in words):
            piece = f"{facet.name}:"
            suggestions.append(Suggestion(piece, str(facet.label), None, *replaced(text, typing, piece), is_field=True))
    return sorted(suggestions, key=lambda s: not s.shown.startswith(prefix))[:MOST_FIELDS]


def _values_anywhere(
    schema: SearchSchema, text: str, typing: Typing, values_beginning: ValuesBeginning
) -> Iterator[Suggestion]:
    if len(typing.prefix) < LEAST_LETTERS:
        return
    of_field: dict[str, int] = {}
    for name, value in values_beginning(typing.prefix):
        facet = schema.facet(name)
        of_field[name] = of_field.get(name, 0) + 1
        if facet is None or of_field[name] > MOST_OF_A_FIELD:
            continue
        piece = f"{name}:{_piece(value.value)}"
        yield Suggestion(piece, _label(facet, value.value), value.count, *replaced(text, typing, piece))


def _values(facet: Facet, text: str, typing: Typing, values_of: ValuesOf) -> Iterator[Suggestion]:
    prefix = fold(typing.prefix)
    counted = list(values_of(facet, typing.prefix))
    hinted = [(value, label) for value, label in facet.hints() if value not in {c.value for c in counted}]
    for value in counted:
        piece = _piece(value.value)
        yield Suggestion(piece, _label(facet, value.value), value.count, *replaced(text, typing, piece))
    for hint, label in hinted:
        if fold(hint).startswith(prefix):
            meaning = "" if fold(str(label)) == fold(hint) else str(label)
            yield Suggestion(hint, meaning, None, *replaced(text, typing, hint))


def _label(facet: Facet, value: str) -> str:
    """What a value means, where that is not what it says."""
    label = facet.label_of(value)
    return "" if fold(label) == fold(value.removeprefix("=")) else label


def _piece(value: str) -> str:
    """A value as one types it; a name that is also a word of the search is put in quotes."""
    name = value.removeprefix("=")
    return value_text(Word(name, quoted=value.startswith("=") and name.lower() in ("none", "any", "")))
