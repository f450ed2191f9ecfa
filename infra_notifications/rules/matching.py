"""Which rule a message meets, and what that makes of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import msgspec
from msgspec.structs import replace

from infra_notifications.choices import Case, Effect
from infra_notifications.ingest import BESIDE_STATUS, FAULTED, UNSPECIFIC, Observation
from infra_notifications.rules.fault_names import MOST_CODES
from infra_notifications.rules.lettering import Dictionary, plain, spellings
from infra_notifications.rules.phrases import FULL_FORMS
from infra_notifications.rules.placeholders import told_by
from infra_notifications.rules.reported_values import tells_broken
from infra_notifications.rules.rule_words import Heard, RuleRow, Says
from infra_notifications.rules.transfer_words import words_of
from infra_notifications.rules.vocabulary import STANDARD_CODES
from infra_notifications.rules.word_patterns import one_of, word_pattern
from infra_notifications.rules.wording import (
    ends_of,
    names_of,
    taken_apart,
)

NO_ERROR = "noerror"
# Codes beside which nothing is broken unless the status, or a vendor's code, says so.
HARMLESS = (NO_ERROR, "evcommunicationerror", "weaksignal", "locallistconflict")
# What words and codes can name.
NAMED = (Case.FUSE_TRIPPED, Case.SENSORS)
# Longer lists of codes are read as one text.
MOST_LISTED = 20


@dataclass(frozen=True)
class CompiledRule:
    """A rule ready to be asked."""

    id: int | None
    name: str
    effect: Effect
    case: str
    momentary_s: int | None
    tests: tuple[Callable[[Observation], bool], ...]
    says: Says | None = None
    # It names a code or words, not only the place or the action.
    is_specific: bool = True
    is_by_code: bool = False  # and no words
    # It names just what was seen, as a rule made by a click does.
    is_exact: bool = False
    is_of: Callable[[str], bool] | None = None  # the actions of which it may be; None: of all

    def is_met_by(self, observation: Observation, heard: Heard) -> bool:
        """Of an observation of its actions; `heard` are its texts, for all rules that are asked."""
        for test in self.tests:  # a generator would take longer than the tests
            if not test(observation):
                return False
        return self.says is None or self.says.met_by(heard)


CONDITIONS = tuple(RuleRow.__annotations__)


def compile_rule(row: RuleRow) -> CompiledRule:
    """Turns a rule's conditions into tests; an empty condition needs none. The same rule is compiled but once."""
    given = (getattr(row, name) for name in CONDITIONS)
    return _compiled(*(tuple(each) if isinstance(each, list) else each for each in given))


@lru_cache(maxsize=1_000)
def _compiled(*given: Any) -> CompiledRule:
    row: Any = SimpleNamespace(**dict(zip(CONDITIONS, given, strict=True)))
    tests: list[Callable[[Observation], bool]] = []
    if row.protocols:
        starts = tuple(p.lower().rstrip("*") for p in row.protocols)
        tests.append(lambda o: o.protocol.lower().startswith(starts))
    if row.statuses:
        is_status = one_of(row.statuses)
        tests.append(lambda o: is_status(o.status))
    if exact := {code[1:].lower() for code in row.codes if code.startswith("=")}:
        tests.append(lambda o: ",".join(o.codes).lower() in exact)
    if wanted := [code for code in row.codes if not code.startswith(("!", "="))]:
        is_code = one_of(wanted)
        tests.append(lambda o: any(is_code(code) for code in o.codes))
    if unwanted := [code for code in row.codes if code.startswith("!")]:
        may_be_code = one_of(unwanted)
        tests.append(lambda o: all(may_be_code(code) for code in o.codes))
    if row.components:
        is_component = one_of(row.components)
        tests.append(lambda o: bool(o.component) and is_component(o.component))
    if row.variables:
        is_variable = one_of(row.variables)
        tests.append(lambda o: bool(o.variable) and is_variable(o.variable))
    if row.vendors:
        vendor = word_pattern([f"*{v.strip('*')}*" for v in row.vendors])
        tests.append(lambda o: bool(vendor and vendor.search(plain(o.vendor))))
    if texts := {word[1:].lower() for word in row.words if word.startswith("=")}:
        tests.append(lambda o: o.words.lower() in texts)
    says = Says(row) if any(not word.startswith("=") for word in row.words) else None
    effect = Effect(row.effect)
    is_exact = any(text[:1] == "=" for text in (*row.codes, *row.words))
    is_specific = any(not text.startswith("!") and text != "=" for text in (*row.codes, *row.words))
    kinds = {"is_specific": is_specific, "is_by_code": bool(wanted) and not row.words, "is_exact": is_exact}
    return CompiledRule(
        row.pk, row.name, effect, row.case, row.momentary_s, tuple(tests), says, **kinds, is_of=_of_actions(row.actions)
    )


def _of_actions(actions: Sequence[str]) -> Callable[[str], bool] | None:
    """What a vendor's own messages, or ends of transactions, say is what others say beside a status."""
    is_action = one_of(actions)
    is_said = is_action("StatusNotification")
    return (lambda action: is_action(action) or (is_said and action in BESIDE_STATUS)) if actions else None


# What no rule knows and is broken all the same, and what is Faulted although a rule means that it is no alarm.
OTHER_FAULT = CompiledRule(None, "A fault that no rule knows", Effect.RAISE, Case.OTHER_FAULT, None, ())
# What ends a code alone, by the case that the code has.
ENDS_OF_CODE = {
    case: CompiledRule(None, "The end of a code", Effect.CLEAR, case, None, ()) for case in ("", *Case.values)
}
_CLAUSES = re.compile(r"[,;|]|\.(?=\s)")


class Reading(msgspec.Struct, frozen=True):
    """What an observation's facts come to: the first rule they meet, or None, and what the charger said for people.

    `ended` is the case that its words end while it says itself that something is broken, which `rule` then tells.
    `is_vague`: the words beside it say nothing of what that is. `further`: what else of a list of codes is broken.
    """

    rule: CompiledRule | None
    said: str
    is_unmapped: bool
    ended: str = ""
    is_vague: bool = False
    further: tuple[CompiledRule, ...] = ()
    # The codes that tell what is broken, those that are over, and what is left without these, in a line for people.
    codes: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    left: str = ""

    @property
    def raises(self) -> bool:
        return self.rule is not None and self.rule.effect == Effect.RAISE

    @property
    def is_plain(self) -> bool:
        """Whether a rule says more than that something is broken."""
        return self.rule is not None and not (self.raises and self.rule.case == Case.OTHER_FAULT)


def _reading(rules: Sequence[CompiledRule], observation: Observation) -> Reading:
    if observation.words and (over := _ended_codes(observation)):
        return _reading_of_end(rules, observation, over)
    heard = Heard(observation)
    rule = _beside_no_error(rules, observation, heard)
    rule = rule or next((rule for rule in rules if rule.is_met_by(observation, heard)), None)
    is_unmapped, ended, is_vague = rule is None, "", False
    if rule and rule.effect == Effect.CLEAR and rule.says is None and observation.alarming:
        is_unmapped = not observation.defective and not _knows_code(rules, observation)
    if rule is None:
        rule = OTHER_FAULT if observation.defective else None
    elif told := _told_by_code(rules, rule, observation):
        rule = told
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


def _ended_codes(observation: Observation) -> tuple[str, ...]:
    """The vendor's codes of which the words say that they are over: "Error CX004 resolved"."""
    if observation.component or observation.over:
        return ()
    vendors = (code for code in observation.codes[1:] if code.lower() not in UNSPECIFIC)
    return tuple(code for code in vendors if ends_of(observation.words, code))


def _reading_of_end(rules: Sequence[CompiledRule], observation: Observation, over: tuple[str, ...]) -> Reading:
    """What is left beside codes that are over: the status' own code still tells its case."""
    gone = replace(observation, codes=over, words="")
    heard = Heard(gone)
    ended = next((rule.case for rule in rules if rule.effect == Effect.RAISE and rule.is_met_by(gone, heard)), "")
    codes = tuple(code for code in observation.codes if code not in over)
    names = {name for code in over for name in names_of(code)}
    clauses = (part for part in _CLAUSES.split(observation.words) if not any(name in part.lower() for name in names))
    left = replace(observation, codes=codes, words=" ".join(clauses))
    found = replace(_reading(rules, left), said=observation.said, over=over, left=left.said)
    if found.raises and not found.is_plain:
        if not observation.counts:  # what remains was told before
            return replace(found, rule=ENDS_OF_CODE[ended], ended=ended)
        found = replace(found, is_vague=all(code.lower() in UNSPECIFIC for code in codes))
    ended = found.ended or ended
    return replace(found, rule=found.rule or ENDS_OF_CODE[ended], ended=ended)


def _own_codes(observation: Observation, over: tuple[str, ...]) -> tuple[str, ...]:
    """The codes by which a fault is told from others: those that say more than "faulted"."""
    return tuple(code for code in observation.codes if code not in over and told_by(code))[:MOST_CODES]


def _beside_no_error(rules: Sequence[CompiledRule], observation: Observation, heard: Heard) -> CompiledRule | None:
    """The rule for the fuse or sensor named beside NoError, or for any fault that a vendor's code names, while one
    charges or cannot. Beside Available it is left over of the fault that ended. Beside a warning only codes count."""
    if not observation.words or observation.status.lower() in ("available", FAULTED):
        return None
    codes = tuple(code for code in observation.codes if code.lower() not in HARMLESS)
    if len(codes) == len(observation.codes):
        return None
    bare = replace(observation, codes=codes)
    if NO_ERROR not in map(str.lower, observation.codes):
        bare = replace(bare, words=" ".join(codes))
        heard = Heard(bare)
    rule = next((rule for rule in rules if rule.is_met_by(bare, heard)), None)
    if rule is None or rule.effect != Effect.RAISE or not rule.is_specific:
        return None
    is_vendors = rule.is_by_code and not any(code.lower() in STANDARD_CODES for code in codes)
    return rule if rule.case in NAMED or is_vendors else None


def _knows_code(rules: Sequence[CompiledRule], observation: Observation) -> bool:
    """Whether a rule is of the vendor's code beside no error, or of just what was seen."""
    codes = tuple(code for code in observation.codes if code.lower() not in HARMLESS)
    bare = replace(observation, codes=codes, words=" ".join(codes))
    heard, heard_bare = Heard(observation), Heard(bare)
    return any(
        rule.is_met_by(observation, heard) if rule.is_exact else rule.is_specific and rule.is_met_by(bare, heard_bare)
        for rule in rules
    )


# What stands between the members of a list in words: "DOOR_OPEN|ESTOP", "E-Stop pressed and door open".
_BETWEEN = re.compile(r"[,;|+/&](?!\s*+\d)|\s(?:and|und|et|y|en|e)\s", re.IGNORECASE)


def _further(rules: Sequence[CompiledRule], observation: Observation, first: CompiledRule) -> tuple[CompiledRule, ...]:
    """The rules for the fuses and sensors that a list of codes or words names beside the first that was found."""
    codes = observation.codes if observation.component else observation.codes[1:]
    members = [part for each in _BETWEEN.split(observation.words) if (part := each.strip())]
    # Codes of a list of them, not words of a text.
    are_codes = len(codes) > 1 and (observation.component or {*codes} <= {*members})
    parts = [replace(observation, codes=(code,), words=code, place="") for code in codes if are_codes]
    # What a text names beside Faulted and does not say to have happened is a part of its description.
    whole = replace(observation, codes=(), status="", place="")
    parts += [replace(whole, words=part) for part in members if len(members) > 1 and not observation.component]
    if not 1 < len(parts) <= MOST_LISTED:
        return ()
    found: dict[str, CompiledRule] = {}
    for part in parts:
        heard = Heard(part)
        rule = next((rule for rule in rules if rule.is_met_by(part, heard)), None)
        if rule is None or rule.effect != Effect.RAISE or not rule.is_specific or rule.case not in NAMED:
            continue
        if part.codes or rule.is_met_by(whole, Heard(whole)):  # what the whole denies, none of it tells
            found.setdefault(rule.case, rule)
    found.pop(first.case, None)
    return tuple(found.values())


def _standing(rules: Sequence[CompiledRule], observation: Observation, ended: str) -> CompiledRule:
    """The rule for what stands while words, and the vendor's code among them, name a case that has ended."""
    bare = observation
    if not observation.component:
        codes = tuple(code for code in observation.codes if code.lower() in STANDARD_CODES)
        bare = replace(observation, words="", codes=codes)
    elif ended:
        bare = replace(observation, words="")
    heard, heard_bare = Heard(observation), Heard(bare)
    for rule in rules:
        if rule.effect == Effect.RAISE and (
            rule.is_met_by(bare, heard_bare) or (rule.case != ended and rule.is_met_by(observation, heard))
        ):
            return rule
    return OTHER_FAULT


def _told_by_code(rules: Sequence[CompiledRule], rule: CompiledRule, observation: Observation) -> CompiledRule | None:
    """The rule for the fault that a code names beside a part (2.x) that is known in normal operation: what is but a
    moment is reported as Operated (CharIN)."""
    if rule.effect != Effect.INFO or rule.is_specific or not observation.component or observation.over is True:
        return None
    codes = tuple(code for code in observation.codes if code.lower() not in HARMLESS)
    if not codes:
        return None
    bare = replace(observation, codes=codes, words=" ".join(codes), place="")
    heard = Heard(bare)
    for one in rules:
        if one.effect == Effect.RAISE and one.is_specific and one.is_met_by(bare, heard):
            return one
    return OTHER_FAULT if any(tells_broken(" ".join(words_of(code)), ()) for code in codes) else None


def _is_overruled(rule: CompiledRule, observation: Observation) -> bool:
    """Whether a rule says that all is well of what says itself that something is broken. That a part speaks in normal
    operation does not make a grave severity harmless; that its code is known does."""
    if rule.effect == Effect.INFO:
        return observation.faulted or (observation.grave and not rule.is_specific)
    return rule.effect == Effect.CLEAR and observation.counts


def _dictionary(rows: Iterable[RuleRow]) -> Dictionary:
    """The long words by which rules know a fuse or a sensor, and what is known by its beginning or denies, in full."""
    known = (word for row in rows if row.effect == Effect.RAISE for word in row.words if word[0] not in "!=")
    return _dictionary_of(tuple(known))


@lru_cache(maxsize=2)
def _dictionary_of(known: tuple[str, ...]) -> Dictionary:
    parts = (part for word in known for part in re.findall(r"[^\W\d_*]{8,}(?!\*)", word))
    right = (plain(part).lower() for word in known for part in re.findall(r"[^\W\d_*]{5,7}(?!\*)", word))
    long = (spelling.lower() for word in (*parts, *FULL_FORMS.split()) for spelling in spellings(word))
    return Dictionary(long, right)


class RuleBook:
    """The enabled rules in their order; remembers the answer for facts it has seen, because most messages repeat."""

    REMEMBERED, ACTIONS = 20_000, 200

    def __init__(self, rows: Iterable[RuleRow]) -> None:
        rows = list(rows)
        self.rules = [compile_rule(row) for row in rows]
        self.asks_for_vendor = any(row.vendors for row in rows)
        self._dictionary = _dictionary(rows)
        self._readings: dict[tuple[object, ...], Reading] = {}
        self._by_action: dict[str, list[CompiledRule]] = {}

    def read(self, observation: Observation) -> Reading:
        facts = observation.facts
        if (found := self._readings.get(facts)) is None:
            found = self._read(observation)
            if found.raises and found.rule:
                further = _further(self._of(observation.action), observation, found.rule)
                found = replace(found, further=further, codes=_own_codes(observation, found.over))
            if len(self._readings) >= self.REMEMBERED:  # of a flood that nobody repeats
                self._readings.clear()
            self._readings[facts] = found
        return found

    def _of(self, action: str) -> list[CompiledRule]:
        """The rules that a message of this action may meet; a message of thousands of entries asks for no others."""
        if (found := self._by_action.get(action)) is None:
            if len(self._by_action) >= self.ACTIONS:
                self._by_action.clear()
            found = [rule for rule in self.rules if rule.is_of is None or rule.is_of(action)]
            self._by_action[action] = found
        return found

    def _read(self, observation: Observation) -> Reading:
        """A text may have a letter wrong, in what names a fault or in what denies it."""
        rules = self._of(observation.action)
        found = _reading(rules, observation)
        if found.over or (found.rule and found.rule.is_exact):
            return found
        words = self._dictionary.corrected(taken_apart(observation.words))
        if words == observation.words:
            return found
        other = replace(_reading(rules, replace(observation, words=words)), said=found.said)
        if found.is_plain:
            beside = other.is_plain and NO_ERROR in map(str.lower, observation.codes)
            return other if found.raises is not other.raises and (found.raises or beside) else found
        return other if other.is_plain and (observation.defective or not other.raises) else found

    def match(self, observation: Observation) -> CompiledRule | None:
        """The first rule that the observation meets, OTHER_FAULT where none does and something is broken, or None."""
        return self.read(observation).rule


def effect_of(rule: CompiledRule, observation: Observation) -> Effect:
    """What the message does: a raising rule clears when the message itself says that the fault is over."""
    if rule.effect != Effect.RAISE:
        return rule.effect
    if observation.over is True:
        return Effect.CLEAR
    asserted = observation.asserted or (observation.explained and rule.is_specific)
    return Effect.RAISE if asserted else Effect.INFO
