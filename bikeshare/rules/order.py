"""Which zones of a feed are those of before, and in which order they stand. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

# By what a zone is found again, in this order; where one of these alone names it, only if one on each side is left.
_EXACT = (("external_id",), ("name", "geometry"))
_ALONE = (("name",), ("geometry",))


def found_again(given: Sequence[Mapping[str, Any]], known: Sequence[Any]) -> list[Any | None]:
    """For each given zone the known one that it is, never by its place: by its id, its name and area, or one of these
    where nothing else has it."""
    found: list[Any | None] = [None] * len(given)
    left = dict(enumerate(known))
    for names in (*_EXACT, *_ALONE):
        places, rows = defaultdict[bytes, list[int]](list), defaultdict[bytes, list[int]](list)
        for place, values in enumerate(given):
            if found[place] is None and (key := _key([values.get(name) for name in names])):
                places[key].append(place)
        for number, row in left.items():
            if key := _key([getattr(row, name) for name in names]):
                rows[key].append(number)
        for key, of_key in places.items():
            if names in _EXACT or len(of_key) == len(rows[key]) == 1:
                for place, number in zip(of_key, rows[key], strict=False):
                    found[place] = left.pop(number)
    return found


def _key(values: list[Any]) -> bytes:
    return msgspec.json.encode(values, order="sorted") if any(values) else b""


def precedences(rows: Sequence[Any | None]) -> list[int]:
    """The precedence of each zone in a feed's order: most known ones keep theirs (None is a new one), so that one that
    comes or goes changes no other. Of the same precedence the one that was made first decides."""
    kept = _longest_rising([(place, (row.precedence, row.pk)) for place, row in enumerate(rows) if row is not None])
    above: list[float] = [float("inf")] * len(rows)
    for place in range(len(rows) - 1, 0, -1):
        above[place - 1] = rows[place].precedence if place in kept else above[place]  # type: ignore[union-attr]
    given: list[int] = []
    last = (-1, "")
    for place, row in enumerate(rows):
        pk = "~" if row is None else row.pk  # what is made now has the highest id
        if row is not None and place in kept and (row.precedence, pk) > last:
            precedence = row.precedence
        else:
            precedence = last[0] + 1 if last[0] + 1 < above[place] else max(last[0], 0)
            precedence += (precedence, pk) < last
        last = (precedence, pk)
        given.append(precedence)
    return given


def _longest_rising(ordered: Sequence[tuple[int, tuple[int, str]]]) -> set[int]:
    """The places of the longest part of which each is above the one before."""
    ends, tails, before = list[tuple[int, str]](), list[int](), dict[int, int | None]()
    for place, key in ordered:
        length = bisect_left(ends, key)
        ends[length:], tails[length:] = [key, *ends[length + 1 :]], [place, *tails[length + 1 :]]
        before[place] = tails[length - 1] if length else None
    rising, at = set[int](), tails[-1] if tails else None
    while at is not None:
        rising.add(at)
        at = before[at]
    return rising
