"""Spellings of EVSE ids. eMI3 lets the separators be left out: `DE*ABC*E1`, `DE-ABC-E1` and `DEABCE1` are one. Pure.

Keys are what `identity_key` makes of an id.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from infra_notifications.choices import EVSE_SEPARATORS

_WITHOUT = str.maketrans("", "", EVSE_SEPARATORS)
# Country, operator, E and the rest; between these a separator parts nothing that is not parted already.
_EVSE_ID = re.compile(r"[A-Z]{2}[A-Z0-9]{3}E[A-Z0-9]+")
_PARTED = (0, 2, 5, 6)

# Where the rest of an id is parted, as numbers of letters before it; None where its spelling does not say.
Parts = frozenset[int] | None


def letters_of(key: str) -> str:
    """The letters and digits of an EVSE id of eMI3; "" for any other identity, whose signs all count."""
    letters = _plain(key).translate(_WITHOUT)
    return letters if _EVSE_ID.fullmatch(letters) else ""


def _plain(key: str) -> str:
    return key if key.isascii() else unicodedata.normalize("NFKC", key)


def _parts_of(key: str, *, strictly: bool) -> Parts:
    key, count = _plain(key), 0
    parts, has_separator = set[int](), False
    for sign in key:
        if sign in EVSE_SEPARATORS:
            parts.add(count)
            has_separator = True
        else:
            count += 1
    inner = frozenset(parts.difference((*_PARTED, count)))
    return inner if inner or (strictly and has_separator) else None


def meant_by(key: str, others: Collection[str], *, strictly: bool = False) -> str:
    """Which of these ids of the same letters a spelling means that is none of them; "" where it is unclear or none.

    `DE*ABC*E1*11` is never `DE*ABC*E11*1`. `strictly`, for who writes: an id with separators, none of them in its
    last part, is none that has some there.
    """
    parts = {other: _parts_of(other, strictly=strictly) for other in others}
    own = _parts_of(key, strictly=strictly)
    if len({each for each in (own, *parts.values()) if each is not None}) > 1:
        found = [other for other, each in parts.items() if each == own]
    else:
        found = list(parts)
    return found[0] if len(found) == 1 else ""


def spelling_of(key: str) -> str:
    """The same for ids that are spelt with other separators in the same places."""
    letters, parts = letters_of(key), _parts_of(key, strictly=False) or ()
    return f"{letters}/{sorted(parts)}" if letters else key


def joined(keys: Iterable[str]) -> dict[str, str]:
    """Each key with the first of those that spell the same id."""
    first: dict[str, str] = {}
    alike: Mapping[str, list[str]] = defaultdict(list)
    for key in keys:
        letters = letters_of(key)
        first[key] = (letters and meant_by(key, alike[letters], strictly=True)) or key
        if letters and first[key] == key:
            alike[letters].append(key)
    return first
