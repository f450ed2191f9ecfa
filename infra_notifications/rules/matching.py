"""Which rule a message meets, and what that makes of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from infra_notifications.choices import Case, Effect
from infra_notifications.ingest import Observation
from infra_notifications.rules.wording import around, denies, in_one_clause, negates, readings

# A text that repeats a word more often than this says nothing new with it.
MAX_FINDS = 10


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


def word_pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for a list of words: `trip*` a beginning, `*sensor` an ending, else a whole word or phrase.

    "-" joins what stands behind it to the word before it: "Wi-Fi" holds no "FI", "FI-Schalter" does; a phrase may be
    written with it. Built from escaped text and word borders alone, so that its time grows linearly whatever anyone
    types.
    """
    bordered: list[str] = []
    free: list[str] = []
    for word in words:
        core = re.escape(word.strip("*")).replace(r"\ ", "[ -]")
        if core:
            (free if word.startswith("*") else bordered).append(core + ("" if word.endswith("*") else r"(?!\w)"))
    # The border is asked once for all words, so that most positions of a text are passed over quickly.
    parts = [rf"(?<!\w)(?<!\w-)(?:{'|'.join(bordered)})"] * bool(bordered) + free
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _one_of(values: Sequence[str]) -> Callable[[str], bool]:
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


@dataclass(frozen=True)
class CompiledRule:
    """A rule ready to be asked."""

    id: int | None
    name: str
    effect: Effect
    case: str
    momentary_s: int | None
    tests: tuple[Callable[[Observation], bool], ...]
    # It names a code or words, not only the place or the action.
    is_specific: bool = True

    def is_met_by(self, observation: Observation) -> bool:
        return all(test(observation) for test in self.tests)


def compile_rule(row: RuleRow) -> CompiledRule:
    """Turns a rule's conditions into tests; an empty condition needs none."""
    tests: list[Callable[[Observation], bool]] = []
    if row.protocols:
        starts = tuple(p.lower().rstrip("*") for p in row.protocols)
        tests.append(lambda o: o.protocol.lower().startswith(starts))
    if row.actions:
        is_action = _one_of(row.actions)
        tests.append(lambda o: is_action(o.action))
    if row.statuses:
        is_status = _one_of(row.statuses)
        tests.append(lambda o: is_status(o.status))
    if exact := {code[1:].lower() for code in row.codes if code.startswith("=")}:
        tests.append(lambda o: ",".join(o.codes).lower() in exact)
    if wanted := [code for code in row.codes if not code.startswith(("!", "="))]:
        is_code = _one_of(wanted)
        tests.append(lambda o: any(is_code(code) for code in o.codes))
    if unwanted := [code for code in row.codes if code.startswith("!")]:
        may_be_code = _one_of(unwanted)
        tests.append(lambda o: all(may_be_code(code) for code in o.codes))
    if row.components:
        is_component = _one_of(row.components)
        tests.append(lambda o: bool(o.component) and is_component(o.component))
    if row.variables:
        is_variable = _one_of(row.variables)
        tests.append(lambda o: bool(o.variable) and is_variable(o.variable))
    if row.vendors:
        vendor = word_pattern([f"*{v.strip('*')}*" for v in row.vendors])
        tests.append(lambda o: bool(vendor and vendor.search(o.vendor)))
    if texts := {word[1:].lower() for word in row.words if word.startswith("=")}:
        tests.append(lambda o: o.words.lower() in texts)
    if any(not word.startswith("=") for word in row.words):
        tests.append(_Says(row))
    effect, is_specific = Effect(row.effect), bool(row.codes or row.words)
    return CompiledRule(row.pk, row.name, effect, row.case, row.momentary_s, tuple(tests), is_specific)


class _Says:
    """Whether a charger says one of a rule's words, and one of its further words if it has any, and does not deny it.

    What is searched are its text and its codes, since codes such as "evse_board_support/TiltDetected" are words too. A
    word with "!" in front denies as well, for this rule alone.
    """

    def __init__(self, row: RuleRow) -> None:
        self._words = word_pattern(word for word in row.words if not word.startswith(("!", "=")))
        self._further = word_pattern(row.and_words)
        self._unless = word_pattern(word[1:] for word in row.words if word.startswith("!"))
        # A word that is known to be no alarm needs nothing beside it.
        is_denied = negates if row.effect == Effect.CLEAR or row.and_words else lambda rest: False
        self._denied: Callable[[str], bool] = denies if row.effect == Effect.RAISE else is_denied
        self._in_one_clause = row.effect != Effect.RAISE

    def __call__(self, observation: Observation) -> bool:
        texts = [text for said in (observation.words, *observation.codes) for text in readings(said)]
        # What reports an end by its value may well say so in words.
        return any(self._holds(text, deniable=observation.over is not True) for text in texts)

    def _holds(self, text: str, *, deniable: bool) -> bool:
        if self._words is None:
            return False
        found = [match.span() for match in islice(self._words.finditer(text), MAX_FINDS)]
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
        rest = around(text, spans)
        return not (self._denied(rest) or (self._unless and self._unless.search(rest)))


# What no rule knows and is broken all the same, and what is Faulted although a rule means that it is no alarm.
OTHER_FAULT = CompiledRule(None, "A fault that no rule knows", Effect.RAISE, Case.OTHER_FAULT, None, ())


@dataclass(frozen=True, slots=True)
class Reading:
    """What an observation's facts come to: the first rule they meet, or None, and what the charger said for people."""

    rule: CompiledRule | None
    said: str
    is_unmapped: bool


def _reading(rule: CompiledRule | None, observation: Observation) -> Reading:
    # That a part speaks in normal operation does not make a grave severity harmless; that its code is known does.
    may_silence = not observation.faulted and (not observation.grave or (rule is not None and rule.is_specific))
    is_unmapped = rule is None
    silenced = rule is not None and rule.effect == Effect.INFO and not may_silence
    if silenced or (rule is None and observation.defective):
        rule = OTHER_FAULT
    return Reading(rule, observation.said, is_unmapped)


class RuleBook:
    """The enabled rules in their order; remembers the answer for facts it has seen, because most messages repeat."""

    REMEMBERED = 20_000

    def __init__(self, rows: Iterable[RuleRow]) -> None:
        rows = list(rows)
        self.rules = [compile_rule(row) for row in rows]
        self.asks_for_vendor = any(row.vendors for row in rows)
        self._readings: dict[tuple[object, ...], Reading] = {}

    def read(self, observation: Observation) -> Reading:
        facts = observation.facts
        found = self._readings.get(facts)
        if found is None:
            rule = next((rule for rule in self.rules if rule.is_met_by(observation)), None)
            found = _reading(rule, observation)
            if len(self._readings) < self.REMEMBERED:
                self._readings[facts] = found
        return found

    def match(self, observation: Observation) -> CompiledRule | None:
        """The first rule that the observation meets, OTHER_FAULT where none does and something is broken, or None."""
        return self.read(observation).rule


def effect_of(rule: CompiledRule, observation: Observation) -> Effect:
    """What the message does: a raising rule clears when the message itself says that the fault is over."""
    if rule.effect != Effect.RAISE:
        return rule.effect
    if observation.over is True:
        return Effect.CLEAR
    return Effect.RAISE if observation.asserted else Effect.INFO
