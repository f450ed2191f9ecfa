"""Which rule a message meets, and what that makes of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from infra_notifications.choices import Effect
from infra_notifications.ingest import Observation


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

    Built from escaped text and word borders alone, so that its time grows linearly whatever anyone types.
    """
    alternatives = []
    for word in words:
        core = re.escape(word.strip("*"))
        start = "" if word.startswith("*") else r"(?<!\w)"
        end = "" if word.endswith("*") else r"(?!\w)"
        if core:
            alternatives.append(f"{start}{core}{end}")
    return re.compile("|".join(alternatives), re.IGNORECASE) if alternatives else None


def _one_of(values: Sequence[str]) -> Callable[[str], bool]:
    """Whether a text equals one of these, ignoring case; `*` at either end stands for anything, `!` for "not"."""
    wanted = [v.lower() for v in values if not v.startswith("!")]
    unwanted = {v[1:].lower() for v in values if v.startswith("!")}
    exact = {v for v in wanted if "*" not in v}
    ends = tuple(v[1:] for v in wanted if v.startswith("*"))
    starts = tuple(v[:-1] for v in wanted if v.endswith("*") and not v.startswith("*"))

    def test(text: str) -> bool:
        lowered = text.lower()
        if lowered in unwanted:
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

    id: int
    name: str
    effect: Effect
    case: str
    momentary_s: int | None
    tests: tuple[Callable[[Observation], bool], ...]

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
    if wanted := [code for code in row.codes if not code.startswith("!")]:
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
    patterns = (word_pattern(words) for words in (row.words, row.and_words))
    tests.extend(_says(pattern) for pattern in patterns if pattern)
    return CompiledRule(row.pk, row.name, Effect(row.effect), row.case, row.momentary_s, tuple(tests))


def _says(pattern: re.Pattern[str]) -> Callable[[Observation], bool]:
    # Codes such as "evse_board_support/TiltDetected" are words too.
    return lambda o: bool(pattern.search(o.words) or any(pattern.search(code) for code in o.codes))


@dataclass(frozen=True, slots=True)
class Reading:
    """What an observation's facts come to: the first rule they meet, or None, and what the charger said for people."""

    rule: CompiledRule | None
    said: str


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
            found = Reading(rule, observation.said)
            if len(self._readings) < self.REMEMBERED:
                self._readings[facts] = found
        return found

    def match(self, observation: Observation) -> CompiledRule | None:
        """The first rule that the observation meets, or None."""
        return self.read(observation).rule


def effect_of(rule: CompiledRule, observation: Observation) -> Effect:
    """What the message does: a raising rule clears when the message itself says that the fault is over."""
    if rule.effect != Effect.RAISE:
        return rule.effect
    if observation.over is True:
        return Effect.CLEAR
    return Effect.RAISE if observation.asserted else Effect.INFO
