"""What the words and values of a rule look for in a text. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from infra_notifications.rules.lettering import spellings

# Between the words of a phrase, as `re.escape` writes it: "court-circuit" is "court circuit".
_GAP = re.compile(r"(?<=\w)\\[ -](?=\w)")


def word_pattern(words: Iterable[str], flags: int = re.IGNORECASE) -> re.Pattern[str] | None:
    """One pattern for a list of words: `trip*` a beginning, `*sensor` an ending, else a whole word or phrase.

    "-" joins what stands behind it to the word before it: "Wi-Fi" holds no "FI", "FI-Schalter" does; within a phrase it
    is as good as a blank. Built from escaped text and word borders alone, so that its time grows linearly whatever
    anyone types.
    """
    return _pattern(tuple(words), flags)


@lru_cache(maxsize=2_000)  # a rule that was changed makes its own patterns anew, and no other's
def _pattern(words: tuple[str, ...], flags: int) -> re.Pattern[str] | None:
    bordered: list[str] = []
    free: list[str] = []
    for word in words:
        is_ending, border = word.startswith("*"), "" if word.endswith("*") else r"(?!\w)"
        cores = (
            _GAP.sub("[ -]", re.escape(core)).replace("'", "[' ]?")
            for core in spellings(word.strip("*"), is_ending=is_ending)
        )
        (free if is_ending else bordered).extend(core + border for core in cores if core)
    # The border is asked once for all words, so that most positions of a text are passed over quickly.
    parts = [rf"(?<!\w)(?<!\w-)(?:{'|'.join(bordered)})"] * bool(bordered) + free
    return re.compile("|".join(parts), flags) if parts else None


def one_of(values: Sequence[str]) -> Callable[[str], bool]:
    """Whether a text equals one of these, ignoring case; `*` at either end stands for anything, `!` for "not".

    `!*` is met by nothing: asked of a list, such as codes, it means that there are none.
    """
    wanted = [v.lower() for v in values if not v.startswith("!")]
    unwanted = {v[1:].lower() for v in values if v.startswith("!")}
    never = "*" in unwanted
    exact = {v for v in wanted if "*" not in v}
    ends = tuple(v[1:] for v in wanted if v.startswith("*"))
    starts = tuple(v[:-1] for v in wanted if v.endswith("*") and not v.startswith("*"))

    def test(text: str) -> bool:
        lowered = text.lower()
        if never or lowered in unwanted:
            return False
        if not wanted:
            return True
        return (
            lowered in exact or (bool(ends) and lowered.endswith(ends)) or (bool(starts) and lowered.startswith(starts))
        )

    return test


def lower_pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """`word_pattern` for texts in lower case, in which it finds its words twice as fast."""
    return word_pattern([word.lower() for word in words], flags=0)
