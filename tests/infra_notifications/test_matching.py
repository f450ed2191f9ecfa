"""Which rule a message meets, and what that makes of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra_notifications.choices import Effect
from infra_notifications.ingest import Observation
from infra_notifications.rules.matching import CompiledRule, RuleBook, compile_rule, effect_of
from infra_notifications.rules.word_patterns import word_pattern


@dataclass
class Row:
    """A rule as the table would hold it."""

    pk: int = 1
    name: str = "rule"
    protocols: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    vendors: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    and_words: list[str] = field(default_factory=list)
    effect: str = "raise"
    case: str = "SENSORS"
    momentary_s: int | None = None


def seen(**facts: Any) -> Observation:
    return Observation(**({"action": "StatusNotification", "protocol": "ocpp1.6"} | facts))


def rule(**conditions: Any) -> CompiledRule:
    return compile_rule(Row(**conditions))


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("RCD", "RCD triggered", True),
        ("RCD", "the rcd", True),
        ("RCD", "ABRCD", False),
        ("RCD", "RCDs", False),
        ("FI", "FI-Schalter", True),
        ("FI", "WIFI", False),
        ("FI", "Wi-Fi", False),
        ("short circuit", "short-circuit", True),
        ("trip*", "tripped", True),
        ("trip*", "untripped", False),
        ("*Detected", "TiltDetected", True),
        ("*Detected", "TiltDetectedX", False),
        ("*tilt*", "untilted", True),
        ("door open", "front door open", True),
        ("door open", "door  open", False),
        ("a.b", "axb", False),
        ("(x)", "say (x)", True),
    ],
)
def test_words_have_borders_where_no_star_stands(word: str, text: str, found: bool) -> None:
    pattern = word_pattern([word])
    assert pattern is not None
    assert bool(pattern.search(text)) is found


@pytest.mark.parametrize("words", [[], [""], ["*"], ["**"]])
def test_words_that_say_nothing_make_no_pattern(words: list[str]) -> None:
    assert word_pattern(words) is None


def test_words_take_linear_time_whatever_anyone_types() -> None:
    pattern = word_pattern(["*(a+)+$*", "a*", "*a", "(.*)*x"])
    assert pattern is not None
    began = time.process_time()
    pattern.search("a" * 200_000 + "!")
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("conditions", "facts", "met"),
    [
        ({}, {}, True),
        ({"protocols": ["ocpp2"]}, {"protocol": "ocpp2.0.1"}, True),
        ({"protocols": ["ocpp2.1"]}, {"protocol": "ocpp2.0.1"}, False),
        ({"protocols": ["OCPP1.6", "ocpp2.1"]}, {}, True),
        ({"actions": ["statusnotification"]}, {}, True),
        ({"actions": ["NotifyEvent"]}, {}, False),
        ({"statuses": ["Faulted"]}, {"status": "faulted"}, True),
        ({"statuses": ["!Faulted"]}, {"status": "Faulted"}, False),
        ({"statuses": ["!Faulted", "!Unavailable"]}, {"status": "Available"}, True),
        ({"statuses": ["Suspended*"]}, {"status": "SuspendedEV"}, True),
        ({"codes": ["F003"]}, {"codes": ("OtherError", "f003")}, True),
        ({"codes": ["F003"]}, {"codes": ("F0033",)}, False),
        ({"codes": ["F003"]}, {}, False),
        ({"codes": ["F0*"]}, {"codes": ("F003",)}, True),
        ({"codes": ["*Tilt"]}, {"codes": ("a/b/Tilt",)}, True),
        ({"codes": ["!NoError"]}, {"codes": ("OtherError",)}, True),
        ({"codes": ["!NoError"]}, {"codes": ("NoError", "X1")}, False),
        ({"codes": ["X1", "!NoError"]}, {"codes": ("NoError", "X1")}, False),
        ({"codes": ["X1", "!NoError"]}, {"codes": ("OtherError", "X1")}, True),
        ({"codes": ["!NoError"]}, {}, True),
        ({"components": ["*Sensor"]}, {"component": "TiltSensor"}, True),
        ({"components": ["*Sensor"]}, {"component": "Sensors"}, False),
        ({"components": ["RCD"]}, {}, False),
        ({"variables": ["Active", "Tripped"]}, {"variable": "tripped"}, True),
        ({"variables": ["!AvailabilityState"]}, {"variable": "Problem"}, True),
        ({"variables": ["!AvailabilityState"]}, {"variable": "AvailabilityState"}, False),
        ({"vendors": ["alfen"]}, {"vendor": "com.Alfen.ng"}, True),
        ({"vendors": ["alfen"]}, {"vendor": "ABB"}, False),
        ({"vendors": ["alfen"]}, {}, False),
        ({"words": ["tilt*"]}, {"words": "it is tilted"}, True),
        ({"words": ["*TiltDetected"]}, {"codes": ("x/TiltDetected",)}, True),
        ({"words": ["RCD"], "and_words": ["trip*"]}, {"words": "RCD tripped"}, True),
        ({"words": ["RCD"], "and_words": ["trip*"]}, {"words": "RCD fine"}, False),
        ({"words": ["RCD"], "and_words": ["trip*"]}, {"words": "tripped by RCD"}, True),
        # What is run together is read as words, but Wi-Fi stays one.
        ({"words": ["door is open"]}, {"words": "BoxDoorIsOpen"}, True),
        ({"words": ["RCD"], "and_words": ["trip*"]}, {"codes": ("ERR_RCD_TRIPPED",)}, True),
        ({"words": ["FI"]}, {"words": "WiFi down"}, False),
        # Denied or over, beside the word and in its clause.
        ({"words": ["RCD"], "and_words": ["trip*"]}, {"words": "RCD not tripped"}, False),
        ({"words": ["RCD"], "and_words": ["trip*"]}, {"words": "RCD self test passed, not tripped"}, False),
        ({"words": ["RCD"], "and_words": ["trip*"]}, {"words": "RCD tripped, no charging possible"}, True),
        ({"words": ["RCD"], "and_words": ["trip*"]}, {"words": "RCD tripped, manual reset required"}, True),
        ({"words": ["RCD"], "and_words": ["trip*"]}, {"words": "RCD trip not yet cleared"}, True),
        ({"words": ["tilt*"]}, {"words": "Tilt alarm cleared"}, False),
        ({"words": ["tilt*"]}, {"words": "no tilt, but tilt sensor triggered"}, True),
        ({"words": ["Not-Aus"]}, {"words": "Not-Aus betätigt"}, True),
        ({"words": ["Not-Aus"]}, {"words": "Not-Aus nicht betätigt"}, False),
        # What the rule itself asks for denies nothing.
        ({"words": ["no power"]}, {"words": "No power on mains"}, True),
        ({"words": ["reconnected"]}, {"words": "RCD reconnected"}, True),
        # An end that the message states by its value may be said in words.
        ({"words": ["tilt*"]}, {"words": "tilt cleared", "over": True}, True),
        # "!" denies for this rule alone.
        ({"words": ["tilt*", "!battery"]}, {"words": "battery tilted"}, False),
        ({"words": ["door"], "and_words": ["clos*"], "effect": "clear"}, {"words": "door closed"}, True),
        ({"words": ["door"], "and_words": ["clos*"], "effect": "clear"}, {"words": "door not closed"}, False),
    ],
)
def test_rule_is_met_when_every_condition_holds(conditions: dict[str, Any], facts: dict[str, Any], met: bool) -> None:
    assert RuleBook([Row(**conditions)]).read(seen(**facts)).is_unmapped is not met


def test_first_rule_that_is_met_decides() -> None:
    book = RuleBook([Row(1, codes=["A"]), Row(2, codes=["A", "B"]), Row(3)])
    found = [book.match(seen(codes=(code,))) for code in ("A", "B", "C")]
    assert [one and one.id for one in found] == [1, 2, 3]


def test_no_rule_is_met_when_none_fits() -> None:
    assert RuleBook([Row(codes=["A"])]).match(seen(codes=("B",))) is None


def test_answer_is_remembered_only_for_the_same_facts() -> None:
    book = RuleBook([Row(1, statuses=["Faulted"])])
    assert book.match(seen(status="Faulted")) is book.match(seen(status="Faulted", evse=2))
    assert book.match(seen(status="Available")) is None


def test_memory_is_bounded() -> None:
    book = RuleBook([Row(codes=["A"])])
    book.REMEMBERED = 3
    observations = [seen(codes=(str(number),)) for number in range(10)]
    first = [book.read(observation) for observation in observations]
    assert book.read(observations[-1]) is first[-1]
    assert not any(book.read(observation) is reading for observation, reading in zip(observations, first, strict=True))


def test_book_knows_whether_a_rule_asks_for_the_vendor() -> None:
    assert RuleBook([Row(), Row(vendors=["ABB"])]).asks_for_vendor
    assert not RuleBook([Row()]).asks_for_vendor


@pytest.mark.parametrize(
    ("effect", "facts", "made"),
    [
        ("raise", {}, Effect.RAISE),
        ("raise", {"over": False}, Effect.RAISE),
        ("raise", {"over": True}, Effect.CLEAR),
        ("raise", {"asserted": False}, Effect.INFO),
        ("raise", {"asserted": False, "over": True}, Effect.CLEAR),
        ("clear", {}, Effect.CLEAR),
        ("info", {"over": False}, Effect.INFO),
    ],
)
def test_raising_rule_clears_when_the_message_says_so(effect: str, facts: dict[str, Any], made: Effect) -> None:
    assert effect_of(rule(effect=effect), seen(**facts)) == made


def test_a_rule_made_by_a_click_is_not_asked_again_with_another_spelling() -> None:
    words: dict[str, Any] = {"words": ["emergency stop"], "case": "FUSE_TRIPPED", "pk": 1}
    clicked: dict[str, Any] = {"words": ["=Emergancy stop"], "case": "OTHER_FAULT", "pk": 2}
    said = seen(words="Emergancy stop", status="Faulted", defective=True, faulted=True)
    for rows, case in (([words], "FUSE_TRIPPED"), ([words, clicked], "OTHER_FAULT")):
        rule = RuleBook([Row(**row) for row in rows]).match(said)
        assert rule is not None
        assert rule.case == case
