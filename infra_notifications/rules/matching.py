"""Which rule a message meets, and what that makes of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

from infra_notifications.choices import Case, Effect
from infra_notifications.ingest import UNSPECIFIC, Observation
from infra_notifications.rules.vocabulary import STANDARD_CODES
from infra_notifications.rules.wording import around, clause_of, denies, in_one_clause, is_no_end, negates, readings

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
    effect = Effect(row.effect)
    is_specific = any(not text.startswith("!") and text != "=" for text in (*row.codes, *row.words))
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
        is_denied = negates if row.and_words else lambda rest, clause: False
        if row.effect == Effect.CLEAR:
            is_denied = is_no_end
        self._denied: Callable[[str, str], bool] = denies if row.effect == Effect.RAISE else is_denied
        self._reads_place = row.effect == Effect.RAISE and row.case == Case.FUSE_TRIPPED
        self._in_one_clause = row.effect != Effect.RAISE

    def __call__(self, observation: Observation) -> bool:
        # Parts are named as OCPP names them; that of one which protects says what it is.
        place = (observation.place,) * (self._reads_place and bool(observation.place))
        texts = [text for said in (observation.words, *observation.codes, *place) for text in readings(said)]
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
        return not (self._denied(rest, clause_of(text, spans)) or (self._unless and self._unless.search(rest)))


# What no rule knows and is broken all the same, and what is Faulted although a rule means that it is no alarm.
OTHER_FAULT = CompiledRule(None, "A fault that no rule knows", Effect.RAISE, Case.OTHER_FAULT, None, ())


@dataclass(frozen=True, slots=True)
class Reading:
    """What an observation's facts come to: the first rule they meet, or None, and what the charger said for people.

    `ended` is the case that its words end while it says itself that something is broken, which `rule` then tells.
    `is_vague`: the words beside it say nothing of what that is.
    """

    rule: CompiledRule | None
    said: str
    is_unmapped: bool
    ended: str = ""
    is_vague: bool = False


def _reading(rules: Sequence[CompiledRule], observation: Observation) -> Reading:
    rule = next((rule for rule in rules if rule.is_met_by(observation)), None)
    is_unmapped, ended, is_vague = rule is None, "", False
    if rule is None:
        rule = OTHER_FAULT if observation.defective else None
    elif _is_overruled(rule, observation):
        is_end, ended = rule.effect == Effect.CLEAR, rule.case if rule.effect == Effect.CLEAR else ""
        rule = _standing(rules, observation, ended)
        if rule is OTHER_FAULT and not observation.defective:
            return Reading(None, observation.said, is_unmapped)
        # The same case goes on for another reason.
        ended = "" if ended == rule.case else ended
        unspecific = all(code.lower() in UNSPECIFIC for code in observation.codes)
        is_vague = is_end and rule.case == Case.OTHER_FAULT and unspecific
    return Reading(rule, observation.said, is_unmapped, ended, is_vague)


def _standing(rules: Sequence[CompiledRule], observation: Observation, ended: str) -> CompiledRule:
    """The rule for what stands while words, and the vendor's code among them, name a case that has ended."""
    bare = observation
    if not observation.component:
        codes = tuple(code for code in observation.codes if code.lower() in STANDARD_CODES)
        bare = replace(observation, words="", codes=codes)
    elif ended:
        bare = replace(observation, words="")
    for rule in rules:
        if rule.effect == Effect.RAISE and (
            rule.is_met_by(bare) or (rule.case != ended and rule.is_met_by(observation))
        ):
            return rule
    return OTHER_FAULT


def _is_overruled(rule: CompiledRule, observation: Observation) -> bool:
    """Whether a rule says that all is well of what says itself that something is broken. That a part speaks in normal
    operation does not make a grave severity harmless; that its code is known does."""
    if rule.effect == Effect.INFO:
        return observation.faulted or (observation.grave and not rule.is_specific)
    return rule.effect == Effect.CLEAR and observation.counts


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
            found = _reading(self.rules, observation)
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
