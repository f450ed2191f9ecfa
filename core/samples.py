"""As much of what a stranger sent, and of what is said about it, as anybody reads. Pure."""

from __future__ import annotations

from typing import Any

MAX_VALUES, MAX_TEXT, MAX_DEPTH = 400, 500, 12
# So many things are said of one item.
MOST_SENTENCES = 100
_CUT = "…"


def sample_of(value: Any, *, most: int = MAX_VALUES) -> Any:
    """A JSON value with at most so many values in it, long texts cut; what is left out shows as `…`."""
    left = most

    def cut(part: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if isinstance(part, str):
            return part if len(part) <= MAX_TEXT else f"{part[:MAX_TEXT]}{_CUT}"
        if not isinstance(part, dict | list):
            return part
        if depth == MAX_DEPTH:
            return _CUT
        if isinstance(part, list):
            kept: list[Any] = []
            for inner in part:
                if left <= 0:
                    return [*kept, f"{_CUT} and {len(part) - len(kept)} more"]
                kept.append(cut(inner, depth + 1))
            return kept
        found: dict[str, Any] = {}
        for key, inner in part.items():
            if left <= 0:
                return found | {_CUT: f"and {len(part) - len(found)} more"}
            found[key if len(key) <= MAX_TEXT else f"{key[:MAX_TEXT]}{_CUT}"] = cut(inner, depth + 1)
        return found

    return cut(value, 0)


def say_once(sentences: list[str], sentence: str) -> None:
    """Adds what was not said yet; of more than anybody reads the last entry counts how much more there was."""
    if sentence in sentences:
        return
    if len(sentences) < MOST_SENTENCES:
        sentences.append(sentence)
    elif len(sentences) == MOST_SENTENCES:
        sentences.append(_more(_count_in(sentence)))
    else:
        sentences[-1] = _more(_count_in(sentences[-1]) + _count_in(sentence))


_MORE = ("And ", " more like these.")


def _more(count: int) -> str:
    return f"{count}".join(_MORE)


def _count_in(sentence: str) -> int:
    """How many things a sentence stands for."""
    number = sentence.removeprefix(_MORE[0]).removesuffix(_MORE[1])
    return int(number) if number.isdecimal() and sentence == _more(int(number)) else 1
