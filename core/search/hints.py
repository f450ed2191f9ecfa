"""Why a search found nothing, where that can be known from its text. Pure."""

from __future__ import annotations

import re
from collections.abc import Sized
from typing import Any

from core.refusal import Refused

# A star at the beginning or end of a word.
_STAR = re.compile(r"(?<![^\s:(,])\*+|\*+(?![^\s),])")


def hint_about(q: str) -> str:
    """A sentence; "" where nothing is to be said."""
    if not _STAR.search(q):
        return ""
    return (
        "`*` stands for itself, because EVSE ids hold it. Words are found anywhere in a name: leave it out, as in"
        f" {_STAR.sub('', q).strip()[:200]!r}."
    )


def with_hint(answer: Any, q: str) -> Any:
    """A page of a list; one that a search leaves empty says why."""
    is_empty = isinstance(answer, dict) and answer.get("items") == []
    return answer | {"hint": hint} if is_empty and (hint := hint_about(q)) else answer


def check_found(found: Sized, q: str) -> None:
    """Raises Refused for a search that finds nothing, where it can be said why."""
    if not len(found) and (hint := hint_about(q)):
        raise Refused(f"The search finds nothing. {hint}", field="q")
