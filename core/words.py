"""The words that other systems use for what Signalbox knows: tables of synonyms, one for each field. Pure.

A table maps each of our words to those that mean the same; ours mean themselves. Case, accents, blanks and signs do not
matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

# What is no letter and no digit, the accents beside decomposed letters among them.
_SIGNS = re.compile(r"[\W_]+")


def word_key(word: str) -> str:
    """The same for all spellings of a word, and for all of a number: Renault's cars say 1.0 for "charging"."""
    return _remembered(word) if len(word) <= _LONGEST else _key(word)


def _key(word: str) -> str:
    try:
        return format(float(word), "g")
    except ValueError:
        return _SIGNS.sub("", unicodedata.normalize("NFKD", word)).casefold()


# Senders say the same words again and again.
_LONGEST = 60
_remembered = lru_cache(4_096)(_key)


def name_among(names: Iterable[str], typed: str) -> str:
    """The name that is typed, in its own spelling; what is none of them stays as it is."""
    key = word_key(typed)
    return next((name for name in names if word_key(name) == key), typed.strip())


@dataclass(frozen=True)
class Vocabulary:
    """Our words of a field, each with its synonyms."""

    synonyms: Mapping[str, str]
    # What some put before each of their words.
    prefixes: tuple[str, ...] = ()
    meanings: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        meanings: dict[str, str] = {}
        for ours, synonyms in self.synonyms.items():
            for word in (ours, *synonyms.split()):
                if meanings.setdefault(word_key(word), ours) != ours:
                    raise ValueError(f"{word!r} has two meanings: {meanings[word_key(word)]} and {ours}")
        object.__setattr__(self, "meanings", meanings)

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.synonyms)

    def read(self, word: str) -> str | None:
        """Our word for what somebody else says; None for one that nobody told us."""
        key = word_key(word)
        if key not in self.meanings:
            key = next((key[len(prefix) :] for prefix in self.prefixes if key.startswith(prefix)), key)
        return self.meanings.get(key)
