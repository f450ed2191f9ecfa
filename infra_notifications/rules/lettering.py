"""Letters as people type them on a device without accents, and words with one letter wrong. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

# Words that are shorter are a letter away from too many others; of these, only letters that changed places are seen.
LONG, SHORT = 7, 5
_UMLAUTS = "äöüÄÖÜ"
_SIGNS = dict.fromkeys("’‘´`", "'") | dict.fromkeys("‐‑‒–—−", "-") | {"\u00ad": ""}
_LIGATURES = {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O"}
_TOKEN = re.compile(rf"[^\W\d_]{{{SHORT},40}}")


class _Plain(dict[int, str]):
    """What `str.translate` makes of each letter, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFKD", chr(code))
        self[code] = "".join(part for part in parts if not unicodedata.combining(part))
        return self[code]


_PLAIN = _Plain({ord(sign): other for sign, other in (_SIGNS | _LIGATURES).items()})
_PLAIN |= {ord(letter): letter for letter in _UMLAUTS}
_TYPED = {letter: (base + "e", base) for letter, base in zip(_UMLAUTS, "aouAOU", strict=True)}
_EITHER = {ord(letter): f"(?:{letter}|{base}e?)" for letter, base in zip(_UMLAUTS, "aouAOU", strict=True)}


def plain(text: str) -> str:
    """A text without accents, with the plain apostrophe and hyphen: "déclenché" is "declenche". Umlauts stay, because
    "tür" is no ending of "Temperatur"."""
    if text.isascii():
        return text.replace("`", "'")
    return unicodedata.normalize("NFC", text).translate(_PLAIN)


def spellings(word: str, *, is_ending: bool = False) -> list[str]:
    """How a word is typed in plain texts: with its umlauts, with "ae", "oe", "ue", and, unless it is the ending of
    another, without their dots."""
    word = plain(word)
    ways = range(1 if is_ending else 2) if any(letter in _TYPED for letter in word) else ()
    return [word, *("".join(_TYPED[letter][way] if letter in _TYPED else letter for letter in word) for way in ways)]


def plain_pattern(pattern: str) -> str:
    """A pattern that finds in a plain text what it finds in one with accents."""
    return plain(pattern).translate(_EITHER)


def _without_one(word: str) -> Iterator[str]:
    yield word
    for place in range(len(word)):
        yield word[:place] + word[place + 1 :]


def _is_one_off(word: str, other: str) -> bool:
    """Whether a letter is missing, too much or another, or two that stand together changed their places."""
    if abs(len(word) - len(other)) > 1 or word == other:
        return False
    same = next((n for n, (one, two) in enumerate(zip(word, other, strict=False)) if one != two), -1)
    if same < 0:
        return True
    rest, behind = word[same:], other[same:]
    return (
        rest[1:] == behind[1:]
        or rest[1:] == behind
        or rest == behind[1:]
        or (rest[:2] == behind[1::-1] and rest[2:] == behind[2:])
    )


def is_nearly(word: str, right: str) -> bool:
    """Whether a short word that begins as another is at most two letters away from it: "fauleted" and "faulted"."""
    if word[:1] != right[:1] or abs(len(word) - len(right)) > 2:
        return False
    before = list(range(len(right) + 1))
    for row, letter in enumerate(word, 1):
        costs = [row]
        for column, other in enumerate(right, 1):
            costs.append(min(before[column] + 1, costs[-1] + 1, before[column - 1] + (letter != other)))
        before = costs
    return before[-1] <= 2


class Dictionary:
    """Knows words and finds the one that another is a letter away from.

    Every word stands there under itself and under each of its forms without one letter, so that a look-up asks for as
    many keys as the word has letters, however many words there are.
    """

    def __init__(self, words: Iterable[str], right: Iterable[str] = ()) -> None:
        """`right` are words that are no mistake either."""
        self._words = {word for word in words if len(word) >= SHORT}
        self._right = self._words.union(right)
        self._near: dict[str, list[str]] = {}
        for word in sorted(self._words):
            for form in _without_one(word) if len(word) >= LONG else ():
                self._near.setdefault(form, []).append(word)

    def corrected(self, text: str) -> str:
        """The text with the words that are a letter away from one that is known written as that one."""
        return _TOKEN.sub(lambda match: self._nearest(match[0]), text)

    def _nearest(self, token: str) -> str:
        word = plain(token).lower()
        if word in self._right:
            return token
        if len(word) < LONG:
            swapped = (word[:n] + word[n + 1] + word[n] + word[n + 2 :] for n in range(len(word) - 1))
            return next((other for other in swapped if other in self._words), token)
        forms = (other for form in _without_one(word) for other in self._near.get(form, ()))
        return next((other for other in forms if _is_one_off(word, other)), token)
