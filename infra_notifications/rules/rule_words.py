"""What a rule asks of texts: whether a charger says its words, and does not deny them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from itertools import islice
from typing import Protocol

from infra_notifications.choices import Case, Effect
from infra_notifications.ingest import UNSPECIFIC, Observation
from infra_notifications.rules.word_patterns import lower_pattern
from infra_notifications.rules.wording import (
    around,
    clause_of,
    denies,
    goes_on,
    in_one_clause,
    is_no_end,
    negates,
    readings,
)

# A text that repeats a word more often than this says nothing new with it.
MAX_FINDS = 6


class RuleRow(Protocol):
    """What matching needs of a rule (`models.EventRule`)."""

    pk: int
    name: str
    protocols: list[str]
    actions: list[str]
    statuses: list[str]
    codes: list[str]
    components: list[str]
    variables: list[str]
    vendors: list[str]
    words: list[str]
    and_words: list[str]
    effect: str
    case: str
    momentary_s: int | None


class Heard:
    """The texts in which a rule looks for its words: what a charger says and its codes, since codes such as
    "evse_board_support/TiltDetected" are words too. Each is made when it is first asked for."""

    def __init__(self, observation: Observation) -> None:
        self.observation = observation

    @cached_property
    def texts(self) -> list[tuple[str, ...]]:
        codes = (code for code in self.observation.codes if code.lower() not in UNSPECIFIC)
        return [readings(said) for said in dict.fromkeys((self.observation.words, *codes)) if said]

    @cached_property
    def place(self) -> list[tuple[str, ...]]:
        return [readings(self.observation.place)] if self.observation.place else []


class Says:
    """Whether a charger says one of a rule's words, and one of its further words if it has any, and does not deny it.

    A word with "!" in front denies as well, for this rule alone.
    """

    def __init__(self, row: RuleRow) -> None:
        self._words = lower_pattern(word for word in row.words if not word.startswith(("!", "=")))
        self._further = lower_pattern(row.and_words)
        self._unless = lower_pattern(word[1:] for word in row.words if word.startswith("!"))
        # A word that is known to be no alarm needs nothing beside it.
        is_denied = negates if row.and_words else lambda rest, clause: False
        if row.effect == Effect.CLEAR:
            is_denied = is_no_end
        self._denied: Callable[[str, str], bool] = denies if row.effect == Effect.RAISE else is_denied
        self._reads_place = row.effect == Effect.RAISE and row.case == Case.FUSE_TRIPPED
        self._in_one_clause = self._is_calm = row.effect != Effect.RAISE

    def met_by(self, heard: Heard) -> bool:
        # Parts are named as OCPP names them; that of one which protects says what it is.
        texts = heard.texts + heard.place if self._reads_place else heard.texts
        # What reports an end by its value may well say so in words.
        deniable = heard.observation.over is not True
        return any(self._in(text, deniable=deniable) for text in texts)

    def _in(self, text: tuple[str, ...], *, deniable: bool) -> bool:
        whole, apart = text[0], text[-1]
        if self._holds(apart, deniable=deniable):
            return True
        # What is run together is denied where it is taken apart.
        return whole is not apart and self._holds(whole, deniable=deniable) and not (deniable and self._refuses(apart))

    def _refuses(self, text: str) -> bool:
        return self._denied(text, text) or bool(self._unless and self._unless.search(text))

    def _holds(self, text: str, *, deniable: bool) -> bool:
        if self._words is None:
            return False
        found = [match.span() for match in islice(self._words.finditer(text), MAX_FINDS)]
        if found and self._is_calm and deniable and goes_on(text):
            return False
        if not found or not self._further:
            return any(self._stands(text, [span], deniable=deniable) for span in found)
        further = [match.span() for match in islice(self._further.finditer(text), MAX_FINDS)]
        pairs = [[one, other] for one in found for other in further if one[1] <= other[0] or other[1] <= one[0]]
        if self._in_one_clause:
            pairs = [pair for pair in pairs if in_one_clause(text, pair)]
        return any(self._stands(text, pair, deniable=deniable) for pair in pairs)

    def _stands(self, text: str, spans: list[tuple[int, int]], *, deniable: bool) -> bool:
        if not deniable:
            return True
        if self._unless and self._is_excepted(text, spans, self._unless):
            return False
        return not self._denied(around(text, spans), clause_of(text, spans))

    def _is_excepted(self, text: str, spans: list[tuple[int, int]], unless: re.Pattern[str]) -> bool:
        """Whether what denies for this rule stands around these places, or begins before one of them and takes it in:
        "device fault" where "fault" was found; of what is no alarm also "restart required" where "restart" was."""
        if unless.search(around(text, spans, widely=True)):
            return True
        return any(
            match.start() < first < last == match.end()
            or (self._is_calm and match.start() <= first and last <= match.end() and match.span() != (first, last))
            for match in unless.finditer(text)
            for first, last in spans
        )
