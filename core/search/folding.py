"""Case and accents taken away, as `signalbox_fold` does it in the database."""

from __future__ import annotations

import unicodedata

# Letters that have no decomposition, folded as PostgreSQL's unaccent folds them.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})


def fold(text: str) -> str:
    """The text as it is compared: without case and accents."""
    if text.isascii():
        return text.lower()
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return bare.casefold().translate(_LETTERS)
