"""Tokens that a connection named: a station may repeat them in a free text, in which nobody would look for them."""

from __future__ import annotations

import re
from typing import Any

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.retained import HIDDEN

_NAMED = re.compile(
    rb'"(?:id_?tag|parent_?id_?tag|id_?token|emaid|evcc_?id|contract_?id)"\s*:\s*"([^"\\]{6,64})"', re.IGNORECASE
)
_HINTS = (b"tag", b"token", b"emaid", b"evcc", b"contract")
_SIGNS = re.compile(r"[^0-9a-z]+")
_HEX = re.compile(r"[0-9a-f]{8,}")
_TIMES = frozenset(("timestamp", "generatedat", "currenttime"))
MOST, SHORTEST, LOOSE, LONGEST_SEARCHED = 16, 6, 8, 1 << 20


class Tokens:
    """The tokens of a connection that were heard last, at most `MOST`, without the signs between their letters."""

    __slots__ = ("_heard",)

    def __init__(self) -> None:
        self._heard: tuple[str, ...] = ()

    def note(self, data: bytes) -> None:
        """Remembers the tokens that a frame names."""
        searched = data[:LONGEST_SEARCHED]
        lowered = searched.lower()
        if not any(hint in lowered for hint in _HINTS):
            return
        for value in _NAMED.findall(searched):
            token = _squeezed(value.decode("utf-8", "replace"))
            if _is_telling(token) and token not in self._heard:
                self._heard = (*self._heard, token)[-MOST:]

    def masked(self, value: Any, name: str = "") -> Any:
        """A payload without these tokens, however their letters are spaced or spelt; times stay as they are."""
        if not self._heard or fold(name) in _TIMES:
            return value
        if isinstance(value, dict):
            return {key: self.masked(each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [self.masked(each) for each in value]
        return self._without(value) if isinstance(value, str) and len(value) >= SHORTEST else value

    def _without(self, text: str) -> str:
        squeezed = _squeezed(text)
        for token in self._heard:
            if token in squeezed:
                text = _pattern(token).sub(HIDDEN, text)
        return text


def _squeezed(text: str) -> str:
    return _SIGNS.sub("", text.lower())


def _is_telling(token: str) -> bool:
    """Whether a token is no word or short number that a text may hold for another reason."""
    return len(token) >= SHORTEST and (any(sign.isdigit() for sign in token) or bool(_HEX.fullmatch(token)))


def _pattern(token: str) -> re.Pattern[str]:
    """A token with any signs between its letters; a short one stands by itself."""
    spaced = r"[\W_]*".join(token)
    return re.compile(spaced if len(token) >= LOOSE else rf"(?<![^\W_]){spaced}(?![^\W_])", re.IGNORECASE)
